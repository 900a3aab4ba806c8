//! What both kinds of tests say to a fleet: names, inputs, facts, and one checked step.

use std::sync::Arc;

use impresario_models::contract::Batching;
use impresario_models::{Contract, Name, VersionNumber};
use impresario_pipelines::bucket::Slot;
use impresario_pipelines::fleet::{
    By, Command, Effect, Event, Facts, Fleet, Input, Now, Rejection, Source, apply, check, loads,
    plan, settled,
};
use impresario_pipelines::policy::Split;
use impresario_pipelines::table::{self, Resolved, TargetId};

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn version(number: u64) -> VersionNumber {
    VersionNumber::new(number).unwrap()
}

/// Facts of a version that takes so many bytes.
pub(crate) fn facts_of(memory: u64) -> Arc<Facts> {
    let contract = Contract {
        inputs: Vec::new(),
        outputs: Vec::new(),
        batching: Batching::None,
    };
    facts_with(memory, Arc::new(contract))
}

/// The same of one that takes and gives this.
pub(crate) fn facts_with(memory: u64, contract: Arc<Contract>) -> Arc<Facts> {
    Arc::new(Facts {
        contract,
        engine: "fake".to_owned(),
        digest: "0123".to_owned(),
        memory,
        timeout: 1_000,
        instances: 1,
        load_ms: 1,
        golden: 0,
        graph: None,
    })
}

pub(crate) fn by(source: Source) -> By {
    By {
        actor: "ann".to_owned(),
        source,
        reason: None,
    }
}

/// Applies an input and holds the result against every invariant.
pub(crate) fn step(fleet: &Fleet, input: Input, now: Now) -> Result<Fleet, Rejection> {
    let next = apply(fleet, input.clone(), now)?;
    if let Err(broken) = sound(&next, now) {
        panic!("after {input:?}: {broken}\nbefore: {fleet:#?}\nafter: {next:#?}");
    }
    Ok(next)
}

pub(crate) fn command(command: Command, source: Source) -> Input {
    Input::Command(command, by(source))
}

pub(crate) fn event(event: Event) -> Input {
    Input::Event(event)
}

/// What must hold of every fleet, however it came to be.
pub(crate) fn sound(fleet: &Fleet, now: Now) -> Result<(), String> {
    if let Some(violation) = check(fleet).first() {
        return Err(format!("violation: {violation}"));
    }
    if plan(fleet, now) != plan(fleet, now) {
        return Err("the plan is not the same when it is asked twice".to_owned());
    }
    let planned = plan(fleet, now).0.into_iter();
    let planned: Vec<_> = planned
        .filter_map(|effect| match effect {
            Effect::Load { model, version } => Some((model, version)),
            Effect::Unload { .. } | Effect::Park { .. } | Effect::Remind { .. } => None,
        })
        .collect();
    let next = loads(fleet, now);
    if next != planned {
        return Err(format!("{next:?} have their turn, {planned:?} are planned"));
    }
    let mut again = fleet.clone();
    settled(&mut again);
    if again != *fleet {
        return Err("the graphs are others when all of them are looked at again".to_owned());
    }
    let table = table::compile(fleet);
    for target in table.targets() {
        let seen = fleet
            .observed
            .version(target.model.as_str(), target.version);
        if !seen.is_some_and(|seen| seen.serves()) {
            return Err(format!(
                "target {} {} does not serve",
                target.model, target.version
            ));
        }
    }
    for route in table.routes() {
        let standing = table::standing(fleet, &route.name).serving();
        let named = |target| {
            let target = table.target(target);
            (target.model.clone(), target.version)
        };
        match &route.policy {
            Resolved::Standalone(_) => {
                let decided = route.main().ok().map(named);
                if decided != standing {
                    let name = &route.name;
                    return Err(format!("{name}: {decided:?} decided, {standing:?} stands"));
                }
            }
            Resolved::Split(split) => {
                shared(split, standing, named).map_err(|why| format!("{}: {why}", route.name))?;
            }
        }
    }
    Ok(())
}

/// What holds of a split: each slot is answered by the arm that owns it, or where that cannot, by the version that stands;
/// and whoever stands would answer.
fn shared(
    split: &Split,
    standing: Option<(Name, VersionNumber)>,
    named: impl Fn(TargetId) -> (Name, VersionNumber),
) -> Result<(), String> {
    // Every share has a slot among these, unless it is tiny.
    let mut answered = true;
    for slot in (0..10_000).step_by(41) {
        let slot = Slot::new(slot).unwrap();
        let owner = &split.legs[split.slots.owner(slot)];
        let decided = split.decide(slot, Some("somebody")).map(|decision| {
            let arm = decision.arm.map(|arm| &split.legs[arm]);
            (
                named(decision.target),
                arm.map(|leg| &leg.variant) == Some(&owner.variant),
            )
        });
        let wanted = owner.to.as_ref().ok().map(|target| named(*target));
        let outside = split.namespace.is_some();
        match (decided, wanted) {
            (Ok((answers, true)), Some(wanted)) if answers == wanted => {}
            (Ok((answers, false)), None) if Some(&answers) == standing.as_ref() => {}
            (Ok((answers, false)), _) if outside && Some(&answers) == standing.as_ref() => {}
            (Err(_), None) if standing.is_none() => answered = false,
            (decided, wanted) => {
                return Err(format!(
                    "{decided:?} answers slot {slot:?} of {wanted:?}, while {standing:?} stands"
                ));
            }
        }
    }
    match split.main() {
        Ok(_) => Ok(()),
        Err(_) if !answered => Ok(()),
        Err(why) => Err(format!("somebody is answered, and mainly nobody: {why}")),
    }
}
