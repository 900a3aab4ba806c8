//! `[notify]`: what is read, and what is refused without repeating a secret.

use super::*;
use crate::notify::Format;

#[test]
fn webhooks_are_read() {
    assert_eq!(Settings::default().notify.webhooks, []);
    let case = Case::toml(
        "[notify]
webhooks = [
  { url = 'http://127.0.0.1:9000/hook', secret_file = 'webhook.secret' },
  { url = 'https://hooks.example.com/T/B/x', events = ['rollout.abort', 'fleet.*'], timeout = '250ms', format = 'slack' },
]",
    );
    let secret = case.folder.path().join("webhook.secret");
    std::fs::write(secret, "hunter2-hunter2-hunter2\n").unwrap();
    let webhooks = case.settings().notify.webhooks;
    let events = |at: usize| {
        let events = webhooks[at].events.iter().map(ToString::to_string);
        events.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        webhooks[0].secret,
        Some("hunter2-hunter2-hunter2".parse().unwrap()),
        "without the end of its line"
    );
    assert_eq!(
        events(0),
        "rollout.* experiment.* bandit.* pipeline.* pipelines.* fleet.*"
    );
    assert_eq!(webhooks[0].timeout, Duration::from_secs(5));
    assert_eq!(webhooks[0].format, Format::Json);
    assert_eq!(webhooks[1].secret, None);
    assert_eq!(events(1), "rollout.abort fleet.*");
    assert_eq!(webhooks[1].timeout, Duration::from_millis(250));
    assert_eq!(webhooks[1].format, Format::Slack);
    let debug = format!("{webhooks:?}");
    assert!(
        !debug.contains("hunter2") && !debug.contains("/T/B"),
        "{debug}"
    );
}

#[test]
fn bad_webhooks_are_told_with_their_places_and_without_their_secrets() {
    let case = Case::toml(
        "[notify]
webhooks = [
  { url = 'http://ann:hunter2@a/', secret = 'hunter2' },
  { url = 'ftp://a/hunter2', secret = 42, events = ['rollouts.*', 'roll out', 3, 'rollout'] },
  { url = 7, secret = 'hunter2-hunter2-hunter2', secret_file = 'absent', timeout = '2m', format = 'xml' },
  { url = 'hunter2', secret_file = 'absent', events = [], sercet = 'hunter2' },
  { secret_file = 'short.secret', timeout = 5 },
  { url = 'http://a/1' },
  { url = 'http://a/1', events = ['*'] },
]",
    );
    std::fs::write(case.folder.path().join("short.secret"), "hunter2\n").unwrap();
    let problems = case.show(&case.load().unwrap_err());
    assert!(!problems.contains("hunter2"), "{problems}");
    expect![[r#"
        impresario.toml:4:11: error[invalid-url] notify.webhooks[0].url: expected a URL without user and password (hint: write it like "https://alerts.example.com/impresario"; that a delivery is from here is told by its signature)
        impresario.toml:4:45: error[invalid-secret] notify.webhooks[0].secret: expected a secret of at least 16 bytes (hint: `openssl rand -hex 32` makes one)
        impresario.toml:5:11: error[invalid-url] notify.webhooks[1].url: expected a URL that begins with http:// or https:// (hint: write it like "https://alerts.example.com/impresario"; that a delivery is from here is told by its signature)
        impresario.toml:5:39: error[invalid-secret] notify.webhooks[1].secret: expected a string (hint: `openssl rand -hex 32` makes one)
        impresario.toml:5:53: error[unknown-event] notify.webhooks[1].events[0]: no action begins like this, got "rollouts.*" (hint: did you mean 'rollout.*'?)
        impresario.toml:5:67: error[unknown-event] notify.webhooks[1].events[1]: expected an action such as "rollout.abort" or all that begin alike such as "rollout.*", got "roll out" (hint: a star stands at the end only)
        impresario.toml:5:79: error[wrong-type] notify.webhooks[1].events[2]: expected a string, got the number 3
        impresario.toml:5:82: error[unknown-event] notify.webhooks[1].events[3]: no action begins like this, got "rollout" (hint: 'rollout.*' means all of them)
        impresario.toml:6:11: error[invalid-url] notify.webhooks[2].url: expected a string (hint: write it like "https://alerts.example.com/impresario"; that a delivery is from here is told by its signature)
        impresario.toml:6:64: error[conflict] notify.webhooks[2].secret_file: expected either secret or secret_file, got both
        impresario.toml:6:84: error[out-of-range] notify.webhooks[2].timeout: expected a duration from 100ms to 1m, got "2m"
        impresario.toml:6:99: error[unknown-value] notify.webhooks[2].format: expected json, slack, got "xml"
        impresario.toml:7:11: error[invalid-url] notify.webhooks[3].url: expected a URL such as "https://alerts.example.com/impresario" (hint: write it like "https://alerts.example.com/impresario"; that a delivery is from here is told by its signature)
        impresario.toml:7:36: error[unreadable] notify.webhooks[3].secret_file: read absent: No such file or directory (os error 2)
        impresario.toml:7:55: error[out-of-range] notify.webhooks[3].events: expected 1 to 64 events, got 0 (hint: "*" stands for all; without `events` there are the usual ones)
        impresario.toml:7:59: error[unknown-field] notify.webhooks[3].sercet: unknown field 'sercet' (hint: did you mean 'secret'?)
        impresario.toml:8:3: error[missing-field] notify.webhooks[4]: the field 'url' is missing
        impresario.toml:8:19: error[invalid-secret] notify.webhooks[4].secret_file: expected a secret of at least 16 bytes (hint: `openssl rand -hex 32` makes one)
        impresario.toml:8:45: error[wrong-type] notify.webhooks[4].timeout: expected a duration with its unit, got 5 (hint: write "5s" for seconds or "5ms" for milliseconds)
        impresario.toml:10:3: error[duplicate-url] notify.webhooks[6]: webhooks 5 and 6 have the same url (hint: keep one, with the events of both)
    "#]].assert_eq(&problems);
}

#[test]
fn webhooks_are_bounded() {
    let many: String = (0..17)
        .map(|at| format!("{{ url = 'http://a/{at}' }},"))
        .collect();
    refused(
        &format!("[notify]\nwebhooks = [{many}]"),
        &expect![[r#"
        impresario.toml:3:12: error[out-of-range] notify.webhooks: expected at most 16 webhooks, got 17 (hint: post to one program that passes it on)
    "#]],
    );
    refused(
        "[notify]\nwebhooks = ['http://a/hunter2']",
        &expect![[r#"
            impresario.toml:3:13: error[wrong-type] notify.webhooks[0]: expected a table (hint: write webhooks = [{ url = "https://..." }])
        "#]],
    );
    refused(
        "[notify]\nwebhooks = 'http://a/hunter2'",
        &expect![[r#"
            impresario.toml:3:12: error[wrong-type] notify.webhooks: expected a list (hint: write webhooks = [{ url = "https://..." }])
        "#]],
    );
    let case = Case::toml("").variable(
        "IMPRESARIO__NOTIFY__WEBHOOKS",
        r#"[{"url": "http://a/", "secret": "hunter2"}]"#,
    );
    case.refused(&expect![[r#"
        environment variable IMPRESARIO__NOTIFY__WEBHOOKS: error[invalid-secret] notify.webhooks[0].secret: expected a secret of at least 16 bytes (hint: `openssl rand -hex 32` makes one)
    "#]]);
}
