//! What tests take from Python's package index: virtual environments and packages, made once for each pin, in the
//! folder that cargo keeps for tests.
//!
//! A machine without Python or without the index fails the tests that need them, and says so: a check that was not
//! made has not passed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python of a virtual environment in which pip was told to install this.
pub(crate) fn environment(install: &[&str]) -> PathBuf {
    let home = made(&install.join(" "), |fresh| {
        said(Command::new("python3").args(["-m", "venv"]).arg(fresh));
        let mut pip = Command::new(python(fresh));
        said(pip.args(["-m", "pip", "install", "--quiet"]).args(install));
    });
    python(&home)
}

/// The folder with the contents of a package's wheel, which is not installed: any platform's will do.
pub(crate) fn unpacked(pin: &str) -> PathBuf {
    made(&format!("unpacked {pin}"), |fresh| {
        fs::create_dir(fresh).unwrap();
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps"]);
        pip.args(["--only-binary=:all:", "--python-version", "3.12"]);
        pip.args(["--platform", "manylinux2014_x86_64", pin, "--dest"]);
        said(pip.arg(fresh));
        let wheel = fs::read_dir(fresh).unwrap().next().unwrap().unwrap().path();
        let mut zip = Command::new("python3");
        said(zip.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(fresh));
        fs::remove_file(wheel).unwrap();
    })
}

/// What is made once for a name and kept between runs of the tests.
pub(crate) fn made(what: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = what.chars().map(plain).collect();
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let complete = home.join("complete");
    if complete.exists() {
        return home;
    }
    // One that was left half made is of no use, and neither is one that another run of the tests makes now:
    // each is made beside and put in place whole.
    let making = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let fresh = making.path().join("made");
    make(&fresh);
    fs::write(fresh.join("complete"), what).unwrap();
    let placed = fs::rename(&fresh, &home).or_else(|_| {
        // Half of it may be there from before this was done with care.
        if !complete.exists() {
            let _stale = fs::remove_dir_all(&home);
        }
        fs::rename(&fresh, &home)
    });
    // Where another run was faster, its own is as good.
    assert!(placed.is_ok() || complete.exists(), "{placed:?}");
    home
}

fn python(home: &Path) -> PathBuf {
    home.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    })
}

/// What a command said, which must have succeeded.
pub(crate) fn said(command: &mut Command) -> String {
    let needs = "this test needs python3 with venv and pip, and a package index";
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{needs}: {command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(
        output.status.success(),
        "{needs}; it did not do: {command:?}:\n{said}"
    );
    said
}
