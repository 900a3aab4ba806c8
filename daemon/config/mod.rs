//! The daemon's settings: layered, compiled, every problem told at once.
//!
//! Layers are `defaults.toml` (which is the manual of all settings), a file, the environment and flags; crate
//! `config` lays them over each other, and each value remembers who wrote it. The compiled form here is typed:
//! durations, bytes, addresses. Pipeline files are found here too; what they mean is `spec`'s business.

mod field;
mod files;
mod layers;
mod log;
mod metrics;
mod notify;
mod otlp;
mod payload;
mod read;
mod sections;

use std::path::{Path, PathBuf};

use impresario_models::backend::Engines;
use impresario_pipelines::spec::Problem;

pub use files::Glob;
pub use layers::Overrides;
pub use sections::{
    Admin, Engine, Limits, Log, LogFormat, Metrics, Models, Notify, Restart, Server, Store, Token,
    VersionDefaults,
};

/// All settings, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The file they were read from, if any.
    pub file: Option<PathBuf>,
    /// The data plane's and the admin plane's listeners.
    pub server: Server,
    /// The repository, and how its versions are loaded and kept running.
    pub models: Models,
    /// The engines that are not built in.
    pub engines: Engines,
    /// Where pipelines are defined.
    pub pipelines: Vec<Glob>,
    /// Where state is kept.
    pub store: Store,
    /// Who may change things.
    pub admin: Admin,
    /// Who is told what becomes of pipelines.
    pub notify: Notify,
    /// What is kept of requests and answers; nothing where it is off.
    pub payload_log: Option<crate::payload::Settings>,
    /// How what is counted is shown, and what is kept of it.
    pub metrics: Metrics,
    /// What is logged, and how.
    pub log: Log,
    /// Where what is seen of requests is exported to; none said: nowhere.
    pub otlp: Option<crate::otlp::Settings>,
}

// === impl Settings ===

/// `defaults.toml` alone, as without a file, variables and flags.
impl Default for Settings {
    fn default() -> Self {
        let (settings, _) = Self::load(None, [], &Overrides::default())
            .expect("defaults.toml is part of this program, and a test reads it");
        settings
    }
}

impl Settings {
    /// Reads a file, the environment and flags over the defaults. Only variables that begin with `IMPRESARIO__`
    /// are looked at. Warnings stand beside the settings.
    ///
    /// # Errors
    /// Every problem of every layer, warnings among them; nothing was done.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        overrides: &Overrides,
    ) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let layers = layers::Layers::gather(file, environment, overrides)?;
        read::read(&layers)
    }
}

/// The process's variables that are settings, for [`Settings::load`]. A value that is not Unicode is taken with
/// replacement characters, so that it is refused by name.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(move |(name, value)| (text(name), text(value)))
        .filter(|(name, _)| name.starts_with(layers::PREFIX))
}

#[cfg(test)]
mod tests;
