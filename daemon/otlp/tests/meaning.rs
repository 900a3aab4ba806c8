//! What answers mean: which are worth another try, and when.

use std::time::UNIX_EPOCH;

use prost::Message;
use tonic::Code;
use ureq::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::*;
use crate::otlp::send::{http, status};

/// The bytes of a `google.rpc.Status` that says when to come back.
fn details(seconds: i64, nanos: i32) -> Vec<u8> {
    let delay = Some(status::Delay { seconds, nanos });
    let info = status::RetryInfo { delay };
    let detail = |name: &str, value: Vec<u8>| status::Detail {
        type_url: format!("type.googleapis.com/google.rpc.{name}"),
        value,
    };
    let told = status::RpcStatus {
        code: 8,
        message: "slow down".to_owned(),
        details: vec![
            detail("Help", vec![1, 2, 3]),
            detail("RetryInfo", info.encode_to_vec()),
        ],
    };
    told.encode_to_vec()
}

/// `Some(None)`: later, whenever.
fn again(sent: &Sent) -> Option<Option<Duration>> {
    match sent {
        Sent::Later { after, .. } => Some(*after),
        Sent::Refused(_) => None,
        Sent::Taken { .. } => panic!("{sent:?}"),
    }
}

#[test]
fn statuses_of_grpc() {
    let asked = details(3, 500_000_000);
    let three = Some(Duration::from_millis(3_500));
    for (code, bare, with_details) in [
        (Code::Cancelled, Some(None), Some(three)),
        (Code::Unknown, None, None),
        (Code::InvalidArgument, None, None),
        (Code::DeadlineExceeded, Some(None), Some(three)),
        (Code::NotFound, None, None),
        (Code::AlreadyExists, None, None),
        (Code::PermissionDenied, None, None),
        (Code::Unauthenticated, None, None),
        // Only who says when will have room then.
        (Code::ResourceExhausted, None, Some(three)),
        (Code::FailedPrecondition, None, None),
        (Code::Aborted, Some(None), Some(three)),
        (Code::OutOfRange, Some(None), Some(three)),
        (Code::Unimplemented, None, None),
        (Code::Internal, None, None),
        (Code::Unavailable, Some(None), Some(three)),
        (Code::DataLoss, Some(None), Some(three)),
    ] {
        assert_eq!(again(&status::meaning(code, "why", b"")), bare, "{code:?}");
        let told = status::meaning(code, "why", &asked);
        assert_eq!(again(&told), with_details, "{code:?} with details");
    }
}

#[test]
fn statuses_of_http() {
    let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
    let answer = details(2, 0);
    for (code, after, body, expected) in [
        (429, None, &b""[..], Some(None)),
        (429, Some("7"), b"", Some(Some(7))),
        (
            429,
            Some("Sun, 06 Nov 1994 08:49:47 GMT"),
            b"",
            Some(Some(10)),
        ),
        (503, Some("soon"), b"", Some(None)),
        (503, None, &answer, Some(Some(2))),
        (502, None, b"rubbish", Some(None)),
        (504, None, b"", Some(None)),
        (500, Some("7"), b"", None),
        (400, None, &answer, None),
        (401, None, b"", None),
        (404, None, b"", None),
        (413, None, b"", None),
        (301, None, b"", None),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(after) = after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(after));
        }
        let status = StatusCode::from_u16(code).unwrap();
        let sent = http::meaning(status, &headers, body, now);
        let expected = expected.map(|after| after.map(Duration::from_secs));
        assert_eq!(again(&sent), expected, "{code} {after:?}");
    }
    let refused = http::meaning(StatusCode::BAD_REQUEST, &HeaderMap::new(), &answer, now);
    let why = Sent::Refused("it answered 400 Bad Request: slow down".to_owned());
    assert_eq!(refused, why);
}

#[test]
fn rubbish_says_nothing_of_when() {
    for bytes in [
        &b""[..],
        b"\xff\xff\xff",
        b"rubbish",
        &details(-1, 0),
        &details(1, -5),
    ] {
        assert_eq!(status::retry_delay(bytes), None);
    }
    let most = status::retry_delay(&details(i64::MAX, i32::MAX)).unwrap();
    assert!(most > Duration::from_secs(1 << 40));
}
