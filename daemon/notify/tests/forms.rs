//! Forms: what is written, what is meant by it, and how long waits are.

use std::time::UNIX_EPOCH;

use expect_test::{Expect, expect};
use ureq::http::{HeaderMap, StatusCode};

use super::post::{Outcome, meaning};
use super::*;

#[test]
fn people_get_a_text() {
    let text = |record: &Record| {
        let body = letter::write(record, Format::Slack);
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body.as_object().unwrap().len(), 1);
        body["text"].as_str().unwrap().to_owned()
    };
    expect![[r#"
        *rollout.abort* of `flowers`: baking → aborting, 95/5 → 100/0 %
        aborted: 8 of 10 on the canary against &lt;1 % stable
        _impresario, revision 3_"#]]
    .assert_eq(&text(&abort(3)));
    let freeze = Record {
        reason: Some("<!channel> holidays".to_owned()),
        ..record(4, "fleet.freeze")
    };
    expect![[r#"
        *fleet.freeze*
        fleet.freeze by ann: &lt;!channel&gt; holidays
        _ann, revision 4_"#]]
    .assert_eq(&text(&freeze));
    expect![[r#"
        *pipeline.put* of `flowers`: none → pending, 100/0 %
        waits (better)
        _ann, revision 5_"#]]
    .assert_eq(&text(&begun(5)));
}

/// A pipeline that is put, which begins a rollout.
fn begun(seq: u64) -> Record {
    let name = name("flowers");
    let pipeline = Change::Pipeline {
        before: None,
        after: Some(canary()),
    };
    let course = Change::Course {
        before: None,
        after: Some(rollout(Phase::Pending, 0.0, "waits")),
    };
    let diffs = [pipeline, course].map(|change| Diff {
        name: name.clone(),
        change,
    });
    Record {
        reason: Some("better".to_owned()),
        diffs: diffs.into(),
        ..record(seq, "pipeline.put")
    }
}

#[test]
fn programs_get_every_pipeline_of_a_record() {
    let mut record = begun(6);
    let mut other = record.diffs.clone();
    other[0].name = name("weeds");
    record.diffs.push(other.remove(0));
    let body = letter::write(&record, Format::Json);
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["pipeline"], serde_json::Value::Null, "it is about two");
    assert_eq!(body["phase"], serde_json::Value::Null);
    let changes = serde_json::to_string_pretty(&body["changes"]).unwrap();
    expect![[r#"
        [
          {
            "course": "rollout",
            "phase": {
              "after": "pending",
              "before": null
            },
            "pipeline": "flowers",
            "policy": {
              "after": "canary",
              "before": null
            },
            "weights": {
              "after": [
                100.0,
                0.0
              ],
              "before": null
            }
          },
          {
            "course": null,
            "phase": null,
            "pipeline": "weeds",
            "policy": {
              "after": "canary",
              "before": null
            },
            "weights": null
          }
        ]"#]]
    .assert_eq(&changes);
}

#[test]
fn patterns_take_actions_and_what_moves_with_them() {
    let takes = |pattern: &str, record: &Record| pattern.parse::<Pattern>().unwrap().takes(record);
    let put = begun(1);
    for (pattern, taken) in [
        ("*", true),
        ("pipeline.*", true),
        ("pipeline.put", true),
        ("pipeline.p*", true),
        ("pipeline.delete", false),
        ("rollout.*", true),
        ("r*", true),
        ("rollout.abort", false),
        ("rollout.a*", false),
        ("experiment.*", false),
    ] {
        assert_eq!(takes(pattern, &put), taken, "{pattern}");
    }
    assert!(takes("rollout.abort", &abort(1)));
    assert!(!takes("pipeline.*", &abort(1)));
    for wrong in [
        "",
        "rollout",
        "rollout.",
        "Rollout.*",
        "ro*t",
        "**",
        "rollouts.*",
        "x*",
        "a b.c",
    ] {
        assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
    }
}

#[test]
fn addresses_are_urls_without_secrets_beside_the_path() {
    for (url, shown) in [
        ("http://127.0.0.1:9000/hook?a=b", "http://127.0.0.1:9000"),
        (
            "https://hooks.example.com/T0/B0/x",
            "https://hooks.example.com",
        ),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ] {
        assert_eq!(url.parse::<Address>().unwrap().shown(), shown);
    }
    let long = format!("http://a/{}", "x".repeat(2_048));
    for (url, error) in [
        ("", AddressError::Form),
        ("alerts.example.com", AddressError::Form),
        ("/hook", AddressError::Form),
        ("http://", AddressError::Form),
        ("http://:80/", AddressError::Form),
        ("http://a:99999/", AddressError::Form),
        ("http://a:0/", AddressError::Form),
        ("http://a b/", AddressError::Form),
        ("ftp://a/", AddressError::Scheme),
        ("http://user:pass@a/", AddressError::Credentials),
        ("http://user@a/", AddressError::Credentials),
        ("http://a/#x", AddressError::Fragment),
        (&long, AddressError::Long),
    ] {
        assert_eq!(url.parse::<Address>(), Err(error), "{url}");
    }
}

#[test]
fn answers_have_meanings() {
    let check = |status: u16, retry_after: Option<&str>, expected: Expect| {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert("retry-after", text.parse().unwrap());
        }
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let outcome = meaning(StatusCode::from_u16(status).unwrap(), &headers, now);
        let line = match outcome {
            Outcome::Taken => "taken".to_owned(),
            Outcome::Refused(why) => format!("refused: {why}"),
            Outcome::Later { why, after } => format!("later: {why}, {after:?}"),
        };
        expected.assert_eq(&line);
    };
    check(200, None, expect!["taken"]);
    check(204, Some("9"), expect!["taken"]);
    check(
        301,
        None,
        expect!["refused: it answered 301 Moved Permanently; redirects are not followed"],
    );
    check(400, None, expect!["refused: it answered 400 Bad Request"]);
    check(410, Some("9"), expect!["refused: it answered 410 Gone"]);
    check(
        408,
        None,
        expect!["later: it answered 408 Request Timeout, None"],
    );
    check(
        429,
        Some("120"),
        expect!["later: it answered 429 Too Many Requests, Some(120s)"],
    );
    check(
        503,
        Some("Sun, 09 Sep 2001 01:47:40 GMT"),
        expect!["later: it answered 503 Service Unavailable, Some(60s)"],
    );
    check(
        503,
        Some("Sun, 09 Sep 2001 01:46:00 GMT"),
        expect!["later: it answered 503 Service Unavailable, Some(0ns)"],
    );
    check(
        500,
        Some("soon"),
        expect!["later: it answered 500 Internal Server Error, None"],
    );
}

#[test]
fn waits_grow_and_end() {
    let pace = Pace::default();
    let seconds = |tried: u32, asked: Option<u64>, draw: u64| {
        let wait = pace.wait(tried, asked.map(Duration::from_secs), draw);
        wait.map(|wait| wait.as_secs_f64())
    };
    let longest: Vec<_> = (1..=10)
        .map(|tried| seconds(tried, None, u64::MAX))
        .collect();
    assert_eq!(
        longest,
        [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]
            .into_iter()
            .map(Some)
            .chain([None])
            .collect::<Vec<_>>()
    );
    assert_eq!(
        seconds(3, None, 0),
        Some(2.0),
        "at most a half is taken off"
    );
    let many = Pace { tries: 99, ..pace };
    assert_eq!(
        many.wait(90, None, u64::MAX),
        Some(Duration::from_secs(300))
    );
    assert_eq!(
        seconds(1, Some(30), 0),
        Some(30.0),
        "who asks for more gets more"
    );
    assert_eq!(seconds(6, Some(1), u64::MAX), Some(32.0), "and never less");
    assert_eq!(seconds(1, Some(86_400), 0), Some(3_600.0), "within reason");
}
