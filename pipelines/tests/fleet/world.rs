//! What both kinds of tests say to a fleet: names, inputs, facts, and one checked step.

use std::sync::Arc;

use impresario_models::contract::Batching;
use impresario_models::{Contract, Name, VersionNumber};
use impresario_pipelines::fleet::{
    By, Command, Event, Facts, Fleet, Input, Now, Rejection, Source, apply, check, plan,
};
use impresario_pipelines::table;

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
    Arc::new(Facts {
        contract: Arc::new(contract),
        engine: "fake".to_owned(),
        digest: "0123".to_owned(),
        memory,
        timeout: 1_000,
        instances: 1,
        load_ms: 1,
        golden: 0,
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
        let decided = route.main().ok().map(|target| table.target(target));
        let decided = decided.map(|target| (target.model.clone(), target.version));
        let standing = table::standing(fleet, &route.name).serving();
        if decided != standing {
            return Err(format!(
                "{}: {decided:?} decided, {standing:?} stands",
                route.name
            ));
        }
    }
    Ok(())
}
