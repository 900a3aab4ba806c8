//! What can be asked of rollouts, experiments, bandits and shadows.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{ChangeArgs, ReasonArgs};

/// `rollout …`
#[derive(Debug, Subcommand)]
pub enum RolloutCommand {
    /// Begin a rollout: a version earns the traffic of the one that serves now, step by step.
    Start(StartArgs),
    /// Show a rollout on one screen: where it is, why, the evidence, and what can be done now.
    Status(OfArgs),
    /// Follow a rollout until it ends: code 0 when it succeeded, 1 when it was rolled back or failed.
    Watch(OfArgs),
    /// Show the evidence and the last transitions of a rollout in sentences.
    Explain(OfArgs),
    /// Show which requests and how much time each step takes, of a rollout or of one that is not begun (--canary).
    Plan(PlanArgs),
    /// Stop where it is; the weights stay.
    Pause(SteerArgs),
    /// Go on.
    Resume(SteerArgs),
    /// Go on to the next step, to a step or to the end, further than the evidence does.
    Promote {
        /// Give the canary all of the traffic.
        #[arg(long, conflicts_with = "to_step")]
        full: bool,
        /// Go to this step, counted from 1.
        #[arg(long, value_name = "N")]
        to_step: Option<usize>,
        /// Against a freeze, backwards, or with --full against the evidence; needs --reason.
        #[arg(long, requires = "reason")]
        force: bool,
        /// Of which pipeline.
        #[command(flatten)]
        steer: SteerArgs,
    },
    /// Leave out what is left of the step, or of soaking.
    Skip(SteerArgs),
    /// Give the approval that the step asks for.
    Approve(SteerArgs),
    /// Refuse the approval that the step asks for; needs --reason.
    Reject(SteerArgs),
    /// End it, the stable gets all of the traffic; needs --reason.
    Abort(SteerArgs),
    /// Begin anew one that was rolled back or failed to prepare.
    Retry(SteerArgs),
    /// Take a promotion back.
    Undo(SteerArgs),
    /// Give the canary this much of the traffic, until a step says otherwise.
    SetWeight {
        /// Of which pipeline.
        #[command(flatten)]
        steer: SteerArgs,
        /// Per cent, with at most two decimals.
        #[arg(value_name = "PERCENT")]
        weight: f64,
    },
    /// Let it not advance; aborts act all the same.
    Freeze {
        /// Of which pipeline.
        #[command(flatten)]
        steer: SteerArgs,
        /// Until when: a time (RFC 3339) or a duration such as 2h; until it is taken back where left out.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Take a freeze back.
    Unfreeze(SteerArgs),
}

/// A pipeline to look at.
#[derive(Debug, Args)]
pub struct OfArgs {
    /// The pipeline.
    pub pipeline: String,
}

/// A pipeline to change, and under which conditions.
#[derive(Debug, Args)]
pub struct SteerArgs {
    /// The pipeline.
    pub pipeline: String,
    /// Under which conditions.
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// A canary, from flags or a file.
#[derive(Debug, Args)]
pub struct CanaryArgs {
    /// The version that is to answer.
    #[arg(long, value_name = "V")]
    pub canary: Option<u64>,
    /// The version that it is held against; the one that serves now where left out.
    #[arg(long, value_name = "V", requires = "canary")]
    pub stable: Option<u64>,
    /// A file (.json, .toml, .yaml) with the canary's steps, analyses and other settings; flags go before it.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// `rollout start`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["canary", "file"]))]
pub struct StartArgs {
    /// The canary.
    #[command(flatten)]
    pub canary: CanaryArgs,
    /// Although the canary breaks what callers rely on; needs --reason.
    #[arg(long, requires = "reason")]
    pub force: bool,
    /// Of which pipeline.
    #[command(flatten)]
    pub steer: SteerArgs,
}

/// `rollout plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The pipeline.
    pub pipeline: String,
    /// The canary, where it is not begun.
    #[command(flatten)]
    pub canary: CanaryArgs,
    /// Requests per second, instead of those that are measured.
    #[arg(long, value_name = "N")]
    pub per_second: Option<f64>,
    /// The stable's rate of errors, from 0 to 1, instead of the measured one.
    #[arg(long, value_name = "RATE")]
    pub errors: Option<f64>,
}

/// `experiment …`
#[derive(Debug, Subcommand)]
pub enum ExperimentCommand {
    /// Show what the evidence says of the arms, whether it can be trusted, and what follows.
    Report(OfArgs),
    /// End it, the baseline answers; needs --reason.
    Stop(SteerArgs),
    /// End it, an arm answers all: one revision.
    Ship {
        /// Of which pipeline.
        #[command(flatten)]
        steer: SteerArgs,
        /// The arm.
        arm: String,
    },
    /// Share the traffic otherwise.
    SetWeights {
        /// Of which pipeline.
        #[command(flatten)]
        steer: SteerArgs,
        /// Each arm with its per cent, such as old=80 new=20.
        #[arg(value_name = "ARM=PERCENT", required = true, value_parser = share)]
        weights: Vec<(String, f64)>,
    },
    /// Let the baseline answer all for a while.
    Pause(SteerArgs),
    /// Go on where it was paused.
    Resume(SteerArgs),
}

/// `bandit …`
#[derive(Debug, Subcommand)]
pub enum BanditCommand {
    /// Show the arms, what they brought, their shares and the regret.
    Report(OfArgs),
    /// End it: an experiment goes on with the shares as they are, or the best arm answers all.
    Freeze {
        /// Of which pipeline.
        #[command(flatten)]
        steer: SteerArgs,
        /// What takes its place.
        #[arg(long = "as", value_name = "WHAT", default_value = "experiment")]
        end: End,
    },
    /// Leave the shares as they are.
    Pause(SteerArgs),
    /// Let them follow again.
    Resume(SteerArgs),
    /// Take all traffic from an arm; needs --reason.
    RemoveArm {
        /// Of which pipeline.
        #[command(flatten)]
        steer: SteerArgs,
        /// The arm.
        arm: String,
    },
    /// Give a removed arm its floor again.
    RestoreArm {
        /// Of which pipeline.
        #[command(flatten)]
        steer: SteerArgs,
        /// The arm.
        arm: String,
    },
}

/// What takes the place of a bandit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum End {
    /// An experiment with the shares as they are.
    Experiment,
    /// The arm that is likeliest the best.
    Best,
}

/// `shadow …`
#[derive(Debug, Subcommand)]
pub enum ShadowCommand {
    /// Show how far a shadow's answers are from those that callers got.
    Report(OfArgs),
}

/// `events`
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Only those of this pipeline, and what holds for all.
    #[arg(long, value_name = "NAME")]
    pub pipeline: Option<String>,
    /// Go on with what happens from now on.
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// So many that happened already.
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
}

/// `freeze`
#[derive(Debug, Args)]
pub struct FreezeArgs {
    /// Until when: a time (RFC 3339) or a duration such as 2h; until it is taken back where left out.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Why.
    #[command(flatten)]
    pub why: ReasonArgs,
}

/// An arm and its share.
fn share(text: &str) -> Result<(String, f64), String> {
    let parts = text.split_once('=');
    let (arm, percent) = parts.ok_or("expected an arm and its per cent, such as old=80")?;
    let percent = percent.strip_suffix('%').unwrap_or(percent);
    let percent = percent.parse().map_err(|_| "expected a number after '='")?;
    Ok((arm.to_owned(), percent))
}
