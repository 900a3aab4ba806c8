//! The whole at a glance.

use serde::Serialize;
use utoipa::ToSchema;

use super::{FreezeV1, ModelV1, PayloadLogV1, PipelineSummaryV1, WaitV1, time};
use crate::actors::Snapshot;
use crate::notify::{Shown, Trouble};
use crate::{otlp, payload};
use impresario_pipelines::fleet::Now;

/// The daemon.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Status)]
pub struct StatusV1 {
    /// The program's version.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// When it was started (RFC 3339).
    pub started_at: String,
    /// Seconds since then.
    pub uptime: f64,
    /// The fleet's revision.
    pub revision: u64,
    /// Whether it wants requests.
    pub ready: bool,
    /// The models and their versions.
    pub models: Vec<ModelV1>,
    /// The pipelines and who serves.
    pub pipelines: Vec<PipelineSummaryV1>,
    /// Why no rollout advances, where somebody said so for all.
    pub freeze: Option<FreezeV1>,
    /// All that is not as desired, and why.
    pub waits: Vec<WaitV1>,
    /// The webhooks, in the order of the configuration.
    pub webhooks: Vec<WebhookV1>,
    /// The payload log; nothing where it is off.
    pub payload_log: Option<PayloadLogV1>,
    /// What is exported to an OpenTelemetry collector, a signal each; empty where nothing is.
    pub exports: Vec<ExportV1>,
}

/// What became of what is exported of one signal: spans, metric points or log records.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Export)]
pub struct ExportV1 {
    /// The signal: `traces`, `metrics` or `logs`.
    pub signal: &'static str,
    /// What waits.
    pub waiting: usize,
    /// What the collector took since the start.
    pub exported: u64,
    /// What it took and did not keep.
    pub rejected: u64,
    /// What was given up: refused, or tried for too long.
    pub failed: u64,
    /// What was never tried, because too much waited.
    pub dropped: u64,
    /// What went wrong at the last try; nothing where it went well.
    pub trouble: Option<String>,
}

/// A webhook, without its address's path and without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookV1 {
    /// Its place in the configuration, from 0.
    pub webhook: usize,
    /// Where it is posted to: scheme, host and port.
    #[schema(example = "https://alerts.example.com")]
    pub to: String,
    /// Deliveries that wait, the one that is being tried among them.
    pub waiting: usize,
    /// Deliveries that were taken since the start.
    pub delivered: u64,
    /// Deliveries that were given up since the start.
    pub failed: u64,
    /// Records that were never tried, because too many waited.
    pub dropped: u64,
    /// What went wrong at the last try; nothing where it went well.
    pub trouble: Option<String>,
    /// When that was (RFC 3339).
    pub trouble_at: Option<String>,
}

/// What reading the files again came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reloaded)]
pub struct ReloadedV1 {
    /// The fleet's revision afterwards.
    pub revision: u64,
    /// Whether any routing became different.
    pub changed: bool,
    /// What is perhaps not meant.
    pub warnings: Vec<String>,
}

impl StatusV1 {
    /// What a snapshot shows.
    #[must_use]
    pub fn of(
        snapshot: &Snapshot,
        webhooks: &[Shown],
        payload: Option<&payload::Shown>,
        exports: Vec<otlp::Shown>,
        accepting: bool,
        now: Now,
    ) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            started_at: time(now.wall.saturating_sub(now.monotonic)),
            uptime: now.monotonic as f64 / 1_000.0,
            revision: snapshot.fleet.routing.revision.0,
            ready: accepting,
            models: ModelV1::all(snapshot, now),
            pipelines: PipelineSummaryV1::all(&snapshot.fleet, &snapshot.report),
            freeze: FreezeV1::of(&snapshot.fleet, now.wall),
            waits: snapshot.report.waits.iter().map(WaitV1::from).collect(),
            webhooks: webhooks.iter().map(WebhookV1::from).collect(),
            payload_log: payload.map(PayloadLogV1::from),
            exports: exports.into_iter().map(ExportV1::from).collect(),
        }
    }
}

// === impl WebhookV1 ===

impl From<&Shown> for WebhookV1 {
    fn from(shown: &Shown) -> Self {
        let trouble = shown.trouble.as_ref();
        Self {
            webhook: shown.index,
            to: shown.to.clone(),
            waiting: shown.waiting,
            delivered: shown.delivered,
            failed: shown.failed,
            dropped: shown.dropped,
            trouble: trouble.map(|trouble: &Trouble| trouble.what.clone()),
            trouble_at: trouble.map(|trouble| time(trouble.at)),
        }
    }
}

// === impl ExportV1 ===

impl From<otlp::Shown> for ExportV1 {
    fn from(shown: otlp::Shown) -> Self {
        Self {
            signal: shown.signal.as_str(),
            waiting: shown.waiting,
            exported: shown.exported,
            rejected: shown.rejected,
            failed: shown.failed,
            dropped: shown.dropped,
            trouble: shown.trouble,
        }
    }
}
