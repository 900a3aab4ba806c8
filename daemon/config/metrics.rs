//! `[metrics]`: how what is counted is shown. What it means in full stands in `defaults.toml`.

use impresario_pipelines::spec::read::{Field, Reader};

use super::Metrics;
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
    t.finish(r);
    Some(Metrics {
        histograms: histograms?,
        triton: triton?,
    })
}
