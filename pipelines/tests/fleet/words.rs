//! Words: how the lines of a script become inputs.

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::fleet::{
    Command, Event, Input, Promise, Residence, Revision, Source, Stage, VersionPolicy,
};
use impresario_pipelines::spec::{Pipeline, Policy, VersionSelector};
use serde_json::json;

use crate::world::{command, event, facts_of, facts_with, name, version};
use crate::{courses, graphs};

/// An input as it is written in a script.
pub(crate) fn parse(words: &[&str]) -> Input {
    match words[..] {
        ["appear", model, number, ref policy @ ..] => {
            let (model, version, policy) = (name(model), number_of(number), policy_of(policy));
            event(Event::Appeared {
                model,
                version,
                policy,
            })
        }
        ["change", model, number, ref policy @ ..] => {
            let (model, version, policy) = (name(model), number_of(number), policy_of(policy));
            event(Event::Changed {
                model,
                version,
                policy,
            })
        }
        ["policy", model, ref policy @ ..] => {
            let (model, policy) = (name(model), policy_of(policy));
            event(Event::PolicyRead { model, policy })
        }
        ["pin", model] => {
            let (model, residence) = (name(model), Residence::Pinned);
            event(Event::ResidenceRead { model, residence })
        }
        ["weigh", model, number, bytes] => event(Event::Weighed {
            model: name(model),
            version: number_of(number),
            bytes: bytes.parse().unwrap(),
        }),
        ["use", model, number, at] => event(Event::Used {
            model: name(model),
            version: number_of(number),
            at: at.parse().unwrap(),
        }),
        ["demand", model, number, until] => event(Event::Demanded {
            model: name(model),
            version: number_of(number),
            until: until.parse().unwrap(),
        }),
        ["put", pipeline, model, selector, ref rest @ ..] => {
            let name = name(pipeline);
            let pipeline = match model {
                "graph" => graphs::composite(&name, selector),
                model => pipeline_of(model, selector),
            };
            let expected = option(rest, "if").map(Revision);
            command(
                Command::PutPipeline {
                    promise: Promise::Kept,
                    name,
                    pipeline,
                    expected,
                },
                Source::Api,
            )
        }
        ["delete", pipeline, ref rest @ ..] => {
            let (name, expected) = (name(pipeline), option(rest, "if").map(Revision));
            command(Command::DeletePipeline { name, expected }, Source::Api)
        }
        ["undo", pipeline, ref rest @ ..] => {
            let (name, to) = (name(pipeline), option(rest, "to").map(Revision));
            let expected = option(rest, "if").map(Revision);
            command(Command::Undo { name, to, expected }, Source::Api)
        }
        ["files", ref files @ ..] => {
            let pipelines = files.iter().map(|file| {
                let (pipeline, rest) = file.split_once('=').unwrap();
                let (member, digest) = rest.split_once('#').unwrap();
                let name = name(pipeline);
                let pipeline = match member.strip_prefix("graph/") {
                    Some(graph) => graphs::composite(&name, graph),
                    None => {
                        let (model, selector) = member.split_once(':').unwrap();
                        pipeline_of(model, selector)
                    }
                };
                (name, pipeline, digest.to_owned())
            });
            let pipelines = pipelines.collect();
            command(Command::ApplyFiles { pipelines }, Source::File)
        }
        ["freeze"] => command(Command::Freeze { until: None }, Source::Api),
        ["freeze", "until", until] => {
            let until = Some(until.parse().unwrap());
            command(Command::Freeze { until }, Source::Api)
        }
        ["unfreeze"] => command(Command::Unfreeze, Source::Api),
        ["load", model, ref rest @ ..] => {
            let (model, version) = (name(model), rest.first().map(|n| number_of(n)));
            command(Command::Load { model, version }, Source::Api)
        }
        ["unload", model, ref rest @ ..] => {
            let (model, version) = (name(model), rest.first().map(|n| number_of(n)));
            command(Command::Unload { model, version }, Source::Api)
        }
        [verb, model, number, ref rest @ ..] => {
            event(happened(verb, name(model), number_of(number), rest))
        }
        _ => panic!("no verb: {words:?}"),
    }
}

fn happened(verb: &str, model: Name, version: VersionNumber, rest: &[&str]) -> Event {
    let reason = rest.join(" ");
    match verb {
        "vanish" => Event::Vanished { model, version },
        "started" => Event::LoadStarted { model, version },
        "stage" => {
            let stage = match reason.as_str() {
                "reading" => Stage::Reading,
                "golden" => Stage::Golden,
                "warming" => Stage::Warming,
                other => panic!("no stage {other}"),
            };
            Event::LoadProgressed {
                model,
                version,
                stage,
            }
        }
        "loaded" => Event::Loaded {
            model,
            version,
            facts: match rest {
                ["as", contract, bytes @ ..] => {
                    let made = json!({
                        "policy": { "type": "standalone", "model": "any" },
                        "contract": courses::contract(contract),
                    });
                    let contract = courses::pipeline(&made).contract().cloned();
                    let bytes = bytes.first().map_or(1, |bytes| bytes.parse().unwrap());
                    facts_with(bytes, contract.unwrap())
                }
                _ => facts_of(reason.parse().unwrap_or(1)),
            },
        },
        "fail" => Event::LoadFailed {
            model,
            version,
            reason,
        },
        "crash" => Event::Crashed {
            model,
            version,
            reason,
        },
        "unloading" => Event::UnloadStarted { model, version },
        "drained" => Event::Drained { model, version },
        other => panic!("no verb {other}"),
    }
}

fn number_of(text: &str) -> VersionNumber {
    version(text.parse().unwrap())
}

fn policy_of(words: &[&str]) -> VersionPolicy {
    match words {
        [] => VersionPolicy::default(),
        ["all"] => VersionPolicy::All,
        ["latest", n] => VersionPolicy::Latest(n.parse().unwrap()),
        ["listed", list @ ..] => VersionPolicy::Listed(list.iter().map(|n| number_of(n)).collect()),
        other => panic!("no policy {other:?}"),
    }
}

fn pipeline_of(model: &str, selector: &str) -> Pipeline {
    let version = match selector {
        "latest" => VersionSelector::Latest,
        number => VersionSelector::Number(number_of(number)),
    };
    Pipeline::new(Policy::Standalone {
        model: name(model),
        version,
    })
}

fn option(words: &[&str], key: &str) -> Option<u64> {
    let at = words.iter().position(|word| *word == key)?;
    Some(words[at + 1].parse().unwrap())
}
