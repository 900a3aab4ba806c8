//! The files: bounded, whole but for the last line, and never in the way of who pushes.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use super::*;

fn folder() -> (TempDir, PathBuf) {
    let above = TempDir::new().unwrap();
    let folder = above.path().join("payload");
    (above, folder)
}

/// The ids of all records, oldest first, and how many lines were none.
fn ids(folder: &Path) -> (Vec<String>, usize) {
    let (mut ids, mut other) = (Vec::new(), 0);
    for file in list(folder).unwrap() {
        for line in Reader::open(&file).unwrap() {
            match line.unwrap() {
                Line::Record(_, record) => ids.push(record["id"].as_str().unwrap().to_owned()),
                Line::Torn | Line::Other => other += 1,
            }
        }
    }
    (ids, other)
}

fn numbers(count: usize) -> Vec<Tensor> {
    vec![Tensor::vector(vec![0.5f32; count])]
}

#[test]
fn the_disk_holds_the_newest_and_no_more_than_it_may() {
    let (_above, folder) = folder();
    let settings = Settings {
        max_file: 8_000,
        max_files: 5,
        max_total: 30_000,
        ..settings(&folder)
    };
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("notes.txt"), "not the log's").unwrap();
    for round in 0..4 {
        let (log, pages, waiting, _end) = Log::prepare(settings.clone());
        for at in 0..200 {
            log.push(record(&format!("{round}-{at:03}"), &numbers(at % 40)));
        }
        assert_eq!(log.show().unwrap().waiting, 200);
        drop(log);
        pages.work(&waiting);
        let files = list(&folder).unwrap();
        let sizes: Vec<u64> = files
            .iter()
            .map(|file| fs::metadata(file).unwrap().len())
            .collect();
        assert!(sizes.len() <= 5, "{sizes:?}");
        assert!(
            sizes.iter().all(|size| (1..=8_000).contains(size)),
            "{sizes:?}"
        );
        let total: u64 = sizes.iter().sum();
        assert!(total <= 30_000 && total > 15_000, "{sizes:?}");
        let (ids, other) = ids(&folder);
        assert_eq!(
            (ids.last().unwrap().as_str(), other),
            (&*format!("{round}-199"), 0)
        );
        assert!(ids.is_sorted() && ids.len() > 20, "{ids:?}");
    }
    assert!(folder.join("notes.txt").exists());
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;

    let (_above, folder) = folder();
    let (log, pages, waiting, _end) = Log::prepare(settings(&folder));
    log.push(record("a", &[]));
    drop(log);
    pages.work(&waiting);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&list(&folder).unwrap()[0]), 0o600);
}

#[test]
fn what_finds_no_room_is_dropped_and_counted() {
    let (_above, folder) = folder();
    let few = Settings {
        queue: 3,
        ..settings(&folder)
    };
    let (log, pages, waiting, _end) = Log::prepare(few);
    for at in 0..10 {
        log.push(record(&at.to_string(), &[]));
    }
    let shown = log.show().unwrap();
    assert_eq!((shown.waiting, shown.dropped, shown.written), (3, 7, 0));
    let again = log.clone();
    drop(log);
    let small = Settings {
        queue_bytes: 8_000,
        ..settings(&folder)
    };
    let (bytes, _pages, _waiting, _end) = Log::prepare(small);
    for _ in 0..10 {
        bytes.push(record("large", &numbers(500)));
    }
    let shown = bytes.show().unwrap();
    // Inputs and outputs, 2,000 bytes each, and what a record takes beside.
    assert_eq!((shown.waiting, shown.dropped), (1, 9));
    let written = std::thread::spawn(move || pages.work(&waiting));
    drop(again);
    written.join().unwrap();
    assert_eq!(ids(&folder).0, ["0", "1", "2"]);
}

#[actix_rt::test]
async fn its_end_waits_for_what_was_pushed_and_takes_no_more() {
    let (_above, folder) = folder();
    let log = Log::start(settings(&folder)).unwrap();
    for at in 0..100 {
        log.push(record(&at.to_string(), &numbers(10)));
    }
    log.stop().await;
    log.push(record("late", &[]));
    assert_eq!(ids(&folder).0.len(), 100);
    let shown = log.show().unwrap();
    assert_eq!((shown.written, shown.waiting, shown.dropped), (100, 0, 1));
    let bytes: u64 = list(&folder)
        .unwrap()
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .sum();
    assert_eq!(shown.bytes, bytes);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_by_its_setting_or_told_later() {
    let (above, folder) = folder();
    fs::write(&folder, "a file").unwrap();
    let error = Log::start(settings(&folder)).unwrap_err().to_string();
    assert!(error.starts_with("payload_log.path: write in "), "{error}");
    fs::remove_file(&folder).unwrap();

    let (log, mut pages, _waiting, _end) = Log::prepare(settings(&folder));
    let mut write = |id: &str| pages.write_now(record(id, &[]));
    write("first");
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "a file").unwrap();
    write("second");
    write("third");
    let shown = log.show().unwrap();
    assert_eq!((shown.written, shown.failed), (1, 2));
    let trouble = shown.trouble.unwrap();
    assert!(
        trouble.what.contains("payload") && trouble.at > 0,
        "{trouble:?}"
    );
    fs::remove_file(&folder).unwrap();
    write("fourth");
    assert_eq!(ids(&folder).0, ["fourth"]);
    let shown = log.show().unwrap();
    assert_eq!((shown.written, shown.failed, shown.trouble), (2, 2, None));
    drop(above);
}

#[test]
fn a_torn_line_is_known_for_one() {
    let (_above, folder) = folder();
    fs::create_dir(&folder).unwrap();
    let path = folder.join("payload-20261129T004831Z-0.jsonl");
    fs::write(
        &path,
        "{\"v\":1,\"id\":\"a\"}\nrubbish\n{\"v\":2}\n{\"v\":1,\"id\":",
    )
    .unwrap();
    let lines: Vec<Line> = Reader::open(&path).unwrap().map(Result::unwrap).collect();
    let text = "{\"v\":1,\"id\":\"a\"}".to_owned();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        lines,
        [
            Line::Record(text, value),
            Line::Other,
            Line::Other,
            Line::Torn
        ]
    );
}
