//! Shares that follow what each version achieves: three versions, trained on some, few and all of the labels, are rewarded
//! for every digit that they read right; the best one takes the traffic, and all of it in the end.
//!
//! `cargo run --release --example bandit`

#[path = "../traffic/mod.rs"]
mod traffic;

use serde_json::{Value, json};

use traffic::caller::By;
use traffic::story::hold;
use traffic::table::{number, render, row};
use traffic::{Answer, Caller, Crowd, Daemon, Failure, Habits, Story};

/// Callers at a time.
const CALLERS: usize = 3;

/// The share at which the story calls the best arm found, in per cent.
const FOUND: f64 = 80.0;

/// Where the bandit is asked for, and told something.
const PATH: &str = "/pipelines/postcode/bandit";

/// Callers who tell of every digit whether it was read right.
struct Telling;

impl Habits for Telling {
    fn answered(&self, caller: &Caller, n: u64, answer: &Answer) {
        if answer.is_good() {
            let by = if n.is_multiple_of(2) {
                By::Token
            } else {
                By::Request
            };
            // What is not taken is missing, as it is where callers never tell: the bandit knows of both.
            let _taken = caller.tell(answer, by, "read", f64::from(u8::from(answer.right)));
        }
    }
}

fn main() -> Result<(), Failure> {
    let story = Story::begin("A bandit gives traffic to what works");
    let daemon = Daemon::start("bandit")?;
    let crowd = Crowd::start(&daemon.http, "postcode", CALLERS, Telling);
    story.tell("three versions share the traffic evenly; callers tell of every digit whether it was read right");
    let mut told = Value::Null;
    let found = story.wait("the best arm's share", || {
        let bandit = daemon.get(PATH)?;
        let report = &bandit["report"];
        if report["periods"] != told && !report.is_null() {
            told = report["periods"].clone();
            story.tell(shares(report));
        }
        let best = report["arms"][2]["weight"].as_f64() >= Some(FOUND);
        Ok(best.then(|| report.clone()))
    })?;
    story.tell(arms(&found));
    let (regret, even) = (found["regret"].as_f64(), found["regret_even"].as_f64());
    let (Some(regret), Some(even)) = (regret, even) else {
        return Err(format!("the report has no regret: {found}").into());
    };
    hold(regret < even, || {
        format!("it cost {regret}, and even shares {even}")
    })?;
    story.tell(format!(
        "digits read wrong that the best arm would have read right: {regret:.0}; with even shares {even:.0}"
    ));

    daemon.post(
        &format!("{PATH}/freeze"),
        &json!({ "as": "best", "reason": "found" }),
    )?;
    let pipeline = daemon.get("/pipelines/postcode")?;
    let policy = &pipeline["spec"]["policy"];
    hold(
        policy["type"] == "standalone" && policy["version"] == 3,
        || format!("it froze to {policy}"),
    )?;
    crowd.take();
    story.wait("answers of the best arm", || {
        Ok((crowd.look().answers() > 500).then_some(()))
    })?;
    let seen = crowd.stop();
    hold(seen.errors == 0, || {
        format!("callers saw errors: {:?}", seen.first_error)
    })?;
    story.tell(
        "frozen to its best: version 3 answers all, by one command, and undo would take it back",
    );
    Ok(())
}

/// The shares of a period.
fn shares(report: &Value) -> String {
    let arms = report["arms"].as_array().into_iter().flatten();
    let shares: Vec<String> = arms
        .map(|arm| {
            format!(
                "{} {:>5} %",
                arm["name"].as_str().unwrap_or_default(),
                number(&arm["weight"], 2)
            )
        })
        .collect();
    format!("  period {:>2}: {}", report["periods"], shares.join("   "))
}

/// What each arm was found to be.
fn arms(report: &Value) -> String {
    let mut rows = vec![row(["arm", "share", "shown", "read right", "best with"])];
    for arm in report["arms"].as_array().into_iter().flatten() {
        rows.push(vec![
            arm["name"].as_str().unwrap_or_default().to_owned(),
            format!("{} %", number(&arm["weight"], 2)),
            arm["shown"].to_string(),
            number(&arm["mean"], 3),
            number(&arm["chance"], 3),
        ]);
    }
    format!("the best arm is found\n{}", render(&rows))
}

#[cfg(test)]
#[test]
fn the_story_comes_to_its_end() {
    main().expect("it is told");
}
