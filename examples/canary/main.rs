//! A version earns its traffic by evidence: version 2 is promoted by itself, in spite of a power cut; version 3, which is
//! broken, is aborted before a caller sees it; version 4, which is slow, is aborted too.
//!
//! `cargo run --release --example canary`

#[path = "../traffic/mod.rs"]
mod traffic;

use serde_json::{Value, json};

use traffic::story::hold;
use traffic::{Crowd, Daemon, Failure, Story, crowd};

/// Callers at a time.
const CALLERS: usize = 4;

/// What a rollout is begun with, but for its canary.
const ROLLOUT: &str = include_str!("rollout.json");

/// Where the rollout of the pipeline is asked for, and told something.
const PATH: &str = "/pipelines/postcode/rollout";

fn main() -> Result<(), Failure> {
    let story = Story::begin("A canary earns its traffic by evidence");
    let mut daemon = Daemon::start("canary")?;
    let crowd = Crowd::start(&daemon.http, "postcode", CALLERS, crowd::Plain);
    story.wait("the first answers", || {
        Ok((crowd.look().answers() > 500).then_some(()))
    })?;
    let seen = crowd.take();
    let right: f64 = seen.variants.values().map(crowd::Variant::accuracy).sum();
    story.tell(format!(
        "version 1 answers all: {} callers, {:.0} % of the digits read right",
        CALLERS,
        right * 100.0
    ));
    promoted(&story, &mut daemon, &crowd)?;
    broken(&story, &daemon, &crowd)?;
    slow(&story, &daemon, &crowd)?;
    let seen = crowd.stop();
    hold(seen.errors == 0, || {
        format!("callers saw errors: {:?}", seen.first_error)
    })?;
    story.tell("the end: version 2 answers, and nobody had to look");
    Ok(())
}

/// Version 2 is as sound as version 1 and reads better.
fn promoted(story: &Story, daemon: &mut Daemon, crowd: &Crowd) -> Result<(), Failure> {
    begin(story, daemon, crowd, 2)?;
    // Well in the second step: some of its time lies behind it.
    let before = watch(story, daemon, |rollout| {
        let baked = rollout["clocks"]["phase"].as_f64();
        ended(rollout) || rollout["step"] == 4 && baked > Some(1.0)
    })?;
    hold(before["weight"] == 25.0, || {
        format!("it was not promoted: {}", before["why"])
    })?;
    let place = |rollout: &Value| {
        (
            rollout["id"].clone(),
            rollout["step"].clone(),
            rollout["weight"].clone(),
        )
    };
    daemon.kill()?;
    story.tell(format!(
        "kill -9, in {} with {} % of the traffic",
        before["progress"], before["weight"]
    ));
    daemon.restart()?;
    let after = daemon.get(PATH)?;
    hold(place(&before) == place(&after), || {
        format!("it went on elsewhere:\n{before}\n{after}")
    })?;
    story.tell(format!(
        "started again: {} with {} %",
        after["progress"], after["weight"]
    ));
    let end = watch(story, daemon, ended)?;
    hold(end["phase"] == "succeeded", || {
        format!("it was not promoted: {}", end["why"])
    })?;
    let seen = crowd.take();
    hold(seen.errors == 0, || {
        format!("callers saw errors: {:?}", seen.first_error)
    })?;
    let accuracy = |variant| {
        seen.variants
            .get(variant)
            .map_or(0.0, |one: &crowd::Variant| one.accuracy() * 100.0)
    };
    story.tell(format!(
        "promoted by itself: {} answers, {:.0} % right on the stable, {:.0} % on the canary; no caller saw an error, \
         {} found nobody while the daemon was down",
        seen.answers(),
        accuracy("stable"),
        accuracy("canary"),
        seen.nobody
    ));
    Ok(())
}

/// Version 3 passes every check at load and leaves most digits out of its answers.
fn broken(story: &Story, daemon: &Daemon, crowd: &Crowd) -> Result<(), Failure> {
    begin(story, daemon, crowd, 3)?;
    let end = watch(story, daemon, ended)?;
    hold(end["phase"] == "rolled-back", || {
        format!("it was not aborted: {}", end["why"])
    })?;
    let seen = crowd.take();
    hold(seen.errors + seen.nobody == 0, || {
        format!("callers saw errors: {:?}", seen.first_error)
    })?;
    hold(seen.rescued > 0, || {
        "no request of a broken canary was rescued".to_owned()
    })?;
    let met = seen.by("3") + seen.rescued;
    story.tell(format!(
        "aborted after {met} requests of {}: {} failed and were answered by the stable; no caller saw an error",
        seen.answers(),
        seen.rescued
    ));
    Ok(())
}

/// Version 4 answers as version 2 does, and takes its time.
fn slow(story: &Story, daemon: &Daemon, crowd: &Crowd) -> Result<(), Failure> {
    begin(story, daemon, crowd, 4)?;
    let end = watch(story, daemon, ended)?;
    hold(end["phase"] == "rolled-back", || {
        format!("it was not aborted: {}", end["why"])
    })?;
    let seen = crowd.take();
    let median = |variant: &str| {
        seen.variants
            .get(variant)
            .map(|one| one.quantile(0.5))
            .unwrap_or_default()
    };
    story.tell(format!(
        "aborted after {} requests of {}: half of its answers took {:?} or more, of the stable's {:?}",
        seen.by("4"),
        seen.answers(),
        median("canary"),
        median("stable")
    ));
    Ok(())
}

/// Begins a rollout to a version.
fn begin(story: &Story, daemon: &Daemon, crowd: &Crowd, version: u64) -> Result<(), Failure> {
    let mut rollout: Value = serde_json::from_str(ROLLOUT)?;
    rollout["canary"] = json!(version);
    rollout["reason"] = json!(format!("version {version} is built"));
    daemon.post(PATH, &rollout)?;
    crowd.take();
    story.tell(format!("a rollout to version {version} begins"));
    Ok(())
}

/// Tells each turn that the rollout takes, until there is what is looked for; the rollout then.
fn watch(story: &Story, daemon: &Daemon, until: impl Fn(&Value) -> bool) -> Result<Value, Failure> {
    let mut told = Value::Null;
    story.wait("the rollout", || {
        let rollout = daemon.get(PATH)?;
        let turn = json!([
            rollout["id"],
            rollout["phase"],
            rollout["step"],
            rollout["weight"]
        ]);
        if turn != told {
            let text = |field: &str| rollout[field].as_str().unwrap_or_default().to_owned();
            story.tell(format!(
                "  {:>5} %  {}: {}",
                rollout["weight"],
                text("phase"),
                text("why")
            ));
            told = turn;
        }
        Ok(until(&rollout).then_some(rollout))
    })
}

/// Whether it has come to an end, good or bad.
fn ended(rollout: &Value) -> bool {
    rollout["active"] == false
}

#[cfg(test)]
#[test]
fn the_story_comes_to_its_end() {
    main().expect("it is told");
}
