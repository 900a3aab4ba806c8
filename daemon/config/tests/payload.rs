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
        &expect![[""]],
    );
    refused(
        "[payload_log]\npath = 'kept'\nmax_record = '1MiB'\nmax_file = '512KiB'\nmax_total = '1KiB'\nqueue_bytes = 10\n",
        &expect![[""]],
    );
}
