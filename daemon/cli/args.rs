//! What can be asked: commands, flags and their help.

mod delivery;
mod look;
mod metrics;

pub use delivery::{
    BanditCommand, CanaryArgs, End, EventsArgs, ExperimentCommand, FreezeArgs, OfArgs, PlanArgs,
    RolloutCommand, ShadowCommand, StartArgs, SteerArgs,
};
pub use metrics::{Apart, MetricsArgs};

pub use look::{PayloadArgs, TopArgs};

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::http::admin::wire::RoleV1 as Role;

const EXITS: &str = "\
Exit codes:
  0  done
  1  failed, or refused by the daemon; a rollout that is watched did not succeed
  2  the command itself is wrong
  3  there is no such model, version, pipeline, revision, rollout or token
  4  conflict: changed meanwhile, in use, there already, not the time for it
  5  no daemon answers at that address
  6  not permitted: the token is missing, wrong or expired, or its role is too low";

/// Serves machine-learning models and decides which version answers which request.
#[derive(Debug, Parser)]
#[command(name = "impresario", version, after_help = EXITS, arg_required_else_help = true)]
pub struct Cli {
    /// Where the daemon's admin API is.
    #[arg(
        long,
        global = true,
        env = "IMPRESARIO_ADMIN_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8082"
    )]
    pub admin_url: String,
    /// The token to show, where the daemon asks for one.
    #[arg(
        long,
        global = true,
        env = "IMPRESARIO_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub token: Option<String>,
    /// How answers are shown.
    #[arg(long, global = true, value_name = "FORM", default_value = "table")]
    pub output: Form,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon.
    Serve(ServeArgs),
    /// Say what a daemon would say of its configuration, without running one.
    Check(CheckArgs),
    /// Print the graph of a pipeline in the files, with the types of all values.
    Graph(GraphArgs),
    /// Show the daemon, its models and its pipelines.
    Status,
    /// Models and their versions.
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Pipelines: what applications post to.
    #[command(subcommand)]
    Pipelines(PipelinesCommand),
    /// Rollouts: versions that earn their traffic step by step.
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// Experiments: versions side by side, compared by what they achieve.
    #[command(subcommand)]
    Experiment(ExperimentCommand),
    /// Bandits: versions whose shares follow what they achieve.
    #[command(subcommand)]
    Bandit(BanditCommand),
    /// Shadows: versions that see requests and answer nobody.
    #[command(subcommand)]
    Shadow(ShadowCommand),
    /// Say who answered a request, and why that one.
    Explain {
        /// The request's id, as in the answer.
        id: String,
    },
    /// Show what happens to pipelines, rollouts, experiments and bandits.
    Events(EventsArgs),
    /// Let no rollout of any pipeline advance; aborts act all the same.
    Freeze(FreezeArgs),
    /// Take a freeze of all pipelines back.
    Unfreeze(ReasonArgs),
    /// Watch the daemon: its pipelines, their traffic, rollouts and events, on one screen.
    Top(TopArgs),
    /// Show records of the payload log, out of its files.
    Payload(PayloadArgs),
    /// Ask a pipeline or model for an inference.
    Infer(InferArgs),
    /// Show what was done, by whom and why.
    Audit(AuditArgs),
    /// Show what was counted over time: rates, failures and latencies.
    Metrics(MetricsArgs),
    /// Tokens: who may use the admin API.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Make the daemon read its pipeline files again.
    Reload(ReasonArgs),
    /// Show what is logged, or change it until the next start.
    Log(LogArgs),
    /// Write the running daemon's state to a file.
    Backup(BackupArgs),
    /// Make a state directory what a backup says. No daemon may be running on it.
    Restore(RestoreArgs),
    /// Show this program's version and engines.
    Version,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// `serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The settings' file (TOML or YAML).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The settings that flags can say.
    #[command(flatten)]
    pub overrides: OverrideArgs,
    /// Write the bound addresses to this file as JSON: {"http":…,"grpc":…,"admin":…}.
    #[arg(long, value_name = "FILE")]
    pub addresses_file: Option<PathBuf>,
}

/// `check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Load the models and run the files' [[tests]] too.
    #[arg(long)]
    pub run: bool,
    /// The settings' file (TOML or YAML).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The settings that flags can say.
    #[command(flatten)]
    pub overrides: OverrideArgs,
}

/// `graph`
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// The pipeline; NAME@VERSION for one of its numbered graphs.
    pub name: String,
    /// How it is drawn.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Drawn,
    /// The settings' file (TOML or YAML).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The settings that flags can say.
    #[command(flatten)]
    pub overrides: OverrideArgs,
}

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Drawn {
    /// Lists of inputs, nodes and outputs.
    Text,
    /// The language of Graphviz.
    Dot,
    /// The language of Mermaid.
    Mermaid,
}

/// Settings that flags can say, over file and environment.
#[derive(Debug, Args)]
pub struct OverrideArgs {
    /// The model repository: NAME/VERSION/model.onnx and its like.
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// Where state is kept.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Where applications post to; port 0 for any.
    #[arg(long, value_name = "ADDR")]
    pub http: Option<String>,
    /// Where they call over gRPC; port 0 for any, "none" for nowhere.
    #[arg(long, value_name = "ADDR")]
    pub grpc: Option<String>,
    /// Where admins ask; port 0 for any.
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<String>,
    /// How long requests in flight may take at shutdown, such as 30s.
    #[arg(long, value_name = "DURATION")]
    pub grace: Option<String>,
    /// What is logged, such as info or impresario=debug.
    #[arg(long, value_name = "FILTER")]
    pub log_level: Option<String>,
}

/// `models …`
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List models and versions.
    List,
    /// Show a model, or one version with its contract.
    Show {
        /// The model.
        model: String,
        /// The version.
        #[arg(long, short = 'v', value_name = "V")]
        version: Option<u64>,
    },
    /// Load a model or one version; also again, where it failed, is quarantined or its files changed.
    Load(LoadArgs),
    /// Unload a model or one version.
    Unload(LoadArgs),
}

/// `models load` and `models unload`
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// The model.
    pub model: String,
    /// The version; all that the model's files name where it is left out.
    #[arg(long, short = 'v', value_name = "V")]
    pub version: Option<u64>,
    /// How long to wait until it is done; 0s not to wait.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
    pub wait: std::time::Duration,
    /// Why.
    #[command(flatten)]
    pub why: ReasonArgs,
}

/// `--reason`
#[derive(Debug, Args)]
pub struct ReasonArgs {
    /// Why, for the audit.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Conditions and reason of a change.
#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// Only say what the change would come to.
    #[arg(long)]
    pub dry_run: bool,
    /// Change it only if the pipeline is at this revision still; 0 for one that nobody made.
    #[arg(long, value_name = "R")]
    pub if_match: Option<u64>,
    /// Why.
    #[command(flatten)]
    pub why: ReasonArgs,
}

/// `pipelines …`
#[derive(Debug, Subcommand)]
pub enum PipelinesCommand {
    /// List pipelines and who serves.
    List,
    /// Show a pipeline.
    Show {
        /// The pipeline.
        name: String,
    },
    /// Make or replace a pipeline, from a file or of one version of a model.
    Put(PutArgs),
    /// Remove a pipeline.
    Delete {
        /// The pipeline.
        name: String,
        /// Under which conditions.
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Show what a pipeline was, and what changed from each revision to the next.
    Revisions {
        /// The pipeline.
        name: String,
        /// Show this one whole.
        #[arg(value_name = "R")]
        revision: Option<u64>,
    },
    /// Bring back what a pipeline was, as a new revision.
    Undo {
        /// The pipeline.
        name: String,
        /// The revision to bring back; without it, what was before the newest change.
        #[arg(long, value_name = "R")]
        to: Option<u64>,
        /// Under which conditions.
        #[command(flatten)]
        change: ChangeArgs,
    },
}

/// `pipelines put`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["file", "model"]))]
pub struct PutArgs {
    /// The pipeline.
    pub name: String,
    /// A JSON file that is the pipeline, a pipeline file (.toml, .yaml) that has one of this name, or - for JSON
    /// from standard input.
    pub file: Option<PathBuf>,
    /// Serve this model.
    #[arg(long, value_name = "M")]
    pub model: Option<String>,
    /// Serve this version of it, a number or latest.
    #[arg(
        long,
        short = 'v',
        value_name = "V",
        requires = "model",
        default_value = "latest"
    )]
    pub version: String,
    /// Although a version breaks what callers rely on; needs --reason.
    #[arg(long, requires = "reason")]
    pub force: bool,
    /// Under which conditions.
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `infer`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("request").required(true).args(["file", "input"]))]
pub struct InferArgs {
    /// The pipeline or model.
    pub name: String,
    /// Where the daemon's data plane is.
    #[arg(
        long,
        env = "IMPRESARIO_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub url: String,
    /// One version of the model, past every policy.
    #[arg(long, short = 'v', value_name = "V")]
    pub version: Option<u64>,
    /// A request of the inference protocol as JSON; - for standard input.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// An input and its values, such as x=[[5.1,3.5,1.4,0.2]]; a row alone is taken for a batch of one.
    #[arg(long, short = 'i', value_name = "NAME=JSON")]
    pub input: Vec<String>,
}

/// `audit`
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Only what this actor did.
    #[arg(long)]
    pub actor: Option<String>,
    /// Only this action, such as pipeline.put.
    #[arg(long)]
    pub action: Option<String>,
    /// Only what changed the pipeline or model of this name.
    #[arg(long)]
    pub name: Option<String>,
    /// At most so many records.
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
    /// Only records older than this number.
    #[arg(long, value_name = "SEQ")]
    pub before: Option<u64>,
}

/// `token …`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token, kept by the daemon. It is shown this once.
    Create {
        /// What it is to be called.
        name: String,
        /// What its bearer may do.
        #[arg(long)]
        role: Role,
        /// How long it is to last, such as 30d; for ever where it is left out.
        #[arg(long, value_name = "DURATION")]
        expires_in: Option<String>,
        /// Why.
        #[command(flatten)]
        why: ReasonArgs,
    },
    /// List tokens.
    List,
    /// Remove a token.
    Delete {
        /// Its id, as the list shows it.
        id: String,
        /// Why.
        #[command(flatten)]
        why: ReasonArgs,
    },
    /// Make a token without a daemon, and print the lines that put its hash into the config.
    Hash(HashArgs),
}

/// `token hash`
#[derive(Debug, Args)]
pub struct HashArgs {
    /// What it is to be called.
    pub name: String,
    /// What its bearer may do.
    #[arg(long)]
    pub role: Role,
}

/// `log`
#[derive(Debug, Args)]
pub struct LogArgs {
    /// A level (off, error, warn, info, debug, trace), or a list of target=level; shown where it is left out.
    #[arg(value_name = "FILTER")]
    pub level: Option<String>,
    /// Why.
    #[command(flatten)]
    pub why: ReasonArgs,
}

/// `backup`
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file to write; - for standard output. It holds the tokens' hashes: keep it as you keep the state.
    pub file: PathBuf,
    /// Replace the file where it is there.
    #[arg(long)]
    pub force: bool,
    /// Why.
    #[command(flatten)]
    pub why: ReasonArgs,
}

/// `restore`
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup; - for standard input.
    pub file: PathBuf,
    /// The state directory.
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// Replace the state that is there, damaged or not.
    #[arg(long)]
    pub force: bool,
}
