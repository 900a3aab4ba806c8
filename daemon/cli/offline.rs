//! What needs no daemon's API, or all of its state: serve, backup, restore, version, completions.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use serde_json::json;

use super::args::{BackupArgs, Cli, OverrideArgs, RestoreArgs, ServeArgs};
use super::output::{Output, bytes, cell};
use super::{Exit, Failure};
use crate::boot::{self, ServeError};
use crate::client::{Ask, Client};
use crate::config::Overrides;
use crate::error::causes;
use crate::http::admin::REASON;
use crate::store::{self, Force};

pub(super) fn serve(args: ServeArgs) -> Result<Exit, Failure> {
    let args = boot::ServeArgs {
        config: args.config,
        overrides: args.overrides.into(),
        addresses_file: args.addresses_file,
    };
    boot::serve(args).map(|()| Exit::Done).map_err(|error| {
        let exit = match &error {
            ServeError::Problems(_) | ServeError::Log(_) => Exit::Usage,
            _ => Exit::Failed,
        };
        Failure::new(exit, causes(&error))
    })
}

impl From<OverrideArgs> for Overrides {
    fn from(args: OverrideArgs) -> Self {
        Self {
            models: args.models,
            state: args.state,
            http: args.http,
            grpc: args.grpc,
            admin: args.admin,
            grace: args.grace,
            log_level: args.log_level,
        }
    }
}

/// Writes beside the file and moves the whole into its place, so that a backup that breaks off replaces nothing.
pub(super) fn backup(args: &BackupArgs, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let ask = Ask::get("/admin/v1/backup").header(REASON, args.why.reason.as_deref());
    if args.file.as_os_str() == "-" {
        let mut body = client.stream(ask)?;
        let mut stdout = io::stdout().lock();
        io::copy(&mut body, &mut stdout)?;
        return Ok(stdout.flush()?);
    }
    let shown = args.file.display();
    if args.file.exists() && !args.force {
        let message =
            format!("{shown} is there already: choose another name, or replace it with --force");
        return Err(Failure::new(Exit::Conflict, message));
    }
    let mut body = client.stream(ask)?;
    let part = beside(&args.file);
    let written = write(&part, &mut body).and_then(|size| {
        fs::rename(&part, &args.file)?;
        Ok(size)
    });
    let size = written.map_err(|error| {
        // What is left of it is of no use; where it cannot be removed either, its name says what it is.
        let _ = fs::remove_file(&part);
        Failure::new(
            Exit::Failed,
            format!("write the backup to {shown}: {error}; nothing was written"),
        )
    })?;
    let answer = json!({"file": shown.to_string(), "bytes": size});
    out.show(&answer, |answer| {
        format!(
            "wrote {} to {}",
            bytes(&answer["bytes"]),
            cell(&answer["file"])
        )
    })
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    file.with_file_name(name)
}

fn write(path: &Path, body: &mut impl Read) -> io::Result<u64> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    // It holds hashes of tokens.
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let size = io::copy(body, &mut file)?;
    file.sync_all()?;
    Ok(size)
}

pub(super) fn restore(args: &RestoreArgs, out: &mut Output) -> Result<(), Failure> {
    let mut file: Box<dyn Read> = match args.file.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => {
            let file = File::open(&args.file);
            let file = file.map_err(|error| {
                Failure::usage(format!("read {}: {error}", args.file.display()))
            })?;
            Box::new(BufReader::new(file))
        }
    };
    let force = if args.force {
        Force::Replace
    } else {
        Force::Keep
    };
    let revision = store::restore(&args.state, &mut file, force).map_err(|error| {
        let exit = match error.cause() {
            store::Cause::Occupied | store::Cause::Locked { .. } => Exit::Conflict,
            _ => Exit::Failed,
        };
        Failure::new(exit, causes(&error))
    })?;
    let answer = json!({"state": args.state.display().to_string(), "revision": revision});
    out.show(&answer, |answer| {
        format!("restored {} at revision {revision}", cell(&answer["state"]))
    })
}

pub(super) fn version(out: &mut Output) -> Result<(), Failure> {
    let engines = [
        ("onnx", cfg!(feature = "onnx")),
        ("onnxruntime", cfg!(feature = "onnxruntime")),
        ("burn", cfg!(feature = "burn")),
    ];
    let engines: Vec<_> = engines
        .into_iter()
        .filter_map(|(engine, there)| there.then_some(engine))
        .collect();
    let answer =
        json!({"name": "impresario", "version": env!("CARGO_PKG_VERSION"), "engines": engines});
    out.show(&answer, |answer| {
        let engines = if engines.is_empty() {
            "none".to_owned()
        } else {
            engines.join(", ")
        };
        format!(
            "impresario {} (engines: {engines})",
            cell(&answer["version"])
        )
    })
}

pub(super) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "impresario", &mut script);
    Ok(io::stdout().lock().write_all(&script)?)
}
