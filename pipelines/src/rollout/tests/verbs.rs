//! Which verb is for which phase, and what a refusal says.

use std::fmt::Write as _;

use expect_test::expect;

use super::world::{World, canary, weight};
use crate::rollout::*;

fn verbs() -> Vec<Verb> {
    let promote = |to| Verb::Promote { to, force: None };
    vec![
        Verb::Pause,
        Verb::Resume,
        promote(To::Next),
        promote(To::Full),
        Verb::Skip,
        Verb::Approve,
        Verb::Reject("no".to_owned()),
        Verb::Abort("no".to_owned()),
        Verb::Retry { id: 9 },
        Verb::Undo,
        Verb::SetWeight(weight("9")),
        Verb::Freeze { until: None },
        Verb::Unfreeze,
    ]
}

/// A rollout in each phase, reached as a rollout reaches it.
fn phases() -> Vec<World> {
    let scripts = [
        ("5 % | pause 1h", ""),
        ("5 % | pause 1h", "for 1s"),
        ("5 % | pause 1h", "canary gone no file\nfor 2s"),
        ("shadow | 5 %", "for 2s"),
        ("shadow | 5 %", "for 2s\nfor 25h"),
        ("5 % | pause 1h", "for 3s"),
        ("5 % | approval", "for 3s"),
        ("5 % | approval", "for 3s\nann: approve"),
        ("5 % | analyze", "for 3s\nfor 2h"),
        ("5 % | pause 1h", "for 3s\ntrip both\nfor 1s"),
        ("5 % | pause 1h", "for 3s\ncanary gone crashed\nfor 1s"),
        ("5 % | pause 1h", "for 3s\nann: pause"),
        ("5 % | pause 1h", "for 1s\nann: pause"),
        ("5 % | pause 1h", "for 3s\nann: promote full"),
        ("5 % | pause 1h", "for 3s\nann: promote full\nfor 1s"),
        ("5 % | pause 1h", "for 3s\nann: promote full\nfor 1h"),
        ("5 % | pause 1h", "for 3s\nann: abort no"),
        ("5 % | pause 1h", "for 3s\nann: abort no\nfor 1s"),
        ("5 % | pause 1h", "for 3s\nsupersede 8"),
    ];
    let worlds = scripts.map(|(steps, script)| {
        let mut world = World::new(canary(steps));
        world.play(script);
        world
    });
    worlds.into()
}

/// `x`: it is done. `=`: it was done already. `.`: it is refused.
#[test]
fn each_phase_has_its_verbs() {
    let mut table = String::new();
    for world in phases() {
        for verb in verbs() {
            let mark = match command(&world.rollout, &world.spec, &verb, "ann", world.now) {
                Ok(Some(turn)) => {
                    assert_eq!(check(&turn.next, &world.spec), [""; 0]);
                    'x'
                }
                Ok(None) => '=',
                Err(Refusal::Phase { .. }) => '.',
                Err(_) => '!',
            };
            let _ = write!(table, "{mark} ");
        }
        let _ = writeln!(table, "{:?}", world.rollout.phase);
    }
    expect![[r#"
        x = . x . . . x . . . x = Pending
        x = . x . . . x . . . x = Preparing
        . . . . . . . . x . . . . FailedPrepare("version 2 did not become ready: no file")
        x = x x x . . x . . . x = Shadow(Baking)
        x x x x x . . x . . . x = Shadow(Held(NoData))
        x = x x x . . x . . x x = Step(Baking)
        x = x x x x x x . . x x = Step(AwaitingApproval)
        x = x x x = . x . . x x = Step(Baking)
        x x x x x . . x . . x x = Step(Held(NoData))
        x . ! ! ! . . x . . ! x = Step(Held(SharedIncident))
        x . ! ! ! . . x . . x x = Step(Held(Unavailable))
        = x . . . . . x . . x x = Paused { by: "ann", from: Step(Baking) }
        = x . . . . . x . . . x = Paused { by: "ann", from: Preparing }
        . . . = . . . x . x . x = Promoting
        . . . = x . . x . x . x = Soaking
        . . . = . . . . . x . . . Succeeded
        . . . . . . . = . . . . = Aborting(Asked)
        . . . . . . . = x . . . . RolledBack(Asked)
        . . . . . . . . . . . . . Superseded { by: 8 }
    "#]]
    .assert_eq(&table);
}

/// What a refusal calls possible is possible, and nothing else is.
#[test]
fn a_refusal_names_what_is_possible() {
    let asked = [
        ("paused", Verb::Pause),
        ("resumed", Verb::Resume),
        (
            "promoted",
            Verb::Promote {
                to: To::Full,
                force: None,
            },
        ),
        ("skipped ahead", Verb::Skip),
        ("approved", Verb::Approve),
        ("rejected", Verb::Reject("no".to_owned())),
        ("aborted", Verb::Abort("no".to_owned())),
        ("tried again", Verb::Retry { id: 9 }),
        ("undone", Verb::Undo),
        ("given a weight", Verb::SetWeight(weight("9"))),
    ];
    let mut refused = 0;
    for world in phases() {
        let answer = |verb: &Verb| command(&world.rollout, &world.spec, verb, "ann", world.now);
        for (_, verb) in &asked {
            let Err(Refusal::Phase { possible, .. }) = answer(verb) else {
                continue;
            };
            refused += 1;
            for (word, other) in &asked {
                let named = possible.contains(word);
                let phase = &world.rollout.phase;
                match answer(other) {
                    Ok(Some(_)) => assert!(named, "{word} goes unnamed in {phase:?}"),
                    Err(Refusal::Phase { .. }) => assert!(!named, "{word} is refused in {phase:?}"),
                    Ok(None) | Err(_) => {}
                }
            }
        }
    }
    assert!(refused > 50, "{refused}");
}
