//! Counting by valgrind's callgrind: this program again, once for few repetitions and once for many.

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// Repetitions that both counts have, so that what is done once only (caches, lazy statics) is in neither.
const FEW: u64 = 50;

/// How to come by it.
const INSTALL: &str = "valgrind is needed and was not found; it is in the packages of every distribution \
    (`apt-get install valgrind`, `dnf install valgrind`, `apk add valgrind`), on Linux only";

/// valgrind's own words for its version.
///
/// # Errors
/// Where there is none, with the remedy.
pub(crate) fn version() -> Result<String, Box<dyn Error>> {
    let output = Command::new("valgrind").arg("--version").output();
    let output = output.map_err(|error| format!("{INSTALL} ({error})"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Instructions of one operation, all threads together, user mode.
pub(crate) fn count(
    name: &str,
    times: u64,
    profiles: Option<&Path>,
) -> Result<u64, Box<dyn Error>> {
    let few = run(name, FEW, None)?;
    let many = run(name, FEW + times, profiles)?;
    Ok(many.saturating_sub(few) / times)
}

fn run(name: &str, times: u64, profiles: Option<&Path>) -> Result<u64, Box<dyn Error>> {
    let file = match profiles {
        Some(folder) => folder.join(format!("callgrind.out.{}", name.replace('/', "-"))),
        None => "/dev/null".into(),
    };
    let mut command = Command::new("valgrind");
    command
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe()?)
        .args([super::FLAG, name, &times.to_string()]);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    match collected.and_then(|(_, count)| count.trim().parse().ok()) {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(format!("{command:?} ended with {}: {said}", output.status).into()),
    }
}
