//! Counters by model and version since the daemon's start.
//!
//! A model's counters are those of its versions whoever asked for them; a pipeline's only those of requests to
//! it.

use std::collections::BTreeMap;

use impresario_models::{Name, VersionNumber};

use super::Plane;
use crate::codec::clip;
use crate::error::Error;
use crate::measure::Totals;

/// The counters of one version, under the name that was asked for.
pub(crate) type Row = (Name, VersionNumber, Totals);

impl Plane {
    /// The counters of every version of every model.
    pub(crate) fn all_statistics(&self) -> Vec<Row> {
        let snapshot = self.serve.live().look();
        let loaded = snapshot.table.targets().iter();
        let loaded = loaded.map(|target| (target.model.clone(), target.version));
        let mut rows: BTreeMap<(Name, VersionNumber), Totals> =
            loaded.map(|key| (key, Totals::default())).collect();
        for (key, totals) in self.measure.read() {
            rows.entry((key.model, key.version))
                .or_default()
                .add(&totals);
        }
        rows.into_iter()
            .map(|((name, version), totals)| (name, version, totals))
            .collect()
    }

    /// The counters of a model or pipeline, of all versions or one.
    ///
    /// # Errors
    /// [`Error`] where there is none of the name or number.
    pub(crate) fn statistics(&self, name: &str, version: Option<&str>) -> Result<Vec<Row>, Error> {
        let snapshot = self.serve.live().look();
        let unknown = || Error::UnknownModel {
            name: name.chars().take(Name::MAX_BYTES).collect(),
        };
        let route = snapshot.table.route(name).ok_or_else(unknown)?;
        let is_model = snapshot.fleet.observed.models.contains_key(name);
        let mut rows: BTreeMap<VersionNumber, Totals> = BTreeMap::new();
        for target in snapshot.table.targets() {
            if is_model && target.model.as_str() == name {
                rows.entry(target.version).or_default();
            }
        }
        for (key, totals) in self.measure.read() {
            let counts = if is_model {
                key.model.as_str() == name
            } else {
                key.pipeline.as_str() == name
            };
            if counts {
                rows.entry(key.version).or_default().add(&totals);
            }
        }
        if let Some(text) = version {
            let number = text.parse::<VersionNumber>().ok();
            let known = number
                .filter(|n| rows.contains_key(n) || snapshot.table.versions(name).any(|v| v == *n));
            let Some(number) = known else {
                return Err(Error::UnknownVersion {
                    name: route.name.clone(),
                    version: clip(text),
                });
            };
            rows.entry(number).or_default();
            rows.retain(|version, _| *version == number);
        }
        Ok(rows
            .into_iter()
            .map(|(version, totals)| (route.name.clone(), version, totals))
            .collect())
    }
}
