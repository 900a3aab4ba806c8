//! The model repository extension: the index, and loading and unloading by who may.
//!
//! Loading is the same command as the admin plane's and goes through the same door; here the answer waits until
//! the versions are ready or have failed, as Triton's does.

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::fleet::{By, Command, Phase, Reason, Reload, Report, Source, Subject};

use super::{Fault, Plane};
use crate::codec::{Refusal, clip};
use crate::error::Error;

/// The state of a version that answers.
pub(crate) const READY: &str = "READY";

/// A version in the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Indexed {
    /// The model.
    pub(crate) name: Name,
    /// The version.
    pub(crate) version: VersionNumber,
    /// Triton's word for the state that it is in.
    pub(crate) state: &'static str,
    /// Why it is not ready; empty where it is.
    pub(crate) reason: String,
}

impl Plane {
    /// Every version in the repository.
    pub(crate) fn index(&self) -> Vec<Indexed> {
        let snapshot = self.serve.live().snapshot();
        let indexed = snapshot.fleet.observed.all().map(|(model, version, seen)| {
            let state = match seen.phase {
                Phase::Ready => READY,
                Phase::Loading(_) => "LOADING",
                Phase::Restarting { .. } => "LOADING",
                Phase::Draining => "UNLOADING",
                Phase::Discovered | Phase::Unloaded | Phase::Quarantined | Phase::Failed => {
                    "UNAVAILABLE"
                }
            };
            let reason = match (&seen.phase, &seen.trouble) {
                (Phase::Ready, _) => String::new(),
                (phase, Some(trouble)) => format!("{}: {trouble}", phase.as_str()),
                (phase, None) => phase.as_str().to_owned(),
            };
            Indexed {
                name: model.clone(),
                version,
                state,
                reason,
            }
        });
        indexed.collect()
    }

    /// Loads a model and waits until its versions are ready. The actor is who [`super::Guard`] admitted.
    ///
    /// # Errors
    /// [`Fault`].
    pub(crate) async fn load(&self, actor: String, name: &str) -> Result<(), Fault> {
        let load = |model| Command::Load {
            model,
            version: None,
        };
        let model = self.change(actor, name, load).await?;
        let under_way = |report: &Report| {
            waits(report, &model).any(|reason| {
                matches!(
                    reason,
                    Reason::Queued
                        | Reason::Loading(_)
                        | Reason::Reloading
                        | Reason::Restarting { .. }
                )
            })
        };
        let live = self.serve.live();
        let loaded = live.until(|snapshot| !under_way(&snapshot.report));
        let Ok(snapshot) = tokio::time::timeout(self.patience, loaded).await else {
            return Err(Fault::Load(format!(
                "load '{model}': not ready within {:?}; it goes on loading",
                self.patience
            )));
        };
        let mut failed = waits(&snapshot.report, &model).filter_map(|reason| match reason {
            Reason::Failed(_) | Reason::Quarantined(_) => Some(reason.to_string()),
            _ => None,
        });
        match failed.next() {
            Some(why) => Err(Fault::Load(format!("failed to load '{model}': {why}"))),
            None => Ok(()),
        }
    }

    /// Unloads a model and waits until it is gone.
    ///
    /// # Errors
    /// [`Fault`].
    pub(crate) async fn unload(&self, actor: String, name: &str) -> Result<(), Fault> {
        let unload = |model| Command::Unload {
            model,
            version: None,
        };
        let model = self.change(actor, name, unload).await?;
        let live = self.serve.live();
        let gone = live.until(|snapshot| {
            let versions = snapshot.fleet.observed.models.get(&model);
            versions.is_none_or(|model| {
                let mut versions = model.versions.values();
                versions.all(|seen| !seen.resident() && seen.reload == Reload::None)
            })
        });
        match tokio::time::timeout(self.patience, gone).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Fault::Load(format!(
                "unload '{model}': requests are still in flight after {:?}; it goes on draining",
                self.patience
            ))),
        }
    }

    /// Checks what is asked for, and asks the supervisor.
    async fn change(
        &self,
        actor: String,
        name: &str,
        command: impl FnOnce(Name) -> Command,
    ) -> Result<Name, Fault> {
        let unknown = || Error::UnknownModel {
            name: name.chars().take(Name::MAX_BYTES).collect(),
        };
        let model = Name::new(name).map_err(|_| unknown())?;
        let known = |live: &crate::actors::Live| {
            let snapshot = live.look();
            snapshot.fleet.observed.models.contains_key(&model)
        };
        if !known(self.serve.live()) {
            return Err(unknown().into());
        }
        let by = By {
            actor,
            source: Source::Protocol,
            reason: None,
        };
        self.control
            .change(command(model.clone()), by, false)
            .await?;
        Ok(model)
    }
}

/// Checks the parameters of a request to load or unload.
///
/// # Errors
/// [`Refusal::Invalid`] for one that is not known.
pub(crate) fn check_parameters<'a>(
    names: impl IntoIterator<Item = &'a String>,
) -> Result<(), Refusal> {
    // Nothing here depends on another model, so that unloading dependents is nothing to do.
    let odd = names.into_iter().find(|name| *name != "unload_dependents");
    odd.map_or(Ok(()), |name| {
        let expected = "parameter 'unload_dependents' or none";
        let got = format!("'{}', which is not supported", clip(name));
        Err(Refusal::invalid("repository request", expected, got))
    })
}

/// The reasons why a model's versions are not as desired.
fn waits<'a>(report: &'a Report, model: &'a Name) -> impl Iterator<Item = &'a Reason> {
    report
        .waits
        .iter()
        .filter_map(move |wait| match &wait.subject {
            Subject::Version(name, _) if name == model => Some(&wait.reason),
            _ => None,
        })
}
