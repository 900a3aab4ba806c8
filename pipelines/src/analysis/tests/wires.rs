//! The trip wire, by the outcomes of both arms.

use crate::analysis::{Streak, Trip, trip};

/// An arm's streak after outcomes: `x` is a hard failure.
fn streak(outcomes: &str) -> Streak {
    let streak = Streak::default();
    let after = outcomes
        .chars()
        .fold(streak, |streak, outcome| streak.after(outcome == 'x'));
    assert_eq!(Streak::from_bits(after.bits()), after);
    after
}

#[test]
fn the_wire_is_touched_by_five_in_a_row_or_five_of_the_first_ten() {
    for (stable, canary, expected) in [
        ("", "", Trip::No),
        ("....", "xxxx", Trip::No),
        ("....", "xxxxx", Trip::Canary),
        ("", "xxxxx", Trip::Canary),
        ("....", "xxxx.xxxx", Trip::Canary),
        ("....", ".x.x.x.x.x", Trip::Canary),
        ("....", ".x.x.x.x..x", Trip::No),
        ("....", "...................xxxx.xxxx", Trip::No),
        ("....", "...................xxxxx", Trip::Canary),
        // A stable that fails now and then is healthy; one that mostly fails is not.
        (".x.x.", "xxxxx", Trip::Canary),
        (".xx.x", "xxxxx", Trip::Both),
        ("xxx", "xxxxx", Trip::Both),
        ("xxxxxxxxx.....", "xxxxx", Trip::Canary),
    ] {
        let got = trip(streak(stable), streak(canary));
        assert_eq!(got, expected, "stable {stable:?}, canary {canary:?}");
    }
}

#[test]
fn a_streak_does_not_overflow() {
    let long = streak(&"x".repeat(70_000));
    assert!(long.broken());
    assert!(!long.after(false).healthy());
    assert_eq!(trip(streak(""), long), Trip::Canary);
}
