//! Death in the middle of a commit: a process that is killed while it commits leaves every acknowledged change,
//! and the one under way wholly or not at all.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

const STATE: &str = "IMPRESARIO_CRASH_TEST_STATE";
const ROUNDS: u64 = 12;

/// The test is also the process that it kills: started again with [`STATE`], it commits until it dies.
#[test]
fn a_killed_process_leaves_whole_changes() {
    if let Some(path) = std::env::var_os(STATE) {
        commit_for_ever(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut last = 0;
    for round in 1..=ROUNDS {
        let acknowledged = kill_after(folder.path(), 1 + round * 7 % 23).max(last);
        let store = Sled::open(folder.path(), Retention::default()).unwrap();
        let loaded = store.load().unwrap();
        let found = loaded.routing.revision.0;
        assert!(
            (acknowledged..=acknowledged + 1).contains(&found),
            "round {round}: {acknowledged} acknowledged, {found} found"
        );
        assert_eq!(loaded.routing, routing(found));
        assert_eq!(
            loaded.history.last(),
            (found > 0).then(|| large(found)).as_ref()
        );
        let tokens: Vec<_> = (found > 0)
            .then(|| token(&found.to_string()))
            .into_iter()
            .collect();
        assert_eq!(loaded.tokens, tokens);
        last = found;
    }
    assert!(last >= ROUNDS, "only {last} changes were made");
}

/// A record of several chunks, so that a part of it could be missing.
fn large(revision: u64) -> Arc<Record> {
    let mut record = record(revision, revision).as_ref().clone();
    record.reason = Some(format!("{revision} ").repeat(4_000));
    Arc::new(record)
}

fn commit_for_ever(path: &Path) -> ! {
    let store = Sled::open(path, Retention::default()).unwrap();
    let mut revision = store.load().unwrap().routing.revision.0;
    loop {
        revision += 1;
        let (before, after) = (routing(revision - 1), routing(revision));
        let tokens = [
            TokenChange::Delete((revision - 1).to_string()),
            TokenChange::Put(token(&revision.to_string())),
        ];
        store
            .commit(Commit {
                routing: Some((&before, &after)),
                records: &[large(revision)],
                tokens: &tokens,
            })
            .unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {revision}").unwrap();
        out.flush().unwrap();
    }
}

/// Kills the process after so many changes, and tells the last one that it acknowledged.
fn kill_after(path: &Path, changes: u64) -> u64 {
    let name = std::thread::current().name().unwrap().to_owned();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([&name, "--exact", "--nocapture", "--test-threads=1"])
        .env(STATE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let (mut last, mut seen) = (0, 0);
    for line in out.lines() {
        let line = line.unwrap();
        // The harness may have begun the line.
        if let Some((_, revision)) = line.split_once("acknowledged ") {
            last = revision.parse().unwrap();
            seen += 1;
            if seen == changes {
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    assert!(
        seen >= changes,
        "the process ended by itself after {seen} changes"
    );
    last
}
