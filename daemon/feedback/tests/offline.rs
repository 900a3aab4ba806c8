//! What a report says is what anybody computes from the log of raw events.

use super::*;

/// What a log has of one request.
#[derive(Clone, Default)]
struct Line {
    arm: usize,
    country: u8,
    seconds: f64,
    failed: bool,
    /// Metric, event and value, as they came: some more than once, some too late.
    events: Vec<(&'static str, String, f64)>,
}

impl Line {
    /// The sum over different events; nothing where there is none.
    fn sum(&self, metric: &str) -> Option<f64> {
        let mut known: Vec<(&str, &str)> = Vec::new();
        let mut sum = None;
        for (of, event, value) in &self.events {
            if *of == metric && !known.contains(&(*of, event.as_str())) {
                known.push((of, event));
                *sum.get_or_insert(0.0) += value;
            }
        }
        sum
    }
}

fn traffic(feedback: &Feedback) -> Vec<Line> {
    let mut dice = Dice(11);
    let mut lines = Vec::new();
    for number in 0..4_000_u64 {
        let id = format!("r{number}");
        let mut seen = seen(&id, dice.below(10_000) as u16, number);
        seen.dimensions[0] = dice.below(3) as u8;
        let mut line = Line {
            arm: usize::from(seen.arm),
            country: seen.dimensions[0],
            seconds: dice.below(1_000) as f64 / 1_024.0,
            failed: dice.below(50) == 0,
            events: Vec::new(),
        };
        expose_as(feedback, &id, &seen, Some(line.seconds), Some(line.failed));
        for _ in 0..dice.below(5) {
            let lift = u64::from(seen.arm);
            let (metric, value) = match dice.below(4) {
                0 => ("sale", dice.below(2 + lift).min(1) as f64),
                1 => ("spent", dice.below(64 + 8 * lift) as f64 / 4.0),
                2 => ("right", dice.below(2) as f64),
                _ => ("labelled", 1.0),
            };
            let event = format!("e{}", dice.below(3));
            let given = match dice.below(2) {
                0 => by_id(&id, metric, value, &event),
                _ => by_token(&id, seen, metric, value, &event),
            };
            let late = dice.below(10) == 0;
            let at = number + if late { WITHIN + 1 } else { dice.below(WITHIN) };
            let at = Now {
                monotonic: number,
                wall: now(at).wall,
            };
            let taken = feedback.take(&name(), &[given], at).unwrap()[0];
            match taken {
                Taken::Accepted | Taken::Duplicate if !late => {
                    line.events.push((metric, event, value));
                }
                Taken::Late | Taken::Duplicate => assert!(late),
                other => panic!("{other:?}"),
            }
        }
        lines.push(line);
    }
    lines
}

fn near(got: f64, expected: f64, what: &str) {
    let scale = expected.abs().max(1e-3);
    assert!(
        (got - expected).abs() <= 1e-9 * scale,
        "{what}: {got}, expected {expected}"
    );
}

#[test]
fn a_report_is_what_the_log_says() {
    let limits = Limits {
        per_second: 1_000_000,
        ..Limits::default()
    };
    let feedback = bounded(&declared(Unit::Request), limits);
    let lines = traffic(&feedback);
    let report = feedback.report(&name(), &running(), now(5_000)).unwrap();
    let value = |goal: usize, line: &Line| match goal {
        0 => line.sum("sale").map(|sum| f64::from(u8::from(sum != 0.0))),
        1 => line.sum("spent"),
        3 => Some(line.seconds),
        _ => Some(f64::from(u8::from(line.failed))),
    };
    for (arm, said) in report.arms.iter().enumerate() {
        let mine: Vec<&Line> = lines.iter().filter(|line| line.arm == arm).collect();
        let n = mine.len() as f64;
        assert_eq!((said.requests, said.units), (mine.len() as u64, n));
        for goal in [0, 1, 3, 4] {
            let values: Vec<Option<f64>> = mine.iter().map(|line| value(goal, line)).collect();
            let fed = values.iter().flatten().count() as u64;
            let mean = values.iter().flatten().sum::<f64>() / n;
            let squares = values.iter().map(|v| (v.unwrap_or(0.0) - mean).powi(2));
            let variance = squares.sum::<f64>() / (n - 1.0);
            let got = report.goals[goal].arms[arm].unwrap();
            assert_eq!(
                (got.fed, got.missing),
                (fed, mine.len() as u64 - fed),
                "goal {goal}"
            );
            near(got.value, mean, "mean");
            if matches!(report.goals[goal].kind, GoalKind::Mean { .. }) {
                near(got.variance, variance, "variance");
                near(got.se, (variance / n).sqrt(), "standard error");
            } else {
                near(got.variance, mean * (1.0 - mean), "variance of a share");
            }
        }
        let sum = |metric| mine.iter().filter_map(|line| line.sum(metric)).sum::<f64>();
        let ratio = report.goals[2].arms[arm].unwrap();
        near(ratio.value, sum("right") / sum("labelled"), "ratio");
        for (country, part) in ["de", "fr"].iter().enumerate() {
            let here = |line: &&&Line| usize::from(line.country) == country;
            let requests = mine.iter().filter(here).count() as u64;
            let said = report
                .parts
                .iter()
                .find(|said| said.value.as_deref() == Some(part));
            assert_eq!(said.unwrap().units[arm], requests, "{part}");
        }
    }
    let means = [0, 1].map(|arm| report.goals[1].arms[arm].unwrap().value);
    let said = report.goals[1].contrasts[0].absolute.unwrap();
    near(said.value, means[1] - means[0], "difference");
}
