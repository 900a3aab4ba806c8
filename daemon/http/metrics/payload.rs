//! The payload log's series. Where it is off there is nothing to say.

use std::fmt::Display;

use super::{Text, name};
use crate::payload::Shown;

pub(super) fn payload(text: &mut Text, shown: Option<&Shown>) {
    let Some(shown) = shown else { return };
    text.family(
        name::PAYLOAD_RECORDS,
        "counter",
        "records of the payload log by what became of them",
    );
    let results = [
        ("written", shown.written),
        ("dropped", shown.dropped),
        ("failed", shown.failed),
    ];
    for (result, count) in results {
        let labels: &[(&str, &dyn Display)] = &[("result", &result)];
        text.sample(name::PAYLOAD_RECORDS, labels, count);
    }
    text.family(
        name::PAYLOAD_SHED,
        "counter",
        "records that were written without the data of their tensors, as they were too large",
    );
    text.sample(name::PAYLOAD_SHED, &[], shown.shed);
    text.family(
        name::PAYLOAD_BYTES,
        "counter",
        "bytes that were written to the payload log",
    );
    text.sample(name::PAYLOAD_BYTES, &[], shown.bytes);
    text.family(
        name::PAYLOAD_QUEUE,
        "gauge",
        "records of the payload log that wait",
    );
    text.sample(name::PAYLOAD_QUEUE, &[], shown.waiting);
}
