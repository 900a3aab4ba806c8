//! Numbers as they are shown: evidence as odds, and nothing for what JSON has no number for.

use std::fmt;

/// A number that JSON can say.
pub(super) fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

/// Log evidence as odds: `4,210 to 1`.
pub(super) struct Odds(pub(super) f64);

impl fmt::Display for Odds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            log if log < 10_f64.ln() => write!(f, "{:.1} to 1", log.exp()),
            log if log < 1e9_f64.ln() => {
                write!(f, "{} to 1", Count(log.exp().round() as u64))
            }
            log if log.is_finite() => write!(f, "10^{:.0} to 1", log / 10_f64.ln()),
            _ => f.write_str("certain"),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_said_as_odds() {
        for (log, said) in [
            (0.0, "1.0 to 1"),
            (12_f64.ln(), "12 to 1"),
            (4_210_f64.ln(), "4,210 to 1"),
            (1e12_f64.ln(), "10^12 to 1"),
            (f64::INFINITY, "certain"),
            (f64::NEG_INFINITY, "0.0 to 1"),
        ] {
            assert_eq!(Odds(log).to_string(), said);
        }
        assert_eq!((finite(f64::NAN), finite(1.5)), (None, Some(1.5)));
    }
}
