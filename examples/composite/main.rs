//! Two graphs at work: a cascade reads digits as well as the strong model in it, for a part of its cost; a vote goes on
//! without a voter that fails, and says whose voice is missing.
//!
//! `cargo run --release --example composite`

#[path = "../traffic/mod.rs"]
mod traffic;

use std::time::Duration;

use impresario::clock;
use serde::Deserialize;
use serde_json::{Value, json};

use traffic::story::hold;
use traffic::{Daemon, Failure, Story};

/// Rows of a request.
const BATCH: usize = 30;

/// How often all digits are read; the quickest time counts.
const TURNS: usize = 5;

/// From which confidence on the cascade's cheap model answers, as `pipelines/cascade.toml` has it.
const SURE: f64 = 0.8;

/// The longest that a caller waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The parameter of an answer that names the members that ensembles were without, such as `mean: net, other: a b`.
const MISSING: &str = "missing";

/// A row that no training saw, with what it really is.
#[derive(Deserialize)]
struct Row {
    label: usize,
    #[serde(alias = "pixels")]
    features: Vec<f32>,
}

/// Asks pipelines and models.
struct Caller {
    agent: ureq::Agent,
    http: String,
}

/// What one reader of all digits achieved.
struct Reading {
    right: usize,
    sure: usize,
    took: Duration,
}

/// What the vote on all lumps came to.
#[derive(Default)]
struct Poll {
    right: usize,
    without: usize,
}

fn main() -> Result<(), Failure> {
    let story = Story::begin("Pipelines made of several models");
    let daemon = Daemon::start("composite")?;
    let caller = Caller::new(&daemon.http);
    cascade(&story, &caller)?;
    vote(&story, &daemon, &caller)?;
    story.tell("the end: nobody was refused an answer");
    Ok(())
}

/// The cascade beside each of its models alone.
fn cascade(story: &Story, caller: &Caller) -> Result<(), Failure> {
    let digits: Vec<Row> = serde_json::from_str(include_str!("../traffic/digits.json"))?;
    let requests: Vec<_> = digits
        .chunks(BATCH)
        .map(|rows| (request("X", rows), rows))
        .collect();
    let cheap = caller.read("cheap", &requests)?;
    let strong = caller.read("strong", &requests)?;
    let whole = caller.read("cascade", &requests)?;
    for (name, reading) in [("cheap", &cheap), ("strong", &strong), ("cascade", &whole)] {
        story.tell(format!(
            "{name:>7}: {:.1} % of {} digits read right in {:.1?}",
            percent(reading.right, digits.len()),
            digits.len(),
            reading.took
        ));
    }
    story.tell(format!(
        "the cheap model answered {:.1} % of what the cascade was asked; always asking the strong one takes {:.1} times \
         as long",
        percent(whole.sure, digits.len()),
        strong.took.as_secs_f64() / whole.took.as_secs_f64()
    ));
    hold(
        whole.right >= strong.right && strong.right > cheap.right,
        || {
            format!(
                "right: cheap {}, strong {}, cascade {}",
                cheap.right, strong.right, whole.right
            )
        },
    )?;
    // How much time that saves is the machine's; how much work, is not.
    hold(whole.sure * 10 >= digits.len() * 9, || {
        format!("the cheap model answered {} rows", whole.sure)
    })
}

/// The vote: whole, with a broken voter in it, and whole again.
fn vote(story: &Story, daemon: &Daemon, caller: &Caller) -> Result<(), Failure> {
    let lumps: Vec<Row> = serde_json::from_str(include_str!("held/cells.json"))?;
    let tell = |what: &str, poll: &Poll| {
        story.tell(format!(
            "{what}: {:.1} % of {} lumps judged right, {} of them without `net`",
            percent(poll.right, lumps.len()),
            lumps.len(),
            poll.without
        ));
    };
    let before = caller.poll(&lumps)?;
    tell("three voters", &before);
    hold(before.without == 0, || {
        "a sound voter was missing".to_owned()
    })?;

    let mut spec = daemon.get("/pipelines/vote")?["spec"].take();
    // The new graph is a version of its own, with a number of its own.
    if let Some(policy) = spec["policy"].as_object_mut() {
        policy.remove("version");
    }
    spec["policy"]["nodes"]["net"]["version"] = json!(2);
    daemon.put("/pipelines/vote", &spec)?;
    let broken = caller.poll(&lumps)?;
    tell("one of them broken", &broken);
    hold(broken.without > 0 && broken.without < lumps.len(), || {
        format!("`net` was missing {} times", broken.without)
    })?;

    daemon.post("/pipelines/vote/undo", &json!({ "reason": "net 2 fails" }))?;
    let after = caller.poll(&lumps)?;
    tell("undone", &after);
    hold(after.without == 0 && after.right == before.right, || {
        "it is not what it was before".to_owned()
    })
}

/// A request with these rows.
fn request(input: &str, rows: &[Row]) -> String {
    let width = rows.first().map_or(0, |row| row.features.len());
    let data: Vec<f32> = rows.iter().flat_map(|row| row.features.clone()).collect();
    let shape = [rows.len(), width];
    let input = json!({ "name": input, "shape": shape, "datatype": "FP32", "data": data });
    json!({ "inputs": [input] }).to_string()
}

/// The data of an output; nothing where there is no such output.
fn output<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    let outputs = answer["outputs"].as_array().map_or(&[][..], Vec::as_slice);
    let output = outputs.iter().find(|output| output["name"] == name);
    output
        .and_then(|output| output["data"].as_array())
        .map_or(&[], Vec::as_slice)
}

/// Whether some ensemble was without this member.
fn is_without(missing: &str, member: &str) -> bool {
    let ensembles = missing.split(',').filter_map(|one| one.split_once(':'));
    let mut members = ensembles.flat_map(|(_, members)| members.split_whitespace());
    members.any(|missing| missing == member)
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole as f64
}

// === impl Caller ===

impl Caller {
    fn new(http: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        Self {
            agent: config.timeout_global(Some(PATIENCE)).build().into(),
            http: http.to_owned(),
        }
    }

    fn ask(&self, name: &str, body: &str) -> Result<Value, Failure> {
        let url = format!("http://{}/v2/models/{name}/infer", self.http);
        let request = self.agent.post(url).content_type("application/json");
        let mut response = request.send(body)?;
        let text = response.body_mut().read_to_string()?;
        hold(response.status() == 200, || {
            format!("{name}: {}: {text}", response.status())
        })?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Has all digits read, several times over.
    fn read(&self, name: &str, requests: &[(String, &[Row])]) -> Result<Reading, Failure> {
        let mut best: Option<Reading> = None;
        for _ in 0..TURNS {
            let begun = clock::instant();
            let mut answers = Vec::new();
            for (body, _) in requests {
                answers.push(self.ask(name, body)?);
            }
            let took = begun.elapsed();
            let (mut right, mut sure) = (0, 0);
            for (answer, (_, rows)) in answers.iter().zip(requests) {
                let labels = output(answer, "label");
                right += labels
                    .iter()
                    .zip(*rows)
                    .filter(|(label, row)| **label == row.label)
                    .count();
                let confidences = output(answer, "sure").iter();
                sure += confidences.filter(|c| c.as_f64() > Some(SURE)).count();
            }
            if best.as_ref().is_none_or(|best| took < best.took) {
                best = Some(Reading { right, sure, took });
            }
        }
        best.ok_or_else(|| "no turn was taken".into())
    }

    /// Has every lump voted on, one a request.
    fn poll(&self, lumps: &[Row]) -> Result<Poll, Failure> {
        let mut poll = Poll::default();
        for lump in lumps.chunks(1) {
            let answer = self.ask("vote", &request("features", lump))?;
            let diagnosis = output(&answer, "diagnosis").first();
            let truth = ["malignant", "benign"][lump[0].label];
            poll.right += usize::from(diagnosis.is_some_and(|diagnosis| diagnosis == truth));
            let missing = answer["parameters"][MISSING].as_str().unwrap_or_default();
            poll.without += usize::from(is_without(missing, "net"));
        }
        Ok(poll)
    }
}

#[cfg(test)]
#[test]
fn the_story_comes_to_its_end() {
    main().expect("it is told");
}
