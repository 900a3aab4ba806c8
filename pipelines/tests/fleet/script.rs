//! Scripts: admin commands, events and clock steps, with the golden output beside each script.
//!
//! `UPDATE_EXPECT=1 cargo test -p impresario-pipelines --test fleet` writes the output anew.
//!
//! ```text
//! appear iris 2 [latest 2 | all | listed 1 2]     change …   vanish iris 2
//! policy iris all    the model's settings say so now
//! begin              what the plan says is begun: loads and unloads
//! stage iris 2 golden      loaded iris 2 [bytes]     fail iris 2 why      crash iris 2 why      drained iris 2
//! put p iris 2 [if 3]      put p iris latest   delete p [if 3]      undo p [to 2] [if 3]
//! files p=iris:2#digest …  load iris [2]       unload iris [2]
//! weigh iris 2 100         pin iris           use iris 2 50 (when)    demand iris 2 900 (until)
//! define fast canary iris 1 2: 5 % | pause 10s          see `courses`
//! put p @fast [with TEXT] [as CONTRACT] [insisting WHY] [graph 7/a=iris] [if 3]          files p=@fast#digest
//! put p graph a=iris,b=rose:2 …                         see `graphs`          files p=graph/a=iris#digest
//! rollout p pause, experiment p ship b, bandit p freeze best [if 3]           freeze [until 9]   unfreeze
//! loaded iris 2 as CONTRACT [bytes]
//! sight p harm             what the analyst sees, a second after the sight before
//! pass p 10 safe           the same so many times; only what moves is printed
//! at 100                   the clock, in milliseconds
//! restart                  what is stored remains, what was seen is forgotten
//! limit loading 1          likewise backoff, crashes, memory, history, budget, stay
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use expect_test::expect_file;
use impresario_pipelines::fleet::{
    Command, Course, Effect, Event, Fleet, Input, Judged, Now, Promise, Revision, Source, plan,
    settled,
};

use serde_json::{Value, json};

use crate::words::parse;
use crate::world::{by, command, event, name, step};
use crate::{courses, graphs, render};

struct Run {
    fleet: Fleet,
    now: Now,
    out: String,
    /// The definitions by name.
    definitions: BTreeMap<String, Value>,
}

/// Runs a script of `tests/scripts` and compares what it prints.
fn check(script: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let text = std::fs::read_to_string(folder.join(format!("{script}.txt"))).unwrap();
    let mut run = Run {
        fleet: Fleet::default(),
        now: Now::default(),
        out: String::new(),
        definitions: BTreeMap::new(),
    };
    for line in text.lines() {
        let _ = writeln!(run.out, "{line}");
        if !line.is_empty() && !line.starts_with('#') {
            run.line(line);
        }
    }
    expect_file![folder.join(format!("{script}.out"))].assert_eq(&run.out);
}

impl Run {
    fn line(&mut self, line: &str) {
        let words: Vec<_> = line.split_whitespace().collect();
        let before = self.fleet.history.last().map_or(0, |record| record.seq);
        match words[..] {
            ["at", at] => self.now.monotonic = at.parse().unwrap(),
            ["limit", what, value] => self.limit(what, value.parse().unwrap()),
            ["restart"] => {
                self.fleet.observed = Default::default();
                self.now.monotonic = 0;
                settled(&mut self.fleet);
            }
            ["begin"] => self.begin(),
            ["define", definition, ..] => {
                let text = line.splitn(3, ' ').nth(2).unwrap();
                let made = courses::definition(text);
                self.definitions.insert(definition.to_owned(), made);
                return;
            }
            ["put", pipeline, made, ref rest @ ..] if made.starts_with('@') => {
                let put = self.put(pipeline, &made[1..], rest);
                self.apply(put);
            }
            ["files", ref files @ ..] if line.contains('@') => {
                let put = self.files(files);
                self.apply(put);
            }
            [
                kind @ ("rollout" | "experiment" | "bandit"),
                pipeline,
                ref rest @ ..,
            ] => {
                let (rest, expected) = match *rest {
                    [ref rest @ .., "if", revision] => {
                        (rest, Some(Revision(revision.parse().unwrap())))
                    }
                    _ => (rest, None),
                };
                let (name, verb) = (name(pipeline), courses::verb(kind, rest));
                let steer = Command::Steer {
                    name,
                    verb,
                    expected,
                };
                self.apply(command(steer, Source::Api));
            }
            ["sight", pipeline, ref words @ ..] => self.look(pipeline, words),
            ["pass", pipeline, times, ref words @ ..] => {
                for _ in 0..times.parse().unwrap() {
                    self.look(pipeline, words);
                }
            }
            _ => self.apply(parse(&words)),
        }
        self.now.wall += 1;
        for record in self
            .fleet
            .history
            .iter()
            .filter(|record| record.seq > before)
        {
            let _ = writeln!(self.out, "  {}", render::record(record));
        }
        self.out += &render::state(&self.fleet, self.now);
    }

    fn apply(&mut self, input: Input) {
        match step(&self.fleet, input, self.now) {
            Ok(next) => self.fleet = next,
            Err(rejection) => {
                let _ = writeln!(self.out, "  rejected ({}): {rejection}", rejection.code());
            }
        }
    }

    /// The analyst looks at a pipeline's course, a second after it did before.
    fn look(&mut self, pipeline: &str, words: &[&str]) {
        self.now.monotonic += 1_000;
        self.now.wall += 1_000;
        let pipeline = name(pipeline);
        let entry = &self.fleet.routing.pipelines[&pipeline];
        let Some(course) = &entry.course else {
            self.out += "  it has no course\n";
            return;
        };
        let elapsed = match **course {
            Course::Rollout(_) | Course::Trial(_) => 1_000,
            Course::Learning(_) => 60_000,
        };
        let seen = courses::sight(course, entry.pipeline.policy(), words, elapsed);
        self.apply(Input::Judged(Judged {
            course: course.id(),
            pipeline,
            seen,
        }));
    }

    fn put(&self, pipeline: &str, made: &str, rest: &[&str]) -> Input {
        let mut definition = self.definitions[made].clone();
        let mut by = by(Source::Api);
        let (mut promise, mut expected) = (Promise::Kept, None);
        let mut beside = Vec::new();
        for pair in rest.chunks(2) {
            match pair {
                ["with", text] => definition["description"] = json!(text),
                ["as", contract] => definition["contract"] = courses::contract(contract),
                ["insisting", why] => {
                    promise = Promise::Waived;
                    by.reason = Some((*why).to_owned()).filter(|why| why != "silently");
                }
                ["graph", graph] => beside.push(*graph),
                ["if", revision] => expected = Some(Revision(revision.parse().unwrap())),
                other => panic!("no such term: {other:?}"),
            }
        }
        let name = name(pipeline);
        let put = Command::PutPipeline {
            pipeline: graphs::beside(courses::pipeline(&definition), &name, &beside),
            name,
            promise,
            expected,
        };
        Input::Command(put, by)
    }

    fn files(&self, files: &[&str]) -> Input {
        let pipelines = files.iter().map(|file| {
            let (pipeline, rest) = file.split_once("=@").unwrap();
            let (made, digest) = rest.split_once('#').unwrap();
            let made = courses::pipeline(&self.definitions[made]);
            (name(pipeline), made, digest.to_owned())
        });
        let pipelines = pipelines.collect();
        command(Command::ApplyFiles { pipelines }, Source::File)
    }

    fn begin(&mut self) {
        for effect in plan(&self.fleet, self.now).0 {
            match effect {
                Effect::Load { model, version } => {
                    self.apply(event(Event::LoadStarted { model, version }));
                }
                Effect::Unload { model, version } => {
                    self.apply(event(Event::UnloadStarted { model, version }));
                }
                Effect::Park { model, version } => {
                    self.apply(event(Event::ParkStarted { model, version }));
                }
                Effect::Remind { .. } => {}
            }
        }
    }

    fn limit(&mut self, what: &str, value: usize) {
        let limits = &mut self.fleet.limits;
        match what {
            "loading" => limits.loading = value,
            "backoff" => limits.backoff_initial = value as u64,
            "longest" => limits.backoff_max = value as u64,
            "crashes" => limits.crashes = value,
            "memory" => limits.crash_memory = value as u64,
            "history" => limits.history = value,
            "budget" => limits.budget = Some(value as u64),
            "stay" => limits.stay = value as u64,
            _ => panic!("no limit {what}"),
        }
    }
}

#[test]
fn discovered_loaded_and_swapped() {
    check("swap");
}

#[test]
fn a_broken_newest_version_keeps_the_old_one() {
    check("broken-newest");
}

#[test]
fn pins_undo_and_stale_changes() {
    check("pins");
}

#[test]
fn a_kept_version_serves_until_its_successor_is_ready() {
    check("keep");
}

#[test]
fn loads_and_unloads_that_are_asked_for() {
    check("load-unload");
}

#[test]
fn files_apply_when_they_are_edited() {
    check("files");
}

#[test]
fn crashes_back_off_and_end_in_quarantine() {
    check("crashes");
}

#[test]
fn changed_and_vanished_files() {
    check("changed");
}

#[test]
fn loads_wait_for_their_places() {
    check("slots");
}

#[test]
fn history_is_bounded_and_undo_knows_its_limits() {
    check("history");
}

#[test]
fn memory_is_for_those_used_last() {
    check("budget");
}

#[test]
fn pinned_and_too_large_versions() {
    check("budget-pinned");
}

#[test]
fn a_swap_where_memory_is_short() {
    check("budget-swap");
}

#[test]
fn a_policy_that_names_nobody_where_memory_is_short() {
    check("budget-policy");
}

#[test]
fn a_successor_that_fits_beside_nobody() {
    check("budget-untried");
}

#[test]
fn a_parked_version_that_is_unloaded() {
    check("budget-unload");
}

#[test]
fn a_newest_version_that_cannot_come() {
    check("budget-gap");
}

#[test]
fn a_canary_earns_its_traffic() {
    check("canary");
}

#[test]
fn a_canary_is_sent_away() {
    check("canary-aborts");
}

#[test]
fn undo_brings_back_a_rollout_as_it_was() {
    check("canary-undo");
}

#[test]
fn a_pipeline_with_a_course_is_put_again() {
    check("canary-put");
}

#[test]
fn a_canary_where_memory_is_short() {
    check("canary-budget");
}

#[test]
fn experiments_run_and_ship() {
    check("experiment");
}

#[test]
fn bandits_follow_and_freeze() {
    check("bandit");
}

#[test]
fn contracts_are_kept() {
    check("contracts");
}

#[test]
fn contracts_are_kept_where_memory_is_short() {
    check("contracts-budget");
}

#[test]
fn graphs_are_pinned_numbered_and_undone() {
    check("graphs");
}

#[test]
fn graphs_that_cannot_be() {
    check("graphs-refused");
}

#[test]
fn a_graph_waits_for_its_members() {
    check("graphs-wait");
}

#[test]
fn a_graph_is_the_canary_of_another() {
    check("graphs-canary");
}

#[test]
fn graphs_where_memory_is_short() {
    check("graphs-budget");
}

#[test]
fn version_policies_are_followed() {
    check("policies");
}
