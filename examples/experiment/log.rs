//! The callers' own log of an experiment, and what it says without the daemon: formulas written down once more, from
//! the paper (Waudby-Smith et al., arXiv 2103.06476), not taken from the product.

use std::collections::BTreeMap;

/// At how many users, in both arms, the interval is tightest.
const TUNED_FOR: f64 = 5_000.0;

/// What became of each user.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    users: BTreeMap<String, User>,
    /// Users who met two arms: there must be none.
    pub(crate) torn: u64,
}

#[derive(Clone, Debug)]
struct User {
    arm: String,
    read: bool,
}

/// An arm as the log has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arm {
    /// Its users.
    pub(crate) users: f64,
    /// The share of them who had their digit read right.
    pub(crate) share: f64,
}

/// One arm held against the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Contrast {
    /// The difference of the shares.
    pub(crate) value: f64,
    /// Its standard error.
    pub(crate) se: f64,
    /// How far the interval that holds at all times reaches to each side.
    pub(crate) half: f64,
    /// The p-value that may be looked at any time.
    pub(crate) p: f64,
}

// === impl Log ===

impl Log {
    /// Notes that a user met an arm.
    pub(crate) fn met(&mut self, user: &str, arm: &str) {
        match self.users.get(user) {
            Some(known) => self.torn += u64::from(known.arm != arm),
            None => {
                let arm = arm.to_owned();
                self.users
                    .insert(user.to_owned(), User { arm, read: false });
            }
        }
    }

    /// Notes that a user's digit was read right.
    pub(crate) fn read(&mut self, user: &str) {
        if let Some(user) = self.users.get_mut(user) {
            user.read = true;
        }
    }

    /// An arm's users.
    pub(crate) fn arm(&self, name: &str) -> Arm {
        let users = self.users.values().filter(|user| user.arm == name);
        let (mut all, mut read) = (0.0, 0.0);
        for user in users {
            all += 1.0;
            read += f64::from(u8::from(user.read));
        }
        Arm {
            users: all,
            share: read / f64::max(all, 1.0),
        }
    }

    /// One arm held against a baseline, with a chance of `alpha` to be wrong at any time.
    pub(crate) fn contrast(&self, baseline: &str, arm: &str, alpha: f64) -> Contrast {
        let arms = [baseline, arm].map(|name| self.arm(name));
        let variance = |arm: Arm| arm.share * (1.0 - arm.share) / arm.users.max(1.0);
        let (value, se) = (
            arms[1].share - arms[0].share,
            (variance(arms[0]) + variance(arms[1])).sqrt(),
        );
        let n = arms[0].users + arms[1].users;
        let two = -2.0 * alpha.ln();
        let r2 = (two + (1.0 + two).ln()) / TUNED_FOR;
        let grown = n * r2 + 1.0;
        let half =
            se * n.sqrt() * (2.0 * grown / (n * n * r2) * (grown.sqrt() / alpha).ln()).sqrt();
        let e = (r2 * value * value * n / (2.0 * se * se * grown)).exp() / grown.sqrt();
        Contrast {
            value,
            se,
            half,
            p: (1.0 / e).min(1.0),
        }
    }
}

#[cfg(test)]
#[test]
fn agrees_with_the_reference_numbers() {
    // 120 of 10000 against 165 of 10050: gbstats 0.8.0 gives the interval [-0.000808, 0.009644] and p 0.19344.
    let mut log = Log::default();
    for (arm, users, read) in [("old", 10_000, 120), ("new", 10_050, 165)] {
        for n in 0..users {
            let user = format!("{arm}-{n}");
            log.met(&user, arm);
            if n < read {
                log.read(&user);
            }
        }
    }
    let contrast = log.contrast("old", "new", 0.05);
    let close = |got: f64, wanted: f64, within: f64| {
        assert!((got - wanted).abs() < within, "{got} is not {wanted}")
    };
    close(contrast.value, 0.004_417_9, 1e-7);
    close(contrast.value - contrast.half, -0.000_808, 1e-5);
    close(contrast.value + contrast.half, 0.009_644, 1e-5);
    close(contrast.p, 0.193_44, 1e-4);
}
