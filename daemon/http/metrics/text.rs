//! The two forms of text: Prometheus' own, 0.0.4, and OpenMetrics 1.0.
//!
//! They differ in what a counter's family is called, in units, in exemplars and in how the text ends. (Prometheus,
//! "Exposition formats"; OpenMetrics 1.0, section 4.)

use std::fmt::{self, Display, Write};

use super::family::{Family, Kind, Labels, Spread, Value};
use crate::measure::{Exemplar, sketch};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Prometheus,
    OpenMetrics,
}

/// The text of families; those without series are left out.
pub(super) fn write(families: &[Family], dialect: Dialect) -> String {
    let mut text = Text {
        text: String::with_capacity(16 << 10),
        dialect,
    };
    for family in families.iter().filter(|f| !f.series.is_empty()) {
        text.family(family);
    }
    if dialect == Dialect::OpenMetrics {
        text.line(format_args!("# EOF"));
    }
    text.text
}

/// The text under construction.
struct Text {
    text: String,
    dialect: Dialect,
}

/// Labels in braces, escaped; nothing where there are none. The bound of a bucket comes last.
struct Braced<'a>(&'a Labels, Option<&'a str>);

/// A number as both forms take it.
struct Number(f64);

impl Text {
    fn family(&mut self, family: &Family) {
        let (name, kind) = match (self.dialect, family.kind) {
            (Dialect::Prometheus, Kind::Counter | Kind::Foreign) => (family.name, "counter"),
            (Dialect::OpenMetrics, Kind::Counter) => (family.stem(), "counter"),
            // A counter's name has to end as Prometheus has it, and others rely on this one.
            (Dialect::OpenMetrics, Kind::Foreign) => (family.name, "unknown"),
            (_, Kind::Gauge) => (family.name, "gauge"),
            (_, Kind::Histogram) => (family.name, "histogram"),
        };
        let help = family.help;
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
        if self.dialect == Dialect::OpenMetrics
            && let Some(unit) = family.unit()
        {
            self.line(format_args!("# UNIT {name} {unit}"));
        }
        for series in &family.series {
            let (name, labels) = (family.name, &series.labels);
            match &series.value {
                Value::Whole(value) => self.sample(name, labels, value),
                Value::Number(value) => self.sample(name, labels, Number(*value)),
                Value::Spread(spread) => self.histogram(name, labels, spread),
            }
        }
    }

    fn sample(&mut self, name: &str, labels: &Labels, value: impl Display) {
        self.line(format_args!("{name}{} {value}", Braced(labels, None)));
    }

    fn histogram(&mut self, name: &str, labels: &Labels, spread: &Spread) {
        let counts = &spread.counts;
        let exemplars = spread.exemplars.iter().map(Option::as_ref);
        let mut exemplars = exemplars.chain(std::iter::repeat(None));
        for power in sketch::COARSE {
            let bound = self.bound(f64::from(power).exp2());
            let exemplar = exemplars.next().flatten();
            self.bucket(name, labels, &bound, counts.up_to(power), exemplar);
        }
        let (count, exemplar) = (counts.count(), exemplars.next().flatten());
        self.bucket(name, labels, "+Inf", count, exemplar);
        let braced = Braced(labels, None);
        let seconds = Number(counts.nanos as f64 / 1e9);
        self.line(format_args!("{name}_sum{braced} {seconds}"));
        self.line(format_args!("{name}_count{braced} {count}"));
    }

    fn bucket(
        &mut self,
        name: &str,
        labels: &Labels,
        bound: &str,
        count: u64,
        exemplar: Option<&Exemplar>,
    ) {
        let braced = Braced(labels, Some(bound));
        match exemplar.filter(|_| self.dialect == Dialect::OpenMetrics) {
            None => self.line(format_args!("{name}_bucket{braced} {count}")),
            Some(Exemplar {
                trace,
                nanos,
                at_ms,
            }) => {
                let (value, at) = (*nanos as f64 / 1e9, *at_ms as f64 / 1e3);
                self.line(format_args!(
                    "{name}_bucket{braced} {count} # {{trace_id=\"{trace}\"}} {value} {at:.3}"
                ));
            }
        }
    }

    /// A bound as Go writes it, so that one bucket is one series however it is scraped; OpenMetrics has a point in each.
    fn bound(&self, bound: f64) -> String {
        if bound < 1e-4 {
            let text = format!("{bound:e}");
            return match text.split_once("e-") {
                Some((digits, exponent)) => format!("{digits}e-{exponent:0>2}"),
                None => text,
            };
        }
        match self.dialect {
            Dialect::Prometheus => format!("{bound}"),
            Dialect::OpenMetrics => format!("{bound:?}"),
        }
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("writing to a string does not fail");
    }
}

impl Display for Braced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(labels, bound) = self;
        let labels = labels.iter().map(|(name, value)| (*name, value.as_str()));
        let labels = labels.chain(bound.map(|bound| ("le", bound)));
        let mut open = false;
        for (name, value) in labels {
            write!(f, "{}{name}=\"", if open { "," } else { "{" })?;
            open = true;
            for character in value.chars() {
                match character {
                    '\\' => f.write_str("\\\\")?,
                    '"' => f.write_str("\\\"")?,
                    '\n' => f.write_str("\\n")?,
                    other => f.write_char(other)?,
                }
            }
            f.write_char('"')?;
        }
        if open { f.write_char('}') } else { Ok(()) }
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            number if number.is_nan() => f.write_str("NaN"),
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            number => write!(f, "{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let all = vec![("a", "x\"y\\z\n".to_owned()), ("b", "1".to_owned())];
        assert_eq!(Braced(&all, None).to_string(), r#"{a="x\"y\\z\n",b="1"}"#);
        assert_eq!(Braced(&Labels::new(), None).to_string(), "");
        assert_eq!(
            Braced(&Labels::new(), Some("0.5")).to_string(),
            r#"{le="0.5"}"#
        );
    }

    #[test]
    fn numbers_and_bounds_are_written_as_prometheus_does() {
        for (number, text) in [
            (0.5, "0.5"),
            (3.0, "3"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(Number(number).to_string(), text);
        }
        for (power, plain, open) in [
            (-16, "1.52587890625e-05", "1.52587890625e-05"),
            (-13, "0.0001220703125", "0.0001220703125"),
            (0, "1", "1.0"),
            (6, "64", "64.0"),
        ] {
            let bound = f64::from(power).exp2();
            let text = |dialect| Text {
                text: String::new(),
                dialect,
            };
            assert_eq!(text(Dialect::Prometheus).bound(bound), plain);
            assert_eq!(text(Dialect::OpenMetrics).bound(bound), open);
        }
    }
}
