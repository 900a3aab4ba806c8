//! Whose turn it is when a load ends, said without a whole plan. That it is what the plan says, too, holds after every
//! step of the scripts and of the simulation.

use impresario_pipelines::fleet::{Event, Fleet, Limits, Now, Residence, VersionPolicy, loads};

use crate::world::{event, facts_of, name, step, version};

const NOW: Now = Now {
    wall: 0,
    monotonic: 0,
};

/// Models of one version each, of so many bytes.
fn fleet(limits: Limits, models: &[(&str, u64)]) -> Fleet {
    let mut fleet = Fleet {
        limits,
        ..Fleet::default()
    };
    for (model, bytes) in models {
        let (model, version, bytes) = (name(model), version(1), *bytes);
        happen(
            &mut fleet,
            Event::Appeared {
                model: model.clone(),
                version,
                policy: VersionPolicy::default(),
            },
        );
        happen(
            &mut fleet,
            Event::Weighed {
                model,
                version,
                bytes,
            },
        );
    }
    fleet
}

fn happen(fleet: &mut Fleet, what: Event) {
    *fleet = step(fleet, event(what), NOW).unwrap();
}

/// Begins whatever has its turn, and says what that is.
fn begin(fleet: &mut Fleet) -> Vec<String> {
    let begun = loads(fleet, NOW);
    for (model, version) in begun.iter().cloned() {
        happen(fleet, Event::LoadStarted { model, version });
    }
    begun.iter().map(|(model, _)| model.to_string()).collect()
}

fn end(fleet: &mut Fleet, model: &str, bytes: u64) {
    let facts = facts_of(bytes);
    let (model, version) = (name(model), version(1));
    happen(
        fleet,
        Event::Loaded {
            model,
            version,
            facts,
        },
    );
}

#[test]
fn a_load_that_ends_gives_its_place_to_the_next() {
    let two = Limits {
        loading: 2,
        ..Limits::default()
    };
    let mut fleet = fleet(two, &[("a", 1), ("b", 1), ("c", 1), ("d", 1)]);
    assert_eq!(begin(&mut fleet), ["a", "b"]);
    assert!(begin(&mut fleet).is_empty());
    end(&mut fleet, "b", 1);
    assert_eq!(begin(&mut fleet), ["c"]);
    let (model, version, reason) = (name("a"), version(1), "broken".to_owned());
    happen(
        &mut fleet,
        Event::LoadFailed {
            model,
            version,
            reason,
        },
    );
    assert_eq!(begin(&mut fleet), ["d"]);
    end(&mut fleet, "c", 1);
    end(&mut fleet, "d", 1);
    assert!(begin(&mut fleet).is_empty());
}

#[test]
fn where_memory_is_bounded_the_pinned_come_first_and_none_that_has_no_room() {
    let bounded = Limits {
        loading: 2,
        budget: Some(10),
        ..Limits::default()
    };
    let mut fleet = fleet(bounded, &[("a", 4), ("b", 4), ("c", 4)]);
    let (model, residence) = (name("c"), Residence::Pinned);
    happen(&mut fleet, Event::ResidenceRead { model, residence });
    assert_eq!(begin(&mut fleet), ["c", "a"]);
    // It takes more than its files let expect.
    end(&mut fleet, "c", 6);
    assert!(begin(&mut fleet).is_empty());
    end(&mut fleet, "a", 4);
    assert!(begin(&mut fleet).is_empty());
}
