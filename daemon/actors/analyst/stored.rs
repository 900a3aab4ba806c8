//! The evidence of a rollout in the stored form, version 1, and which process this is among all that kept some.

use std::collections::BTreeMap;

use impresario_pipelines::analysis::{Class, Counts, Evidence, Segment, Source, Tally, Thresholds};
use impresario_pipelines::bucket::Weight;
use impresario_pipelines::spec::canary::Metric;
use impresario_pipelines::stats::Sketch;
use serde::{Deserialize, Serialize};

use crate::store::{Keep, Shelf, Store};

/// The version that this program writes.
const VERSION: u32 = 1;

/// The key of what tells processes apart.
const SOURCE: &str = "source";

/// Why what is stored is not evidence.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damaged {
    /// It is no JSON of the right shape.
    #[error("read the stored evidence")]
    Json(#[from] serde_json::Error),
    /// A newer program wrote it.
    #[error("it is of version {0}; this program reads version {VERSION}")]
    Newer(u32),
    /// A part of it is not possible.
    #[error("it holds {0}")]
    Impossible(&'static str),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceV1 {
    v: u32,
    course: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thresholds: Option<ThresholdsV1>,
    settled: u32,
    peaks: Vec<(String, u64, f64)>,
    segments: Vec<SegmentV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThresholdsV1 {
    slow_ns: [u64; 3],
    slower_than_ns: Option<u64>,
    deciles: Option<[f64; 9]>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentV1 {
    number: u32,
    /// In hundredths of a per cent.
    weights: Vec<u16>,
    measured: bool,
    tallies: Vec<TallyV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TallyV1 {
    replica: u64,
    boot: u64,
    arms: Vec<CountsV1>,
}

/// Counts; what is mostly zero is written as places and counts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CountsV1 {
    requests: u64,
    units: u64,
    events: Vec<u64>,
    bins: Vec<(usize, u64)>,
    latency: Vec<(usize, u64)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceV1 {
    v: u32,
    replica: u64,
    boot: u64,
}

// === which process ===

/// This process among all that kept evidence in a store. Where that cannot be written, it is one of its own.
pub(super) fn begin(store: &dyn Store) -> Source {
    let kept = store.kept(Shelf::Secret).unwrap_or_default();
    let known = kept.iter().find(|(key, _)| key == SOURCE);
    let known = known.and_then(|(_, text)| serde_json::from_str::<SourceV1>(text).ok());
    let source = match known {
        Some(known) => Source {
            replica: known.replica,
            boot: known.boot + 1,
        },
        None => Source {
            // JSON holds it exactly, whoever reads it.
            replica: getrandom::u64().unwrap_or(1) >> 11,
            boot: 1,
        },
    };
    let text = serde_json::to_string(&SourceV1 {
        v: VERSION,
        replica: source.replica,
        boot: source.boot,
    });
    let keep = Keep {
        shelf: Shelf::Secret,
        key: SOURCE.to_owned(),
        text: text.ok(),
    };
    if let Err(error) = store.keep(&[keep]) {
        tracing::error!(%error, "which start this is cannot be kept");
    }
    source
}

// === writing ===

/// The stored form.
pub(super) fn write(course: u64, evidence: &Evidence) -> Result<String, serde_json::Error> {
    let segments = evidence.segments.iter().map(|(number, segment)| SegmentV1 {
        number: *number,
        weights: segment.weights.iter().map(|w| w.basis_points()).collect(),
        measured: segment.measured,
        tallies: segment
            .tallies
            .iter()
            .map(|(source, tally)| TallyV1 {
                replica: source.replica,
                boot: source.boot,
                arms: tally.arms.iter().map(CountsV1::from).collect(),
            })
            .collect(),
    });
    let peaks = evidence.peaks.iter().map(|(metric, peak)| {
        let micros = match metric {
            Metric::SlowerThan(micros) => *micros,
            _ => 0,
        };
        // JSON has no infinity.
        let peak = if peak.is_nan() { 0.0 } else { *peak };
        let peak = peak.clamp(f64::MIN, f64::MAX);
        (metric.as_str().to_owned(), micros, peak)
    });
    serde_json::to_string(&EvidenceV1 {
        v: VERSION,
        course,
        thresholds: evidence.thresholds.as_ref().map(|t| ThresholdsV1 {
            slow_ns: t.slow_ns,
            slower_than_ns: t.slower_than_ns,
            deciles: t.deciles,
        }),
        settled: evidence.settled,
        peaks: peaks.collect(),
        segments: segments.collect(),
    })
}

impl From<&Counts> for CountsV1 {
    fn from(counts: &Counts) -> Self {
        Self {
            requests: counts.requests,
            units: counts.units,
            events: counts.events.to_vec(),
            bins: sparse(&counts.bins),
            latency: sparse(counts.latency.counts()),
        }
    }
}

fn sparse(counts: &[u64]) -> Vec<(usize, u64)> {
    let counts = counts.iter().copied().enumerate();
    counts.filter(|(_, count)| *count > 0).collect()
}

// === reading ===

/// The course and its evidence.
pub(super) fn read(text: &str) -> Result<(u64, Evidence), Damaged> {
    #[derive(Deserialize)]
    struct Mark {
        v: u32,
    }
    let Mark { v } = serde_json::from_str(text)?;
    if v != VERSION {
        return Err(Damaged::Newer(v));
    }
    let stored: EvidenceV1 = serde_json::from_str(text)?;
    let mut segments = BTreeMap::new();
    for segment in stored.segments {
        let weights = segment.weights.into_iter().map(Weight::new);
        let weights: Option<Vec<_>> = weights.collect();
        let mut tallies = BTreeMap::new();
        for tally in segment.tallies {
            let arms: Result<Vec<_>, _> = tally.arms.into_iter().map(counts).collect();
            let source = Source {
                replica: tally.replica,
                boot: tally.boot,
            };
            tallies.insert(source, Tally { arms: arms? });
        }
        let segment_of = Segment {
            weights: weights.ok_or(Damaged::Impossible("a weight above the whole"))?,
            measured: segment.measured,
            tallies,
        };
        segments.insert(segment.number, segment_of);
    }
    let peaks = stored.peaks.into_iter();
    let peaks = peaks.map(|(word, micros, peak)| Some((metric(&word, micros)?, peak)));
    let peaks: Option<_> = peaks.collect();
    let evidence = Evidence {
        thresholds: stored.thresholds.map(|t| Thresholds {
            slow_ns: t.slow_ns,
            slower_than_ns: t.slower_than_ns,
            deciles: t.deciles,
        }),
        segments,
        settled: stored.settled,
        peaks: peaks.ok_or(Damaged::Impossible("an unknown metric"))?,
    };
    Ok((stored.course, evidence))
}

fn counts(stored: CountsV1) -> Result<Counts, Damaged> {
    let mut counts = Counts {
        requests: stored.requests,
        units: stored.units,
        ..Counts::default()
    };
    if stored.events.len() > Class::COUNT {
        return Err(Damaged::Impossible("more classes of events than there are"));
    }
    for (count, stored) in counts.events.iter_mut().zip(stored.events) {
        *count = stored;
    }
    for (place, count) in stored.bins {
        let bin = counts.bins.get_mut(place);
        *bin.ok_or(Damaged::Impossible("an unknown bin"))? = count;
    }
    let mut latency = counts.latency.counts().to_vec();
    for (place, count) in stored.latency {
        let bucket = latency.get_mut(place);
        *bucket.ok_or(Damaged::Impossible("an unknown bucket"))? = count;
    }
    counts.latency = Sketch::from_counts(latency);
    Ok(counts)
}

fn metric(word: &str, micros: u64) -> Option<Metric> {
    let known = [
        Metric::Errors,
        Metric::Timeouts,
        Metric::Slow50,
        Metric::Slow90,
        Metric::Slow99,
        Metric::SlowerThan(micros),
        Metric::NonFinite,
        Metric::Outputs,
    ];
    known.into_iter().find(|metric| metric.as_str() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence() -> Evidence {
        let mut evidence = Evidence {
            thresholds: Some(Thresholds {
                slow_ns: [1, 2, 3],
                slower_than_ns: Some(4),
                deciles: Some([0.5; 9]),
            }),
            ..Evidence::default()
        };
        let weights = [9_900, 100].map(|points| Weight::new(points).unwrap());
        evidence.open(2, &weights, true);
        let mut tally = Tally::default();
        let arm = tally.arm_mut(1);
        (arm.requests, arm.units) = (7, 5);
        arm.events[Class::Errors.index()] = 3;
        arm.bins[31] = 2;
        arm.latency.record(5_000_000);
        let source = Source {
            replica: (1 << 53) - 1,
            boot: 3,
        };
        assert!(evidence.put(2, source, tally));
        evidence
            .peaks
            .insert(Metric::SlowerThan(80_000), f64::INFINITY);
        evidence.peaks.insert(Metric::Errors, 1.5);
        evidence
    }

    #[test]
    fn what_is_written_is_read() {
        let mut evidence = evidence();
        let text = write(9, &evidence).unwrap();
        let (course, read) = read(&text).unwrap();
        assert_eq!(course, 9);
        evidence.peaks.insert(Metric::SlowerThan(80_000), f64::MAX);
        assert_eq!(read, evidence);
    }

    #[test]
    fn what_is_damaged_says_so() {
        let text = write(9, &evidence()).unwrap();
        for (from, to) in [
            (r#""v":1"#, r#""v":2"#),
            ("[31,2]", "[32,2]"),
            ("[9900,100]", "[9900,10001]"),
            ("errors", "horrors"),
            ("settled", "settles"),
        ] {
            assert!(text.contains(from), "{text}");
            assert!(read(&text.replace(from, to)).is_err(), "{from}");
        }
        assert!(read("{").is_err());
    }

    #[test]
    fn each_start_is_told_from_the_ones_before() {
        let store = crate::store::Memory::default();
        let (first, second) = (begin(&store), begin(&store));
        assert_eq!(first.replica, second.replica);
        assert_eq!((first.boot, second.boot), (1, 2));
    }
}
