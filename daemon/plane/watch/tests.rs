//! What is seen of a request, told in lines and spans.

use std::sync::Mutex;
use std::time::Duration;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::fleet::Revision;
use impresario_pipelines::table::Why;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context as Within, Layer, SubscriberExt};

use super::*;
use crate::error::Error;
use crate::serve::{Decided, Origin, Rescue};
use crate::trace::{Kind, Status, Value};

const PARENT: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Keeps the fields of the lines of requests.
struct Kept(Arc<Mutex<Vec<Vec<String>>>>);

struct Fields(Vec<String>);

impl<S: Subscriber> Layer<S> for Kept {
    fn on_event(&self, event: &Event<'_>, _: Within<'_, S>) {
        assert_eq!(event.metadata().target(), crate::telemetry::ACCESS);
        let mut fields = Fields(Vec::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push(format!("{}={value:?}", field.name()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push(format!("{}={value}", field.name()));
    }
}

/// The lines that are written meanwhile.
fn lines(act: impl FnOnce()) -> Vec<Vec<String>> {
    let kept = Arc::default();
    let layer = Kept(Arc::clone(&kept));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
    kept.lock().unwrap().clone()
}

fn parent() -> Option<Parent> {
    Parent::parse(PARENT).ok()
}

fn door() -> Door {
    Door::Http {
        path: "/v2/models/p/infer".to_owned(),
        route: "/v2/models/{model}/infer",
    }
}

fn begin(watcher: &Watcher, parent: Option<Parent>) -> Watch {
    watcher.begin(clock::instant(), "p", "r-1", || parent, door)
}

fn unknown() -> Fault {
    let name = "p".to_owned();
    Error::UnknownModel { name }.into()
}

fn by(model: &str, version: u64) -> (Name, VersionNumber, Variant) {
    let version = VersionNumber::new(version).unwrap();
    (Name::new(model).unwrap(), version, Variant::CANARY)
}

#[test]
fn where_nobody_watches_nothing_is_read() {
    let watcher = Watcher::new(Access::default(), None);
    let unread = || panic!("a header was read");
    let arrived = clock::instant();
    let watch = watcher.begin(arrived, "p", "r-1", unread, || panic!("a path was read"));
    assert_eq!(watch.context(), None);
    assert!(watch.seen.is_none());
}

#[test]
fn a_callers_trace_is_named_without_an_export_and_none_is_begun() {
    let watcher = Watcher::new(Access::new(1.0, false), None);
    let lines = lines(|| {
        let watch = begin(&watcher, parent());
        let context = watch.context().unwrap();
        assert_eq!(context.trace, parent().unwrap().context.trace);
        assert_ne!(context.span, parent().unwrap().context.span);
        watch.ended(Ended::Http(200));
        let watch = begin(&watcher, None);
        assert_eq!(watch.context(), None);
        watch.ended(Ended::Http(200));
    });
    let has = |line: &[String], what: &str| line.iter().any(|field| field.starts_with(what));
    assert!(has(&lines[0], "trace_id=4bf92f3577b34da6a3ce929d0e0e4736"));
    assert!(!has(&lines[1], "trace_id"));
}

#[test]
fn failures_have_a_line_and_of_the_others_a_share() {
    for (share, failures, expected) in [
        (0.0, false, (0, 0)),
        (0.0, true, (0, 100)),
        (1.0, false, (100, 100)),
    ] {
        let watcher = Watcher::new(Access::new(share, failures), None);
        let count = |failed: bool| {
            let act = || {
                for _ in 0..100 {
                    let mut watch = begin(&watcher, None);
                    if failed {
                        watch.failed(&unknown());
                    }
                    watch.ended(Ended::Http(if failed { 404 } else { 200 }));
                }
            };
            lines(act).len()
        };
        assert_eq!((count(false), count(true)), expected, "{share} {failures}");
    }
    let some = Access::new(0.25, false);
    let taken = (0..10_000).filter(|_| some.takes(crate::measure::Outcome::Success));
    let taken = taken.count();
    assert!((2_000..3_000).contains(&taken), "{taken}");
}

#[test]
fn a_line_says_what_is_known_and_no_more() {
    let watcher = Watcher::new(Access::new(1.0, false), None);
    let lines = lines(|| {
        let mut watch = begin(&watcher, None);
        watch.received(|| 7);
        watch.failed(&unknown());
        watch.ended(Ended::Http(404));
        drop(begin(&watcher, None));
        let grpc = || Door::Grpc {
            method: "ModelInfer",
        };
        let mut watch = watcher.begin(clock::instant(), "p", "r-2", || None, grpc);
        watch.failed(&unknown());
        watch.ended(Ended::Grpc(5));
    });
    let said = |line: &[String]| {
        let times = ["duration_ns", "message"];
        let fields = line.iter();
        let fields = fields.filter(|field| times.iter().all(|time| !field.starts_with(time)));
        fields.cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        said(&lines[0]),
        "request=r-1 protocol=http method=POST path=/v2/models/p/infer pipeline=p status=404 outcome=refused \
         code=unknown-model request_bytes=7"
    );
    assert_eq!(
        said(&lines[1]),
        "request=r-1 protocol=http method=POST path=/v2/models/p/infer pipeline=p status=499 outcome=abandoned \
         code=abandoned"
    );
    assert_eq!(
        said(&lines[2]),
        "request=r-2 protocol=grpc method=ModelInfer pipeline=p grpc_status=5 outcome=refused \
         code=unknown-model"
    );
}

#[test]
fn spans_are_one_within_another() {
    let watcher = Watcher::new(Access::new(1.0, false), None);
    let mut watch = begin(&watcher, parent());
    let mut seen = watch.seen.take().unwrap();
    // What was noted lies in the past.
    let arrived = seen.arrived - Duration::from_millis(20);
    seen.arrived = arrived;
    let at = |millis| Some(arrived + Duration::from_millis(millis));
    (seen.received, seen.decided, seen.decoded) = (at(1), at(3), at(6));
    (seen.answered, seen.encoded) = (at(10), at(15));
    seen.rows = Some(2);
    seen.decision = Some(Decided {
        pipeline: Name::new("p").unwrap(),
        by: by("m", 2),
        why: Why::Slot,
        revision: Some(Revision(7)),
    });
    seen.given = Some(Given {
        by: by("m", 1),
        queue: Duration::ZERO,
        compute: Duration::ZERO,
        origin: Origin::Missed,
        rescue: Some(Rescue {
            from: Variant::CANARY,
            why: "crashed",
        }),
    });
    let own = watch.context().unwrap().span;
    let spans = seen.spans(Ended::Http(200));
    let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
    let root = "POST /v2/models/{model}/infer";
    assert_eq!(names, [root, "receive", "decide", "decode", "encode"]);
    assert_eq!((spans[0].id, spans[0].kind), (own, Kind::Server));
    assert_eq!(spans[0].parent, Some(parent().unwrap().context.span));
    assert_eq!(spans[0].status, Status::Unset);
    for span in &spans[1..] {
        assert_eq!((span.trace, span.parent), (spans[0].trace, Some(own)));
    }
    let took = |at: usize| (spans[at].ended - spans[at].began) / 1_000_000;
    assert_eq!([1, 2, 3, 4].map(took), [1, 2, 3, 5]);
    let said = |name: &str| {
        let mut said = spans[0]
            .attributes
            .iter()
            .filter(|(known, _)| *known == name);
        said.next().map(|(_, value)| value.clone())
    };
    assert_eq!(
        said("impresario.version"),
        Some(Value::Text("1".to_owned()))
    );
    assert_eq!(said("impresario.revision"), Some(Value::Whole(7)));
    assert_eq!(said("impresario.why"), Some(Value::Word("slot")));
    assert_eq!(said("impresario.rows"), Some(Value::Whole(2)));
    assert_eq!(said("impresario.rescue.why"), Some(Value::Word("crashed")));
    assert_eq!(said("error.type"), None);
}

#[test]
fn what_is_the_servers_fault_is_an_error() {
    let watcher = Watcher::new(Access::new(1.0, false), None);
    let status = |door: Door, ended: Ended| {
        let watch = watcher.begin(clock::instant(), "p", "r", parent, || door);
        let mut watch = watch;
        let mut seen = watch.seen.take().unwrap();
        seen.failure = Some(("word", crate::measure::Outcome::Failed));
        seen.spans(ended)[0].status.clone()
    };
    let error = Status::Error("word".to_owned());
    let grpc = || Door::Grpc {
        method: "ModelInfer",
    };
    for (ended, expected) in [
        (Ended::Http(500), &error),
        (Ended::Http(503), &error),
        (Ended::Http(404), &Status::Unset),
        (Ended::Left, &Status::Unset),
    ] {
        assert_eq!(&status(door(), ended), expected, "{ended:?}");
    }
    for (code, expected) in [
        (13, &error),
        (4, &error),
        (3, &Status::Unset),
        (8, &Status::Unset),
    ] {
        assert_eq!(&status(grpc(), Ended::Grpc(code)), expected, "{code}");
    }
}
