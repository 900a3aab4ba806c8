//! Two versions side by side, judged by what their users tell: a verdict that may be looked at any time, computed once more
//! from the callers' own log, and the winner shipped by one command.
//!
//! `cargo run --release --example experiment`

mod log;
#[path = "../traffic/mod.rs"]
mod traffic;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use log::Log;
use traffic::caller::By;
use traffic::story::hold;
use traffic::table::{number, render, row};
use traffic::{Answer, Caller, Crowd, Daemon, Failure, Habits, Story};

/// Callers at a time.
const CALLERS: usize = 3;

/// Users whom the story waits for; the verdict may come earlier.
const USERS: f64 = 3_000.0;

/// The chance of a difference where there is none, as the pipeline has it where it says nothing.
const ALPHA: f64 = 0.05;

/// Where the experiment is asked for, and told something.
const PATH: &str = "/pipelines/postcode/experiment";

/// Users who each have a digit read and tell whether it was right, and come back once.
#[derive(Clone, Default)]
struct Users(Arc<Mutex<Log>>);

impl Users {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Habits for Users {
    fn user(&self, n: u64) -> Option<String> {
        Some(format!("user-{:06}", n / 2))
    }

    fn answered(&self, caller: &Caller, n: u64, answer: &Answer) {
        let Some(user) = self.user(n).filter(|_| answer.is_good()) else {
            return;
        };
        self.log().met(&user, &answer.variant);
        // Half of them tell by the signed token, which any replica can join, half by the request's id.
        let by = if n.is_multiple_of(4) {
            By::Token
        } else {
            By::Request
        };
        if n.is_multiple_of(2) && answer.right && caller.tell(answer, by, "read", 1.0) == Ok(true) {
            self.log().read(&user);
        }
    }
}

fn main() -> Result<(), Failure> {
    let story = Story::begin("An experiment whose verdict may be looked at any time");
    let daemon = Daemon::start("experiment")?;
    // It gathers from its first look on.
    story.wait("the experiment", || {
        let shown = daemon.get(PATH)?;
        let running = shown["course"]["phase"] == "running";
        Ok((running && !shown["report"].is_null()).then_some(()))
    })?;
    let users = Users::default();
    let crowd = Crowd::start(&daemon.http, "postcode", CALLERS, users.clone());
    story.tell("half of the users get version 1, half version 2; they tell whether their digit was read right");
    let mut next = 200.0;
    story.wait("a verdict", || {
        let report = &daemon.get(PATH)?["report"];
        let arms = report["arms"].as_array().into_iter().flatten();
        let units: f64 = arms.filter_map(|arm| arm["units"].as_f64()).sum();
        if units >= next {
            next *= 2.0;
            story.tell(format!(
                "  {units:.0} users: {}, {}",
                text(&report["verdict"]),
                text(&report["why"])
            ));
        }
        Ok((units >= USERS && report["verdict"] != "keep-running").then_some(()))
    })?;
    let seen = crowd.stop();
    hold(seen.errors == 0, || {
        format!("callers saw errors: {:?}", seen.first_error)
    })?;

    let report = daemon.get(PATH)?["report"].clone();
    story.tell(table(&report));
    hold(
        report["verdict"] == "ship" && report["ship"] == "new",
        || format!("the verdict is {}: {}", report["verdict"], report["why"]),
    )?;
    agrees(&story, &report, &users.log())?;

    daemon.post(
        &format!("{PATH}/ship"),
        &json!({ "arm": "new", "reason": "reads better" }),
    )?;
    let pipeline = daemon.get("/pipelines/postcode")?;
    let policy = &pipeline["spec"]["policy"];
    hold(
        policy["type"] == "standalone" && policy["version"] == 2,
        || format!("shipped as {policy}"),
    )?;
    story.tell(format!(
        "shipped: revision {} gives version 2 all of the traffic, and undo would take it back",
        pipeline["revision"]
    ));
    Ok(())
}

/// Holds the report against the callers' own log.
fn agrees(story: &Story, report: &Value, log: &Log) -> Result<(), Failure> {
    hold(log.torn == 0, || format!("{} users met two arms", log.torn))?;
    let goal = &report["goals"][0];
    let theirs = &goal["contrasts"][0];
    let ours = log.contrast("old", "new", ALPHA);
    let mut rows = vec![row(["", "report", "from the log"])];
    let mut line = |what: &str, theirs: &Value, ours: f64, within: f64| {
        rows.push(vec![
            what.to_owned(),
            number(theirs, 4),
            format!("{ours:.4}"),
        ]);
        let close = theirs
            .as_f64()
            .is_some_and(|theirs| (theirs - ours).abs() <= within);
        hold(close, || {
            format!("{what}: the report says {theirs}, the log {ours}")
        })
    };
    for (at, name) in ["old", "new"].into_iter().enumerate() {
        let arm = log.arm(name);
        // The daemon tells users apart by a sketch of fixed size, the log by their names.
        line(
            &format!("{name}: users"),
            &report["arms"][at]["units"],
            arm.users,
            0.02 * arm.users,
        )?;
        line(
            &format!("{name}: read right"),
            &goal["arms"][at]["value"],
            arm.share,
            0.02,
        )?;
    }
    let absolute = &theirs["absolute"];
    line("difference", &absolute["value"], ours.value, 0.02)?;
    // The report's variance comes from the slots that users fall into, the log's from the users themselves.
    line("standard error", &absolute["se"], ours.se, 0.2 * ours.se)?;
    line(
        "interval from",
        &absolute["interval"]["low"],
        ours.value - ours.half,
        0.03,
    )?;
    line(
        "interval to",
        &absolute["interval"]["high"],
        ours.value + ours.half,
        0.03,
    )?;
    story.tell(format!(
        "computed once more, from the callers' own log:\n{}",
        render(&rows)
    ));
    hold(ours.p <= ALPHA && ours.value > 0.0, || {
        format!("by the log nothing is to be shipped: {ours:?}")
    })?;
    story.tell(format!(
        "the verdict is the same: p {:.2e} by the report, {:.2e} by the log",
        f(&theirs["p"]),
        ours.p
    ));
    Ok(())
}

/// The report as people read it.
fn table(report: &Value) -> String {
    let goal = &report["goals"][0];
    let mut rows = vec![row([
        "arm",
        "share",
        "users",
        "read right",
        "difference",
        "at least",
        "at most",
        "better with",
    ])];
    for (at, arm) in report["arms"].as_array().into_iter().flatten().enumerate() {
        let mut cells = vec![
            text(&arm["name"]),
            format!("{} %", number(&arm["weight"], 0)),
            number(&arm["units"], 0),
            number(&goal["arms"][at]["value"], 4),
        ];
        if let Some(contrast) = at.checked_sub(1).map(|at| &goal["contrasts"][at]) {
            let absolute = &contrast["absolute"];
            cells.push(number(&absolute["value"], 4));
            cells.push(number(&absolute["interval"]["low"], 4));
            cells.push(number(&absolute["interval"]["high"], 4));
            cells.push(number(&contrast["chance_to_win"], 4));
        }
        rows.push(cells);
    }
    format!(
        "{}: {}\n{}",
        text(&report["verdict"]),
        text(&report["why"]),
        render(&rows)
    )
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn f(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

#[cfg(test)]
#[test]
fn the_story_comes_to_its_end() {
    main().expect("it is told");
}
