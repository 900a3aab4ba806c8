//! The report of a shadow: how far its answers are from those that callers got.

use impresario_pipelines::comparison::{Coverage, Example, Excerpt, Quantiles, Rate, Report, Seen};
use serde::Serialize;
use utoipa::ToSchema;

use super::evidence::{IntervalV1, OddsV1};
use super::number::finite;
use crate::serve::Beside;

/// A shadow.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Shadow)]
pub struct ShadowV1 {
    /// The pipeline.
    pub name: String,
    /// The pipeline's revision, as in the `ETag`.
    pub revision: u64,
    /// The shadow's model.
    pub model: String,
    /// Its version.
    pub version: u64,
    /// The share of requests that it sees, from 0 to 1.
    pub sample: f64,
    /// What was seen beside each version that answered meanwhile, the newest last; empty before anything was seen.
    pub beside: Vec<BesideV1>,
}

/// A shadow beside a version that answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShadowBeside)]
pub struct BesideV1 {
    /// The model that answers.
    pub model: String,
    /// Its version.
    pub version: u64,
    /// What the comparison says.
    pub report: ShadowReportV1,
}

/// What a comparison says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShadowReport)]
pub struct ShadowReportV1 {
    /// In one word.
    #[schema(example = "alike")]
    pub finding: &'static str,
    /// In a sentence with its numbers.
    pub sentence: String,
    /// What became of the requests.
    pub coverage: CoverageV1,
    /// How often the shadow agrees.
    pub agreement: RateV1,
    /// How often the version that answers agrees with itself.
    pub noise: Option<RateV1>,
    /// How much more the shadow disagrees than that, from -1 to 1.
    pub gap: Option<f64>,
    /// Where that is.
    pub gap_interval: Option<IntervalV1>,
    /// Output by output.
    pub outputs: Vec<OutputV1>,
    /// Who failed.
    pub errors: ErrorsV1,
    /// Nanoseconds in the engine of the version that answers.
    pub answering_ns: QuantilesV1,
    /// Nanoseconds in the shadow's engine.
    pub shadow_ns: QuantilesV1,
    /// How many times as long the shadow took, pair by pair.
    pub ratio: QuantilesV1,
    /// The worst examples, the worst kind first.
    pub examples: Vec<ExampleV1>,
}

/// What became of the requests that a shadow could have seen.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShadowCoverage)]
pub struct CoverageV1 {
    /// Requests that a version computed an answer for.
    pub eligible: u64,
    /// Of them, those that were picked for the shadow.
    pub sampled: u64,
    /// Of the sampled, those whose answers were compared.
    pub compared: u64,
    /// Of the sampled, those that found the shadow's queue full.
    pub dropped: u64,
    /// Of the sampled, those whose time passed first.
    pub expired: u64,
    /// Of the sampled, those that met a shadow that took nothing.
    pub unavailable: u64,
    /// Of the sampled, those that got no answer to compare with.
    pub unanswered: u64,
    /// Second computations of the answering version that it had no time for.
    pub noise_dropped: u64,
}

/// A share of pairs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgreementRate)]
pub struct RateV1 {
    /// Pairs that agree.
    pub agree: u64,
    /// All pairs.
    pub pairs: u64,
    /// The share, from 0 to 1.
    pub share: f64,
    /// Where it is, however often it is looked at.
    pub interval: IntervalV1,
}

/// What was seen of one output.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShadowOutput)]
pub struct OutputV1 {
    /// Its name.
    pub name: String,
    /// Pairs that should both have it.
    pub pairs: u64,
    /// Of them, those where the shadow lacks it.
    pub missing: u64,
    /// Of them, those where its datatype differs.
    pub datatype: u64,
    /// Of them, those where its shape differs.
    pub shape: u64,
    /// Of them, those with the same elements.
    pub exact: u64,
    /// Of them, those whose every number lies within the tolerance.
    pub within: u64,
    /// Of them, those that agree.
    pub agree: u64,
    /// Rows that name a label.
    pub rows: u64,
    /// Of them, those that name the same one.
    pub same: u64,
    /// Which label became which.
    pub matrix: Vec<CellV1>,
    /// The sizes of the differences between numbers.
    pub differences: QuantilesV1,
}

/// Rows of one label that the shadow gives another, or the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MatrixCell)]
pub struct CellV1 {
    /// What callers got.
    pub answered: String,
    /// What the shadow said.
    pub shadow: String,
    /// Rows.
    pub rows: u64,
}

/// Who failed, and what that is evidence of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShadowErrors)]
pub struct ErrorsV1 {
    /// Pairs in which nobody did.
    pub neither: u64,
    /// Only the version that answers.
    pub answering: u64,
    /// Only the shadow.
    pub shadow: u64,
    /// Both.
    pub both: u64,
    /// The evidence that the shadow fails more often.
    pub worse: OddsV1,
    /// The evidence that it fails less often.
    pub better: OddsV1,
    /// The p-value of its failing more often, valid at any time.
    pub p: Option<f64>,
    /// How the shadow failed.
    pub faults: Vec<FaultV1>,
}

/// A way of failing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShadowFault)]
pub struct FaultV1 {
    /// Which.
    pub fault: &'static str,
    /// How often.
    pub count: u64,
}

/// A few quantiles; nothing where nothing was counted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quantiles)]
pub struct QuantilesV1 {
    /// How many numbers there are.
    pub count: u64,
    /// The median.
    pub p50: Option<f64>,
    /// Nine in ten lie below.
    pub p90: Option<f64>,
    /// 99 in 100 lie below.
    pub p99: Option<f64>,
    /// The largest, to within its bucket.
    pub max: Option<f64>,
}

/// A request that the two versions answered differently.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShadowExample)]
pub struct ExampleV1 {
    /// How they differ: `number`, `label`, `contract` or `failure`.
    pub kind: &'static str,
    /// How far, in tolerances or as a share of the rows; nothing where that cannot be measured.
    pub distance: Option<f64>,
    /// The request's id.
    pub request: String,
    /// The output that differs most.
    pub output: Option<String>,
    /// Why the shadow gave no answer.
    pub failure: Option<String>,
    /// What was asked, where the configuration allows to keep it.
    pub inputs: Vec<ExcerptV1>,
    /// What the caller got.
    pub answered: Vec<ExcerptV1>,
    /// What the shadow said.
    pub shadow: Vec<ExcerptV1>,
}

/// The beginning of a tensor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Excerpt)]
pub struct ExcerptV1 {
    /// Its port.
    pub name: String,
    /// Its datatype.
    #[schema(example = "FP32")]
    pub datatype: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its first values.
    pub values: String,
}

// === impl BesideV1 ===

impl From<&Beside> for BesideV1 {
    fn from(beside: &Beside) -> Self {
        Self {
            model: beside.model.to_string(),
            version: beside.version.get(),
            report: ShadowReportV1::from(&beside.comparison.report()),
        }
    }
}

// === impl ShadowReportV1 ===

impl From<&Report> for ShadowReportV1 {
    fn from(report: &Report) -> Self {
        let errors = &report.errors;
        let faults = errors.faults.iter().filter(|(_, count)| *count > 0);
        Self {
            finding: report.finding.as_str(),
            sentence: report.sentence(),
            coverage: CoverageV1::from(report.coverage),
            agreement: RateV1::from(report.agreement),
            noise: report.noise.map(RateV1::from),
            gap: report.gap.and_then(|gap| finite(gap.value)),
            gap_interval: report.gap.map(|gap| gap.interval.into()),
            outputs: report.outputs.iter().map(OutputV1::from).collect(),
            errors: ErrorsV1 {
                neither: errors.pairs.neither,
                answering: errors.pairs.answering,
                shadow: errors.pairs.other,
                both: errors.pairs.both,
                worse: OddsV1::of(errors.log_e_worse),
                better: OddsV1::of(errors.log_e_better),
                p: finite(errors.p),
                faults: faults
                    .map(|(fault, count)| FaultV1 {
                        fault: fault.as_str(),
                        count,
                    })
                    .collect(),
            },
            answering_ns: report.answering.into(),
            shadow_ns: report.shadow.into(),
            ratio: report.ratio.into(),
            examples: report.examples.iter().map(ExampleV1::from).collect(),
        }
    }
}

// === impl the parts ===

impl From<Coverage> for CoverageV1 {
    fn from(coverage: Coverage) -> Self {
        let Coverage {
            eligible,
            sampled,
            compared,
            dropped,
            expired,
            unavailable,
            unanswered,
            noise_dropped,
        } = coverage;
        Self {
            eligible,
            sampled,
            compared,
            dropped,
            expired,
            unavailable,
            unanswered,
            noise_dropped,
        }
    }
}

impl From<Rate> for RateV1 {
    fn from(rate: Rate) -> Self {
        Self {
            agree: rate.agree,
            pairs: rate.pairs,
            share: rate.share(),
            interval: rate.interval.into(),
        }
    }
}

impl From<&Seen> for OutputV1 {
    fn from(seen: &Seen) -> Self {
        let output = &seen.shadow;
        let cells = output.matrix.cells().map(|(answered, other, rows)| CellV1 {
            answered: answered.named(&output.classes),
            shadow: other.named(&output.classes),
            rows,
        });
        Self {
            name: seen.name.clone(),
            pairs: output.pairs,
            missing: output.missing,
            datatype: output.datatype,
            shape: output.shape,
            exact: output.exact,
            within: output.within,
            agree: output.agree,
            rows: output.rows,
            same: output.same,
            matrix: cells.collect(),
            differences: seen.differences.into(),
        }
    }
}

impl From<Quantiles> for QuantilesV1 {
    fn from(quantiles: Quantiles) -> Self {
        Self {
            count: quantiles.count,
            p50: quantiles.p50.and_then(finite),
            p90: quantiles.p90.and_then(finite),
            p99: quantiles.p99.and_then(finite),
            max: quantiles.max.and_then(finite),
        }
    }
}

impl From<&Example> for ExampleV1 {
    fn from(example: &Example) -> Self {
        let excerpts = |list: &[Excerpt]| list.iter().map(ExcerptV1::from).collect();
        Self {
            kind: example.kind.as_str(),
            distance: finite(example.distance),
            request: example.request.clone(),
            output: example.output.clone(),
            failure: example.failure.clone(),
            inputs: excerpts(&example.inputs),
            answered: excerpts(&example.answered),
            shadow: excerpts(&example.other),
        }
    }
}

impl From<&Excerpt> for ExcerptV1 {
    fn from(excerpt: &Excerpt) -> Self {
        Self {
            name: excerpt.name.clone(),
            datatype: excerpt.datatype.to_string(),
            shape: excerpt.shape.clone(),
            values: excerpt.values.clone(),
        }
    }
}
