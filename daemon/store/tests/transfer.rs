//! Backups and what becomes of them.

use std::fs;
use std::path::Path;

use super::*;

fn filled(store: &dyn Store) -> Loaded {
    for to in 1..=7 {
        step(store, to).unwrap();
    }
    let tokens = [TokenChange::Put(token("b")), TokenChange::Put(token("a"))];
    store
        .commit(Commit {
            tokens: &tokens,
            ..Commit::default()
        })
        .unwrap();
    store.load().unwrap()
}

fn backup(store: &dyn Store) -> Vec<u8> {
    let mut file = Vec::new();
    store.backup(1_700_000_000_000, &mut file).unwrap();
    file
}

fn put_back(path: &Path, file: &[u8], force: Force) -> Result<u64, Error> {
    restore(path, &mut &file[..], force)
}

fn loaded(path: &Path) -> Loaded {
    Sled::open(path, Retention::default())
        .unwrap()
        .load()
        .unwrap()
}

#[test]
fn a_backup_brings_everything_back() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let store = Sled::open(&from, Retention::default()).unwrap();
    let all = filled(&store);
    let file = backup(&store);
    assert_eq!(put_back(&to, &file, Force::Keep).unwrap(), 7);
    assert_eq!(loaded(&to), all);
    // It goes on from there, and its own backup is the same.
    let restored = Sled::open(&to, Retention::default()).unwrap();
    assert_eq!(backup(&restored), file);
    step(&restored, 8).unwrap();
    // A store in memory writes the same file.
    let memory = Memory::default();
    filled(&memory);
    assert_eq!(backup(&memory), file);
}

#[test]
fn the_file_says_what_it_is() {
    let store = Memory::default();
    filled(&store);
    let file = String::from_utf8(backup(&store)).unwrap();
    let lines: Vec<_> = file.lines().collect();
    let header = r#"{"format":"impresario-backup","version":1,"schema":1,"revision":7,"at":1700000000000,"count":16}"#;
    assert_eq!(lines[0], header);
    assert_eq!(lines.len(), 18);
    expect_test::expect![[r#"
        {"kind":"pipeline","value":{"name":"p5","is":{"pipeline":{"policy":{"type":"standalone","model":"iris","version":6}},"revision":6,"source":"file","course":{"learning":{"id":5,"phase":"preparing","slots":{"arms":2,"runs":[[0,10000]]},"split":{"arms":2,"runs":[[0,5000],[1,5000]]},"segment":0,"periods":0,"best":null,"removed":[{"arm":1,"by":"ann","why":"worse"}],"since":1005,"why":"the arms' versions are made ready; the baseline answers all"}}}}}
        {"kind":"intent","value":{"name":"m5","is":{"unloaded":true,"versions":[{"version":6,"load":false}]}}}
        {"kind":"applied","value":{"name":"p5","is":"digest-5"}}
        {"kind":"record","value":{"seq":5,"revision":5,"at":1005,"actor":"actor-2","source":"api","action":"model.load","reason":"weil \"ß\"\n","diffs":[{"kind":"pipeline","name":"p1","before":null,"after":{"policy":{"type":"standalone","model":"iris","version":5}}},{"kind":"intent","name":"iris","before":{"unloaded":false,"versions":[{"version":1,"load":true},{"version":12,"load":false}]},"after":null},{"kind":"course","name":"iris","before":{"learning":{"id":5,"phase":"preparing","slots":{"arms":2,"runs":[[0,10000]]},"split":{"arms":2,"runs":[[0,5000],[1,5000]]},"segment":0,"periods":0,"best":null,"removed":[{"arm":1,"by":"ann","why":"worse"}],"since":1005,"why":"the arms' versions are made ready; the baseline answers all"}},"after":{"rollout":{"id":6,"phase":{"paused":{"by":"ann","from":{"step":{"held":"srm"}}}},"step":0,"slots":{"arms":2,"runs":[[0,10000]]},"target":0,"segment":0,"turn":0,"thresholds":{"slow_ns":[1,2,18446744073709551615],"slower_than_ns":null,"deciles":[0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1]},"freeze":{"by":"bob","until":6},"express":false,"forced":null,"since":1006,"why":"version 2 is to take the place of version 1 in 8 steps","pulse":{"started":false,"clock":0,"baked":0,"away":0,"log_harm":-0.3,"log_srm":0.0,"frozen":null,"waits":null}}}}],"numbers":[["canary requests",5.1]]}}
        {"kind":"token","value":{"id":"a","name":"token a","role":"operator","hash":"$argon2id$…","created_at":7,"expires_at":8}}
    "#]]
    .assert_eq(&[1, 3, 5, 11, 14].map(|n| format!("{}\n", lines[n])).concat());
}

#[test]
fn damaged_cut_and_foreign_files_are_refused_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let store = Memory::default();
    filled(&store);
    let file = backup(&store);
    let text = String::from_utf8(file.clone()).unwrap();
    let newer = text.replace(r#""version":1,"schema":1"#, r#""version":2,"schema":1"#);
    let schema = text.replace(r#""version":1,"schema":1"#, r#""version":1,"schema":7"#);
    let swapped = text.replace("actor-1", "actor-9");
    let dropped: String = text
        .lines()
        .filter(|l| !l.contains("p6"))
        .map(|l| format!("{l}\n"))
        .collect();
    let twice = format!("{text}{text}");
    let mut cases = vec![
        (Vec::new(), "the file is empty"),
        (b"SQLite format 3\0".to_vec(), "line 1 has no end"),
        (
            b"{\"format\":\"other\"}\n".to_vec(),
            "does not begin with a backup's header",
        ),
        (newer.into_bytes(), "version 2, schema 1"),
        (schema.into_bytes(), "version 1, schema 7"),
        (swapped.into_bytes(), "checksum is wrong"),
        (dropped.into_bytes(), "line"),
        (twice.into_bytes(), "something follows"),
    ];
    cases.extend(
        (1..file.len())
            .step_by(97)
            .map(|end| (file[..end].to_vec(), "")),
    );
    for (bytes, part) in cases {
        let error = put_back(&path, &bytes, Force::Replace).unwrap_err();
        let text = told(&error);
        assert!(matches!(error.cause(), Cause::Backup { .. }), "{text}");
        assert!(text.contains(part), "{text}");
        assert!(!path.exists(), "{text}");
    }
}

#[test]
fn any_changed_byte_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Memory::default();
    filled(&store);
    let file = backup(&store);
    for at in (0..file.len()).step_by(31) {
        let mut changed = file.clone();
        changed[at] ^= 0x04;
        let error = put_back(folder.path(), &changed, Force::Keep).unwrap_err();
        assert!(
            matches!(error.cause(), Cause::Backup { .. }),
            "byte {at}: {error:?}"
        );
    }
}

#[test]
fn a_store_that_is_there_is_replaced_only_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sled::open(folder.path(), Retention::default()).unwrap();
    step(&store, 1).unwrap();
    let small = backup(&store);
    let all = filled_from(&store, 2);
    drop(store);
    let kept = put_back(folder.path(), &small, Force::Keep).unwrap_err();
    assert!(matches!(kept.cause(), Cause::Occupied), "{kept:?}");
    assert!(told(&kept).contains("--force"));
    assert_eq!(loaded(folder.path()), all);
    put_back(folder.path(), &small, Force::Replace).unwrap();
    assert_eq!(loaded(folder.path()).routing, routing(1));
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn filled_from(store: &dyn Store, first: u64) -> Loaded {
    for to in first..first + 4 {
        step(store, to).unwrap();
    }
    store.load().unwrap()
}

#[test]
fn a_damaged_store_can_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sled::open(folder.path(), Retention::default()).unwrap();
    let all = filled(&store);
    let file = backup(&store);
    drop(store);
    fs::write(folder.path().join("sled/db"), "nothing of the kind").unwrap();
    let error = Sled::open(folder.path(), Retention::default()).unwrap_err();
    assert!(matches!(error, Error::Aborted { .. }));
    put_back(folder.path(), &file, Force::Replace).unwrap();
    assert_eq!(loaded(folder.path()), all);
}

#[test]
fn a_restore_that_was_interrupted_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let store = Sled::open(folder.path(), Retention::default()).unwrap();
    let all = filled(&store);
    drop(store);
    // While it was built, and between the two renames.
    fs::create_dir(at("sled.restoring")).unwrap();
    fs::write(at("sled.restoring/db"), "half").unwrap();
    assert_eq!(loaded(folder.path()), all);
    fs::create_dir(at("sled.restoring")).unwrap();
    fs::rename(at("sled"), at("sled.replaced")).unwrap();
    assert_eq!(loaded(folder.path()), all);
    // After both renames, before the old one was removed.
    fs::create_dir(at("sled.replaced")).unwrap();
    assert_eq!(loaded(folder.path()), all);
    assert!(!at("sled.replaced").exists() && !at("sled.restoring").exists());
}

#[test]
fn a_backup_that_cannot_be_written_says_so() {
    let store = Memory::default();
    filled(&store);
    let mut short = [0u8; 100];
    let error = store.backup(1, &mut &mut short[..]).unwrap_err();
    assert!(matches!(error.cause(), Cause::BackupIo(_)), "{error:?}");
}
