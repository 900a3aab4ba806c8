//! The same counters under Triton's names, for dashboards that exist already.

use std::collections::BTreeMap;

use super::family::{Family, Kind, labels};
use super::name;
use crate::measure::{Key, Outcome, Totals};

pub(super) fn put(families: &mut Vec<Family>, cells: &[(Key, Totals)]) {
    // Triton knows no pipelines: a version's sums over all of them, in the order of models and versions.
    let mut versions: BTreeMap<_, Totals> = BTreeMap::new();
    for (key, totals) in cells {
        let version = versions.entry((&key.model, key.version));
        version.or_default().add(totals);
    }
    type Count = fn(&Totals) -> u64;
    let counts: [(_, _, Count); 9] = [
        (
            name::NV_SUCCESS,
            "number of successful inference requests, all batch sizes",
            |t| t.of(Outcome::Success),
        ),
        (
            name::NV_FAILURE,
            "number of failed inference requests, all batch sizes",
            |t| t.requests() - t.of(Outcome::Success),
        ),
        (name::NV_COUNT, "number of inferences performed", |t| t.rows),
        (
            name::NV_EXECUTIONS,
            "number of model executions performed",
            |t| t.executions,
        ),
        (
            name::NV_REQUEST_US,
            "cumulative inference request duration in microseconds",
            |t| t.request.nanos / 1_000,
        ),
        (
            name::NV_QUEUE_US,
            "cumulative inference queuing duration in microseconds",
            |t| t.queue.nanos / 1_000,
        ),
        (
            name::NV_COMPUTE_US,
            "cumulative compute inference duration in microseconds",
            |t| t.compute.nanos / 1_000,
        ),
        (
            name::NV_HITS,
            "number of response cache hits per model",
            |t| t.hits,
        ),
        (
            name::NV_MISSES,
            "number of response cache misses per model",
            |t| t.misses,
        ),
    ];
    for (name, help, count) in counts {
        let mut family = Family::new(name, Kind::Foreign, help);
        for ((model, version), totals) in &versions {
            family.put(
                labels([("model", model), ("version", version)]),
                count(totals),
            );
        }
        families.push(family);
    }
}
