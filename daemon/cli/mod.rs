//! The command line: every command is one request to a daemon's API, but for `serve` and what works on files
//! alone.
//!
//! What can be asked stands in [`args`]; a file per noun holds what is asked and how the answer is shown. Exit
//! codes are for scripts: see [`Exit`].

pub mod args;
mod audit;
mod bandit;
mod check;
mod course;
mod events;
mod exit;
mod experiment;
mod explain;
mod infer;
mod logging;
mod metrics;
mod models;
mod offline;
mod output;
mod payload;
mod pipelines;
mod rollout;
mod shadow;
mod status;
mod tokens;
mod top;

pub use exit::{Exit, Failure};

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command};
use self::output::Output;
use crate::client::{Client, Plane};

/// Does what the process's arguments say.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.output == args::Form::Json;
    let failure = match perform(cli) {
        Ok(exit) => return exit.into(),
        Err(failure) => failure,
    };
    if failure.exit == Exit::Done {
        return Exit::Done.into();
    }
    let document = failure.document.as_ref().filter(|_| json);
    let shown = match document {
        Some(document) => writeln!(io::stderr(), "{document}"),
        None => writeln!(io::stderr(), "error: {}", failure.message),
    };
    // Nobody reads what is said: the exit code says it too.
    drop(shown);
    failure.exit.into()
}

fn perform(cli: Cli) -> Result<Exit, Failure> {
    let mut out = Output::new(cli.output);
    let admin = || Client::new(Plane::Admin, &cli.admin_url, cli.token.clone());
    match cli.command {
        Command::Serve(args) => return offline::serve(args),
        Command::Check(args) => return check::check(args, &mut out),
        Command::Graph(args) => return check::graph(args, &mut out),
        Command::Status => status::status(&admin()?, &mut out)?,
        Command::Models(command) => models::models(command, &admin()?, &mut out)?,
        Command::Pipelines(command) => pipelines::pipelines(command, &admin()?, &mut out)?,
        Command::Rollout(command) => return rollout::rollout(command, &admin()?, &mut out),
        Command::Experiment(command) => experiment::experiment(command, &admin()?, &mut out)?,
        Command::Bandit(command) => bandit::bandit(command, &admin()?, &mut out)?,
        Command::Shadow(command) => shadow::shadow(command, &admin()?, &mut out)?,
        Command::Explain { id } => explain::explain(&id, &admin()?, &mut out)?,
        Command::Events(args) => events::events(args, &admin()?, &mut out)?,
        Command::Freeze(args) => status::freeze(args, &admin()?, &mut out)?,
        Command::Unfreeze(args) => status::unfreeze(args, &admin()?, &mut out)?,
        Command::Infer(args) => {
            let client = Client::new(Plane::Data, &args.url, cli.token.clone())?;
            infer::infer(args, &client, &mut out)?;
        }
        Command::Top(args) => return top::top(&args, &cli.admin_url, admin()?, &mut out),
        Command::Payload(args) => payload::payload(args, &mut out)?,
        Command::Metrics(args) => metrics::metrics(args, &admin()?, &mut out)?,
        Command::Audit(args) => audit::audit(args, &admin()?, &mut out)?,
        Command::Token(args::TokenCommand::Hash(args)) => tokens::hash(&args, &mut out)?,
        Command::Token(command) => tokens::tokens(command, &admin()?, &mut out)?,
        Command::Reload(args) => status::reload(args, &admin()?, &mut out)?,
        Command::Log(args) => logging::log(args, &admin()?, &mut out)?,
        Command::Backup(args) => offline::backup(&args, &admin()?, &mut out)?,
        Command::Restore(args) => offline::restore(&args, &mut out)?,
        Command::Version => offline::version(&mut out)?,
        Command::Completions { shell } => offline::completions(shell)?,
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
