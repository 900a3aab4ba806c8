//! Protocol buffers, read back: the same numbers, native histograms that are the sketches, and exemplars.

use prost::Message;

use super::super::protobuf::{ExemplarMessage, HistogramMessage, MetricFamily, MetricType};
use super::*;
use crate::measure::Counts;

fn families(histograms: Histograms) -> BTreeMap<String, MetricFamily> {
    let bytes = shown(Names::Triton, Format::Protobuf, histograms);
    let mut rest = bytes.as_slice();
    let mut families = BTreeMap::new();
    while !rest.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut rest).unwrap();
        assert!(!family.metric.is_empty());
        let before = families.insert(family.name.clone().unwrap(), family);
        assert_eq!(before, None);
    }
    families
}

fn of_front(family: &MetricFamily) -> &HistogramMessage {
    let front = family.metric.iter().find(|metric| {
        let mut labels = metric.label.iter();
        labels.any(|label| label.value.as_deref() == Some("front"))
    });
    front.unwrap().histogram.as_ref().unwrap()
}

/// Counts by the index of the native bucket, as a scraper puts them together.
fn native(histogram: &HistogramMessage) -> Vec<(i32, u64)> {
    let (mut at, mut count) = (0, 0_i64);
    let mut deltas = histogram.positive_delta.iter();
    let mut all = Vec::new();
    for span in &histogram.positive_span {
        at += span.offset.unwrap();
        for _ in 0..span.length.unwrap() {
            count += deltas.next().unwrap();
            all.push((at, u64::try_from(count).unwrap()));
            at += 1;
        }
    }
    assert_eq!(deltas.next(), None);
    all
}

#[test]
fn it_says_the_same_as_the_text() {
    let own = read(&text(Names::Triton));
    let families = families(Histograms::Both);
    let names: Vec<_> = families.keys().collect();
    assert_eq!(names, own.keys().collect::<Vec<_>>());
    for (name, family) in &families {
        let (kind, samples) = &own[name];
        let (told, per) = match MetricType::try_from(family.r#type.unwrap()).unwrap() {
            MetricType::Counter => ("counter", 1),
            MetricType::Gauge => ("gauge", 1),
            MetricType::Histogram => ("histogram", sketch::COARSE.count() + 3),
        };
        assert_eq!(
            (told, samples.len()),
            (kind.as_str(), family.metric.len() * per)
        );
        for (metric, sample) in family.metric.iter().zip(samples.chunks(per)) {
            let labels = metric.label.iter().map(|label| {
                let value = label.value.as_deref().unwrap();
                format!("{}=\"{value}\"", label.name.as_deref().unwrap())
            });
            let labels = labels.collect::<Vec<_>>().join(",");
            assert!(sample[0].0.contains(&labels), "{labels} of {sample:?}");
            if let Some(histogram) = &metric.histogram {
                let buckets = histogram.bucket.iter().take(sketch::COARSE.count());
                let counts = buckets.map(|bucket| bucket.cumulative_count.unwrap() as f64);
                let told: Vec<_> = counts
                    .chain([histogram.sample_count.unwrap() as f64])
                    .chain(histogram.sample_sum)
                    .chain([histogram.sample_count.unwrap() as f64])
                    .collect();
                let text: Vec<_> = sample.iter().map(|(_, value)| *value).collect();
                assert_eq!(told, text, "{name}");
                continue;
            }
            let number = metric.counter.or(metric.gauge).unwrap();
            assert_eq!(metric.counter.is_some(), told == "counter");
            assert_eq!(number.value.unwrap(), sample[0].1, "{name}");
        }
    }
    assert_eq!(families[name::RESIDENT].unit.as_deref(), Some("bytes"));
}

#[test]
fn a_native_histogram_is_the_sketch() {
    let families = families(Histograms::Native);
    let histogram = of_front(&families[name::REQUEST_SECONDS]);
    assert_eq!((histogram.schema, histogram.zero_count), (Some(4), Some(0)));
    assert_eq!(histogram.zero_threshold, Some(2_f64.powi(-20)));
    assert!(histogram.bucket.is_empty());
    let measure = counted();
    let (_, totals) = &measure.read()[0];
    let shifted = totals
        .request
        .indexed()
        .map(|(index, count)| (index + 1, count));
    assert_eq!(native(histogram), shifted.collect::<Vec<_>>());
    for (index, _) in native(histogram) {
        // Prometheus: bucket i of schema 4 ends at 2^(i/16).
        let end = (f64::from(index) / 16.0).exp2();
        assert_eq!(end, sketch::upper(index - 1));
    }
    assert_eq!(histogram.exemplars.len(), 2);
}

#[test]
fn spans_tell_gaps_neighbours_and_what_is_too_short() {
    let counts = Counts::new(
        [
            (sketch::LOWEST, 7),
            (-100, 1),
            (-99, 5),
            (-98, 2),
            (-50, 1),
            (3, 9),
        ],
        1_000,
    );
    let mut family = family::Family::histogram("a_seconds", "a");
    family.put(Vec::new(), &counts);
    for (histograms, classic) in [(Histograms::Native, 0), (Histograms::Both, 23)] {
        let bytes = protobuf::write(&[family.clone()], histograms);
        let read = MetricFamily::decode_length_delimited(bytes.as_slice()).unwrap();
        let histogram = read.metric[0].histogram.as_ref().unwrap();
        assert_eq!(histogram.zero_count, Some(7));
        let told = [(-99, 1), (-98, 5), (-97, 2), (-49, 1), (4, 9)];
        assert_eq!(native(histogram), told);
        assert_eq!(histogram.positive_span.len(), 3);
        assert_eq!(histogram.sample_count, Some(25));
        assert_eq!(histogram.bucket.len(), classic);
    }
    let nothing = family::Family::histogram("a_seconds", "a").at(&Counts::default());
    let bytes = protobuf::write(&[nothing], Histograms::Native);
    let read = MetricFamily::decode_length_delimited(bytes.as_slice()).unwrap();
    let histogram = read.metric[0].histogram.as_ref().unwrap();
    // What makes an empty histogram a native one.
    assert!(histogram.zero_threshold.unwrap() > 0.0);
    assert!(native(histogram).is_empty());
}

#[test]
fn exemplars_are_told_with_their_buckets() {
    let families = families(Histograms::Classic);
    let histogram = of_front(&families[name::REQUEST_SECONDS]);
    assert_eq!(histogram.schema, None);
    assert!(histogram.exemplars.is_empty());
    let told = histogram.bucket.iter().filter_map(|bucket| {
        let exemplar: &ExemplarMessage = bucket.exemplar.as_ref()?;
        let id = exemplar.label[0].value.clone().unwrap();
        let at = exemplar.timestamp.unwrap();
        assert_eq!((at.seconds, at.nanos), (1_700_000_001, 250_000_000));
        Some((bucket.upper_bound.unwrap(), id, exemplar.value.unwrap()))
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (2_f64.powi(-13), trace(0xab).to_string(), 120e-6),
            (f64::INFINITY, trace(0xcd).to_string(), 70.0),
        ]
    );
}
