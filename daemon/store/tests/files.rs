//! What only files can do: survive, be locked, be damaged, be of another version.

use std::fs;
use std::io;
use std::path::Path;

use super::*;

fn open(path: &Path) -> Result<Sled, Error> {
    Sled::open(path, Retention::default())
}

/// The engine's own view of a closed store.
fn raw(path: &Path) -> ::sled::Db {
    super::super::sled::open_db(path).unwrap()
}

/// A closed store after so many changes, the last of them large enough for several chunks.
fn made(path: &Path, changes: u64) {
    let store = open(path).unwrap();
    for to in 1..=changes {
        step(&store, to).unwrap();
    }
    let put = [TokenChange::Put(token("a"))];
    let commit = Commit {
        tokens: &put,
        ..Commit::default()
    };
    store.commit(commit).unwrap();
}

#[test]
fn everything_survives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/where/missing");
    for boot in 0..4 {
        let store = open(&path).unwrap();
        let loaded = store.load().unwrap();
        assert_eq!(loaded.routing, routing(boot * 3));
        assert_eq!(loaded.history.len() as u64, boot * 3);
        for to in boot * 3 + 1..=boot * 3 + 3 {
            step(&store, to).unwrap();
        }
    }
}

#[test]
fn a_large_record_is_kept_in_the_file_that_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let mut large = record(1, 0).as_ref().clone();
    large.reason = Some("x".repeat(300_000));
    let small = Record {
        reason: Some("y".repeat(5_000)),
        ..large.clone()
    };
    let store = open(folder.path()).unwrap();
    let records = [Arc::new(large), Arc::new(Record { seq: 2, ..small })];
    store
        .commit(Commit {
            records: &records,
            ..Commit::default()
        })
        .unwrap();
    drop(store);
    assert_eq!(
        open(folder.path()).unwrap().load().unwrap().history,
        records
    );
    // The engine keeps what is large beside its file, which nobody syncs.
    let blobs = fs::read_dir(folder.path().join("sled/blobs")).unwrap();
    assert_eq!(blobs.count(), 0);
}

#[test]
fn fewer_records_are_kept_when_the_settings_say_so() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), 12);
    let few = Retention {
        audit: 4,
        history: 2,
    };
    let store = Sled::open(folder.path(), few).unwrap();
    assert_eq!(
        store.load().unwrap().history,
        [record(11, 11), record(12, 12)]
    );
    let all = store.audit(&AuditQuery::default()).unwrap();
    assert_eq!(
        all.iter().map(|r| r.seq).collect::<Vec<_>>(),
        [12, 11, 10, 9]
    );
    drop(store);
    let store = open(folder.path()).unwrap();
    assert_eq!(store.load().unwrap().history.len(), 4);
    step(&store, 13).unwrap();
}

#[test]
fn the_files_do_not_grow_without_bound() {
    let folder = tempfile::tempdir().unwrap();
    let few = Retention {
        audit: 50,
        history: 10,
    };
    let store = Sled::open(folder.path(), few).unwrap();
    for to in 1..=3_000 {
        step(&store, to).unwrap();
    }
    drop(store);
    let size = fs::metadata(folder.path().join("sled/db")).unwrap().len();
    assert!(size < 16 << 20, "{size} bytes for fifty records");
    let store = Sled::open(folder.path(), few).unwrap();
    assert_eq!(store.load().unwrap().routing, routing(3_000));
}

#[test]
fn a_second_process_is_told_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    let second = open(folder.path()).unwrap_err();
    let text = told(&second);
    assert!(
        matches!(second.cause(), Cause::Locked { pid: Some(pid) } if *pid == std::process::id()),
        "{text}"
    );
    for part in [
        "aborted: ",
        "open the store in",
        &folder.path().display().to_string(),
        "--state",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let forced = restore(folder.path(), &mut &backup_of(&first)[..], Force::Replace);
    assert!(matches!(forced.unwrap_err().cause(), Cause::Locked { .. }));
    drop(first);
    open(folder.path()).unwrap();
}

fn backup_of(store: &dyn Store) -> Vec<u8> {
    let mut file = Vec::new();
    store.backup(1, &mut file).unwrap();
    file
}

#[test]
fn a_change_in_doubt_stops_everything_until_the_store_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    step(&store, 1).unwrap();
    for to in [2, 3] {
        store.break_sync();
        let doubt = step(&store, to).unwrap_err();
        assert!(matches!(doubt, Error::Unknown { .. }), "{doubt:?}");
        assert!(matches!(doubt.cause(), Cause::Io(_)), "{doubt:?}");
        for refused in [
            step(&store, to).unwrap_err(),
            store.audit(&AuditQuery::default()).unwrap_err(),
            store.backup(1, &mut Vec::new()).unwrap_err(),
        ] {
            assert!(matches!(refused, Error::Aborted { .. }), "{refused:?}");
            assert!(matches!(refused.cause(), Cause::InDoubt), "{refused:?}");
        }
        // The engine had it done; had it not, the state before would be as right.
        let loaded = store.load().unwrap();
        assert_eq!(loaded.routing, routing(to));
        assert_eq!(loaded.history.len() as u64, to);
    }
    step(&store, 4).unwrap();
    drop(store);
    assert_eq!(
        open(folder.path()).unwrap().load().unwrap().routing,
        routing(4)
    );
}

#[test]
fn what_cannot_be_a_state_directory_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "not a directory").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = open(&path).unwrap_err();
        assert!(matches!(error.cause(), Cause::NotADirectory), "{error:?}");
        assert!(told(&error).contains("choose another path"), "{error:?}");
    }
    // Kinds of trouble that a test cannot have everywhere.
    for (kind, part) in [
        (io::ErrorKind::PermissionDenied, "let this user write there"),
        (
            io::ErrorKind::ReadOnlyFilesystem,
            "let this user write there",
        ),
        (io::ErrorKind::StorageFull, "no space is left"),
        (io::ErrorKind::QuotaExceeded, "no space is left"),
        (io::ErrorKind::UnexpectedEof, "could not be read or written"),
    ] {
        let cause = Cause::from(io::Error::from(kind));
        assert!(cause.to_string().contains(part), "{cause}");
        assert!(std::error::Error::source(&cause).is_some(), "{cause}");
    }
}

#[test]
fn another_schema_is_migrated_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), 2);
    let mark = |text: &str| {
        let db = raw(&folder.path().join("sled"));
        db.open_tree("meta")
            .unwrap()
            .insert("schema", text)
            .unwrap();
        db.flush().unwrap();
    };
    mark("2");
    let newer = open(folder.path()).unwrap_err();
    assert!(
        matches!(newer.cause(), Cause::Newer { found: 2, known: 1 }),
        "{newer:?}"
    );
    assert!(told(&newer).contains("impresario restore"), "{newer:?}");
    mark("0");
    let older = open(folder.path()).unwrap_err();
    assert!(
        matches!(older.cause(), Cause::Older { found: 0 }),
        "{older:?}"
    );
    mark("one");
    let broken = open(folder.path()).unwrap_err();
    assert!(
        matches!(broken.cause(), Cause::Damaged { .. }),
        "{broken:?}"
    );
    mark("1");
    open(folder.path()).unwrap();
}

#[test]
fn a_migration_runs_once_and_its_result_is_checked() {
    use super::super::sled::Engine;
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), 2);
    let path = folder.path().join("sled");
    // A schema before the first one, whose tokens had no role: made here, as none was ever released.
    let tokens_key = [b"a".as_slice(), &[0, 0, 0]].concat();
    let db = raw(&path);
    let tokens = db.open_tree("tokens").unwrap();
    let now = tokens.get(&tokens_key).unwrap().unwrap();
    let text = String::from_utf8(now[2..].to_vec()).unwrap();
    let old = text.replace(r#""role":"operator","#, "");
    assert_ne!(old, text);
    tokens
        .insert(&tokens_key, [&[0, 1], old.as_bytes()].concat())
        .unwrap();
    db.open_tree("meta").unwrap().insert("schema", "0").unwrap();
    db.flush().unwrap();
    drop((tokens, db));
    let give_roles = |db: &::sled::Db| {
        let tokens = db.open_tree("tokens")?;
        for item in &tokens {
            let (key, value) = item?;
            let text = String::from_utf8_lossy(&value[2..]);
            let text = text.replace(r#""hash""#, r#""role":"operator","hash""#);
            tokens.insert(key, [&[0, 1], text.as_bytes()].concat())?;
        }
        Ok(())
    };
    drop(Engine::open_at(&path, &[(0, give_roles)]).unwrap());
    let loaded = open(folder.path()).unwrap().load().unwrap();
    assert_eq!(loaded.tokens, [token("a")]);
    assert_eq!(loaded.routing, routing(2));
}

#[test]
fn values_that_do_not_parse_are_told_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), 2);
    let db = raw(&folder.path().join("sled"));
    let audit = db.open_tree("audit").unwrap();
    let key = [&2u64.to_be_bytes()[..], &[0, 0, 0]].concat();
    audit.insert(key, b"\0\x01{\"seq\":2}").unwrap();
    db.flush().unwrap();
    drop((audit, db));
    let error = open(folder.path()).unwrap().load().unwrap_err();
    let text = told(&error);
    for part in [
        "aborted: load the store in",
        "number 2 of audit: missing field",
        "impresario restore --force",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn missing_values_are_noticed() {
    for (tree, part) in [
        (
            "pipelines",
            "2 values of pipelines were stored, 1 are there",
        ),
        ("tokens", "1 values of tokens were stored, 0 are there"),
        ("audit", "3 values of audit were stored, 2 are there"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        made(folder.path(), 3);
        let db = raw(&folder.path().join("sled"));
        db.open_tree(tree).unwrap().pop_max().unwrap().unwrap();
        db.flush().unwrap();
        drop(db);
        let text = told(&open(folder.path()).unwrap_err());
        assert!(
            text.contains(part) && text.contains("it is damaged"),
            "{text}"
        );
    }
}

#[test]
fn a_database_of_something_else_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let db = raw(&folder.path().join("sled"));
    db.insert("theirs", "1").unwrap();
    db.flush().unwrap();
    drop(db);
    let text = told(&open(folder.path()).unwrap_err());
    assert!(text.contains("no version mark"), "{text}");
    let db = raw(&folder.path().join("sled"));
    assert_eq!(db.get("theirs").unwrap().unwrap(), "1");
}

/// Damages the database file of a store in many ways. With the mark beside it, what opens is the last state;
/// without it, some state that once was committed: never a mixture, never a panic.
#[test]
fn damaged_files_are_refused_or_harmless() {
    let whole = tempfile::tempdir().unwrap();
    made(whole.path(), 30);
    let db = fs::read(whole.path().join("sled/db")).unwrap();
    let used = db.iter().rposition(|byte| *byte != 0).unwrap();
    let mut refused = 0;
    let mut random = 17u64;
    for case in 0..120 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(random >> 33).unwrap() % used;
        let mut damaged = db.clone();
        match case % 4 {
            0 => damaged.truncate(at),
            1 => damaged[at] ^= 1 << (case % 8),
            2 => damaged[at..(at + 600).min(used)].fill(0),
            _ => damaged[at..(at + 60).min(used)].fill(0xa5),
        }
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("sled/blobs")).unwrap();
        for file in ["conf", "db"] {
            fs::copy(
                whole.path().join("sled").join(file),
                folder.path().join("sled").join(file),
            )
            .unwrap();
        }
        fs::write(folder.path().join("sled/db"), damaged).unwrap();
        let marked = case % 3 > 0;
        if marked {
            fs::copy(whole.path().join("mark"), folder.path().join("mark")).unwrap();
        }
        let loaded = open(folder.path()).and_then(|store| store.load());
        match loaded {
            Err(error) => {
                refused += 1;
                assert!(matches!(error, Error::Aborted { .. }), "{error:?}");
            }
            Ok(loaded) => {
                let revision = loaded.routing.revision.0;
                assert!(
                    !marked || revision == 30,
                    "case {case}: revision {revision}"
                );
                assert_eq!(loaded.routing, routing(revision), "case {case}");
                let history: Vec<_> = (1..=revision).map(|n| record(n, n)).collect();
                assert_eq!(loaded.history, history, "case {case}");
            }
        }
    }
    assert!(refused > 30, "only {refused} damages were noticed");
}
