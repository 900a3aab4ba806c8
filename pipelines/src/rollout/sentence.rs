//! Words: how times, steps, counts, odds and rates are written in sentences.

use std::fmt;
use std::time::Duration;

use crate::spec::canary::Step;

use super::state::{Numbers, Rollout};

/// A time for people: in whole seconds, or milliseconds below one.
pub(super) fn span(millis: u64) -> String {
    let whole = match millis {
        0..1_000 => millis,
        _ => millis - millis % 1_000,
    };
    humantime::format_duration(Duration::from_millis(whole)).to_string()
}

/// A duration in milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What a step is, in a few words.
pub(super) fn words(step: &Step) -> String {
    match step {
        Step::Shadow(gate) => format!("{} pairs in the shadow", Count(gate.pairs)),
        Step::SetWeight { weight, .. } => format!("{weight} of the traffic"),
        Step::Pause(time) => format!("pause of {}", span(millis(*time))),
        Step::Approval => "approval".to_owned(),
        Step::Analyze(analysis) => format!("analysis '{}'", analysis.name),
    }
}

/// The canary's weight before and after, in per cent, and the time so far, in seconds.
pub(super) fn weights(before: &Rollout, after: &Rollout) -> Numbers {
    vec![
        ("weight.before".to_owned(), before.weight().percent()),
        ("weight".to_owned(), after.weight().percent()),
        ("baked".to_owned(), after.pulse.baked as f64 / 1_000.0),
    ]
}

/// A number with its thousands apart.
pub(super) struct Count(pub(super) u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// Log evidence as odds: "4,210 to 1".
pub(super) struct Odds(pub(super) f64);

impl fmt::Display for Odds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            log if log < 10_f64.ln() => write!(f, "{:.1} to 1", log.exp()),
            log if log < 1e9_f64.ln() => write!(f, "{} to 1", Count(log.exp().round() as u64)),
            log => write!(f, "10^{:.0} to 1", log / 10_f64.ln()),
        }
    }
}

/// A rate in per cent, to two digits that say something.
pub(super) struct Percent(pub(super) f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        match percent {
            0.0 => write!(f, "0 %"),
            _ if percent >= 1.0 => write!(f, "{percent:.1} %"),
            _ if percent >= 0.01 => write!(f, "{percent:.2} %"),
            _ => write!(f, "{percent:.4} %"),
        }
    }
}
