//! What the fleet looks like: the daemon, its process, its store, its versions and its webhooks.

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::fleet::Seen;

use super::family::{Family, Labels, labels, with};
use super::{Shown, name};
use crate::actors::{Handle, Snapshot};
use crate::measure::CommitTotals;
use crate::notify;

/// Every word that a version's phase can have.
pub(super) const PHASES: [&str; 11] = [
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

pub(super) fn daemon(families: &mut Vec<Family>, shown: &Shown<'_>) {
    let version = env!("CARGO_PKG_VERSION");
    let mut build = Family::gauge(name::BUILD, "the program; always 1");
    build.put(labels([("version", &version)]), 1_u64);
    let ready = Family::gauge(name::READY, "whether the daemon wants requests");
    let revision = Family::gauge(name::REVISION, "the fleet's revision");
    families.extend([
        build,
        ready.at(shown.accepting),
        revision.at(shown.snapshot.fleet.routing.revision.0),
    ]);
    let process = &shown.process;
    if let Some(cpu) = process.cpu {
        let family = Family::counter(name::CPU, "time of all processors used, in seconds");
        families.push(family.at(cpu));
    }
    let gauges = [
        (
            name::OPEN_FDS,
            "files and sockets that the process has open",
            process.open_fds,
        ),
        (
            name::MAX_FDS,
            "files and sockets that the process may have open",
            process.max_fds,
        ),
        (
            name::RESIDENT,
            "resident memory of the process in bytes",
            process.resident,
        ),
    ];
    for (name, help, value) in gauges {
        families.extend(value.map(|value| Family::gauge(name, help).at(value)));
    }
    let start = Family::gauge(name::START, "start of the process in seconds since 1970");
    families.push(start.at(shown.started as f64 / 1e3));
}

pub(super) fn store(families: &mut Vec<Family>, commits: &CommitTotals) {
    let took = Family::histogram(
        name::COMMIT_SECONDS,
        "making a change durable, failed tries too, in seconds",
    );
    let failed = Family::counter(
        name::COMMIT_FAILURES,
        "changes that the store could not make durable",
    );
    families.extend([took.at(&commits.took), failed.at(commits.failed)]);
}

pub(super) fn versions(families: &mut Vec<Family>, snapshot: &Snapshot) {
    let observed = &snapshot.fleet.observed;
    let mut phase = Family::gauge(
        name::PHASE,
        "1 for the phase that the version is in, 0 for the others",
    );
    let mut crashes = Family::gauge(
        name::CRASHES,
        "crashes of the version that are not forgotten yet",
    );
    let mut restarts = Family::counter(
        name::RESTARTS,
        "times that the version was built again after a crash",
    );
    for (model, version, seen) in observed.all() {
        let labels = of(model, version);
        let is = word(snapshot.phase(model, version, seen));
        for one in PHASES {
            phase.put(with(&labels, "phase", one), one == is);
        }
        crashes.put(labels.clone(), seen.crashes.len());
        restarts.put(labels, seen.restarts);
    }
    families.extend([phase, crashes, restarts]);
    type Read = fn(&Handle) -> usize;
    let gauges: [(_, _, Read); 3] = [
        (
            name::QUEUE,
            "requests that wait for the version now",
            Handle::waiting,
        ),
        (
            name::QUEUE_LIMIT,
            "requests that may wait for the version",
            Handle::queue,
        ),
        (name::BUSY, "instances that compute now", Handle::busy),
    ];
    let mut memory = Family::gauge(
        name::MEMORY,
        "estimated resident memory of the loaded version in bytes",
    );
    for handle in snapshot.handles() {
        memory.put(of(&handle.model, handle.version), handle.facts.memory);
    }
    families.push(memory);
    for (name, help, read) in gauges {
        let mut family = Family::gauge(name, help);
        // A graph has no queue and no instances of its own.
        for handle in snapshot.handles().filter(|h| h.graph().is_none()) {
            family.put(of(&handle.model, handle.version), read(handle));
        }
        families.push(family);
    }
}

/// Where memory is not bounded there is nothing to say.
pub(super) fn memory(families: &mut Vec<Family>, shown: &Shown<'_>) {
    let fleet = &shown.snapshot.fleet;
    let Some(budget) = fleet.limits.budget else {
        return;
    };
    let bytes = Family::gauge(
        name::BUDGET,
        "bytes that all versions in memory may be estimated to take",
    );
    let waiting = Family::gauge(name::WAITING, "requests that wait for parked versions now");
    families.extend([bytes.at(budget), waiting.at(shown.waiting)]);
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
        let mut family = Family::counter(name, help);
        for (model, version, seen) in fleet.observed.all() {
            family.put(of(model, version), count(seen));
        }
        families.push(family);
    }
}

/// Where nothing is posted there is nothing to say.
pub(super) fn webhooks(families: &mut Vec<Family>, webhooks: &[notify::Shown]) {
    let mut deliveries = Family::counter(
        name::WEBHOOK_DELIVERIES,
        "deliveries of the webhook by how they ended",
    );
    let mut queue = Family::gauge(
        name::WEBHOOK_QUEUE,
        "deliveries of the webhook that wait now",
    );
    for webhook in webhooks {
        let labels = labels([("webhook", &webhook.index)]);
        for (outcome, count) in [
            ("delivered", webhook.delivered),
            ("failed", webhook.failed),
            ("dropped", webhook.dropped),
        ] {
            deliveries.put(with(&labels, "outcome", outcome), count);
        }
        queue.put(labels, webhook.waiting);
    }
    families.extend([deliveries, queue]);
}

fn of(model: &Name, version: VersionNumber) -> Labels {
    labels([("model", model), ("version", &version)])
}

fn word(word: &'static str) -> &'static str {
    debug_assert!(
        PHASES.contains(&word),
        "{word} is not among the phases shown"
    );
    word
}
