//! Decisions that outlive the process: a sample, a few a second, in the form in which they are told.
//!
//! Those that did not end well are taken first. How many are kept is bounded; the oldest go.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use actix_web::rt;
use actix_web::web::{self, Data};
use serde_json::Value;

use super::super::Admin;
use super::super::wire::DecisionV1;
use crate::measure::Outcome;
use crate::serve::decisions::Record;
use crate::store::{Error as StoreError, Keep, Shelf, Store};

/// How often a sample is taken.
const EVERY: Duration = Duration::from_secs(1);

/// Decisions in one sample.
const EACH: usize = 8;

/// Decisions that a sample is taken from.
const AMONG: usize = 256;

/// Decisions that are kept.
const MOST: usize = 2_000;

/// What was kept so far.
#[derive(Default)]
struct Sampler {
    /// The keys of all that is kept, oldest first.
    keys: VecDeque<String>,
    /// When the newest one that was looked at ended, in milliseconds since 1970.
    until: u64,
}

/// Keeps a sample of the decisions for as long as the daemon takes requests.
pub async fn keep_decisions(admin: Data<Admin>) {
    let store = admin.impresario.store().clone();
    let mut sampler = match web::block(move || Sampler::with(store.as_ref())).await {
        Ok(Ok(sampler)) => sampler,
        Ok(Err(error)) => {
            tracing::error!(%error, "the decisions that are kept cannot be read");
            Sampler::default()
        }
        Err(_) => return,
    };
    loop {
        rt::time::sleep(EVERY).await;
        let newest = admin.impresario.observatory().decisions(None, AMONG);
        let changes = sampler.sample(newest);
        if changes.is_empty() {
            continue;
        }
        let store = admin.impresario.store().clone();
        match web::block(move || store.keep(&changes)).await {
            Ok(Ok(())) => {}
            // The next sample is another one: a decision that is not kept is missed by nobody but who asks for it.
            Ok(Err(error)) => tracing::warn!(%error, "a sample of the decisions could not be kept"),
            Err(_) => return,
        }
    }
}

/// A decision that was kept, by its request's id: of several with one id, the newest.
pub(super) fn find(store: &dyn Store, request: &str) -> Result<Option<Value>, StoreError> {
    let kept = store.kept(Shelf::Decision)?;
    let of_request = |key: &str| key.split_once('-').is_some_and(|(_, id)| id == request);
    let newest = kept.into_iter().rev().find(|(key, _)| of_request(key));
    Ok(newest.and_then(|(_, text)| serde_json::from_str(&text).ok()))
}

// === impl Sampler ===

impl Sampler {
    /// What a store holds already.
    fn with(store: &dyn Store) -> Result<Self, StoreError> {
        let kept = store.kept(Shelf::Decision)?;
        Ok(Self {
            keys: kept.into_iter().map(|(key, _)| key).collect(),
            until: 0,
        })
    }

    /// What of the newest decisions, newest first, is to be kept, and what goes for it.
    fn sample(&mut self, newest: Vec<Record>) -> Vec<Keep> {
        let until = newest.first().map_or(0, |record| record.at_ms);
        let mut new: Vec<_> = newest
            .into_iter()
            .filter(|record| record.at_ms > self.until)
            .collect();
        self.until = self.until.max(until);
        new.sort_by_key(|record| record.outcome == Outcome::Success && record.rescue.is_none());
        let mut keys = BTreeSet::new();
        let mut changes = Vec::new();
        for record in new.iter().take(EACH) {
            // Keys are in the order of time; ids are short, and without zero bytes, as headers are.
            let key = format!("{:015}-{}", record.at_ms, record.id);
            let Ok(text) = serde_json::to_string(&DecisionV1::from(record)) else {
                continue;
            };
            if keys.insert(key.clone()) {
                changes.push(Keep {
                    shelf: Shelf::Decision,
                    key,
                    text: Some(text),
                });
            }
        }
        self.keys.extend(keys);
        let old = self.keys.len().saturating_sub(MOST);
        changes.extend(self.keys.drain(..old).map(|key| Keep {
            shelf: Shelf::Decision,
            key,
            text: None,
        }));
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    use impresario_models::{Name, VersionNumber};
    use impresario_pipelines::table::Why;
    use impresario_pipelines::{Revision, Variant};

    fn record(id: u64, outcome: Outcome) -> Record {
        Record {
            id: format!("request-{id}").into(),
            pipeline: Name::new("flowers").unwrap(),
            revision: Revision(1),
            split: None,
            slot: None,
            unit: None,
            variant: Variant::STABLE,
            arm: Some(0),
            why: Why::Slot,
            model: Name::new("iris").unwrap(),
            version: VersionNumber::new(1).unwrap(),
            queue: Duration::ZERO,
            compute: Duration::ZERO,
            total: Duration::from_millis(1),
            outcome,
            rescue: None,
            trace: None,
            trail: None,
            shadow: None,
            at_ms: 1_000 + id,
            feedback: Vec::new(),
        }
    }

    #[test]
    fn a_sample_is_kept_told_and_bounded() {
        let store = Memory::default();
        let mut sampler = Sampler::with(&store).unwrap();
        let mut newest: Vec<_> = (1..=20).map(|id| record(id, Outcome::Success)).collect();
        newest[2].outcome = Outcome::Failed;
        newest.reverse();
        store.keep(&sampler.sample(newest.clone())).unwrap();
        assert_eq!(store.kept(Shelf::Decision).unwrap().len(), EACH);
        let told = find(&store, "request-3").unwrap().unwrap();
        assert_eq!(told["request"], "request-3");
        assert_eq!(told["outcome"], Outcome::Failed.as_str());
        assert_eq!(
            find(&store, "request-1").unwrap(),
            None,
            "it is no part of the sample"
        );
        assert_eq!(find(&store, "equest-3").unwrap(), None);
        assert!(
            sampler.sample(newest).is_empty(),
            "what was looked at is not looked at again"
        );
        // Another process goes on with what is there, and the oldest go.
        let mut sampler = Sampler::with(&store).unwrap();
        for round in 1..=(MOST / EACH) as u64 {
            let from = round * 100;
            let newest = (from..from + EACH as u64).rev();
            let newest = newest.map(|id| record(id, Outcome::Success)).collect();
            store.keep(&sampler.sample(newest)).unwrap();
        }
        assert_eq!(store.kept(Shelf::Decision).unwrap().len(), MOST);
        assert_eq!(find(&store, "request-3").unwrap(), None);
        assert!(find(&store, "request-100").unwrap().is_some());
    }
}
