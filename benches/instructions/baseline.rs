//! The kept counts, and what counts as having moved.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The file, from the repository's root.
pub(crate) const PATH: &str = "benches/instructions.toml";

const HEAD: &str = "\
# Instructions of one operation of each station, counted by `just instructions`; renewed by
# `just instructions --update`. What moves by more than the tolerance is to be mended or explained in the commit.
# A compiler, a processor with other vector units or a C library of another version counts a little differently.
";

/// What was counted before.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    /// Per cent, in either direction.
    tolerance: u64,
    /// What counted.
    rustc: String,
    /// By operation.
    #[serde(default)]
    instructions: BTreeMap<String, u64>,
}

/// How a count compares.
pub(crate) enum Verdict {
    /// Near enough.
    Within { before: u64, per_cent: f64 },
    /// It grew or shrank beyond the tolerance.
    Moved { before: u64, per_cent: f64 },
    /// It was never counted before.
    New,
}

// === impl Baseline ===

impl Baseline {
    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let path = path();
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(toml::from_str(&text).map_err(|e| format!("{PATH}: {e}"))?)
    }

    /// What the baseline was taken with, and that it does not compare where the compiler is another one.
    pub(crate) fn taken(&self) -> String {
        let (mine, tolerance) = (rustc(), self.tolerance);
        let other = if self.rustc == mine {
            String::new()
        } else {
            format!("; this is {mine}, so differences may be the compiler's")
        };
        format!(
            "baseline of {}, tolerance {tolerance} %{other}\n",
            self.rustc
        )
    }

    pub(crate) fn compare(&self, name: &str, counted: u64) -> Verdict {
        let Some(&before) = self.instructions.get(name) else {
            return Verdict::New;
        };
        let per_cent = (counted as f64 / before.max(1) as f64 - 1.0) * 100.0;
        if per_cent.abs() <= self.tolerance as f64 {
            Verdict::Within { before, per_cent }
        } else {
            Verdict::Moved { before, per_cent }
        }
    }

    pub(crate) fn set(&mut self, name: &str, counted: u64) {
        self.instructions.insert(name.to_owned(), counted);
        self.rustc = rustc();
    }

    pub(crate) fn write(&self) -> Result<(), Box<dyn Error>> {
        Ok(fs::write(
            path(),
            format!("{HEAD}{}", toml::to_string(self)?),
        )?)
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(PATH)
}

/// The compiler's version, as far as it matters.
fn rustc() -> String {
    let said = Command::new("rustc").arg("--version").output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let words: Vec<_> = said.iter().flat_map(|said| said.split(' ')).collect();
    format!("rustc {}", words.get(1).copied().unwrap_or("unknown"))
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within { before, per_cent } => write!(f, "{before} | {per_cent:+.1} %"),
            Self::Moved { before, per_cent } => write!(f, "{before} | **{per_cent:+.1} %**"),
            Self::New => write!(f, "none | new"),
        }
    }
}
