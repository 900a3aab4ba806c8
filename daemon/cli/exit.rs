//! How a command ends: a code for scripts and a sentence for people.

use std::io;
use std::process::ExitCode;

use serde_json::Value;

use crate::client;

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// It failed, or the daemon refused it.
    Failed = 1,
    /// The command itself is wrong. (clap's code for arguments that it refuses.)
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// Something else stands against it: it was changed meanwhile, it is in use, it is there already.
    Conflict = 4,
    /// No daemon answers.
    Unreachable = 5,
    /// The token is missing, wrong, or its role too low.
    Forbidden = 6,
}

/// Why a command was not done.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// For scripts.
    pub exit: Exit,
    /// For people: what, where, and the remedy.
    pub message: String,
    /// The daemon's own words, where it refused.
    pub document: Option<Value>,
}

// === impl Exit ===

impl Exit {
    /// The code for a refusal's status.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Forbidden,
            404 => Self::NotFound,
            409 | 412 => Self::Conflict,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

// === impl Failure ===

impl Failure {
    /// A failure with nothing but words.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            document: None,
        }
    }

    /// A command that cannot be meant.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        let message = error.to_string();
        match error {
            client::Error::Address { .. } | client::Error::Header(_) => Self::usage(message),
            client::Error::Connect { .. } => Self::new(Exit::Unreachable, message),
            client::Error::Broken { .. } | client::Error::Stranger { .. } => {
                Self::new(Exit::Failed, message)
            }
            client::Error::Refused(refusal) => {
                let remedy = match refusal.status {
                    401 => "; give one with --token or IMPRESARIO_TOKEN",
                    _ => "",
                };
                Self {
                    exit: Exit::of_status(refusal.status),
                    message: format!("{message}{remedy}"),
                    document: Some(refusal.document),
                }
            }
        }
    }
}

/// What was to be shown could not be. A reader that has seen enough is no failure.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Exit::Done, ""),
            _ => Self::new(Exit::Failed, format!("write the answer: {error}")),
        }
    }
}
