//! Prometheus text, format 0.0.4: what the cells counted and what the fleet looks like, under our names and,
//! for dashboards that exist already, under Triton's.
//!
//! Every name and label is a constant of this file. Labels come from the fleet, never from a request, so that
//! the number of series is bounded by what is configured. Who may read them is the admin plane's business.

use std::fmt::{self, Display, Write};

use impresario_pipelines::fleet::Seen;

use crate::actors::Snapshot;
use crate::measure::{Counts, Key, Outcome, Totals, sketch};
use crate::notify;
use crate::serve::Cache;

/// The content type of the format.
pub const CONTENT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The names of all series.
pub mod name {
    /// Requests by how they ended.
    pub const REQUESTS: &str = "impresario_requests_total";
    /// From the decision to the answer.
    pub const REQUEST_SECONDS: &str = "impresario_request_duration_seconds";
    /// In the version's queue.
    pub const QUEUE_SECONDS: &str = "impresario_queue_duration_seconds";
    /// In the engine.
    pub const COMPUTE_SECONDS: &str = "impresario_compute_duration_seconds";
    /// Rows inferred.
    pub const INFERENCES: &str = "impresario_inferences_total";
    /// Calls of the engine.
    pub const EXECUTIONS: &str = "impresario_executions_total";
    /// Requests that wait now.
    pub const QUEUE: &str = "impresario_version_queue_length";
    /// Instances that compute.
    pub const BUSY: &str = "impresario_version_busy_instances";
    /// 1 for the phase that a version is in, 0 for the others.
    pub const PHASE: &str = "impresario_version_phase";
    /// Crashes lately.
    pub const CRASHES: &str = "impresario_version_recent_crashes";
    /// Estimated memory.
    pub const MEMORY: &str = "impresario_version_memory_bytes";
    /// How often a version left memory for others.
    pub const PARKED: &str = "impresario_version_parked_total";
    /// How often a version was loaded because requests waited for it.
    pub const RECALLED: &str = "impresario_version_recalled_total";
    /// Requests that wait for parked versions.
    pub const WAITING: &str = "impresario_recall_waiting";
    /// Memory that all versions together may take.
    pub const BUDGET: &str = "impresario_memory_budget_bytes";
    /// The fleet's revision.
    pub const REVISION: &str = "impresario_fleet_revision";
    /// Whether the daemon wants requests.
    pub const READY: &str = "impresario_ready";
    /// The program.
    pub const BUILD: &str = "impresario_build_info";
    /// Resident memory of the process.
    pub const RESIDENT: &str = "process_resident_memory_bytes";
    /// When the process began.
    pub const START: &str = "process_start_time_seconds";
    /// Requests that the response cache was asked for, by what came of it.
    pub const CACHE_LOOKS: &str = "impresario_cache_looks_total";
    /// Answers in the response cache.
    pub const CACHE_ENTRIES: &str = "impresario_cache_entries";
    /// Bytes in the response cache.
    pub const CACHE_BYTES: &str = "impresario_cache_bytes";
    /// Bytes that the response cache may hold.
    pub const CACHE_MAX_BYTES: &str = "impresario_cache_max_bytes";
    /// Deliveries of webhooks by how they ended.
    pub const WEBHOOK_DELIVERIES: &str = "impresario_webhook_deliveries_total";
    /// Deliveries of webhooks that wait.
    pub const WEBHOOK_QUEUE: &str = "impresario_webhook_queue_length";
    /// Records of the payload log by what became of them.
    pub const PAYLOAD_RECORDS: &str = "impresario_payload_records_total";
    /// Records of the payload log without the data of their tensors.
    pub const PAYLOAD_SHED: &str = "impresario_payload_shed_total";
    /// Bytes that were written to the payload log.
    pub const PAYLOAD_BYTES: &str = "impresario_payload_written_bytes_total";
    /// Records of the payload log that wait.
    pub const PAYLOAD_QUEUE: &str = "impresario_payload_queue_length";
    /// Triton: answered requests.
    pub const NV_SUCCESS: &str = "nv_inference_request_success";
    /// Triton: requests not answered.
    pub const NV_FAILURE: &str = "nv_inference_request_failure";
    /// Triton: rows inferred.
    pub const NV_COUNT: &str = "nv_inference_count";
    /// Triton: calls of the engine.
    pub const NV_EXECUTIONS: &str = "nv_inference_exec_count";
    /// Triton: all time of requests.
    pub const NV_REQUEST_US: &str = "nv_inference_request_duration_us";
    /// Triton: all time in queues.
    pub const NV_QUEUE_US: &str = "nv_inference_queue_duration_us";
    /// Triton: all time in engines.
    pub const NV_COMPUTE_US: &str = "nv_inference_compute_infer_duration_us";
    /// Triton: answers out of the response cache.
    pub const NV_HITS: &str = "nv_cache_num_hits_per_model";
    /// Triton: looks into the response cache in vain.
    pub const NV_MISSES: &str = "nv_cache_num_misses_per_model";
}

/// Every word that a version's phase can have.
const PHASES: [&str; 11] = [
    "discovered",
    "loading",
    "golden",
    "warming",
    "ready",
    "restarting",
    "quarantined",
    "draining",
    "unloaded",
    "failed",
    "parked",
];

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// What the cells have counted.
    pub cells: &'a [(Key, Totals)],
    /// What is published.
    pub snapshot: &'a Snapshot,
    /// Requests that wait for parked versions.
    pub waiting: usize,
    /// The response cache.
    pub cache: &'a Cache,
    /// The webhooks.
    pub webhooks: &'a [notify::Shown],
    /// The payload log, where it is on.
    pub payload: Option<&'a crate::payload::Shown>,
    /// Whether the daemon wants requests.
    pub accepting: bool,
    /// Resident memory of the process in bytes, where the system tells it.
    pub resident: Option<u64>,
    /// When the process began, in milliseconds since 1970.
    pub started: u64,
}

/// Resident memory of this process in bytes, where the system tells it (Linux, `/proc/self/status`).
#[must_use]
pub fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

/// The text.
#[must_use]
pub fn render(shown: &Shown<'_>) -> String {
    let mut text = Text(String::with_capacity(16 << 10));
    daemon(&mut text, shown);
    versions(&mut text, shown.snapshot);
    memory(&mut text, shown);
    cells(&mut text, shown.cells);
    cache(&mut text, shown);
    webhooks(&mut text, shown.webhooks);
    payload::payload(&mut text, shown.payload);
    triton::triton(&mut text, shown.cells);
    text.0
}

fn daemon(text: &mut Text, shown: &Shown<'_>) {
    let version = env!("CARGO_PKG_VERSION");
    text.family(name::BUILD, "gauge", "the program; always 1");
    text.sample(name::BUILD, &[("version", &version)], 1);
    text.family(name::READY, "gauge", "whether the daemon wants requests");
    text.sample(name::READY, &[], u8::from(shown.accepting));
    text.family(name::REVISION, "gauge", "the fleet's revision");
    text.sample(name::REVISION, &[], shown.snapshot.fleet.routing.revision);
    if let Some(resident) = shown.resident {
        text.family(
            name::RESIDENT,
            "gauge",
            "resident memory of the process in bytes",
        );
        text.sample(name::RESIDENT, &[], resident);
    }
    text.family(
        name::START,
        "gauge",
        "start of the process in seconds since 1970",
    );
    text.sample(name::START, &[], shown.started as f64 / 1e3);
}

fn versions(text: &mut Text, snapshot: &Snapshot) {
    let observed = &snapshot.fleet.observed;
    text.family(
        name::PHASE,
        "gauge",
        "1 for the phase that the version is in, 0 for the others",
    );
    for (model, version, seen) in observed.all() {
        let is = word(snapshot.phase(model, version, seen));
        for phase in PHASES {
            let labels: &[(&str, &dyn Display)] =
                &[("model", model), ("version", &version), ("phase", &phase)];
            text.sample(name::PHASE, labels, u8::from(phase == is));
        }
    }
    text.family(
        name::CRASHES,
        "gauge",
        "crashes of the version that are not forgotten yet",
    );
    for (model, version, seen) in observed.all() {
        text.sample(
            name::CRASHES,
            &[("model", model), ("version", &version)],
            seen.crashes.len(),
        );
    }
    text.family(
        name::MEMORY,
        "gauge",
        "estimated resident memory of the loaded version in bytes",
    );
    for handle in snapshot.handles() {
        let labels: &[(&str, &dyn Display)] =
            &[("model", &handle.model), ("version", &handle.version)];
        text.sample(name::MEMORY, labels, handle.facts.memory);
    }
    text.family(
        name::QUEUE,
        "gauge",
        "requests that wait for the version now",
    );
    for handle in snapshot.handles() {
        let labels: &[(&str, &dyn Display)] =
            &[("model", &handle.model), ("version", &handle.version)];
        text.sample(name::QUEUE, labels, handle.waiting());
    }
    text.family(name::BUSY, "gauge", "instances that compute now");
    for handle in snapshot.handles() {
        let labels: &[(&str, &dyn Display)] =
            &[("model", &handle.model), ("version", &handle.version)];
        text.sample(name::BUSY, labels, handle.busy());
    }
}

/// Where memory is not bounded there is nothing to say.
fn memory(text: &mut Text, shown: &Shown<'_>) {
    let fleet = &shown.snapshot.fleet;
    let Some(budget) = fleet.limits.budget else {
        return;
    };
    text.family(
        name::BUDGET,
        "gauge",
        "bytes that all versions in memory may be estimated to take",
    );
    text.sample(name::BUDGET, &[], budget);
    text.family(
        name::WAITING,
        "gauge",
        "requests that wait for parked versions now",
    );
    text.sample(name::WAITING, &[], shown.waiting);
    type Count = fn(&Seen) -> u64;
    let counts: [(_, _, Count); 2] = [
        (
            name::PARKED,
            "times that the version left memory for others",
            |s| s.stay.parked,
        ),
        (
            name::RECALLED,
            "times that the version was loaded because requests waited for it",
            |s| s.stay.recalled,
        ),
    ];
    for (name, help, count) in counts {
        text.family(name, "counter", help);
        for (model, version, seen) in fleet.observed.all() {
            let labels: &[(&str, &dyn Display)] = &[("model", model), ("version", &version)];
            text.sample(name, labels, count(seen));
        }
    }
}

fn cells(text: &mut Text, cells: &[(Key, Totals)]) {
    text.family(name::REQUESTS, "counter", "requests by how they ended");
    for (key, totals) in cells {
        for outcome in Outcome::ALL {
            let word = outcome.as_str();
            let labels = [
                labels(key).as_slice(),
                &[("outcome", &word as &dyn Display)],
            ]
            .concat();
            text.sample(name::REQUESTS, &labels, totals.of(outcome));
        }
    }
    text.family(name::INFERENCES, "counter", "rows inferred");
    for (key, totals) in cells {
        text.sample(name::INFERENCES, &labels(key), totals.rows);
    }
    text.family(name::EXECUTIONS, "counter", "calls of the engine");
    for (key, totals) in cells {
        text.sample(name::EXECUTIONS, &labels(key), totals.executions);
    }
    type Part = fn(&Totals) -> &Counts;
    let parts: [(_, _, Part); 3] = [
        (
            name::REQUEST_SECONDS,
            "from the decision to the answer, in seconds",
            |t| &t.request,
        ),
        (
            name::QUEUE_SECONDS,
            "in the version's queue, in seconds",
            |t| &t.queue,
        ),
        (name::COMPUTE_SECONDS, "in the engine, in seconds", |t| {
            &t.compute
        }),
    ];
    for (name, help, part) in parts {
        text.family(name, "histogram", help);
        // One that counted nothing is left out: of a thousand models most are asked seldom.
        for (key, totals) in cells {
            let counts = part(totals);
            if counts.count() > 0 {
                text.histogram(name, &labels(key), counts);
            }
        }
    }
}

/// Only pipelines whose versions have asked it have series: most have no cache.
fn cache(text: &mut Text, shown: &Shown<'_>) {
    let Some(max) = shown.cache.max_bytes() else {
        return;
    };
    let (entries, bytes) = shown.cache.usage();
    text.family(
        name::CACHE_LOOKS,
        "counter",
        "looks into the response cache",
    );
    for (key, totals) in shown.cells {
        if totals.hits + totals.misses == 0 {
            continue;
        }
        for (word, count) in [("hit", totals.hits), ("miss", totals.misses)] {
            let labels = [labels(key).as_slice(), &[("result", &word as &dyn Display)]].concat();
            text.sample(name::CACHE_LOOKS, &labels, count);
        }
    }
    text.family(
        name::CACHE_ENTRIES,
        "gauge",
        "answers in the response cache",
    );
    text.sample(name::CACHE_ENTRIES, &[], entries);
    text.family(name::CACHE_BYTES, "gauge", "bytes in the response cache");
    text.sample(name::CACHE_BYTES, &[], bytes);
    text.family(
        name::CACHE_MAX_BYTES,
        "gauge",
        "bytes that the response cache may hold",
    );
    text.sample(name::CACHE_MAX_BYTES, &[], max);
}

/// Where nothing is posted there is nothing to say.
fn webhooks(text: &mut Text, webhooks: &[notify::Shown]) {
    if webhooks.is_empty() {
        return;
    }
    text.family(
        name::WEBHOOK_DELIVERIES,
        "counter",
        "deliveries of the webhook by how they ended",
    );
    for webhook in webhooks {
        let outcomes = [
            ("delivered", webhook.delivered),
            ("failed", webhook.failed),
            ("dropped", webhook.dropped),
        ];
        for (outcome, count) in outcomes {
            let labels: &[(&str, &dyn Display)] =
                &[("webhook", &webhook.index), ("outcome", &outcome)];
            text.sample(name::WEBHOOK_DELIVERIES, labels, count);
        }
    }
    text.family(
        name::WEBHOOK_QUEUE,
        "gauge",
        "deliveries of the webhook that wait now",
    );
    for webhook in webhooks {
        text.sample(
            name::WEBHOOK_QUEUE,
            &[("webhook", &webhook.index)],
            webhook.waiting,
        );
    }
}

fn labels(key: &Key) -> [(&'static str, &dyn Display); 4] {
    [
        ("pipeline", &key.pipeline),
        ("variant", &key.variant),
        ("model", &key.model),
        ("version", &key.version),
    ]
}

fn word(word: &'static str) -> &'static str {
    debug_assert!(
        PHASES.contains(&word),
        "{word} is not among the phases shown"
    );
    word
}

/// The text under construction.
struct Text(String);

impl Text {
    /// Begins a family of series.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.line(format_args!("{name}{} {value}", Labels(labels)));
    }

    fn histogram(&mut self, name: &str, labels: &[(&str, &dyn Display)], counts: &Counts) {
        let bucket = format!("{name}_bucket");
        for power in sketch::COARSE {
            let bound = f64::from(power).exp2();
            let labels = [labels, &[("le", &bound as &dyn Display)]].concat();
            self.sample(&bucket, &labels, counts.up_to(power));
        }
        let count = counts.count();
        let all = [labels, &[("le", &"+Inf" as &dyn Display)]].concat();
        self.sample(&bucket, &all, count);
        self.sample(&format!("{name}_sum"), labels, counts.nanos as f64 / 1e9);
        self.sample(&format!("{name}_count"), labels, count);
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("writing to a string does not fail");
    }
}

/// Labels in braces, escaped; nothing where there are none.
struct Labels<'a>(&'a [(&'a str, &'a dyn Display)]);

impl Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        for (at, (name, value)) in self.0.iter().enumerate() {
            write!(f, "{}{name}=\"", if at == 0 { "{" } else { "," })?;
            for character in value.to_string().chars() {
                match character {
                    '\\' => f.write_str("\\\\")?,
                    '"' => f.write_str("\\\"")?,
                    '\n' => f.write_str("\\n")?,
                    other => f.write_char(other)?,
                }
            }
            f.write_char('"')?;
        }
        f.write_char('}')
    }
}

mod payload;
mod triton;

#[cfg(test)]
mod tests;
