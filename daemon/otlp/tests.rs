//! The exporter: its bounds, its tries and what it counts, with a collector that does what a script says.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

use super::batcher::{Batcher, Bounds, Due, Full};
use super::pace::Pace;
use super::pack::Pack;
use super::queue::Queue;
use super::send::{Body, Send, Sent};
use super::settings::{Compression, Headers, Protocol, Resource, Settings, Signal};
use super::tally::{Shown, Tally};
use super::worker::Worker;
use super::{Endpoint, Exporter};
use crate::clock;

mod meaning;
mod records;
mod written;

/// A collector that answers what it is told to, and keeps how many items came with each try.
#[derive(Clone, Default)]
struct Scripted {
    answers: Rc<RefCell<VecDeque<Sent>>>,
    tries: Rc<RefCell<Vec<usize>>>,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Sent>) -> Self {
        let scripted = Self::default();
        scripted.answers.borrow_mut().extend(answers);
        scripted
    }

    fn tries(&self) -> Vec<usize> {
        self.tries.borrow().clone()
    }
}

impl Send for Scripted {
    async fn send(&mut self, body: &Body) -> Sent {
        let items = match body {
            Body::Traces(traces) => traces.resource_spans[0].scope_spans[0].spans.len(),
            Body::Metrics(metrics) => metrics.resource_metrics[0].scope_metrics[0].metrics.len(),
            Body::Logs(logs) => logs.resource_logs[0].scope_logs[0].log_records.len(),
        };
        self.tries.borrow_mut().push(items);
        let next = self.answers.borrow_mut().pop_front();
        next.unwrap_or_else(taken)
    }
}

/// Counts warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<AtomicUsize>);

impl<S: tracing::Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let warns = *event.metadata().level() == tracing::Level::WARN;
        self.0.fetch_add(usize::from(warns), Relaxed);
    }
}

fn taken() -> Sent {
    Sent::Taken {
        rejected: 0,
        message: String::new(),
    }
}

fn later(after: Option<Duration>) -> Sent {
    Sent::Later {
        why: "not now".to_owned(),
        after,
    }
}

fn resource() -> Resource {
    Resource {
        service: "impresario".to_owned(),
        instance: Some("one".to_owned()),
        environment: Some("test".to_owned()),
        attributes: vec![("k8s.pod.name".to_owned(), "pod-7".to_owned())],
    }
}

fn bounds() -> Bounds {
    Bounds {
        items: 10,
        bytes: 1_000,
        batch: 4,
        interval: Duration::from_secs(3_600),
    }
}

fn settings(endpoint: &str, protocol: Protocol) -> Settings {
    Settings {
        endpoint: endpoint.parse().unwrap(),
        protocol,
        signals: Signal::ALL.to_vec(),
        headers: Headers::default(),
        compression: Compression::Gzip,
        sample: 1.0,
        queue: bounds(),
        metrics_interval: Duration::from_secs(3_600),
        timeout: Duration::from_millis(200),
        flush: Duration::from_millis(500),
        resource: resource(),
    }
}

/// What a worker came to with these items and answers, at a pace without waits; the queue is closed before it begins.
async fn worked(items: usize, scripted: &Scripted) -> Shown {
    let queue = Queue::new(bounds());
    queue
        .push((0..items).map(|_| (span(), 10)).collect())
        .unwrap();
    queue.close();
    work(&queue, scripted, Pace::default()).await
}

async fn work(queue: &Queue<crate::trace::Span>, scripted: &Scripted, pace: Pace) -> Shown {
    let tally = Arc::new(Tally::default());
    let worker = Worker {
        signal: Signal::Traces,
        to: "http://127.0.0.1".to_owned(),
        sender: scripted.clone(),
        tally: Arc::clone(&tally),
        pace,
        trouble: None,
    };
    let pack = Pack::new(&resource(), 1);
    worker.work(queue, &pack, Pack::spans).await;
    tally.show(Signal::Traces, queue.waiting())
}

fn span() -> crate::trace::Span {
    use crate::trace::{Kind, Span, SpanId, Status, TraceId};
    Span {
        trace: TraceId::new([1; 16]).unwrap(),
        id: SpanId::new([2; 8]).unwrap(),
        parent: None,
        state: None,
        name: "one".to_owned(),
        kind: Kind::Internal,
        began: 10,
        ended: 20,
        attributes: Vec::new(),
        links: Vec::new(),
        status: Status::Unset,
    }
}

#[test]
fn a_batch_is_due_when_there_are_enough_or_the_oldest_has_waited() {
    let begun = clock::instant();
    let at = |seconds| begun + Duration::from_secs(seconds);
    let mut batcher = Batcher::new(bounds());
    assert_eq!(batcher.due(at(0)), Due::Never);
    batcher.offer(vec![('a', 1)], at(0)).unwrap();
    batcher.offer(vec![('b', 1)], at(600)).unwrap();
    assert_eq!(batcher.due(at(600)), Due::In(Duration::from_secs(3_000)));
    assert_eq!(batcher.due(at(3_600)), Due::Now, "for the oldest");
    assert_eq!(batcher.take(), ['a', 'b']);
    assert_eq!(
        (batcher.due(at(9_999)), batcher.take()),
        (Due::Never, vec![])
    );
    let six = "cdefgh".chars().map(|c| (c, 1)).collect();
    batcher.offer(six, at(10_000)).unwrap();
    assert_eq!(batcher.due(at(10_000)), Due::Now, "for their number");
    assert_eq!(batcher.take(), ['c', 'd', 'e', 'f']);
    assert_eq!(batcher.due(at(10_000)), Due::In(Duration::from_secs(3_600)));
    assert_eq!(batcher.take(), ['g', 'h']);
}

#[test]
fn no_more_waits_than_may_and_what_belongs_together_is_dropped_together() {
    let now = clock::instant();
    let some = |count: usize, bytes: usize| vec![(0, bytes); count];
    let mut batcher = Batcher::new(bounds());
    batcher.offer(some(8, 10), now).unwrap();
    assert_eq!(batcher.offer(some(3, 10), now), Err(Full), "too many");
    assert_eq!(batcher.len(), 8);
    assert_eq!(batcher.offer(some(2, 500), now), Err(Full), "too large");
    batcher.offer(some(2, 460), now).unwrap();
    assert_eq!(batcher.offer(some(1, 1), now), Err(Full));
    while !batcher.take().is_empty() {}
    // All of the room is there again.
    batcher.offer(some(10, 100), now).unwrap();
}

#[test]
fn a_batch_has_no_more_bytes_than_a_collector_takes() {
    let now = clock::instant();
    let mut batcher = Batcher::new(Bounds {
        items: 100,
        bytes: 1 << 30,
        batch: 50,
        ..bounds()
    });
    batcher
        .offer(vec![('a', 700 << 10), ('b', 700 << 10)], now)
        .unwrap();
    assert_eq!(batcher.due(now), Due::Now);
    assert_eq!(batcher.take(), ['a']);
    assert_eq!(batcher.take(), ['b']);
    batcher.offer(vec![('c', 9 << 20), ('d', 1)], now).unwrap();
    assert_eq!(batcher.take(), ['c'], "what is too large goes alone");
}

#[test]
fn waits_grow_and_end() {
    let pace = Pace::default();
    let wait = |tried, spent, asked| {
        let asked = (asked > 0).then(|| Duration::from_secs(asked));
        let wait = pace.wait(tried, Duration::from_secs(spent), asked, u64::MAX);
        wait.map(|wait| wait.as_secs())
    };
    for (tried, spent, asked, expected) in [
        (1, 0, 0, Some(1)),
        (2, 0, 0, Some(2)),
        (5, 0, 0, Some(16)),
        (6, 0, 0, Some(30)),
        (4_000_000_000, 0, 0, Some(30)),
        (1, 0, 45, Some(45)),
        (9, 0, 7, Some(30)),
        (1, 299, 0, Some(1)),
        (1, 300, 0, None),
        (9, 280, 0, None),
        (1, 0, 301, None),
    ] {
        assert_eq!(
            wait(tried, spent, asked),
            expected,
            "{tried} {spent} {asked}"
        );
    }
    let half = pace.wait(3, Duration::ZERO, None, 0).unwrap();
    assert_eq!(
        half,
        Duration::from_secs(2),
        "the draw takes up to half of it off"
    );
    let rests = [None, Some(7), Some(3_600)].map(|asked| {
        let rest = Pace::rest(asked.map(Duration::from_secs));
        rest.as_secs()
    });
    assert_eq!(rests, [0, 7, 300], "nobody is left alone for ever");
}

#[tokio::test]
async fn what_is_taken_is_counted_and_what_is_not_kept_too() {
    let partly = Sent::Taken {
        rejected: 3,
        message: "no room".to_owned(),
    };
    let scripted = Scripted::new([taken(), partly]);
    let shown = worked(8, &scripted).await;
    assert_eq!(scripted.tries(), [4, 4]);
    assert_eq!((shown.exported, shown.rejected, shown.failed), (5, 3, 0));
    assert_eq!(
        shown.trouble.as_deref(),
        Some("3 of 4 were not kept: no room")
    );
}

#[tokio::test]
async fn what_is_not_kept_is_told_once_while_it_lasts() {
    let partly = || Sent::Taken {
        rejected: 1,
        message: "no room".to_owned(),
    };
    let warnings = Warnings::default();
    let told = Registry::default().with(warnings.clone());
    let told = tracing::subscriber::set_default(told);
    let shown = worked(10, &Scripted::new([partly(), partly(), partly()])).await;
    drop(told);
    assert_eq!((shown.exported, shown.rejected), (7, 3));
    assert_eq!(warnings.0.load(Relaxed), 1);
}

#[tokio::test]
async fn what_is_refused_is_given_up_and_the_next_is_tried() {
    let refused = Sent::Refused("it answered 400".to_owned());
    let scripted = Scripted::new([refused, taken()]);
    let shown = worked(6, &scripted).await;
    assert_eq!(scripted.tries(), [4, 2], "the first batch comes once");
    assert_eq!((shown.exported, shown.failed, shown.waiting), (2, 4, 0));
    assert_eq!(shown.trouble, None, "the last try went well");
}

#[tokio::test]
async fn what_may_be_taken_later_is_tried_again() {
    let scripted = Scripted::new([later(None), later(Some(Duration::ZERO)), taken()]);
    let queue = Queue::new(bounds());
    queue.push(vec![(span(), 10); 4]).unwrap();
    let pace = Pace {
        first: Duration::ZERO,
        longest: Duration::ZERO,
        patience: Duration::from_secs(60),
    };
    let working = work(&queue, &scripted, pace);
    // It is closed when all three tries were made, so that none of them is the last one of a daemon that goes down.
    let closing = async {
        while scripted.tries().len() < 3 {
            tokio::task::yield_now().await;
        }
        queue.close();
    };
    let (shown, ()) = tokio::join!(working, closing);
    assert_eq!(scripted.tries(), [4, 4, 4]);
    assert_eq!((shown.exported, shown.failed), (4, 0));
}

#[tokio::test]
async fn a_collector_that_asks_for_too_much_time_gets_nothing() {
    let scripted = Scripted::new([later(Some(Duration::from_secs(3_600)))]);
    let queue = Queue::new(bounds());
    queue.push(vec![(span(), 10); 4]).unwrap();
    let closing = async {
        while scripted.tries().is_empty() || queue.waiting() > 0 {
            tokio::task::yield_now().await;
        }
        queue.close();
    };
    let (shown, ()) = tokio::join!(work(&queue, &scripted, Pace::default()), closing);
    assert_eq!(scripted.tries(), [4]);
    assert_eq!((shown.exported, shown.failed), (0, 4));
}

#[tokio::test]
async fn a_collector_that_asks_for_too_much_time_is_left_alone_until_the_daemon_goes_down() {
    let scripted = Scripted::new([later(Some(Duration::from_secs(3_600)))]);
    let queue = Queue::new(bounds());
    queue.push(vec![(span(), 10); 8]).unwrap();
    let closing = async {
        while scripted.tries().is_empty() {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        let before = (scripted.tries(), queue.waiting());
        queue.close();
        before
    };
    let (shown, before) = tokio::join!(work(&queue, &scripted, Pace::default()), closing);
    assert_eq!(before, (vec![4], 4), "the next waits too");
    assert_eq!(scripted.tries(), [4, 4]);
    assert_eq!((shown.exported, shown.failed), (4, 4));
}

#[tokio::test]
async fn what_waits_when_the_daemon_goes_down_is_tried_without_patience() {
    let scripted = Scripted::new([later(None), taken(), later(None), later(None)]);
    let begun = clock::instant();
    let shown = worked(8, &scripted).await;
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "no wait is waited for"
    );
    assert_eq!(scripted.tries(), [4, 4, 4, 4], "each batch twice at most");
    assert_eq!((shown.exported, shown.failed), (4, 4));
}

#[test]
fn a_full_or_closed_queue_takes_nothing_and_says_how_much() {
    let queue = Queue::new(bounds());
    assert_eq!(queue.push(vec![((), 1); 11]), Err(11));
    assert_eq!(queue.push(vec![((), 1); 10]), Ok(()));
    assert_eq!(queue.push(vec![((), 1)]), Err(1));
    assert_eq!(queue.waiting(), 10);
    let closed: Queue<()> = Queue::new(bounds());
    closed.close();
    assert_eq!(closed.push(vec![((), 1)]), Err(1));
}

/// Nobody is there: what is given is dropped when there is no room any more, at once, and going down ends in time.
#[tokio::test]
async fn without_a_collector_nothing_waits_for_one() {
    for protocol in [Protocol::Grpc, Protocol::Http] {
        // Nobody accepts: connections wait in the kernel until the try is given up.
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", nobody.local_addr().unwrap());
        let exporter = Exporter::start(&settings(&url, protocol)).unwrap();
        let longest = (0..1_000).map(|_| {
            let begun = clock::instant();
            exporter.spans(vec![span(); 2]);
            begun.elapsed()
        });
        let longest = longest.max().unwrap();
        assert!(longest < Duration::from_millis(100), "{longest:?}");
        let begun = clock::instant();
        exporter.stop().await;
        assert!(begun.elapsed() < Duration::from_secs(5));
        let shown = exporter.shown();
        let traces = &shown[0];
        assert_eq!(traces.signal, Signal::Traces);
        assert_eq!(traces.exported, 0);
        let all = traces.dropped + traces.failed + traces.waiting as u64;
        assert!(traces.dropped > 1_900 && all <= 2_000, "{traces:?}");
    }
}

#[test]
fn the_machine_has_what_tls_needs() {
    let secure = settings("https://collector.example.com:4317", Protocol::Grpc);
    assert!(Exporter::start(&secure).is_ok());
}

#[test]
fn endpoints_are_addresses_without_secrets() {
    for (text, expected) in [
        ("http://127.0.0.1:4317", Ok(false)),
        ("https://otlp.example.com", Ok(false)),
        ("https://otlp.example.com/", Ok(false)),
        ("https://otlp.example.com/otlp/v2", Ok(true)),
        ("https://otlp.example.com/?key=hunter2", Err(())),
        ("https://ann:hunter2@otlp.example.com", Err(())),
        ("grpc://127.0.0.1:4317", Err(())),
        ("127.0.0.1:4317", Err(())),
        ("", Err(())),
    ] {
        let read = text.parse::<Endpoint>();
        if let Err(error) = &read {
            assert!(!error.to_string().contains("hunter2"));
        }
        let got = read.map(|endpoint| endpoint.has_path()).map_err(drop);
        assert_eq!(got, expected, "{text}");
    }
}

#[test]
fn headers_are_read_and_never_printed() {
    let headers = Headers::new([
        ("X-Api-Key", "hunter2"),
        ("authorization", "Bearer hunter2"),
    ]);
    let headers = headers.unwrap();
    assert_eq!(format!("{headers:?}"), r#"["x-api-key", "authorization"]"#);
    let other = Headers::new([("x-api-key", "other"), ("x-more", "1")]).unwrap();
    assert_eq!(headers.or(other).iter().count(), 3);
    for bad in [
        vec![("x y", "hunter2")],
        vec![("", "hunter2")],
        vec![("content-type", "hunter2")],
        vec![("trace-bin", "hunter2")],
        vec![("x", "hunter2\n")],
        vec![("x", "hünter2")],
        vec![("x", "hunter2"), ("X", "hunter2")],
    ] {
        let error = Headers::new(bad.clone()).unwrap_err();
        assert!(!error.to_string().contains("nter2"), "{bad:?}: {error}");
    }
}
