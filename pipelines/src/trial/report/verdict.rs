//! What follows from the numbers, and the sentence why.

use super::health::Health;
use super::{ArmLine, Contrast, GoalLine, Role};
use crate::spec::experiment::{Better, Experiment};

/// What follows, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What follows.
    pub decision: Decision,
    /// Why, in a sentence.
    pub why: String,
}

/// What follows from an experiment's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The arm is better, and no guardrail is worse.
    Ship {
        /// The arm's index.
        arm: usize,
    },
    /// No arm is better by what matters, or those that are harm a guardrail.
    DoNotShip,
    /// It is open.
    KeepRunning,
    /// The numbers cannot be trusted.
    Invalid,
}

/// Where one arm stands on the deciding goal.
enum Standing {
    Better,
    /// A gain that matters is ruled out.
    NotBetter,
    Open,
}

/// Where one arm stands on a guardrail.
enum Guard {
    /// A loss that matters is ruled out, or there was nothing of it in either arm.
    Safe,
    /// Nothing speaks against it, and it is not proven.
    Unproven,
    /// It looks worse, and it is not proven.
    Doubtful,
    Worse,
}

pub(super) fn of(
    spec: &Experiment,
    arms: &[ArmLine],
    goals: &[GoalLine],
    health: &Health,
) -> Verdict {
    if health.ratio.mismatch {
        let why = "the arms did not get the shares of units that they should; find out who loses them, and begin anew";
        return Verdict::of(Decision::Invalid, why.to_owned());
    }
    let least = arms.iter().min_by(|a, b| a.units.total_cmp(&b.units));
    if let Some(arm) = least.filter(|arm| arm.units < spec.min_units as f64) {
        let why = format!(
            "'{}' has {:.0} of the {} units that are asked for",
            arm.name, arm.units, spec.min_units
        );
        return Verdict::of(Decision::KeepRunning, why);
    }
    let Some(main) = goals.first() else {
        return Verdict::of(Decision::KeepRunning, "there is no goal".to_owned());
    };
    if let Some(refused) = &main.refused {
        let why = format!("'{}' cannot be judged yet: {refused}", main.metric);
        return Verdict::of(Decision::KeepRunning, why);
    }
    decide(spec, arms, main, goals)
}

fn decide(spec: &Experiment, arms: &[ArmLine], main: &GoalLine, goals: &[GoalLine]) -> Verdict {
    let (mut open, mut against) = (Vec::new(), Vec::new());
    let mut best: Option<(f64, &Contrast, String)> = None;
    for contrast in &main.contrasts {
        let name = arms.get(contrast.arm).map_or("", |arm| arm.name.as_str());
        let shown = shown(main, contrast);
        let mut doubts = Vec::new();
        let mut unproven = Vec::new();
        let mut harmed = Vec::new();
        for guardrail in goals.iter().filter(|goal| goal.role == Role::Guardrail) {
            match guard(guardrail, contrast.arm) {
                Guard::Safe => {}
                Guard::Unproven => unproven.push(format!("'{}'", guardrail.metric)),
                Guard::Doubtful => doubts.push(format!("'{}'", guardrail.metric)),
                Guard::Worse => harmed.push(format!("'{}'", guardrail.metric)),
            }
        }
        match standing(main, contrast, spec.alpha) {
            _ if !harmed.is_empty() => {
                against.push(format!("'{name}' makes {} worse", harmed.join(" and ")));
            }
            Standing::NotBetter => {
                against.push(format!(
                    "a gain of '{name}' that matters is ruled out ({shown})"
                ));
            }
            Standing::Open => open.push(format!("'{name}' is not decided ({shown})")),
            Standing::Better if !doubts.is_empty() => open.push(format!(
                "'{name}' is better ({shown}), and {} may be worse",
                doubts.join(" and ")
            )),
            Standing::Better => {
                let mut why = format!("'{name}' is better: {shown}");
                if unproven.is_empty() {
                    why.push_str("; no guardrail is worse");
                } else {
                    let list = unproven.join(" and ");
                    why.push_str(&format!("; nothing speaks against {list}, without proof"));
                }
                let gain = gain(main, contrast);
                if best.as_ref().is_none_or(|(top, ..)| gain > *top) {
                    best = Some((gain, contrast, why));
                }
            }
        }
    }
    if let Some((_, contrast, why)) = best {
        return Verdict::of(Decision::Ship { arm: contrast.arm }, why);
    }
    if !open.is_empty() {
        open.extend(time(main));
        return Verdict::of(Decision::KeepRunning, open.join("; "));
    }
    Verdict::of(Decision::DoNotShip, against.join("; "))
}

fn standing(main: &GoalLine, contrast: &Contrast, alpha: f64) -> Standing {
    let sequential = contrast.gain(main.better);
    if contrast.p_holm <= alpha && gain(main, contrast) > 0.0 {
        Standing::Better
    } else if sequential.high < main.mde {
        Standing::NotBetter
    } else {
        Standing::Open
    }
}

fn guard(guardrail: &GoalLine, arm: usize) -> Guard {
    let none = |arm: usize| {
        let value = guardrail.arms.get(arm).copied().flatten();
        value.is_some_and(|value| value.value == 0.0 && value.variance == 0.0)
    };
    if none(0) && none(arm) {
        return Guard::Safe;
    }
    let Some(contrast) = guardrail.contrasts.iter().find(|one| one.arm == arm) else {
        return Guard::Doubtful;
    };
    let sequential = contrast.gain(guardrail.better);
    let measured = contrast.relative.is_some();
    if sequential.high < 0.0 {
        Guard::Worse
    } else if measured && sequential.low > -guardrail.mde {
        Guard::Safe
    } else if contrast.absolute.is_some_and(|numbers| numbers.se > 0.0)
        && gain(guardrail, contrast) > if measured { -guardrail.mde } else { 0.0 }
    {
        Guard::Unproven
    } else {
        Guard::Doubtful
    }
}

/// How much better the arm is, by estimate; relative where that is known.
fn gain(goal: &GoalLine, contrast: &Contrast) -> f64 {
    let value = contrast
        .relative
        .or(contrast.absolute)
        .map_or(0.0, |numbers| numbers.value);
    match goal.better {
        Better::Higher => value,
        Better::Lower => -value,
    }
}

fn shown(goal: &GoalLine, contrast: &Contrast) -> String {
    let Some(numbers) = contrast.relative else {
        return format!("nothing is known of '{}' in the baseline", goal.metric);
    };
    let percent = |value: f64| format!("{:+.1} %", 100.0 * value);
    format!(
        "{} {}, at any time between {} and {}",
        goal.metric,
        percent(numbers.value),
        percent(numbers.sequential.low),
        percent(numbers.sequential.high)
    )
}

fn time(main: &GoalLine) -> Option<String> {
    let left = main
        .contrasts
        .iter()
        .filter_map(|one| one.seconds_to_mde)
        .fold(0.0, f64::max);
    (left > 0.0).then(|| {
        let mde = 100.0 * main.mde;
        format!(
            "a difference of {mde:.1} % would show in about {} more at this rate",
            span(left)
        )
    })
}

fn span(seconds: f64) -> String {
    match seconds {
        short if short < 120.0 => format!("{short:.0} seconds"),
        minutes if minutes < 7200.0 => format!("{:.0} minutes", minutes / 60.0),
        hours if hours < 172_800.0 => format!("{:.0} hours", hours / 3600.0),
        days => format!("{:.0} days", days / 86_400.0),
    }
}

// === impl Verdict ===

impl Verdict {
    fn of(decision: Decision, why: String) -> Self {
        Self { decision, why }
    }
}
