//! Folders as users and enemies leave them, and what the watcher tells of them from look to look.

use std::fs::{self, File};

use expect_test::{Expect, expect};
use tempfile::TempDir;

use super::*;

/// A moment long after every file's own time, so that ages do not depend on when the test runs.
fn later(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000 + seconds)
}

struct Folder {
    root: TempDir,
    repository: Repository,
}

impl Folder {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let repository = Repository::open(root.path()).unwrap();
        Self { root, repository }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Writes a file whose time of change is so many seconds after [`later`]`(0)`.
    fn write(&self, path: &str, text: &str, seconds: u64) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(later(seconds)).unwrap();
        self
    }

    fn scan(&self) -> Scan {
        self.repository.scan(later(1000)).unwrap()
    }

    fn check(&self, expected: Expect) {
        let scan = self.scan();
        let mut text = String::new();
        for (model, found) in &scan.models {
            let settings: Vec<_> = found.settings.paths().collect();
            text += &format!("{model} {settings:?}\n");
            for (version, found) in &found.versions {
                let files: Vec<_> = found.fingerprint.paths().collect();
                let (age, whole) = (found.age, &found.completeness);
                text += &format!("  {version}: {files:?} {age:?} {whole:?}\n");
            }
        }
        if !scan.unreadable.is_empty() {
            text += &format!("unreadable: {:?}\n", scan.unreadable);
        }
        for note in &scan.notes {
            text += &format!("note: {note}\n");
        }
        let root = self.repository.root().to_string_lossy().into_owned();
        expected.assert_eq(&text.replace(&root, "ROOT"));
    }
}

#[test]
fn versions_are_found() {
    let folder = Folder::new();
    folder
        .write("iris/1/model.onnx", "a", 0)
        .write("iris/2/model.onnx", "a", 10)
        .write("iris/2/data/x.bin", "abc", 20)
        .write("iris/10/model.onnx", "a", 2000)
        .write("iris/model.toml", "", 0)
        .write("iris/config.pbtxt", "", 0)
        .write("iris/labels/x.txt", "", 0)
        .write("README.md", "", 0)
        .write("digits.v2/1/model.pt", "a", 0);
    folder.check(expect![[r#"
        digits.v2 []
          1: ["model.pt"] 1000s Whole
        iris ["config.pbtxt", "model.toml"]
          1: ["model.onnx"] 1000s Whole
          2: ["data/x.bin", "model.onnx"] 980s Whole
          10: ["model.onnx"] 0ns Whole
    "#]]);
    let err = Repository::open(&folder.path("README.md")).unwrap_err();
    assert!(err.to_string().contains("expected a folder"), "{err}");
    assert!(Repository::open(&folder.path("absent")).is_err());
}

#[test]
fn what_is_not_whole_is_known_for_it() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("m/1")).unwrap();
    folder
        .write("m/2/model.onnx", "", 0)
        .write("m/3/model.onnx.part", "a", 0)
        .write("m/3/golden.json", "a", 0)
        .write("m/4/model.onnx", "a", 0)
        .write("m/4/old.tmp", "a", 0)
        .write("m/5/weights.bin", "a", 0)
        .write("m/6/.model.onnx.Xy12", "a", 0);
    folder.check(expect![[r#"
        m []
          1: [] 0ns Unfinished("no files yet")
          2: ["model.onnx"] 1000s Unfinished("the model file is empty")
          3: ["golden.json"] 1000s Unfinished("a temporary file and no model file yet")
          4: ["model.onnx"] 1000s Whole
          5: ["weights.bin"] 1000s Whole
          6: [] 0ns Unfinished("no files yet")
    "#]]);
}

#[test]
fn what_looks_like_a_mistake_is_noted() {
    let folder = Folder::new();
    folder
        .write("iris.onnx", "a", 0)
        .write("flat/model.onnx", "a", 0)
        .write("m/v1/model.onnx", "a", 0)
        .write("m/01/model.onnx", "a", 0)
        .write("m/0/x", "a", 0)
        .write("m/1.5/x", "a", 0)
        .write("m/latest/model.onnx", "a", 0)
        .write("m/7", "a", 0)
        .write("m/1~/model.onnx", "a", 0)
        .write("m/.git/model.onnx", "a", 0)
        .write("m/99999999999999999999/x", "a", 0)
        .write("with space/1/model.onnx", "a", 0)
        .write("modèle/1/model.onnx", "a", 0)
        .write("-x/1/model.onnx", "a", 0);
    folder.check(expect![[r#"
        flat []
        m []
        note: ROOT/-x: not a model's name: a name has only letters, digits, '.', '_' and '-', and starts with a letter, a digit or '_': got "-x"
        note: ROOT/flat/model.onnx: a model file lies in a version's folder, such as 1/model.onnx, not beside the versions
        note: ROOT/iris.onnx: a model lies in MODEL/VERSION/, such as MODEL/1/model.onnx
        note: ROOT/m/0: a version's folder is named by a whole number from 1 without leading zeros, such as 1
        note: ROOT/m/01: a version's folder is named by a whole number from 1 without leading zeros, such as 1
        note: ROOT/m/1.5: a version's folder is named by a whole number from 1 without leading zeros, such as 1
        note: ROOT/m/7: expected a version's folder, found a file
        note: ROOT/m/99999999999999999999: a version's folder is named by a whole number from 1 without leading zeros, such as 1
        note: ROOT/m/latest: a version's folder is named by a whole number from 1 without leading zeros, such as 1
        note: ROOT/m/v1: a version's folder is named by a whole number from 1 without leading zeros, such as 1
        note: ROOT/modèle: not a model's name: a name has only letters, digits, '.', '_' and '-', and starts with a letter, a digit or '_': got "modèle"
        note: ROOT/with space: not a model's name: a name has only letters, digits, '.', '_' and '-', and starts with a letter, a digit or '_': got "with space"
    "#]]);
}

#[cfg(unix)]
#[test]
fn a_hostile_folder_harms_no_other() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("model.onnx"), "secret").unwrap();
    let folder = Folder::new();
    folder
        .write("good/1/model.onnx", "a", 0)
        .write("m/1/model.onnx", "a", 0)
        .write("m/3/model.onnx", "a", 0)
        .write("closed/1/model.onnx", "a", 0);
    symlink(".", folder.path("m/1/self")).unwrap();
    symlink("../..", folder.path("m/1/up")).unwrap();
    symlink(outside.path(), folder.path("m/2")).unwrap();
    symlink(outside.path(), folder.path("out")).unwrap();
    symlink("nowhere", folder.path("gone")).unwrap();
    symlink("gone2", folder.path("m/3/gone2")).unwrap();
    let bad = std::ffi::OsStr::from_bytes(b"bad\xff");
    fs::create_dir(folder.root.path().join(bad)).unwrap();
    let mut deep = folder.path("good/1");
    for _ in 0..20 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    folder.check(expect![[r#"
        closed []
          1: ["model.onnx"] 1000s Whole
        good []
          1: ["model.onnx"] 1000s Whole
        m []
          1: ["model.onnx"] 1000s Whole
          3: ["model.onnx"] 1000s Whole
        note: ROOT/bad�: not a model's name: a name has only letters, digits, '.', '_' and '-', and starts with a letter, a digit or '_': got "bad�"
        note: ROOT/gone: a link that leads nowhere
        note: ROOT/good/1/d/d/d/d/d/d/d/d: folders lie more than 8 deep
        note: ROOT/m/1/self: a link to a folder that holds it
        note: ROOT/m/1/up: a link to a folder that holds it
        note: ROOT/m/2: is a link that leaves the repository; copy the files into it
        note: ROOT/m/3/gone2: leads nowhere: Too many levels of symbolic links (os error 40)
        note: ROOT/out: is a link that leaves the repository; copy the files into it
    "#]]);

    // A folder that may not be read is not a folder that is gone. A privileged user may read it all the same.
    let closed = folder.path("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let scan = folder.scan();
    let name = Name::new("closed").unwrap();
    let read = fs::read_dir(&closed).is_ok();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(scan.unreadable.contains(&name), !read);
    assert!(scan.models.contains_key("good"));
}

/// Drives one watch by steps of a second, showing what it tells at each.
struct Script {
    folder: Folder,
    watch: Watch,
    now_ms: u64,
}

impl Script {
    fn new(folder: Folder) -> Self {
        Self {
            folder,
            watch: Watch::new(1000),
            now_ms: 0,
        }
    }

    fn after(&mut self, ms: u64, expected: Expect) {
        self.now_ms += ms;
        let changes = self.watch.observe(&self.folder.scan(), self.now_ms);
        let show = |change: &Change| match change {
            Change::Appeared { model, version } => format!("+{model}/{version}"),
            Change::Changed { model, version } => format!("*{model}/{version}"),
            Change::Vanished { model, version } => format!("-{model}/{version}"),
            Change::Settings { model } => format!("~{model}"),
        };
        let shown: Vec<_> = changes.iter().map(show).collect();
        expected.assert_eq(&shown.join(" "));
    }
}

#[test]
fn at_the_first_look_old_files_are_told_at_once() {
    let folder = Folder::new();
    folder
        .write("m/1/model.onnx", "a", 0)
        .write("m/2/model.onnx", "a", 1000)
        .write("m/3/model.onnx", "a", 999);
    let mut script = Script::new(folder);
    script.after(0, expect!["+m/1 +m/3"]);
    script.after(1000, expect!["+m/2"]);
    script.after(1000, expect![""]);
}

#[test]
fn a_version_that_is_being_copied_is_not_told() {
    let mut script = Script::new(Folder::new());
    script.after(0, expect![""]);
    // However old the copied files' own times are: only the first look trusts them.
    script.folder.write("m/1/model.onnx", "a", 0);
    script.after(1000, expect![""]);
    script.folder.write("m/1/model.onnx", "ab", 0);
    script.after(1000, expect![""]);
    script.after(500, expect![""]);
    script.folder.write("m/1/golden.json", "{", 0);
    script.after(1000, expect![""]);
    script.after(999, expect![""]);
    script.after(1, expect!["+m/1"]);
    script.after(1000, expect![""]);
}

#[test]
fn an_empty_model_file_is_never_told() {
    let mut script = Script::new(Folder::new());
    script.folder.write("m/1/model.onnx", "", 0);
    for _ in 0..5 {
        script.after(1000, expect![""]);
    }
    script.folder.write("m/1/model.onnx", "a", 0);
    script.after(1000, expect![""]);
    script.after(1000, expect!["+m/1"]);
}

#[test]
fn changes_settle_and_vanishing_is_told_at_once() {
    let folder = Folder::new();
    folder
        .write("m/1/model.onnx", "a", 0)
        .write("m/2/model.onnx", "a", 0);
    let mut script = Script::new(folder);
    script.after(0, expect!["+m/1 +m/2"]);
    script.folder.write("m/1/model.onnx", "b", 5);
    script.after(1000, expect![""]);
    script.folder.write("m/1/model.onnx", "c", 6);
    script.after(1000, expect![""]);
    script.after(1000, expect!["*m/1"]);
    // Changed and changed back before it settled: nothing to tell.
    script.folder.write("m/1/model.onnx", "d", 7);
    script.after(500, expect![""]);
    script.folder.write("m/1/model.onnx", "c", 6);
    script.after(500, expect![""]);
    script.after(1000, expect![""]);
    fs::remove_dir_all(script.folder.path("m/2")).unwrap();
    script.after(1, expect!["-m/2"]);
    script.folder.write("m/model.toml", "version = 1", 0);
    script.after(1000, expect![""]);
    script.after(1000, expect!["~m"]);
    fs::remove_dir_all(script.folder.path("m")).unwrap();
    script.after(1, expect!["-m/1"]);
    // What was never told does not vanish.
    script.folder.write("m/3/model.onnx", "a", 0);
    script.after(1000, expect![""]);
    fs::remove_dir_all(script.folder.path("m")).unwrap();
    script.after(1000, expect![""]);
}

#[test]
fn what_cannot_be_read_is_still_there() {
    let folder = Folder::new();
    folder
        .write("m/1/model.onnx", "a", 0)
        .write("k/1/model.onnx", "a", 0);
    let mut watch = Watch::new(1000);
    assert_eq!(watch.observe(&folder.scan(), 0).len(), 2);
    let mut scan = folder.scan();
    scan.models.remove("m");
    scan.unreadable.insert(Name::new("m").unwrap());
    let k = scan.models.get_mut("k").unwrap();
    let version = k.versions.get_mut(&VersionNumber::ONE).unwrap();
    version.completeness = Completeness::Unreadable;
    version.fingerprint = Fingerprint::default();
    assert_eq!(watch.observe(&scan, 5000), []);
    assert_eq!(watch.observe(&scan, 9000), []);
    assert_eq!(watch.observe(&folder.scan(), 20_000), []);
}

#[test]
fn a_note_is_new_once() {
    let folder = Folder::new();
    folder.write("m/v1/x", "a", 0);
    let mut watch = Watch::new(1000);
    assert_eq!(watch.new_notes(&folder.scan()).len(), 1);
    assert_eq!(watch.new_notes(&folder.scan()).len(), 0);
    folder.write("m/v2/x", "a", 0);
    assert_eq!(watch.new_notes(&folder.scan()).len(), 1);
}
