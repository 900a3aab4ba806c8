//! What can be asked of the history of metrics.

use clap::{Args, ValueEnum};

/// `metrics`
#[derive(Debug, Args)]
pub struct MetricsArgs {
    /// The pipeline, or a model that is asked by its own name; a line for each where it is left out.
    pub pipeline: Option<String>,
    /// How far back, such as 30m, 6h or 7d.
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    pub since: String,
    /// How long a point is: 10s, 1m, 1h or a multiple of one; chosen by the time where it is left out.
    #[arg(long, value_name = "DURATION")]
    pub step: Option<String>,
    /// What is shown for itself.
    #[arg(long, value_name = "WHAT", default_value = "pipeline")]
    pub by: Apart,
}

/// What is shown for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Apart {
    /// Each pipeline.
    Pipeline,
    /// Each variant of a pipeline.
    Variant,
    /// Each version that answers for a pipeline.
    Version,
}
