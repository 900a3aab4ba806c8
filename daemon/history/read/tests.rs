//! Tables of how queries are answered, and refused.

use super::*;

const NOW: u64 = 1_767_225_612_345;

fn planned(back: u64, step: Option<u64>, series: usize) -> Result<Plan, Refused> {
    let query = Query {
        pipeline: None,
        by: By::Pipeline,
        from: NOW - back,
        until: NOW,
        step,
        quantiles: Vec::new(),
    };
    plan(&query, series, NOW)
}

#[test]
fn a_step_is_chosen_that_is_kept_and_makes_not_too_many_points() {
    for (back, series, step, tier) in [
        (30 * MINUTE, 1, 10 * SECOND, Tier::Ten),
        (30 * MINUTE, 500, 10 * SECOND, Tier::Ten),
        (30 * MINUTE, 2_000, MINUTE, Tier::Minute),
        (HOUR, 1, 10 * SECOND, Tier::Ten),
        (2 * HOUR, 1, 30 * SECOND, Tier::Ten),
        (6 * HOUR, 1, MINUTE, Tier::Minute),
        (DAY, 1, 5 * MINUTE, Tier::Minute),
        (7 * DAY, 1, 30 * MINUTE, Tier::Minute),
        (30 * DAY, 1, 2 * HOUR, Tier::Hour),
        (8 * DAY, 1, HOUR, Tier::Hour),
        (364 * DAY, 1, DAY, Tier::Hour),
        (20_000 * DAY, 1, 55 * DAY, Tier::Hour),
    ] {
        let plan = planned(back, None, series).unwrap();
        assert_eq!((plan.step, plan.tier), (step, tier), "{back} of {series}");
        let points = (plan.until - plan.from) / plan.step;
        assert!(
            points <= 367 && points as usize * series <= MOST_POINTS,
            "{points}"
        );
        assert!(plan.from <= NOW - back && NOW <= plan.until);
        assert_eq!((plan.from % plan.step, plan.until % plan.step), (0, 0));
    }
}

#[test]
fn the_longest_windows_are_taken_that_add_up_to_a_step() {
    for (step, tier) in [
        (10 * SECOND, Tier::Ten),
        (90 * SECOND, Tier::Ten),
        (2 * MINUTE, Tier::Minute),
        (90 * MINUTE, Tier::Minute),
        (3 * HOUR, Tier::Hour),
    ] {
        assert_eq!(planned(HOUR, Some(step), 1).unwrap().tier, tier, "{step}");
    }
    // As far back as they are kept, and the moment that asking takes.
    assert!(planned(6 * HOUR, Some(10 * SECOND), 1).is_ok());
    assert!(planned(7 * DAY, Some(MINUTE), 1).is_ok());
}

#[test]
fn what_cannot_be_answered_is_refused_with_what_can() {
    for (back, step, why) in [
        (
            HOUR,
            7 * SECOND,
            "step: expected a multiple of 10s, such as 10s, 1m, 5m or 1h, got 7s",
        ),
        (
            HOUR,
            0,
            "step: expected a multiple of 10s, such as 10s, 1m, 5m or 1h, got 0s",
        ),
        (
            7 * HOUR,
            30 * SECOND,
            "step: 30s needs windows of 10s, which are kept for 6h; expected a multiple of 1m for a time that begins 7h ago",
        ),
        (
            8 * DAY,
            90 * MINUTE,
            "step: 1h 30m needs windows of 1m, which are kept for 7days; expected a multiple of 1h for a time that begins 8days ago",
        ),
        (
            0,
            MINUTE,
            "from: expected a time before until, 1767225612345, got 1767225612345",
        ),
    ] {
        let refused = planned(back, Some(step), 1).unwrap_err();
        assert_eq!(refused.to_string(), why);
    }
    let mut count = Count {
        step: 10 * SECOND,
        points: MOST_POINTS,
    };
    let refused = count
        .add(&mut Points::new(), 0, Window::default())
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the answer would have more than 100000 points: name a pipeline, ask for a shorter time, or for a step above 10s"
    );
}
