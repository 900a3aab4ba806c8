//! `[otlp]` and the log's own settings: what is read, and what is refused without repeating a secret.

use super::*;
use crate::otlp::{Compression, Protocol, Signal};

#[test]
fn nothing_is_exported_where_nothing_says_where() {
    let settings = Settings::default();
    assert_eq!(settings.otlp, None);
    assert_eq!(
        (settings.log.access, settings.log.access_failures),
        (0.0, false)
    );
}

#[test]
fn an_export_is_read() {
    let case = Case::toml(
        "[log]
format = 'ecs'
access = 0.25
access_failures = true
[otlp]
endpoint = 'https://otlp.example.com/otlp'
protocol = 'http'
signals = ['traces', 'logs']
headers = { x-api-key = 'hunter2' }
headers_file = 'otlp.headers'
compression = 'none'
sample = 1
queue = 100
queue_size = '1MiB'
batch = 10
interval = '250ms'
[otlp.resource]
service = 'scoring'
instance = 'one'
environment = 'production'
attributes = { 'k8s.pod.name' = 'pod-7' }",
    );
    let headers = "# who asks\nAuthorization: Bearer hunter2\n\nx-api-key: other\n";
    std::fs::write(case.folder.path().join("otlp.headers"), headers).unwrap();
    let settings = case.settings();
    assert_eq!(settings.log.format, LogFormat::Ecs);
    assert_eq!(
        (settings.log.access, settings.log.access_failures),
        (0.25, true)
    );
    let otlp = settings.otlp.unwrap();
    assert_eq!(otlp.protocol, Protocol::Http);
    assert_eq!(otlp.signals, [Signal::Traces, Signal::Logs]);
    assert_eq!(otlp.compression, Compression::None);
    assert_eq!(
        (otlp.sample, otlp.queue.items, otlp.queue.bytes),
        (1.0, 100, 1 << 20)
    );
    assert_eq!(otlp.queue.interval, Duration::from_millis(250));
    assert_eq!(otlp.metrics_interval, Duration::from_secs(15));
    assert_eq!(otlp.resource.service, "scoring");
    assert_eq!(
        otlp.resource.attributes,
        [("k8s.pod.name".to_owned(), "pod-7".to_owned())]
    );
    let debug = format!("{otlp:?}");
    assert!(
        debug.contains("authorization") && debug.contains("x-api-key"),
        "{debug}"
    );
    assert!(
        !debug.contains("hunter2") && !debug.contains("/otlp\""),
        "{debug}"
    );
}

#[test]
fn bad_exports_are_told_with_their_places_and_without_their_secrets() {
    let case = Case::toml(
        "[log]
access = 2
[otlp]
endpoint = 'http://ann:hunter2@a:4317'
protocol = 'udp'
signals = ['traces', 'spans']
headers = { 'content-type' = 'hunter2', x = 7 }
headers_file = 'short.headers'
sample = -1
queue = 0
queue_size = '1B'
interval = '1ms'
flush = '2m'
sampel = 1
[otlp.resource]
service = ''
attributes = { a = 7 }",
    );
    std::fs::write(case.folder.path().join("short.headers"), "x: 1\nhunter2\n").unwrap();
    let problems = case.show(&case.load().unwrap_err());
    assert!(!problems.contains("hunter2"), "{problems}");
    expect![[r#"
        impresario.toml:3:10: error[out-of-range] log.access: expected a number from 0 to 1, got the number 2
        impresario.toml:5:12: error[invalid-url] otlp.endpoint: expected a URL without user and password (hint: write it like "http://127.0.0.1:4317", or "none")
        impresario.toml:6:12: error[unknown-value] otlp.protocol: expected grpc, http, got "udp"
        impresario.toml:7:22: error[unknown-value] otlp.signals[1]: expected traces, metrics, logs, got "spans"
        impresario.toml:8:45: error[wrong-type] otlp.headers.x: expected a text as the value of a header
        impresario.toml:9:16: error[invalid-header] otlp.headers_file: short.headers:2: expected NAME: VALUE
        impresario.toml:10:10: error[out-of-range] otlp.sample: expected a number from 0 to 1, got the number -1
        impresario.toml:11:9: error[out-of-range] otlp.queue: expected a whole number from 1 to 1048576, got the number 0
        impresario.toml:12:14: error[out-of-range] otlp.queue_size: expected a size from 65536 to 1073741824 bytes, got 1
        impresario.toml:13:12: error[out-of-range] otlp.interval: expected a duration from 10ms to 1m, got "1ms"
        impresario.toml:14:9: error[out-of-range] otlp.flush: expected a duration from 0s to 1m, got "2m"
        impresario.toml:15:1: error[unknown-field] otlp.sampel: unknown field 'sampel' (hint: did you mean 'sample'?)
        impresario.toml:17:11: error[invalid-text] otlp.resource.service: expected a text of 1 to 256 printable characters, got 0
        impresario.toml:18:20: error[wrong-type] otlp.resource.attributes.a: expected a string, got the number 7
    "#]].assert_eq(&problems);
    refused(
        "[otlp]\nendpoint = 'http://a:4317'\nheaders = 'authorization=Bearer hunter2'\n",
        &expect![[r#"
        impresario.toml:4:11: error[wrong-type] otlp.headers: expected a table of headers
    "#]],
    );
}

#[test]
fn grpc_has_no_path_and_a_batch_fits_the_queue() {
    let text = "[otlp]\nendpoint = 'http://127.0.0.1:4317/v1'\nqueue = 10\nbatch = 11\n";
    refused(
        text,
        &expect![[r#"
        impresario.toml:3:12: error[invalid-url] otlp.endpoint: expected a URL without a path: gRPC has paths of its own (hint: protocol = "http" posts below a path)
        impresario.toml:5:9: error[out-of-range] otlp.batch: expected a whole number from 1 to 10, got the number 11
    "#]],
    );
    refused(
        "[otlp]\nendpoint = 'x'\nsignals = []\n",
        &expect![[r#"
        impresario.toml:3:12: error[invalid-url] otlp.endpoint: expected a URL such as "https://alerts.example.com/impresario" (hint: write it like "http://127.0.0.1:4317", or "none")
        impresario.toml:4:11: error[out-of-range] otlp.signals: expected at least one of traces, metrics, logs, got none (hint: endpoint = "none" exports nothing)
    "#]],
    );
}
