//! Records: what becomes of an event, and that what the exporter logs itself is not exported.

use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::otlp::logs::{self, Logs, Record};
use crate::trace::Value;

/// What is exported of what a function logs.
async fn exported(log: impl FnOnce()) -> Vec<Record> {
    let queue = Arc::new(Queue::new(bounds()));
    let layer = Logs {
        queue: Arc::clone(&queue),
        tally: Arc::default(),
    };
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
    queue.close();
    let mut all = Vec::new();
    while let Some(batch) = queue.take().await {
        all.extend(batch);
    }
    all
}

#[tokio::test]
async fn an_event_is_a_record_of_its_trace() {
    let records = exported(|| {
        let trace_id = Some(tracing::field::display("4bf92f3577b34da6a3ce929d0e0e4736"));
        tracing::error!(
            target: "impresario::plane",
            trace_id,
            span_id = "00f067aa0ba902b7",
            rows = 3u64,
            share = 0.5,
            cached = false,
            absent = None::<u64>,
            error = %"it broke",
            "request {}", "failed"
        );
        tracing::info!(trace_id = "rubbish", "second");
    })
    .await;
    let [first, second] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!((first.level, first.severity), ("ERROR", 17));
    assert_eq!(first.message, "request failed");
    let ids = (
        first.trace.unwrap().to_string(),
        first.span.unwrap().to_string(),
    );
    assert_eq!(ids.0, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(ids.1, "00f067aa0ba902b7");
    assert_eq!(
        first.fields,
        [
            ("target", Value::Word("impresario::plane")),
            ("rows", Value::Whole(3)),
            ("share", Value::Number(0.5)),
            ("cached", Value::Flag(false)),
            ("error", Value::Text("it broke".to_owned())),
        ]
    );
    assert_eq!(
        (second.level, second.severity, second.trace),
        ("INFO", 9, None)
    );
}

#[tokio::test]
async fn long_texts_are_cut_and_floods_are_dropped() {
    let records = exported(|| {
        tracing::info!(text = "é".repeat(10_000), "long");
    })
    .await;
    // The queue of these tests has less room than such a record needs.
    assert_eq!(records, []);
    let queue = Arc::new(Queue::new(bounds()));
    let tally = Arc::new(Tally::default());
    let layer = Logs {
        queue: Arc::clone(&queue),
        tally: Arc::clone(&tally),
    };
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..100 {
            tracing::info!("flood");
        }
    });
    let shown = tally.show(Signal::Logs, queue.waiting());
    assert!(shown.waiting <= 10, "{shown:?}");
    assert_eq!(shown.dropped + shown.waiting as u64, 100);
}

#[tokio::test]
async fn the_exporters_own_threads_export_nothing() {
    let records = exported(|| {
        std::thread::scope(|scope| {
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            scope.spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    tracing::warn!("before");
                    logs::quiet();
                    tracing::warn!("otlp: the collector does not take it");
                });
            });
        });
    })
    .await;
    let messages: Vec<_> = records.iter().map(|record| &*record.message).collect();
    assert_eq!(messages, ["before"]);
}
