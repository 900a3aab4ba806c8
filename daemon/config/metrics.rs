//! `[metrics]`: how what is counted is shown, and what is kept of it. What it means in full stands in `defaults.toml`.

use impresario_pipelines::spec::read::{Field, Reader};

use super::Metrics;
use super::field::count;
use crate::http::metrics::Histograms;

pub(super) fn metrics(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Metrics> {
    let forms = [
        ("classic", Histograms::Classic),
        ("native", Histograms::Native),
        ("both", Histograms::Both),
    ];
    let mut t = field.table(r)?;
    let histograms = t.need("histograms", r).and_then(|f| f.choice(r, &forms));
    let triton = t.need("triton", r).and_then(|f| f.flag(r));
    let history = t.need("history", r).and_then(|f| f.flag(r));
    let series = t.need("history_series", r);
    let history_series = series.and_then(|f| count(&f, r, 100_000));
    t.finish(r);
    Some(Metrics {
        histograms: histograms?,
        triton: triton?,
        history: history?,
        history_series: history_series?,
    })
}
