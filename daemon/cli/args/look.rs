//! What can be looked at: the screen of a daemon, and the payload log.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// `top`
#[derive(Debug, Args)]
pub struct TopArgs {
    /// How often the daemon is asked, and the time that rates are taken over.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = interval)]
    pub interval: Duration,
    /// Print once what was seen over one interval, and end.
    #[arg(long)]
    pub once: bool,
}

/// `payload`
#[derive(Debug, Args)]
pub struct PayloadArgs {
    /// The folder of the files; without it, that of the settings.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// The settings' file (TOML or YAML).
    #[arg(long, value_name = "FILE", conflicts_with = "folder")]
    pub config: Option<PathBuf>,
    /// Only records of this pipeline.
    #[arg(long)]
    pub pipeline: Option<String>,
    /// Only requests that failed, or whose version failed and was covered.
    #[arg(long)]
    pub failed: bool,
    /// Only records that are not older: a time such as 2026-11-29T12:00:00Z, or an age such as 10m.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// At most so many records, the newest.
    #[arg(long, short = 'n', default_value_t = 20)]
    pub limit: usize,
}

/// From a tenth of a second, so that asking costs the daemon little.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let range = Duration::from_millis(100)..=Duration::from_secs(3_600);
    match range.contains(&interval) {
        true => Ok(interval),
        false => Err("expected a duration from 100ms to 1h".to_owned()),
    }
}
