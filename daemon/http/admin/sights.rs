//! What the daemon measures of courses, as far as the API shows it. Nothing is computed here, and nothing is waited for.

use std::sync::Arc;

use impresario_models::Name;
use impresario_pipelines::analysis::{Readings, Traffic};
use impresario_pipelines::{learning, trial};

use super::Admin;
use crate::serve::Shadowed;
use crate::serve::decisions::Record;

/// The newest readings of a pipeline's rollout.
pub(super) fn readings(admin: &Admin, name: &Name) -> Option<Arc<Readings>> {
    admin.impresario.observatory().readings(name)
}

/// Up to when what courses gather is in the store, in milliseconds since 1970.
pub(super) fn stored_until(admin: &Admin) -> Option<u64> {
    admin.impresario.observatory().stored_until()
}

/// The traffic of a pipeline, as its stable shows it.
pub(super) fn traffic(admin: &Admin, name: &Name) -> Option<Traffic> {
    admin.impresario.observatory().traffic(name)
}

/// What a pipeline's experiment came to so far.
pub(super) fn trial(admin: &Admin, name: &Name) -> Option<trial::Report> {
    admin.impresario.observatory().trial_report(name)
}

/// What a pipeline's bandit did so far.
pub(super) fn learning(admin: &Admin, name: &Name) -> Option<learning::Report> {
    admin.impresario.observatory().learning_report(name)
}

/// What a pipeline's shadow showed so far.
pub(super) fn shadow(admin: &Admin, name: &Name) -> Option<Shadowed> {
    admin.impresario.observatory().shadowed(name)
}

/// The decision on a request, while it is kept.
pub(super) fn decision(admin: &Admin, request: &str) -> Option<Record> {
    admin.impresario.observatory().decision(request)
}
