//! What handlers read from paths, queries and bodies.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::web::Bytes;
use impresario_models::{Name, VersionNumber};
use impresario_pipelines::fleet::{By, Promise};
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

/// `?dry_run=true&force=true`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Insisting {
    #[serde(default)]
    pub(super) dry_run: bool,
    /// Against what the pipeline's callers rely on.
    #[serde(default)]
    pub(super) force: bool,
}

impl Insisting {
    pub(super) fn trying(&self) -> Trying {
        Trying {
            dry_run: self.dry_run,
        }
    }

    pub(super) fn promise(&self) -> Promise {
        match self.force {
            true => Promise::Waived,
            false => Promise::Kept,
        }
    }
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

/// A body of JSON that may be left out.
pub(super) fn order<T: DeserializeOwned + Default>(body: &Bytes) -> Result<T, Problem> {
    match body.trim_ascii().is_empty() {
        true => Ok(T::default()),
        false => json(body),
    }
}

/// A moment to come, in milliseconds since 1970: a time, or how long from now.
pub(super) fn moment(text: &str, wall: u64) -> Result<u64, Problem> {
    let refused = |what: &str| {
        let got: String = text.chars().take(40).collect();
        let detail = format!("until: expected {what}, got {got:?}");
        Problem::new(Code::InvalidOrder, detail)
    };
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let text = text.trim();
    let until = match humantime::parse_duration(text) {
        Ok(duration) => wall.saturating_add(millis(duration)),
        Err(_) => {
            let at = humantime::parse_rfc3339(text).ok();
            let at = at.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            millis(at.ok_or_else(|| {
                refused("a time such as 2030-01-31T08:00:00Z, or a duration such as 2h")
            })?)
        }
    };
    match until > wall {
        true => Ok(until),
        false => Err(refused("a moment to come")),
    }
}

/// Refuses fields of an order that its verb does not take; they would be without effect.
pub(super) fn only(
    verb: &str,
    given: &[(&'static str, bool)],
    takes: &[&str],
) -> Result<(), Problem> {
    let stray = given
        .iter()
        .find(|(field, given)| *given && !takes.contains(field));
    let Some((field, _)) = stray else {
        return Ok(());
    };
    let takes = match takes {
        [] => "nothing but a reason".to_owned(),
        takes => format!("{} and a reason", takes.join(", ")),
    };
    let detail = format!("{field}: {verb} takes {takes}");
    Err(Problem::new(Code::InvalidOrder, detail).with("field", *field))
}

/// The reason of what is not done without one.
pub(super) fn reason(verb: &str, by: &By) -> Result<String, Problem> {
    by.reason.clone().ok_or_else(|| {
        let detail = format!(
            "{verb}: say why, as \"reason\" in the body or with the header X-Reason; the journal keeps it"
        );
        Problem::new(Code::ReasonMissing, detail)
    })
}

/// A verb that a course does not know.
pub(super) fn unknown_verb(kind: &str, verb: &str, known: &[&str]) -> Problem {
    let verb: String = verb.chars().take(40).collect();
    let detail = format!("{kind}: expected one of {}, got {verb:?}", known.join(", "));
    Problem::new(Code::NotFound, detail)
}
