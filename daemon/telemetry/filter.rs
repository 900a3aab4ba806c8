//! What is logged: a level, or a list of `target=level`, read strictly. `EnvFilter` takes a mistyped level for a target,
//! and says of a list only that something in it is wrong.

use impresario_pipelines::spec::nearest;
use tracing_subscriber::EnvFilter;

/// The levels, from the fewest lines to the most.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The longest filter, in bytes.
const LONGEST: usize = 4_096;

/// Targets that are never logged: the first writes every header of a request as it is sent, the second decides whether
/// `ureq` tells of whole URLs. Both hold secrets.
const SECRET: [&str; 2] = ["ureq_proto", "ureq::util"];

/// Why a text is no filter, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A word that is no level.
    #[error("expected one of {}, got '{}'", LEVELS.join(", "), word.escape_debug())]
    Level {
        /// The word.
        word: String,
        /// Where it begins, in characters from 1.
        column: usize,
        /// The level that it is near to.
        meant: Option<&'static str>,
    },
    /// A part that cannot be read.
    #[error("expected a log filter such as 'info' or 'info,impresario::actors=debug', got '{}': {why}", part.escape_debug())]
    Part {
        /// The part.
        part: String,
        /// Where it begins, in characters from 1.
        column: usize,
        /// Why.
        why: String,
    },
    /// Nothing would be logged, and nobody would know why.
    #[error("expected a log filter such as 'info', got an empty one")]
    Empty,
    /// More than anybody writes.
    #[error("expected a log filter of at most {LONGEST} bytes, got {0}")]
    Long(usize),
}

/// Reads a filter.
///
/// # Errors
/// [`FilterError`] for the first part that is wrong.
pub fn filter(text: &str) -> Result<EnvFilter, FilterError> {
    if text.trim().is_empty() {
        return Err(FilterError::Empty);
    }
    if text.len() > LONGEST {
        return Err(FilterError::Long(text.len()));
    }
    let mut column = 1;
    let mut words = Vec::new();
    for part in text.split(',') {
        let word = part.trim();
        words.push(word);
        let indent = part.chars().take_while(|c| c.is_whitespace()).count();
        check(word, column + indent)?;
        column += part.chars().count() + 1;
    }
    // The longest target decides, and nobody may write a longer one.
    let silent = SECRET.map(|target| format!("{target}=off"));
    words.extend(silent.iter().map(String::as_str));
    EnvFilter::try_new(words.join(",")).map_err(|error| FilterError::Part {
        part: text.to_owned(),
        column: 1,
        why: error.to_string(),
    })
}

fn check(word: &str, column: usize) -> Result<(), FilterError> {
    let part = |why: String| FilterError::Part {
        part: word.to_owned(),
        column,
        why,
    };
    // No span is there to be asked for, and what spans hold may be asked for by regular expressions of any size.
    if word.contains(['[', ']', '{', '}']) {
        return Err(part("there are no spans to ask for".to_owned()));
    }
    let wrong = |word: &str, at: usize| FilterError::Level {
        word: word.to_owned(),
        column: at,
        meant: nearest(word, LEVELS),
    };
    let Some((target, level)) = word.rsplit_once('=') else {
        return match LEVELS.contains(&word) {
            true => Ok(()),
            false => Err(wrong(word, column)),
        };
    };
    if !LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
        return Err(wrong(level, column + target.chars().count() + 1));
    }
    if let Some(secret) = SECRET.into_iter().find(|name| target.starts_with(name)) {
        return Err(part(format!("{secret} is never logged: it tells secrets")));
    }
    let read = EnvFilter::try_new(word);
    read.map(drop).map_err(|error| part(error.to_string()))
}

// === impl FilterError ===

impl FilterError {
    /// Where it is, in characters from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        match self {
            Self::Level { column, .. } | Self::Part { column, .. } => *column,
            Self::Empty | Self::Long(_) => 1,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Level {
                meant: Some(meant), ..
            } => format!("did you mean '{meant}'?"),
            _ => "for one target, write target=level".to_owned(),
        }
    }
}
