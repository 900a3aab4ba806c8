//! What is exported as metrics: the counters and sketches that `/metrics` shows too, as OpenTelemetry names such things.

use impresario_pipelines::Variant;

use crate::embed::Impresario;
use crate::measure::sketch::SCALE;
use crate::measure::{Counts, Key, Outcome, Totals};
use crate::otlp::{Buckets, Data, Exporter, Metric, Point};
use crate::trace::Value;

type Attributes = Vec<(&'static str, Value)>;

/// How a sketch is read off totals.
type Read = fn(&Totals) -> &Counts;

/// How a count is read off totals.
type Number = fn(&Totals) -> u64;

/// The durations of requests.
const DURATIONS: [(&str, &str, Read); 4] = [
    (
        "impresario.request.duration",
        "From the decision to the answer.",
        |totals| &totals.request,
    ),
    (
        "impresario.queue.duration",
        "What requests waited in a version's queue.",
        |totals| &totals.queue,
    ),
    (
        "impresario.compute.duration",
        "What the engine took, with all that was computed together.",
        |totals| &totals.compute,
    ),
    (
        "impresario.codec.duration",
        "Reading requests and writing answers, of those that were answered.",
        |totals| &totals.codec,
    ),
];

/// The counts of requests, with their units.
const COUNTS: [(&str, &str, &str, Number); 4] = [
    ("impresario.rows", "{row}", "Rows inferred.", |totals| {
        totals.rows
    }),
    (
        "impresario.executions",
        "{execution}",
        "Calls of the engine.",
        |totals| totals.executions,
    ),
    (
        "impresario.cache.hits",
        "{request}",
        "Requests that the response cache answered.",
        |totals| totals.hits,
    ),
    (
        "impresario.cache.misses",
        "{request}",
        "Requests that the response cache was asked for in vain.",
        |totals| totals.misses,
    ),
];

/// All metrics, as they are now.
pub(super) fn meters(impresario: &Impresario, exporter: &Exporter) -> Vec<Metric> {
    let measure = impresario.measure();
    let cells = used(measure.read());
    let mut all = vec![requests(&cells)];
    all.extend(COUNTS.map(|(name, unit, description, number)| Metric {
        name,
        unit,
        description,
        data: Data::Sum(points(&cells, number)),
    }));
    all.extend(DURATIONS.map(|(name, description, read)| Metric {
        name,
        unit: "s",
        description,
        data: Data::Histogram(histograms(&cells, read)),
    }));
    let lost = measure.read_lost();
    let lost = lost.iter().flat_map(|(pipeline, totals)| {
        let said = vec![("impresario.pipeline", pipeline.to_string().into())];
        by_outcome(&said, totals)
    });
    all.push(Metric {
        name: "impresario.requests.lost",
        unit: "{request}",
        description: "Requests that found no version to answer them.",
        data: Data::Sum(lost.collect()),
    });
    let graphs = measure.read_nodes();
    let nodes = graphs.iter().flat_map(|((model, version), nodes)| {
        let called = nodes.iter().filter(|node| node.took.count() > 0);
        called.map(move |node| {
            let attributes = vec![
                ("impresario.model", model.to_string().into()),
                ("impresario.version", version.to_string().into()),
                ("impresario.node", Value::Shared(node.name.clone())),
            ];
            point(attributes, buckets(&node.took))
        })
    });
    all.push(Metric {
        name: "impresario.node.duration",
        unit: "s",
        description: "Calls of a composite's nodes, each attempt for itself.",
        data: Data::Histogram(nodes.collect()),
    });
    let commits = measure.read_commits();
    let took = Some(&commits.took).filter(|took| took.count() > 0);
    let took = took.map(|took| point(Vec::new(), buckets(took)));
    all.push(Metric {
        name: "impresario.commit.duration",
        unit: "s",
        description: "Commits of the store, those that failed too.",
        data: Data::Histogram(took.into_iter().collect()),
    });
    all.push(Metric {
        name: "impresario.commit.failures",
        unit: "{commit}",
        description: "Commits that the store refused.",
        data: Data::Sum(vec![point(Vec::new(), commits.failed)]),
    });
    all.push(exported(exporter));
    all.retain(|metric| metric.data.points() > 0);
    all
}

fn requests(cells: &[(Key, Totals)]) -> Metric {
    let points = cells
        .iter()
        .flat_map(|(key, totals)| by_outcome(&said(key), totals));
    Metric {
        name: "impresario.requests",
        unit: "{request}",
        description: "Requests, by how they ended.",
        data: Data::Sum(points.collect()),
    }
}

/// What became of the export itself.
fn exported(exporter: &Exporter) -> Metric {
    let points = exporter.shown().into_iter().flat_map(|shown| {
        let results = [
            ("exported", shown.exported),
            ("rejected", shown.rejected),
            ("failed", shown.failed),
            ("dropped", shown.dropped),
        ];
        results.map(|(result, count)| {
            let attributes = vec![
                ("impresario.signal", shown.signal.as_str().into()),
                ("impresario.result", result.into()),
            ];
            point(attributes, count)
        })
    });
    Metric {
        name: "impresario.otlp.items",
        unit: "{item}",
        description: "Spans, metric points and log records, by what became of them.",
        data: Data::Sum(points.collect()),
    }
}

fn by_outcome(said: &Attributes, totals: &Totals) -> Vec<Point<u64>> {
    let ended = Outcome::ALL.into_iter();
    let ended = ended.map(|outcome| (outcome, totals.of(outcome)));
    ended
        .filter(|(_, count)| *count > 0)
        .map(|(outcome, count)| {
            let mut attributes = said.clone();
            attributes.push(("impresario.outcome", outcome.as_str().into()));
            point(attributes, count)
        })
        .collect()
}

/// Cells that were ever used: of versions that nobody asks there is nothing to tell.
fn used(mut cells: Vec<(Key, Totals)>) -> Vec<(Key, Totals)> {
    let unused = Totals::default();
    cells.retain(|(_, totals)| *totals != unused);
    cells
}

fn points(cells: &[(Key, Totals)], read: Number) -> Vec<Point<u64>> {
    let cells = cells.iter();
    cells
        .map(|(key, totals)| point(said(key), read(totals)))
        .collect()
}

/// Those that hold something: a histogram without counts says nothing, and costs as much as one with them.
fn histograms(cells: &[(Key, Totals)], read: Read) -> Vec<Point<Buckets>> {
    let cells = cells.iter().map(|(key, totals)| (key, read(totals)));
    cells
        .filter(|(_, counts)| counts.count() > 0)
        .map(|(key, counts)| point(said(key), buckets(counts)))
        .collect()
}

fn point<T>(attributes: Attributes, value: T) -> Point<T> {
    Point {
        attributes,
        value,
        exemplars: Vec::new(),
    }
}

fn said(key: &Key) -> Attributes {
    let Key {
        pipeline,
        variant,
        model,
        version,
    } = key;
    let variant: &Variant = variant;
    vec![
        ("impresario.pipeline", pipeline.to_string().into()),
        ("impresario.variant", variant.to_string().into()),
        ("impresario.model", model.to_string().into()),
        ("impresario.version", version.to_string().into()),
    ]
}

/// A sketch as it is: its buckets are those of OpenTelemetry at the same scale.
fn buckets(counts: &Counts) -> Buckets {
    let mut dense = Buckets {
        scale: SCALE.cast_signed(),
        count: counts.count(),
        sum: counts.nanos as f64 / 1e9,
        ..Buckets::default()
    };
    for (index, count) in counts.indexed() {
        if dense.counts.is_empty() {
            dense.offset = index;
        }
        let place = usize::try_from(index - dense.offset).expect("indexes come in order");
        dense.counts.resize(place, 0);
        dense.counts.push(count);
    }
    dense
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use impresario_models::{Name, VersionNumber};

    use super::*;
    use crate::measure::Measure;

    #[test]
    fn what_was_never_counted_is_not_told() {
        let key = |version| Key {
            pipeline: Name::new("iris").unwrap(),
            variant: Variant::STANDALONE,
            model: Name::new("iris").unwrap(),
            version: VersionNumber::new(version).unwrap(),
        };
        let measure = Measure::default();
        let _unused = measure.cell(key(1));
        measure.cell(key(2)).coded(Duration::from_millis(1));
        let cells = used(measure.read());
        let versions: Vec<_> = cells.iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(versions, [key(2)]);
        assert_eq!(histograms(&cells, |totals| &totals.codec).len(), 1);
        assert!(histograms(&cells, |totals| &totals.request).is_empty());
    }

    #[test]
    fn a_sketch_keeps_its_places() {
        let counts = Counts::new([(-20, 3), (-17, 1), (4, 2)], 1_500_000_000);
        let told = buckets(&counts);
        assert_eq!((told.scale, told.offset), (4, -20));
        assert_eq!((told.count, told.sum), (6, 1.5));
        let mut expected = vec![0; 25];
        (expected[0], expected[3], expected[24]) = (3, 1, 2);
        assert_eq!(told.counts, expected);
        assert!(buckets(&Counts::default()).counts.is_empty());
    }
}
