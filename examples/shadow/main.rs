//! A version sees the requests of another and answers nobody: version 2 beside version 1, compared pair by pair, and then
//! the broken version 3, which no caller notices.
//!
//! `cargo run --release --example shadow`

#[path = "../traffic/mod.rs"]
mod traffic;

use serde_json::{Value, json};

use traffic::story::hold;
use traffic::table::{number, render, row};
use traffic::{Crowd, Daemon, Failure, Story, crowd};

/// Callers at a time: few, so that the machine has something left for the shadow.
const CALLERS: usize = 2;

/// Answers that are measured without the shadow and with it.
const MEASURED: u64 = 4_000;

/// Pairs of answers that are compared.
const PAIRS: u64 = 2_000;

fn main() -> Result<(), Failure> {
    let story = Story::begin("A shadow sees requests and answers nobody");
    let daemon = Daemon::start("shadow")?;
    let crowd = Crowd::start(&daemon.http, "postcode", CALLERS, crowd::Plain);
    let alone = measure(&story, &crowd)?;
    story.tell(format!("version 1 answers all: {}", times(&alone)));

    let report = beside(&story, &daemon, 2)?;
    let beside_two = measure(&story, &crowd)?;
    tell(&story, &report);
    story.tell(format!(
        "callers while version 2 ran beside: {}",
        times(&beside_two)
    ));
    examples(&story, &report);

    let report = beside(&story, &daemon, 3)?;
    hold(report["finding"] == "fails", || {
        format!("a broken shadow is {}", report["finding"])
    })?;
    tell(&story, &report);

    let seen = crowd.stop();
    hold(seen.errors == 0, || {
        format!("callers saw errors: {:?}", seen.first_error)
    })?;
    hold(
        seen.variants.keys().all(|variant| variant == "standalone"),
        || format!("the shadow answered: {:?}", seen.variants.keys()),
    )?;
    story.tell("the end: no caller got anything but version 1, and none saw an error");
    Ok(())
}

/// Puts a version beside the one that answers, and waits until enough pairs were compared.
fn beside(story: &Story, daemon: &Daemon, version: u64) -> Result<Value, Failure> {
    let pipeline = json!({
        "description": "digits of postcodes",
        "deadline": "2s",
        "policy": { "type": "standalone", "model": "digits", "version": 1 },
        "shadow": {
            "model": "digits", "version": version,
            "sample": "50%", "noise": "20%", "examples": 5,
        },
    });
    daemon.put("/pipelines/postcode", &pipeline)?;
    story.tell(format!(
        "version {version} beside it sees half of the requests"
    ));
    story.wait("pairs of answers", || {
        let shadow = daemon.get("/pipelines/postcode/shadow")?;
        let report = &shadow["beside"][0]["report"];
        let compared = report["coverage"]["compared"].as_u64() >= Some(PAIRS);
        Ok((shadow["version"] == version && compared).then(|| report.clone()))
    })
}

/// The times of so many answers from now on.
fn measure(story: &Story, crowd: &Crowd) -> Result<crowd::Seen, Failure> {
    crowd.take();
    story.wait("answers", || {
        Ok((crowd.look().answers() >= MEASURED).then(|| crowd.look()))
    })
}

fn times(seen: &crowd::Seen) -> String {
    format!(
        "half of {} answers within {:?}, 99 of 100 within {:?}",
        seen.answers(),
        seen.quantile(0.5),
        seen.quantile(0.99)
    )
}

/// What the comparison says.
fn tell(story: &Story, report: &Value) {
    let text = report["sentence"].as_str().unwrap_or_default();
    story.tell(format!(
        "{}: {text}",
        report["finding"].as_str().unwrap_or_default()
    ));
    let share = |rate: &Value| {
        let (low, high) = (
            number(&rate["interval"]["low"], 3),
            number(&rate["interval"]["high"], 3),
        );
        row([
            &*rate["agree"].to_string(),
            &rate["pairs"].to_string(),
            &number(&rate["share"], 3),
            &low,
            &high,
        ])
    };
    let titled = |title: &str, rate: &Value| [vec![title.to_owned()], share(rate)].concat();
    let head = row(["", "agree", "pairs", "share", "at least", "at most"]);
    let rows = [
        head,
        titled("shadow with the answer", &report["agreement"]),
        titled("answer with itself", &report["noise"]),
    ];
    story.tell(render(&rows));
    let label = report["outputs"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|output| output["name"] == "label");
    let cells = label.and_then(|label| label["matrix"].as_array());
    let mut cells: Vec<&Value> = cells
        .into_iter()
        .flatten()
        .filter(|cell| cell["answered"] != cell["shadow"])
        .collect();
    cells.sort_by_key(|cell| std::cmp::Reverse(cell["rows"].as_u64()));
    if cells.is_empty() {
        return;
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut rows = vec![row(["answered", "shadow", "times"])];
    rows.extend(cells.iter().take(5).map(|cell| {
        vec![
            text(&cell["answered"]),
            text(&cell["shadow"]),
            cell["rows"].to_string(),
        ]
    }));
    story.tell(format!("where they differ most:\n{}", render(&rows)));
}

/// The examples that are farthest apart.
fn examples(story: &Story, report: &Value) {
    let label = |excerpts: &Value| {
        let label = excerpts
            .as_array()
            .into_iter()
            .flatten()
            .find(|one| one["name"] == "label");
        label.map_or_else(String::new, |one| {
            one["values"].as_str().unwrap_or_default().to_owned()
        })
    };
    let mut rows = vec![row(["request", "kind", "answered", "shadow"])];
    for example in report["examples"].as_array().into_iter().flatten().take(3) {
        let text = |field: &str| example[field].as_str().unwrap_or_default().to_owned();
        rows.push(vec![
            text("request"),
            text("kind"),
            label(&example["answered"]),
            label(&example["shadow"]),
        ]);
    }
    story.tell(format!(
        "the worst of them, kept with their inputs:\n{}",
        render(&rows)
    ));
}

#[cfg(test)]
#[test]
fn the_story_comes_to_its_end() {
    main().expect("it is told");
}
