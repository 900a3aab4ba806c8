//! What handlers read from paths, queries and bodies.

use std::time::Duration;

use actix_web::web::Bytes;
use impresario_models::{Name, VersionNumber};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::problem::{Code, Problem};

/// The longest wait for a load or unload.
const MAX_WAIT: Duration = Duration::from_secs(600);
/// The wait where none is stated.
const WAIT: Duration = Duration::from_secs(30);

/// `?wait=30s`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Waiting {
    wait: Option<String>,
}

/// `?dry_run=true`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trying {
    #[serde(default)]
    pub(super) dry_run: bool,
}

impl Waiting {
    pub(super) fn duration(&self) -> Result<Duration, Problem> {
        let Some(text) = &self.wait else {
            return Ok(WAIT);
        };
        let duration = match text.as_str() {
            "0" => Some(Duration::ZERO),
            text => humantime::parse_duration(text).ok(),
        };
        duration
            .filter(|duration| *duration <= MAX_WAIT)
            .ok_or_else(|| {
                let got: String = text.chars().take(40).collect();
                let detail =
                    format!("wait: expected a duration such as 30s, from 0s to 10m, got {got:?}");
                Problem::new(Code::InvalidQuery, detail)
            })
    }
}

/// A name from a path.
pub(super) fn name(text: &str) -> Result<Name, Problem> {
    Name::new(text).map_err(|error| Problem::new(Code::InvalidName, error.to_string()))
}

/// A version number from a path.
pub(super) fn version(text: &str) -> Result<VersionNumber, Problem> {
    text.parse().map_err(|error: impresario_models::NameError| {
        Problem::new(Code::InvalidName, error.to_string())
    })
}

/// A body of JSON; an empty one is the default, where there is one.
pub(super) fn json<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut reader);
    let refused = |what: String| {
        Problem::new(
            Code::InvalidBody,
            format!("the body is not as expected: {what}"),
        )
    };
    let parsed = parsed.map_err(|error| refused(error.to_string()))?;
    reader.end().map_err(|error| refused(error.to_string()))?;
    Ok(parsed)
}
