//! `/admin/v1/pipelines/{p}/rollout…`: begin a rollout, look at it, plan it, and tell it something.

mod plan;
mod show;
mod start;
mod verb;

pub(super) use plan::{plan, plan_ahead};
pub(super) use show::show;
pub(super) use start::start;
pub(super) use verb::steer;

// What the description of the API is made from.
pub(super) use plan::{__path_plan, __path_plan_ahead};
pub(super) use show::__path_show;
pub(super) use start::__path_start;
pub(super) use verb::__path_steer;
