//! What the cells have counted: requests, what they took, and what the response cache spared; nodes of graphs beside them.

use impresario_models::Name;
use impresario_pipelines::Variant;

use super::family::{Family, Labels, Spread, Value, labels, with};
use super::{Shown, name};
use crate::measure::{Counts, Fared, GraphKey, Key, NodeTotals, Outcome, Totals};

/// Adds the families.
pub(super) fn put(families: &mut Vec<Family>, shown: &Shown<'_>) {
    let cells: Vec<_> = shown.cells.iter().filter(is_shown).collect();
    families.push(requests(&cells, shown.lost));
    type Count = fn(&Totals) -> u64;
    let counts: [(_, _, Count); 2] = [
        (name::INFERENCES, "rows inferred", |t| t.rows),
        (name::EXECUTIONS, "calls of the engine", |t| t.executions),
    ];
    for (name, help, count) in counts {
        let mut family = Family::counter(name, help);
        for (key, totals) in &cells {
            family.put(of(key), count(totals));
        }
        families.push(family);
    }
    type Part = fn(&Totals) -> &Counts;
    let parts: [(_, _, Part); 4] = [
        (
            name::REQUEST_SECONDS,
            "from the decision to the answer, in seconds",
            |t| &t.request,
        ),
        (
            name::QUEUE_SECONDS,
            "in the version's queue, in seconds",
            |t| &t.queue,
        ),
        (name::COMPUTE_SECONDS, "in the engine, in seconds", |t| {
            &t.compute
        }),
        (
            name::CODEC_SECONDS,
            "reading the request and writing its answer, in seconds",
            |t| &t.codec,
        ),
    ];
    for (name, help, part) in parts {
        let mut family = Family::histogram(name, help);
        // One that counted nothing is left out: of a thousand models most are asked seldom.
        let counted = cells.iter().filter(|(_, t)| part(t).count() > 0);
        for (key, totals) in counted {
            let mut value = Spread {
                counts: part(totals).clone(),
                ..Spread::default()
            };
            if name == name::REQUEST_SECONDS
                && let Some(exemplars) = shown.exemplars.get(key)
            {
                value.exemplars.clone_from(exemplars);
            }
            family.put(of(key), Value::Spread(value));
        }
        families.push(family);
    }
}

/// The response cache. Only pipelines whose versions have asked it have series: most have no cache.
pub(super) fn cache(families: &mut Vec<Family>, shown: &Shown<'_>) {
    let Some(max) = shown.cache.max_bytes() else {
        return;
    };
    let (entries, bytes) = shown.cache.usage();
    let mut looks = Family::counter(name::CACHE_LOOKS, "looks into the response cache");
    for (key, totals) in shown.cells {
        if totals.hits + totals.misses == 0 {
            continue;
        }
        let labels = of(key);
        looks.put(with(&labels, "result", "hit"), totals.hits);
        looks.put(with(&labels, "result", "miss"), totals.misses);
    }
    families.push(looks);
    let gauges = [
        (
            name::CACHE_ENTRIES,
            "answers in the response cache",
            entries,
        ),
        (name::CACHE_BYTES, "bytes in the response cache", bytes),
        (
            name::CACHE_MAX_BYTES,
            "bytes that the response cache may hold",
            max,
        ),
    ];
    families.extend(gauges.map(|(name, help, value)| Family::gauge(name, help).at(value)));
}

/// The nodes of graphs. A node that calls nobody has no calls to show, and one that nobody came to has nothing at all.
pub(super) fn nodes(families: &mut Vec<Family>, nodes: &[(GraphKey, Vec<NodeTotals>)]) {
    let mut calls = Family::counter(
        name::NODE_CALLS,
        "calls of the graph's node by how they ended",
    );
    let mut rows = Family::counter(
        name::NODE_ROWS,
        "rows that came to the graph's node by how they fared",
    );
    let mut took = Family::histogram(
        name::NODE_SECONDS,
        "calls of the graph's node, each attempt for itself, in seconds",
    );
    let graphs = nodes.iter();
    for ((model, version), node) in
        graphs.flat_map(|(key, nodes)| nodes.iter().map(move |n| (key, n)))
    {
        let labels = labels([("model", model), ("version", version), ("node", &node.name)]);
        if node.took.count() > 0 {
            for outcome in Outcome::ALL {
                let labels = with(&labels, "outcome", outcome.as_str());
                calls.put(labels, node.calls(outcome));
            }
            took.put(labels.clone(), &node.took);
        }
        if Fared::ALL.iter().any(|fared| node.rows(*fared) > 0) {
            for fared in Fared::ALL {
                rows.put(with(&labels, "fared", fared.as_str()), node.rows(fared));
            }
        }
    }
    families.extend([calls, rows, took]);
}

/// Requests by how they ended; those that found no version have no variant, model and version.
fn requests(cells: &[&(Key, Totals)], lost: &[(Name, Totals)]) -> Family {
    let mut family = Family::counter(
        name::REQUESTS,
        "requests by how they ended; without a version where none was found",
    );
    let found = cells.iter().map(|(key, totals)| (of(key), totals));
    let lost = lost.iter().map(|(pipeline, totals)| {
        let labels = labels([
            ("pipeline", pipeline),
            ("variant", &""),
            ("model", &""),
            ("version", &""),
        ]);
        (labels, totals)
    });
    for (labels, totals) in found.chain(lost) {
        for outcome in Outcome::ALL {
            let labels = with(&labels, "outcome", outcome.as_str());
            family.put(labels, totals.of(outcome));
        }
    }
    family
}

/// Each version can be asked by its number, and few ever are.
fn is_shown((key, totals): &&(Key, Totals)) -> bool {
    key.variant != Variant::DIRECT || totals.requests() > 0
}

fn of(key: &Key) -> Labels {
    labels([
        ("pipeline", &key.pipeline),
        ("variant", &key.variant),
        ("model", &key.model),
        ("version", &key.version),
    ])
}
