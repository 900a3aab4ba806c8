//! Figures: what the evidence tells an on-call engineer in a sentence, and the numbers that are stored with it.

use crate::analysis::{CANARY, Reading, Readings, STABLE, Verdict};

use super::sentence::{Count, Odds, Percent};
use super::state::Numbers;

/// The metric that contributes most to the evidence of harm, and the evidence.
pub(super) fn harm(readings: &Readings) -> String {
    let top = readings.harm.top.and_then(|top| readings.of(top));
    let mut text = top.map(|top| compared(top) + ", ").unwrap_or_default();
    text += &format!(
        "evidence of harm {} (limit {})",
        Odds(readings.harm.log_e),
        Count(readings.harm.bar.exp().round() as u64)
    );
    text
}

/// What is not proven yet, and how far that is: cheap enough for every tick.
pub(super) fn unproven(readings: &Readings, beta: f64) -> String {
    let left = readings.unsafe_yet().map(|reading| {
        let name = reading.metric;
        match (reading.verdict, reading.drift) {
            (Verdict::Error, _) => format!("{name} cannot be measured"),
            (_, Some(drift)) => format!("{name} (stability index {:.3} at the most)", drift.upper),
            (_, None) => format!("{name} (evidence {})", Odds(reading.log_e_safe)),
        }
    });
    format!(
        "not shown to be safe yet, which takes evidence {}: {}",
        Odds(-beta.ln()),
        left.collect::<Vec<_>>().join(", ")
    )
}

/// A metric on both arms.
pub(super) fn compared(reading: &Reading) -> String {
    let name = reading.metric;
    if let Some(drift) = reading.drift {
        return format!("{name}: stability index {:.3} at the most", drift.upper);
    }
    let part = |arm: usize| {
        let rate = reading
            .rate(arm)
            .map(|rate| format!(" ({})", Percent(rate)));
        let (events, of) = (Count(reading.events[arm]), Count(reading.of[arm]));
        (format!("{events} of {of} on the"), rate.unwrap_or_default())
    };
    let ((canary, canary_rate), (stable, stable_rate)) = (part(CANARY), part(STABLE));
    format!("{name}: {canary} canary{canary_rate} against {stable} stable{stable_rate}")
}

/// What the evidence rests on.
pub(super) fn evidence(readings: &Readings) -> Numbers {
    let mut numbers = Numbers::new();
    let mut add = |name: String, number: f64| {
        if number.is_finite() {
            numbers.push((name, number));
        }
    };
    for (arm, name) in [(CANARY, "canary"), (STABLE, "stable")] {
        add(format!("{name}.units"), readings.units[arm] as f64);
        add(format!("{name}.requests"), readings.requests[arm] as f64);
        add(
            format!("{name}.violations"),
            readings.violations[arm] as f64,
        );
    }
    add("log-harm".to_owned(), readings.harm.log_e);
    add("log-harm.limit".to_owned(), readings.harm.bar);
    add("log-sample-ratio".to_owned(), readings.log_srm);
    for reading in &readings.guardrails {
        let name = reading.metric.as_str();
        for (arm, of) in [(CANARY, "canary"), (STABLE, "stable")] {
            add(format!("{name}.{of}"), reading.events[arm] as f64);
            add(format!("{name}.{of}.of"), reading.of[arm] as f64);
        }
        add(format!("{name}.log-harm"), reading.log_e_harm);
        add(format!("{name}.log-safe"), reading.log_e_safe);
    }
    numbers
}
