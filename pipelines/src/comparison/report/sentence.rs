//! A report in one sentence.

use std::fmt::Write as _;

use super::{Finding, Report};
use crate::stats::evidence::threshold;

impl Report {
    /// What the comparison comes to, and the numbers that say so.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = match self.finding {
            Finding::Waiting => return self.waiting(),
            Finding::Alike if self.noise.is_none() => "no difference is shown".to_owned(),
            Finding::Alike => "no difference is shown beyond noise".to_owned(),
            Finding::Unexplained => "the shadow disagrees".to_owned(),
            Finding::Differs => "the shadow disagrees more often than noise explains".to_owned(),
            Finding::Fails => "the shadow fails more often".to_owned(),
            Finding::Breaks => self.breaks(),
        };
        // That a write into a string fails cannot be.
        let agreement = &self.agreement;
        if agreement.pairs > 0 {
            let (share, pairs) = (percent(agreement.share()), agreement.pairs);
            let (low, high) = (
                percent(agreement.interval.low),
                percent(agreement.interval.high),
            );
            let _ = write!(
                text,
                ": it agrees in {share} of {pairs} pairs ({low} to {high})"
            );
        }
        match (&self.noise, &self.gap) {
            (Some(noise), Some(gap)) => {
                let (share, pairs) = (percent(noise.share()), noise.pairs);
                let (low, high) = (points(gap.interval.low), points(gap.interval.high));
                let _ = write!(
                    text,
                    ", the answering version with itself in {share} of {pairs}: {} points more disagreement than \
                     noise ({low} to {high})",
                    points(gap.value)
                );
            }
            _ => text.push_str("; the answering version's own noise has not been measured"),
        }
        self.failures(&mut text);
        self.slower(&mut text);
        let lost = self.coverage.lost();
        if lost > 0 {
            let _ = write!(
                text,
                "; {lost} of {} sampled requests were lost to the comparison",
                self.coverage.sampled
            );
        }
        text
    }

    fn waiting(&self) -> String {
        let coverage = &self.coverage;
        let mut text = format!(
            "nothing has been compared yet: of {} requests {} were sampled",
            coverage.eligible, coverage.sampled
        );
        for (count, what) in [
            (coverage.dropped, "found the queue full"),
            (coverage.expired, "came too late"),
            (coverage.unavailable, "met a shadow that takes none"),
            (coverage.unanswered, "got no answer to compare with"),
            (coverage.pending(), "are under way"),
        ] {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        text
    }

    /// The first output whose contract differs, and how.
    fn breaks(&self) -> String {
        let broken = self
            .outputs
            .iter()
            .find(|output| output.shadow.broken() > 0);
        let Some(output) = broken else {
            return String::new();
        };
        let (name, pairs) = (&output.name, output.shadow.pairs);
        for (count, what) in [
            (output.shadow.missing, "lacks output"),
            (output.shadow.datatype, "has another datatype in output"),
            (output.shadow.shape, "has another shape in output"),
        ] {
            if count > 0 {
                return format!("the shadow {what} '{name}' in {count} of {pairs} pairs");
            }
        }
        String::new()
    }

    fn failures(&self, text: &mut String) {
        let pairs = self.errors.pairs;
        if pairs.other + pairs.answering + pairs.both == 0 {
            return;
        }
        let _ = write!(
            text,
            "; only the shadow failed in {} pairs, only the answering version in {}, both in {}",
            pairs.other, pairs.answering, pairs.both
        );
        let sure = threshold(super::ALPHA);
        if self.errors.log_e_worse >= sure {
            let _ = write!(text, " (it fails more often, p = {:.2e})", self.errors.p);
        } else if self.errors.log_e_better >= sure {
            text.push_str(" (it fails less often)");
        }
    }

    fn slower(&self, text: &mut String) {
        if let Some(ratio) = self.ratio.p50 {
            let _ = write!(text, "; it takes {ratio:.2} times as long, by the median");
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn points(difference: f64) -> String {
    // Without a minus before a zero.
    format!("{:.2}", (1e4 * difference).round() / 100.0 + 0.0)
}
