//! What a rollout will take, before it begins: requests and time per step at the traffic there is.
//!
//! Evidence is kept from step to step, so what is said of a later step is at the most what it takes.

use std::time::Duration;

use crate::bucket::Weight;
use crate::spec::canary::{Analysis, Canary, Guardrail, Metric, Step};
use crate::stats::bernoulli;
use crate::stats::planning::{Goal, expected_requests};

use super::drift;
use super::outputs::BINS;
use super::read::{can_be_negligible, harmless, part};

/// The regression whose detection is planned: so many times the stable's rate.
const REGRESSION: f64 = 3.0;

/// Requests that nobody waits for.
const FOREVER: f64 = 1e15;

/// The traffic of the pipeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Requests per second.
    pub per_second: f64,
    /// The stable's rate of errors, from 0 to 1.
    pub errors: f64,
    /// Its rate of timeouts.
    pub timeouts: f64,
    /// Its rate of requests above the specification's own threshold.
    pub slower_than: f64,
    /// Its rate of answers with NaN or an infinity.
    pub non_finite: f64,
}

/// What all steps take that wait for evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In the order of the steps.
    pub needs: Vec<Need>,
}

/// What one step takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// The step's place in the specification, from 0.
    pub step: usize,
    /// The analysis' name.
    pub name: String,
    /// The canary's share of the traffic.
    pub weight: Weight,
    /// What each guardrail waits for.
    pub waits: Vec<Wait>,
    /// Requests of the pipeline until all are safe and every variant has met its units; nothing where that never comes.
    pub requests: Option<f64>,
    /// How long that is, the analysis' shortest time included; nothing where it never comes.
    pub time: Option<Duration>,
    /// Why the step cannot conclude before its deadline, where it cannot.
    pub warning: Option<String>,
}

/// What one guardrail waits for, in requests of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wait {
    /// The metric.
    pub metric: Metric,
    /// The ratio of rates that is still safe.
    pub margin: f64,
    /// Until a regression is shown; nothing where it never is.
    pub detect: Option<f64>,
    /// Until a canary that is no worse is shown to be safe; nothing where it never is.
    pub prove: Option<f64>,
}

/// What the steps of a canary take at this traffic.
#[must_use]
pub fn plan(spec: &Canary, traffic: &Traffic) -> Plan {
    let mut weight = Weight::ZERO;
    let mut margins = Canary::MARGINS.iter();
    let mut margin = Canary::MARGINS[0];
    let mut needs = Vec::new();
    for (at, step) in spec.steps.iter().enumerate() {
        match step {
            Step::SetWeight { weight: to, .. } => weight = *to,
            Step::Analyze(analysis) => {
                margin = margins.next().copied().unwrap_or(margin);
                needs.push(need(at, analysis, weight, margin, traffic));
            }
            Step::Shadow(_) | Step::Pause(_) | Step::Approval => {}
        }
    }
    Plan { needs }
}

fn need(step: usize, analysis: &Analysis, weight: Weight, margin: f64, traffic: &Traffic) -> Need {
    let share = weight.share();
    let waits: Vec<_> = analysis
        .guardrails
        .iter()
        .map(|guardrail| {
            let margin = guardrail.margin.unwrap_or(margin);
            let base = traffic.rate(guardrail.metric);
            let alpha = analysis.alpha * part(analysis, guardrail);
            Wait {
                metric: guardrail.metric,
                margin,
                detect: detect(guardrail.metric, share, base, alpha),
                prove: prove(guardrail, share, base, margin, analysis.beta),
            }
        })
        .collect();
    let smaller = share.min(1.0 - share);
    let units = (smaller > 0.0).then(|| analysis.min_units as f64 / smaller);
    let requests = waits
        .iter()
        .map(|wait| wait.prove)
        .chain([units])
        .try_fold(0.0_f64, |most, requests| Some(most.max(requests?)));
    let time = requests
        .filter(|_| traffic.per_second > 0.0)
        .and_then(|requests| Duration::try_from_secs_f64(requests / traffic.per_second).ok())
        .map(|time| time.max(analysis.min_time));
    let mut need = Need {
        step,
        name: analysis.name.clone(),
        weight,
        waits,
        requests,
        time,
        warning: None,
    };
    need.warning = need.why_never(analysis, traffic);
    need
}

/// Requests until a regression is shown.
fn detect(metric: Metric, share: f64, base: f64, alpha: f64) -> Option<f64> {
    // A rate cannot be above 1.
    let ratio = REGRESSION.min(1.0 / base);
    let margin = harmless(metric);
    match metric {
        Metric::Outputs => None,
        _ => expected_requests(Goal::Detect { ratio, margin }, share, base, alpha),
    }
}

/// Requests until a canary like the stable is shown to be safe, in whichever way is the shortest.
fn prove(guardrail: &Guardrail, share: f64, base: f64, margin: f64, beta: f64) -> Option<f64> {
    if !(share > 0.0 && share < 1.0) {
        return None;
    }
    if guardrail.metric == Metric::Outputs {
        // Ten bins with as many answers each, as deciles are.
        let bins = |of: f64| -> [u64; BINS] {
            std::array::from_fn(|bin| if bin < 10 { (of / 10.0) as u64 } else { 0 })
        };
        return least(|requests| {
            let (stable, canary) = (bins(requests * (1.0 - share)), bins(requests * share));
            drift::upper(&stable, &canary, beta) <= drift::LIMIT
        });
    }
    let by_ratio = expected_requests(Goal::Prove { margin }, share, base, beta);
    let by_rate = (can_be_negligible(guardrail.metric) && base < guardrail.negligible)
        .then(|| {
            least(|requests| {
                let of = requests * share;
                let bad = (of * base).round() as u64;
                of >= 1.0 && bernoulli::interval(bad, of as u64, beta).high <= guardrail.negligible
            })
        })
        .flatten();
    match (by_ratio, by_rate) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The least number of requests from which something holds, to a part in a hundred.
fn least(holds: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut low, mut high) = (0.0, 64.0);
    while !holds(high) {
        (low, high) = (high, high * 2.0);
        if high > FOREVER {
            return None;
        }
    }
    while high - low > 0.01 * high {
        let middle = low.midpoint(high);
        match holds(middle) {
            true => high = middle,
            false => low = middle,
        }
    }
    Some(high)
}

// === impl Traffic ===

impl Traffic {
    /// The stable's rate of a metric. Quantiles are frozen so that theirs is known.
    #[must_use]
    pub fn rate(&self, metric: Metric) -> f64 {
        match metric {
            Metric::Errors => self.errors,
            Metric::Timeouts => self.timeouts,
            Metric::Slow50 => 0.5,
            Metric::Slow90 => 0.1,
            Metric::Slow99 => 0.01,
            Metric::SlowerThan(_) => self.slower_than,
            Metric::NonFinite => self.non_finite,
            Metric::Outputs => 1.0,
        }
    }
}

// === impl Plan ===

impl Plan {
    /// The warnings of all steps, with the steps' places.
    pub fn warnings(&self) -> impl Iterator<Item = (usize, &str)> {
        let needs = self.needs.iter();
        needs.filter_map(|need| Some((need.step, need.warning.as_deref()?)))
    }

    /// How long all steps take together; nothing where one of them never ends.
    #[must_use]
    pub fn time(&self) -> Option<Duration> {
        self.needs.iter().map(|need| need.time).sum()
    }
}

// === impl Need ===

impl Need {
    fn why_never(&self, analysis: &Analysis, traffic: &Traffic) -> Option<String> {
        let weight = self.weight;
        if weight == Weight::ZERO || weight.share() >= 1.0 {
            return Some(format!(
                "at {weight} one of the versions has no traffic, so nothing can be compared"
            ));
        }
        if let Some(wait) = self.waits.iter().find(|wait| wait.prove.is_none()) {
            return Some(format!(
                "{} can never be shown to be safe: the stable's rate is {}, and nothing says which rate is negligible",
                wait.metric,
                traffic.rate(wait.metric)
            ));
        }
        if traffic.per_second <= 0.0 {
            return Some("there is no traffic, so there is no evidence".to_owned());
        }
        let late = self.time.is_none_or(|time| time > analysis.deadline);
        late.then(|| {
            let slowest = self.waits.iter().max_by(|a, b| {
                let requests = |wait: &Wait| wait.prove.unwrap_or(f64::INFINITY);
                requests(a).total_cmp(&requests(b))
            });
            let metric = slowest.map_or_else(|| "units".to_owned(), |wait| wait.metric.to_string());
            let hours = |time: Duration| format!("{:.1} h", time.as_secs_f64() / 3_600.0);
            format!(
                "at {weight} and {:.1} requests per second {metric} needs about {:.0} requests, {}; the deadline is {}",
                traffic.per_second,
                self.requests.unwrap_or(FOREVER),
                self.time.map_or_else(|| "too many".to_owned(), hours),
                hours(analysis.deadline)
            )
        })
    }
}
