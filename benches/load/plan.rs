//! What the command line says, and where servers and generator run.

use std::error::Error;
use std::fs;
use std::process::Command;
use std::time::Duration;

/// A part of the bench that can be asked for alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The tiny model in a closed loop, beside bare handlers and Python servers.
    Tiny,
    /// The tiny model at a constant rate.
    Open,
    /// Models that cost something, with batching, beside the engine's own loop.
    Heavy,
    /// Memory and start-up.
    Memory,
}

/// What is to be done.
pub(crate) struct Plan {
    pub(crate) seconds: Duration,
    pub(crate) rounds: usize,
    pub(crate) parts: Vec<Part>,
    pub(crate) peers: bool,
    /// The generator may sleep while it has nothing to do, although it has cores of its own.
    sleeps: bool,
    pub(crate) place: Place,
}

/// Where a server runs.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Threads, or processes of a Python server, that answer.
    pub(crate) workers: usize,
    /// The cores it may use, as `taskset` writes them.
    cores: Cores,
    /// All cores there are.
    all: String,
}

/// The cores of a server.
#[derive(Clone, Debug)]
enum Cores {
    /// Whatever this program may use: nothing is pinned.
    Any,
    /// These, while this program has others.
    Apart(String),
    /// These, which are all: this program is pinned, and what it starts would be where it is.
    All(String),
}

// === impl Part ===

impl Part {
    const ALL: [(&'static str, Self); 4] = [
        ("tiny", Self::Tiny),
        ("open", Self::Open),
        ("heavy", Self::Heavy),
        ("memory", Self::Memory),
    ];

    fn read(word: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|(name, _)| *name == word);
        known.map(|(_, part)| *part).ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            format!("--only: expected some of {names}, got '{word}'")
        })
    }
}

// === impl Plan ===

impl Plan {
    /// Nothing when this is not the bench that was asked for: `cargo bench NAME` runs every bench with the name,
    /// and `cargo test --benches` runs them without `--bench`.
    pub(crate) fn read(args: &[String]) -> Result<Option<Self>, Box<dyn Error>> {
        let mut plan = Self {
            seconds: Duration::from_secs(5),
            rounds: 3,
            parts: Part::ALL.map(|(_, part)| part).into(),
            peers: true,
            sleeps: false,
            place: Place::anywhere()?,
        };
        let (mut benching, mut pin, mut workers) = (false, true, None);
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--bench" => benching = true,
                "--seconds" => plan.seconds = Duration::try_from_secs_f64(value()?.parse()?)?,
                "--rounds" => plan.rounds = value()?.parse::<usize>()?.max(1),
                "--workers" => workers = Some(value()?.parse::<usize>()?.max(1)),
                "--no-pin" => pin = false,
                "--no-peers" => plan.peers = false,
                "--sleep" => plan.sleeps = true,
                "--only" => {
                    let parts: Result<_, _> = value()?.split(',').map(Part::read).collect();
                    plan.parts = parts?;
                }
                filter if !filter.starts_with('-') && !"load".contains(filter) => return Ok(None),
                flag if flag.starts_with('-') => return Err(format!("unknown flag {flag}").into()),
                _ => {}
            }
        }
        if !benching {
            return Ok(None);
        }
        if pin {
            plan.place = Place::pinned(plan.place);
        }
        plan.place.workers = workers.unwrap_or(plan.place.workers);
        Ok(Some(plan))
    }

    /// Whether the generator never sleeps where it has cores of its own: a server on the same machine pays for waking whom
    /// it answers, the slower one more often, as clients elsewhere do not make it.
    pub(crate) fn keeps_awake(&self) -> bool {
        !self.sleeps && matches!(self.place.cores, Cores::Apart(_))
    }

    /// How that is said in the report.
    pub(crate) fn generator(&self) -> &'static str {
        match self.keeps_awake() {
            true => "The generator never sleeps.",
            false => "The generator sleeps while it waits.",
        }
    }
}

// === impl Place ===

impl Place {
    /// On all cores, with a worker for each.
    fn anywhere() -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            workers: std::thread::available_parallelism()?.get(),
            cores: Cores::Any,
            all: list(&allowed()),
        })
    }

    /// Servers on the first half of the cores and this program on the others, so that neither takes time from the
    /// other; as it was where there is one core, or no `taskset`.
    fn pinned(anywhere: Self) -> Self {
        let cores = allowed();
        let (servers, generator) = cores.split_at(cores.len() / 2);
        let own = std::process::id().to_string();
        let moved = Command::new("taskset")
            .args(["-acp", &list(generator), &own])
            .output();
        match moved {
            Ok(output) if output.status.success() && !servers.is_empty() => Self {
                workers: servers.len(),
                all: anywhere.all,
                cores: Cores::Apart(list(servers)),
            },
            _ => anywhere,
        }
    }

    /// All cores, for servers whose threads need more than one and share them with the generator.
    pub(crate) fn shared(&self) -> Self {
        let cores = match &self.cores {
            Cores::Any => Cores::Any,
            Cores::Apart(_) | Cores::All(_) => Cores::All(self.all.clone()),
        };
        Self {
            cores,
            ..self.clone()
        }
    }

    /// A program in this place.
    pub(crate) fn command(&self, program: &str) -> Command {
        match &self.cores {
            Cores::Any => Command::new(program),
            Cores::Apart(cores) | Cores::All(cores) => {
                let mut command = Command::new("taskset");
                command.args(["-c", cores, program]);
                command
            }
        }
    }

    /// How it is said in the report.
    pub(crate) fn said(&self) -> String {
        let workers = self.workers;
        match &self.cores {
            Cores::Any => format!("{workers} server workers, nothing pinned"),
            Cores::All(_) => format!("{workers} server workers on all cores"),
            Cores::Apart(cores) => {
                format!(
                    "{workers} server workers, pinned to core {cores}; the generator has others"
                )
            }
        }
    }
}

fn list(cores: &[usize]) -> String {
    let cores: Vec<_> = cores.iter().map(usize::to_string).collect();
    cores.join(",")
}

/// The cores that this program may use.
fn allowed() -> Vec<usize> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let ranges = list.unwrap_or_default().trim().split(',');
    let ends = ranges.filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse().ok()?..=last.parse().ok()?)
    });
    ends.flatten().collect()
}
