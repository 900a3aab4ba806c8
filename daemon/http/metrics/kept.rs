//! What is kept of requests and counts beside what is answered: the payload log, history, and what goes to a collector. Where
//! one is off there is nothing to say.

use super::family::{Family, labels, with};
use super::name;
use crate::{otlp, payload};

pub(super) fn payload(families: &mut Vec<Family>, shown: Option<&payload::Shown>) {
    let Some(shown) = shown else { return };
    let mut records = Family::counter(
        name::PAYLOAD_RECORDS,
        "records of the payload log by what became of them",
    );
    for (result, count) in [
        ("written", shown.written),
        ("dropped", shown.dropped),
        ("failed", shown.failed),
    ] {
        records.put(labels([("result", &result)]), count);
    }
    let mut shed = Family::counter(
        name::PAYLOAD_SHED,
        "records that were written without the data of their tensors, as they were too large",
    );
    shed.put(labels([]), shown.shed);
    let mut bytes = Family::counter(
        name::PAYLOAD_BYTES,
        "bytes that were written to the payload log",
    );
    bytes.put(labels([]), shown.bytes);
    let mut queue = Family::gauge(name::PAYLOAD_QUEUE, "records of the payload log that wait");
    queue.put(labels([]), shown.waiting);
    families.extend([records, shed, bytes, queue]);
}

pub(super) fn history(families: &mut Vec<Family>, unkept: Option<u64>) {
    let Some(unkept) = unkept else { return };
    let mut dropped = Family::counter(
        name::HISTORY_DROPPED,
        "requests that are in no history, as there was no place for another series",
    );
    dropped.put(labels([]), unkept);
    families.push(dropped);
}

pub(super) fn exports(families: &mut Vec<Family>, signals: &[otlp::Shown]) {
    if signals.is_empty() {
        return;
    }
    let mut items = Family::counter(
        name::EXPORT_ITEMS,
        "spans, log records and metric points for the collector by what became of them",
    );
    let mut queue = Family::gauge(
        name::EXPORT_QUEUE,
        "spans, log records and metric points that wait for the collector",
    );
    for shown in signals {
        let signal = labels([("signal", &shown.signal.as_str())]);
        for (result, count) in [
            ("exported", shown.exported),
            ("rejected", shown.rejected),
            ("failed", shown.failed),
            ("dropped", shown.dropped),
        ] {
            items.put(with(&signal, "result", result), count);
        }
        queue.put(signal, shown.waiting);
    }
    families.extend([items, queue]);
}
