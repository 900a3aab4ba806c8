//! Single promises of the tick that no story shows.

use std::sync::Arc;
use std::time::Duration;

use super::world::{WALL, World, analysis, canary};
use crate::rollout::*;
use crate::spec::canary::{Inconclusive, Step, Window};

fn after(steps: &str, script: &str) -> World {
    let mut world = World::new(canary(steps));
    world.play(script);
    world
}

#[test]
fn what_was_seen_before_the_newest_transition_is_not_judged() {
    let world = after("5 % | pause 1h", "for 3s");
    let mut sight = world.sight.clone();
    sight.canary = Standing::Gone("crashed too often".to_owned());
    sight.turn = world.rollout.turn - 1;
    let late = tick(&world.rollout, &world.spec, &sight, world.now);
    assert_eq!(late, Tick::Quiet(world.rollout.clone()));
    sight.turn = world.rollout.turn;
    let now = tick(&world.rollout, &world.spec, &sight, world.now);
    assert!(matches!(now, Tick::Turn(_)), "{now:?}");
}

#[test]
fn a_clock_starts_when_the_step_is_seen_in_force() {
    let mut world = after("5 % | pause 1h", "for 3s");
    assert_eq!((world.rollout.step, world.rollout.pulse.clock), (1, 0));
    assert!(!world.tick(4_000));
    assert_eq!(world.rollout.pulse.clock, 0);
    assert!(!world.tick(4_000));
    assert_eq!(world.rollout.pulse.clock, 4_000);
}

#[test]
fn a_machine_that_slept_has_shown_nothing() {
    let mut world = after("5 % | pause 1h", "for 4s");
    let before = world.rollout.pulse.clock;
    world.tick(3_600_000);
    assert_eq!(world.rollout.pulse.clock, before + 5_000);
    assert_eq!(world.rollout.step, 1);
}

#[test]
fn a_step_is_read_by_its_analysis_or_the_next_one() {
    let named = |name: &str| {
        let mut analysis = analysis(Inconclusive::Hold);
        analysis.name = name.to_owned();
        Step::Analyze(Arc::new(analysis))
    };
    let mut spec = canary("5 % | pause 1m");
    let none = begin(1, &spec, Default::default());
    let (default, margin) = none.analysis(&spec);
    assert_eq!((default.name.as_str(), margin), ("default", 3.0));
    for name in ["one", "two", "three", "four", "five"] {
        spec.steps.push(named(name));
    }
    spec.steps.push(Step::Pause(Duration::from_secs(1)));
    let read = |step| {
        let rollout = Rollout {
            step,
            ..none.clone()
        };
        let (analysis, margin) = rollout.analysis(&spec);
        (analysis.name.clone(), margin)
    };
    let expected = [
        (0, "one", 3.0),
        (2, "one", 3.0),
        (3, "two", 2.0),
        (4, "three", 1.5),
        (5, "four", 1.25),
        (6, "five", 1.25),
        (7, "five", 1.25),
        (8, "five", 1.25),
    ];
    for (step, name, margin) in expected {
        assert_eq!(read(step), (name.to_owned(), margin), "step {step}");
    }
}

#[test]
fn a_window_freezes_by_the_wall_clock() {
    let mut spec = canary("5 % | pause 1m");
    spec.freeze.push(Window::Once {
        from: WALL,
        to: WALL + 10,
    });
    let rollout = begin(1, &spec, Default::default());
    assert_eq!(rollout.frozen(&spec, WALL - 1), None);
    assert_eq!(
        rollout.frozen(&spec, WALL).as_deref(),
        Some("a freeze window is open")
    );
    assert_eq!(rollout.frozen(&spec, WALL + 10), None);
}

#[test]
fn the_versions_in_memory_are_those_that_may_answer() {
    let members = |steps: &str, script: &str| {
        let world = after(steps, script);
        let members = world.rollout.members(&world.spec);
        members.map(|version| version.get()).collect::<Vec<_>>()
    };
    let steps = "5 % | pause 1s";
    assert_eq!(members(steps, ""), [1]);
    assert_eq!(members(steps, "for 1s"), [1, 2]);
    assert_eq!(members(steps, "for 6s"), [1, 2]);
    assert_eq!(members(steps, "for 6s\nfor 11m"), [2]);
    assert_eq!(members(steps, "for 3s\nann: abort no"), [1, 2]);
    assert_eq!(members(steps, "for 3s\nann: abort no\nfor 1s"), [1]);
}

#[test]
fn check_finds_what_should_never_be() {
    let world = after("5 % | pause 1h", "for 3s");
    let finds = |change: &dyn Fn(&mut Rollout)| {
        let mut rollout = world.rollout.clone();
        change(&mut rollout);
        check(&rollout, &world.spec).len()
    };
    assert_eq!(finds(&|_| ()), 0);
    assert_eq!(finds(&|r| r.phase = Phase::Aborting(Cause::Asked)), 1);
    assert_eq!(finds(&|r| r.phase = Phase::RolledBack(Cause::Asked)), 2);
    assert_eq!(finds(&|r| r.phase = Phase::Soaking), 2);
    assert_eq!(finds(&|r| r.phase = Phase::Succeeded), 3);
    assert_eq!(finds(&|r| r.phase = Phase::Shadow(Stay::Baking)), 2);
    assert_eq!(finds(&|r| r.phase = Phase::Step(Stay::AwaitingApproval)), 1);
    assert_eq!(
        finds(&|r| r.phase = Phase::Step(Stay::Held(Hold::Unavailable))),
        1
    );
    assert_eq!(finds(&|r| r.step = 2), 1);
    assert_eq!(finds(&|r| r.express = true), 1);
    assert_eq!(finds(&|r| r.pulse.log_harm = f64::INFINITY), 1);
}
