//! `[payload_log]`.

use expect_test::expect;

use super::{Case, refused};

#[test]
fn it_is_off_and_what_is_said_of_it_is_read() {
    assert_eq!(Case::toml("").settings().payload_log, None);
    // What is wrong is told although it is off.
    let case = Case::toml(
        "[payload_log]\npath = 'kept'\nsample = 0.25\npipelines = ['fraud', 'credit-*']\nredact = ['input:age', 'parameter:*']\nmax_record = '8KiB'\n",
    );
    let log = case.settings().payload_log.unwrap();
    assert_eq!(log.folder, case.folder.path().join("kept"));
    assert_eq!((log.sample, log.failures), (0.25, 1.0));
    assert_eq!(
        (log.max_record, log.max_file, log.queue),
        (8 << 10, 64 << 20, 1_024)
    );
    assert!(log.wants("credit-card") && log.wants("fraud") && !log.wants("frauds"));
    let redact: Vec<String> = log.redact.iter().map(ToString::to_string).collect();
    assert_eq!(redact, ["input:age", "parameter:*"]);
}

#[test]
fn what_cannot_be_kept_so_is_refused() {
    refused(
        "[payload_log]\nsample = 1.5\nfailures = 'all'\npipelines = ['a[']\nredact = ['header:x', 3]\nmax_record = '1KiB'\nqueue = 0\nfolder = 'x'\n",
        &expect![[r#"
            impresario.toml:3:10: error[out-of-range] payload_log.sample: expected a number from 0 to 1, got the number 1.5
            impresario.toml:4:12: error[wrong-type] payload_log.failures: expected a number, got "all"
            impresario.toml:5:14: error[invalid-glob] payload_log.pipelines[0]: expected a name or a glob of names, got "a[": invalid range pattern
            impresario.toml:6:11: error[unknown-field] payload_log.redact[0]: expected input:NAME, output:NAME or parameter:NAME, where * stands for all names, got "header:x" (hint: headers are never kept, and no key)
            impresario.toml:6:23: error[wrong-type] payload_log.redact[1]: expected a string, got the number 3
            impresario.toml:7:14: error[out-of-range] payload_log.max_record: expected a size from 4096 to 1099511627776 bytes, got 1024
            impresario.toml:8:9: error[out-of-range] payload_log.queue: expected a whole number from 1 to 1048576, got the number 0
            impresario.toml:9:1: error[unknown-field] payload_log.folder: unknown field 'folder' (hint: known here: path, sample, failures, pipelines, max_record, max_file, max_files, max_total, queue, queue_bytes, redact)
        "#]],
    );
    refused(
        "[payload_log]\npath = 'kept'\nmax_record = '1MiB'\nmax_file = '512KiB'\nmax_total = '1KiB'\nqueue_bytes = 10\n",
        &expect![[r#"
            impresario.toml:5:12: error[out-of-range] payload_log.max_file: expected a size from 1048576 to 1099511627776 bytes, got 524288
            impresario.toml:6:13: error[out-of-range] payload_log.max_total: expected a size from 1048576 to 18446744073709551615 bytes, got 1024
            impresario.toml:7:15: error[out-of-range] payload_log.queue_bytes: expected a whole number from 1048576 to 1099511627776, got the number 10
        "#]],
    );
}
