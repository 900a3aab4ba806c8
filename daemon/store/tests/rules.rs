//! What holds for every store, asked of each of them.

use super::*;

const FEW: Retention = Retention {
    audit: 8,
    history: 5,
};

/// Runs a test on a store in memory and on one in a directory.
fn each(test: impl Fn(&dyn Store)) {
    test(&Memory::new(FEW));
    let folder = tempfile::tempdir().unwrap();
    test(&Sled::open(folder.path(), FEW).unwrap());
}

#[test]
fn a_new_store_is_empty() {
    each(|store| assert_eq!(store.load().unwrap(), Loaded::default()));
}

#[test]
fn what_was_committed_is_loaded() {
    each(|store| {
        for to in 1..=4 {
            step(store, to).unwrap();
            let loaded = store.load().unwrap();
            assert_eq!(loaded.routing, routing(to));
            let history: Vec<_> = (1..=to).map(|n| record(n, n)).collect();
            assert_eq!(loaded.history, history);
        }
    });
}

#[test]
fn shelves_keep_what_is_put_on_them() {
    let keep = |shelf, key: &str, text: Option<&str>| Keep {
        shelf,
        key: key.to_owned(),
        text: text.map(str::to_owned),
    };
    each(|store| {
        step(store, 1).unwrap();
        let long = "x".repeat(20_000);
        store
            .keep(&[
                keep(Shelf::Evidence, "b", Some("1")),
                keep(Shelf::Evidence, "a", Some(&long)),
                keep(Shelf::Record, "a", Some("other")),
            ])
            .unwrap();
        let kept = |shelf| store.kept(shelf).unwrap();
        let both = [("a".to_owned(), long), ("b".to_owned(), "1".to_owned())];
        assert_eq!(kept(Shelf::Evidence), both);
        store
            .keep(&[
                keep(Shelf::Evidence, "a", Some("short")),
                keep(Shelf::Evidence, "b", None),
                keep(Shelf::Evidence, "never", None),
            ])
            .unwrap();
        assert_eq!(
            kept(Shelf::Evidence),
            [("a".to_owned(), "short".to_owned())]
        );
        assert_eq!(kept(Shelf::Record), [("a".to_owned(), "other".to_owned())]);
        assert_eq!(kept(Shelf::Feedback), []);
        // What is kept is no part of the routing, and no commit touches it.
        step(store, 2).unwrap();
        assert_eq!(store.load().unwrap().routing, routing(2));
        assert_eq!(kept(Shelf::Record).len(), 1);
    });
}

#[test]
fn rows_are_read_and_removed_by_ranges() {
    let row = |key: &[u8], value: Option<&[u8]>| Row {
        key: key.to_vec(),
        value: value.map(<[u8]>::to_vec),
    };
    let all: std::ops::Range<&[u8]> = b"\x00"..b"\xff";
    each(|store| {
        step(store, 1).unwrap();
        assert_eq!(store.rows(all.clone(), 9).unwrap(), []);
        let long = vec![7; 3_000];
        store
            .put_rows(&[
                row(b"b\xff", Some(b"3")),
                row(b"a", Some(&long)),
                row(b"b\x00", Some(b"")),
                row(b"c", Some(b"4")),
            ])
            .unwrap();
        let rows = |range, most| store.rows(range, most).unwrap();
        let keys = |range, most| -> Vec<Vec<u8>> {
            rows(range, most).into_iter().map(|(key, _)| key).collect()
        };
        let [a, b0, bf, c] = [&b"a"[..], b"b\x00", b"b\xff", b"c"].map(<[u8]>::to_vec);
        assert_eq!(
            keys(all.clone(), 9),
            [a.clone(), b0.clone(), bf.clone(), c.clone()]
        );
        assert_eq!(rows(b"a"..b"b", 9), [(a.clone(), long)]);
        assert_eq!(keys(b"b"..b"c", 9), [b0.clone(), bf.clone()]);
        assert_eq!(keys(b"b"..b"c", 1).first(), Some(&b0));
        assert_eq!(keys(b"c"..b"a", 9), [] as [Vec<u8>; 0]);
        // Replaced and removed together; what is not there can be removed too.
        store
            .put_rows(&[row(b"a", None), row(b"c", Some(b"5")), row(b"d", None)])
            .unwrap();
        assert_eq!(keys(all.clone(), 9), [b0, bf.clone(), c.clone()]);
        assert_eq!(store.drop_rows(all.clone(), 1).unwrap(), 1);
        assert_eq!(store.drop_rows(b"c"..b"c", 9).unwrap(), 0);
        assert_eq!(keys(all.clone(), 9), [bf, c]);
        assert_eq!(store.drop_rows(all.clone(), 9).unwrap(), 2);
        // Rows are no part of the routing, and no backup has them.
        step(store, 2).unwrap();
        store
            .put_rows(&[row(b"secret row", Some(b"secret value"))])
            .unwrap();
        let mut backup = Vec::new();
        store.backup(1, &mut backup).unwrap();
        assert!(!String::from_utf8_lossy(&backup).contains("secret"));
    });
}

#[test]
fn rows_survive_the_process_and_long_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let row = |bytes: usize| Row {
        key: b"k".to_vec(),
        value: Some(vec![1; bytes]),
    };
    let store = Sled::open(folder.path(), FEW).unwrap();
    store.put_rows(&[row(16 << 10)]).unwrap();
    let refused = store.put_rows(&[row((16 << 10) + 1)]).unwrap_err();
    assert!(matches!(
        refused.cause(),
        Cause::TooLarge { got: 16_385, .. }
    ));
    drop(store);
    let store = Sled::open(folder.path(), FEW).unwrap();
    assert_eq!(store.rows(b"a"..b"z", 9).unwrap()[0].1.len(), 16 << 10);
}

#[test]
fn a_kept_version_ends_without_a_revision_or_a_record() {
    each(|store| {
        step(store, 1).unwrap();
        let before = routing(1);
        let mut after = before.clone();
        after.pipelines.get_mut("p0").unwrap().keep = None;
        assert_ne!(before, after);
        store
            .commit(Commit {
                routing: Some((&before, &after)),
                ..Commit::default()
            })
            .unwrap();
        assert_eq!(store.load().unwrap().routing, after);
    });
}

#[test]
fn tokens_are_put_replaced_and_deleted() {
    each(|store| {
        let tokens = |changes: &[TokenChange]| {
            let commit = Commit {
                tokens: changes,
                ..Commit::default()
            };
            store.commit(commit).unwrap();
            store.load().unwrap().tokens
        };
        let renamed = Token {
            name: "renamed".to_owned(),
            role: Role::Admin,
            expires_at: None,
            ..token("a")
        };
        let put = |token| TokenChange::Put(token);
        assert_eq!(
            tokens(&[put(token("b")), put(token("a"))]),
            [token("a"), token("b")]
        );
        assert_eq!(tokens(&[put(renamed.clone())]), [renamed, token("b")]);
        let delete = |id: &str| TokenChange::Delete(id.to_owned());
        assert_eq!(tokens(&[delete("a"), delete("unknown")]), [token("b")]);
    });
}

#[test]
fn a_change_of_another_state_is_refused_and_nothing_is_done() {
    each(|store| {
        step(store, 1).unwrap();
        let stale = step(store, 1).unwrap_err();
        assert!(
            matches!(
                stale.cause(),
                Cause::Stale {
                    expected: 0,
                    found: 1
                }
            ),
            "{stale:?}"
        );
        let (before, after) = (routing(1), routing(0));
        let older = store.commit(Commit {
            routing: Some((&before, &after)),
            ..Commit::default()
        });
        let older = older.unwrap_err();
        assert!(matches!(older.cause(), Cause::Stale { .. }), "{older:?}");
        let gap = store.commit(Commit {
            records: &[record(3, 1)],
            tokens: &[TokenChange::Put(token("a"))],
            ..Commit::default()
        });
        let gap = gap.unwrap_err();
        assert!(matches!(gap, Error::Aborted { .. }));
        assert!(
            matches!(
                gap.cause(),
                Cause::Sequence {
                    expected: 2,
                    found: 3
                }
            ),
            "{gap:?}"
        );
        let loaded = store.load().unwrap();
        assert_eq!(loaded.routing, routing(1));
        assert_eq!(loaded.history.len(), 1);
        assert_eq!(loaded.tokens, []);
        step(store, 2).unwrap();
    });
}

#[test]
fn old_records_are_dropped_and_history_is_shorter_than_the_audit() {
    each(|store| {
        for to in 1..=20 {
            step(store, to).unwrap();
        }
        let history: Vec<_> = store
            .load()
            .unwrap()
            .history
            .iter()
            .map(|r| r.seq)
            .collect();
        assert_eq!(history, [16, 17, 18, 19, 20]);
        assert_eq!(
            seqs(store, AuditQuery::default()),
            (13..=20).rev().collect::<Vec<_>>()
        );
        // A commit of more records than are kept.
        let many: Vec<_> = (21..=40).map(|n| record(n, 20)).collect();
        store
            .commit(Commit {
                records: &many,
                ..Commit::default()
            })
            .unwrap();
        assert_eq!(
            seqs(store, AuditQuery::default()),
            (33..=40).rev().collect::<Vec<_>>()
        );
    });
}

fn seqs(store: &dyn Store, query: AuditQuery) -> Vec<u64> {
    store.audit(&query).unwrap().iter().map(|r| r.seq).collect()
}

#[test]
fn the_audit_is_paged_and_filtered() {
    each(|store| {
        for to in 1..=8 {
            step(store, to).unwrap();
        }
        let all = AuditQuery::default;
        let query = AuditQuery { limit: 3, ..all() };
        assert_eq!(seqs(store, query), [8, 7, 6]);
        let query = AuditQuery {
            before_seq: Some(6),
            limit: 3,
            ..all()
        };
        assert_eq!(seqs(store, query), [5, 4, 3]);
        for (before, expected) in [(0, vec![]), (1, vec![]), (2, vec![1])] {
            let query = AuditQuery {
                before_seq: Some(before),
                ..all()
            };
            assert_eq!(seqs(store, query), expected);
        }
        let query = AuditQuery {
            actor: Some("actor-1".to_owned()),
            ..all()
        };
        assert_eq!(seqs(store, query), [7, 4, 1]);
        let query = AuditQuery {
            action: Some("pipeline.put".to_owned()),
            ..all()
        };
        assert_eq!(seqs(store, query), [8, 6, 4, 2]);
        let query = AuditQuery {
            name: Some(name("p3")),
            ..all()
        };
        assert_eq!(seqs(store, query), [7, 3]);
        let query = AuditQuery { limit: 0, ..all() };
        assert!(seqs(store, query).is_empty());
        assert_eq!(store.audit(&all()).unwrap()[3], *record(5, 5));
    });
}

#[test]
fn faults_befall_the_commits_that_were_chosen() {
    each(|_| {
        let store = Faulty::new(Memory::default());
        store.inject(Fault::None);
        store.inject(Fault::Aborted);
        store.inject(Fault::UnknownDone);
        store.inject(Fault::UnknownUndone);
        step(&store, 1).unwrap();
        assert!(matches!(step(&store, 2), Err(Error::Aborted { .. })));
        assert!(matches!(step(&store, 2), Err(Error::Unknown { .. })));
        let doubt = step(&store, 3).unwrap_err();
        assert!(matches!(doubt.cause(), Cause::InDoubt), "{doubt:?}");
        assert_eq!(store.load().unwrap().routing, routing(2));
        assert!(matches!(step(&store, 3), Err(Error::Unknown { .. })));
        assert_eq!(store.load().unwrap().routing, routing(2));
        step(&store, 3).unwrap();
        assert_eq!(store.inner().load().unwrap().routing, routing(3));
    });
}
