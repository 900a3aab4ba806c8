//! Numbers and shares as texts, for the screen and for plain text alike.

use super::view::{Line, Traffic, Variant};
use crate::cli::output::bytes;

/// What stands where nothing is known.
pub(super) const UNKNOWN: &str = "-";

/// Requests a second, failing requests, and the two durations.
pub(super) fn numbers(traffic: &Traffic) -> [String; 4] {
    [
        rate(traffic.rate),
        failing(traffic.failing),
        millis(traffic.p50_ms),
        millis(traffic.p99_ms),
    ]
}

pub(super) fn rate(rate: Option<f64>) -> String {
    match rate {
        None => UNKNOWN.to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(rate) if rate < 9.995 => format!("{rate:.2}"),
        Some(rate) if rate < 999.95 => format!("{rate:.1}"),
        Some(rate) => format!("{rate:.0}"),
    }
}

pub(super) fn failing(share: Option<f64>) -> String {
    match share.map(|share| share * 100.0) {
        None => UNKNOWN.to_owned(),
        Some(0.0) => "0%".to_owned(),
        Some(share) if share < 0.01 => "<.01%".to_owned(),
        Some(share) if share < 9.995 => format!("{share:.2}%"),
        Some(share) if share < 99.95 => format!("{share:.1}%"),
        Some(_) => "100%".to_owned(),
    }
}

pub(super) fn millis(millis: Option<f64>) -> String {
    match millis {
        None => UNKNOWN.to_owned(),
        Some(ms) if ms < 0.9995 => format!("{:.0}us", ms * 1e3),
        Some(ms) if ms < 9.995 => format!("{ms:.2}ms"),
        Some(ms) if ms < 999.5 => format!("{ms:.0}ms"),
        Some(ms) => format!("{:.1}s", ms / 1e3),
    }
}

/// A share in per cent, as exact as shares are.
pub(super) fn share(weight: f64) -> String {
    let text = format!("{weight:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}%")
}

/// Who answers for a pipeline, with which share.
pub(super) fn split(line: &Line) -> String {
    let shared: Vec<&Variant> = line
        .variants
        .iter()
        .filter(|one| one.weight.is_some())
        .collect();
    match shared[..] {
        [] => UNKNOWN.to_owned(),
        [one] if one.model == line.name => format!("v{}", one.version),
        [one] => format!("{} v{}", one.model, one.version),
        _ => {
            let shares = shared.iter().map(|one| {
                let weight = share(one.weight.unwrap_or_default());
                format!("v{} {weight}", one.version)
            });
            shares.collect::<Vec<_>>().join(", ")
        }
    }
}

/// A version, with its share where it has one.
pub(super) fn version(line: &Line, variant: &Variant) -> String {
    let name = match variant.model == line.name {
        true => format!("v{}", variant.version),
        false => format!("{} v{}", variant.model, variant.version),
    };
    match variant.weight {
        Some(weight) => format!("{name} {}", share(weight)),
        None => name,
    }
}

/// A time in its two largest units.
pub(super) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {}m", minutes % 60),
        (_, _, _) => format!("{days}d {}h", hours % 24),
    }
}

pub(super) fn size(memory: u64) -> String {
    bytes(&memory.into())
}

/// The time of day of an RFC 3339 text.
pub(super) fn clock(at: &str) -> &str {
    at.get(11..19).unwrap_or(at)
}
