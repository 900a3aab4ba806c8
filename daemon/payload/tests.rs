//! What is picked, what is written down, what is not, and what the disk holds of it.

mod disk;
mod lines;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use impresario_models::{Batching, Contract, Dim, Name, Port, Tensor, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::table::Why;

use super::*;
use crate::codec::Parameters;
use crate::measure::Outcome;

/// Keeps everything.
fn settings(folder: &Path) -> Settings {
    Settings {
        folder: folder.to_owned(),
        sample: 1.0,
        failures: 1.0,
        pipelines: vec![glob::Pattern::new("*").unwrap()],
        max_file: 1 << 20,
        max_files: 4,
        max_total: 4 << 20,
        queue: 1_024,
        queue_bytes: 64 << 20,
        max_record: 64 << 10,
        redact: Vec::new(),
    }
}

/// A contract whose inputs and outputs are these tensors, named `a`, `b` and so on.
fn contract(tensors: &[Tensor]) -> Arc<Contract> {
    let port = |(tensor, name): (&Tensor, char)| {
        let shape = tensor.shape().iter().map(|_| Dim::Free(None)).collect();
        Port::new(&name.to_string(), tensor.datatype(), shape)
    };
    let ports: Vec<Port> = tensors.iter().zip('a'..).map(port).collect();
    Arc::new(Contract {
        inputs: ports.clone(),
        outputs: ports,
        batching: Batching::None,
    })
}

fn record(id: &str, tensors: &[Tensor]) -> Record {
    let contract = contract(tensors);
    let copy = || Some(Tensors::copy(&contract, tensors, usize::MAX));
    Record {
        at_ms: 1_795_913_311_123,
        id: Some(id.into()),
        pipeline: Name::new("front").unwrap(),
        revision: 7,
        decided: Some(Decided {
            variant: Variant::CANARY,
            arm: Some(1),
            why: Why::Slot,
            model: Name::new("m").unwrap(),
            version: VersionNumber::ONE,
        }),
        unit: Some(0xabc),
        trace: None,
        outcome: Outcome::Success,
        failure: None,
        rescue: None,
        cache: None,
        substitute: false,
        queue: Duration::from_micros(5),
        compute: Duration::from_micros(1_500),
        total: Duration::from_micros(1_750),
        limit: Some(Duration::from_millis(250)),
        trail: Vec::new(),
        parameters: Parameters::default(),
        unparametered: false,
        inputs: copy(),
        wanted: None,
        outputs: copy(),
        hidden: Vec::new(),
    }
}

#[test]
fn ids_pick_as_many_as_are_asked_for_and_always_the_same() {
    let all = settings(Path::new("none"));
    let some = Settings {
        sample: 0.1,
        failures: 0.5,
        ..all.clone()
    };
    let never = || unreachable!("it has an id");
    let picks: Vec<_> = (0..20_000)
        .map(|at| some.pick(Some(&format!("request-{at}")), never))
        .collect();
    let count = |pick| picks.iter().filter(|other| **other == pick).count();
    let near = |count: usize, share: f64| (count as f64 / 20_000.0 - share).abs() < 0.01;
    assert!(
        near(count(Some(Pick::Always)), 0.1),
        "{}",
        count(Some(Pick::Always))
    );
    assert!(
        near(count(Some(Pick::Failed)), 0.4),
        "{}",
        count(Some(Pick::Failed))
    );
    assert!(near(count(None), 0.5));
    assert_eq!(some.pick(Some("request-7"), never), picks[7]);
    assert_eq!(all.pick(None, || u64::MAX), Some(Pick::Always));
    assert_eq!(some.pick(None, || u64::MAX), None);
    assert_eq!(some.pick(None, || 0), Some(Pick::Always));
    let off = Settings {
        sample: 0.0,
        failures: 0.0,
        ..all.clone()
    };
    assert!(!off.wants("front") && off.pick(None, || 0).is_none());
    let few = Settings {
        pipelines: vec![glob::Pattern::new("fr*").unwrap()],
        ..all
    };
    assert!(few.wants("front") && !few.wants("back"));
}
