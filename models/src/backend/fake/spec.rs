//! The written form of `fake.toml`.
//!
//! ```toml
//! behaviour = "panicking"     # echo (default) | slow | flaky | panicking | hanging
//! marker = 666.0              # for panicking and hanging; 666 where it is not written
//! inputs = [{ name = "x", datatype = "FP32", shape = [-1, 4] }]   # default: x, FP32, [-1, -1]
//! memory = 1000000            # what the estimate says, in bytes
//! load = { outcome = "ok", delay = "0s" }    # outcome: ok | fail | panic
//! ```
//! `delay` goes with slow (default 100 ms), `every` with flaky (default 2).

use std::num::NonZeroU64;
use std::time::Duration;

use serde::Deserialize;

use crate::contract::{Batching, Contract, Dim, Port};
use crate::tensor::DataType;

/// What a fake does.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) behaviour: Behaviour,
    pub(super) contract: Contract,
    pub(super) memory: u64,
    pub(super) outcome: Outcome,
    pub(super) load_delay: Duration,
}

/// What a fake does when it is asked to compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Behaviour {
    Echo,
    Slow { delay: Duration },
    Flaky { every: NonZeroU64 },
    Panicking { marker: f64 },
    Hanging { marker: f64 },
}

/// How loading ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    #[default]
    Ok,
    Fail,
    Panic,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    behaviour: Word,
    delay: Option<String>,
    every: Option<NonZeroU64>,
    marker: Option<f64>,
    inputs: Option<Vec<Input>>,
    #[serde(default)]
    memory: u64,
    #[serde(default)]
    load: Load,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    #[default]
    Echo,
    Slow,
    Flaky,
    Panicking,
    Hanging,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    datatype: DataType,
    shape: Vec<i64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Load {
    #[serde(default)]
    outcome: Outcome,
    delay: Option<String>,
}

// === impl Spec ===

impl Spec {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
        let behaviour = match (file.behaviour, file.delay, file.every, file.marker) {
            (Word::Echo, None, None, None) => Behaviour::Echo,
            (Word::Slow, delay, None, None) => Behaviour::Slow {
                delay: duration(delay)?.unwrap_or(Duration::from_millis(100)),
            },
            (Word::Flaky, None, every, None) => Behaviour::Flaky {
                every: every.unwrap_or(NonZeroU64::MIN.saturating_add(1)),
            },
            (Word::Panicking, None, None, marker) => Behaviour::Panicking {
                marker: marker.unwrap_or(666.0),
            },
            (Word::Hanging, None, None, marker) => Behaviour::Hanging {
                marker: marker.unwrap_or(666.0),
            },
            (word, ..) => {
                return Err(format!(
                    "behaviour {word:?}: expected delay with slow only, every with flaky only, marker with \
                     panicking and hanging only"
                ));
            }
        };
        let ports = match file.inputs {
            None => vec![Port::new("x", DataType::Fp32, vec![Dim::Free(None); 2])],
            Some(inputs) => inputs.into_iter().map(port).collect::<Result<_, _>>()?,
        };
        let free = |port: &Port| matches!(port.shape.first(), Some(Dim::Free(_)));
        Ok(Self {
            behaviour,
            contract: Contract {
                batching: match !ports.is_empty() && ports.iter().all(free) {
                    true => Batching::FirstAxis { max: None },
                    false => Batching::None,
                },
                outputs: ports.clone(),
                inputs: ports,
            },
            memory: file.memory,
            outcome: file.load.outcome,
            load_delay: duration(file.load.delay)?.unwrap_or_default(),
        })
    }
}

fn port(input: Input) -> Result<Port, String> {
    let dim = |&size: &i64| match usize::try_from(size) {
        Ok(size) => Ok(Dim::Fixed(size)),
        Err(_) if size == -1 => Ok(Dim::Free(None)),
        Err(_) => Err(format!(
            "input '{}': expected sizes from 0, or -1, got {size}",
            input.name
        )),
    };
    let shape = input.shape.iter().map(dim).collect::<Result<_, _>>()?;
    Ok(Port::new(&input.name, input.datatype, shape))
}

fn duration(text: Option<String>) -> Result<Option<Duration>, String> {
    let parse = |text: String| {
        humantime::parse_duration(&text).map_err(|e| format!("delay: expected a duration: {e}"))
    };
    text.map(parse).transpose()
}
