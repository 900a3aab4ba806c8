//! Rows: whether the first axis counts them, how many there may be, and what that makes of shapes.

use impresario_models::contract::Side;
use impresario_models::{Batching, Contract, Dim, Port};

use super::{Breach, Kind, Severity};

/// Whether they are independent, and how many there may be.
pub(super) fn compare(old: &Contract, new: &Contract, found: &mut Vec<Breach>) {
    let whole = |severity, message| Breach {
        side: Side::Input,
        port: None,
        kind: Kind::Batching,
        severity,
        message,
        hint: None,
    };
    match (old.batching, new.batching) {
        (Batching::FirstAxis { .. }, Batching::None) => {
            let message = "expected rows that are computed independently, got no batch axis";
            found.push(whole(Severity::Breaking, message.into()));
        }
        (Batching::None, Batching::FirstAxis { .. }) => {
            let message = "expected no batch axis, got rows that are computed independently";
            found.push(whole(Severity::Widening, message.into()));
        }
        (Batching::None, Batching::None)
        | (Batching::FirstAxis { .. }, Batching::FirstAxis { .. }) => {}
    }
    // Without a batch axis there is no number of rows, and what sizes there may be is seen in the shapes.
    if new.batching == Batching::None {
        return;
    }
    let (before, now) = (most_rows(old), new.max_rows());
    let severity = match (before, now) {
        (None, Some(_)) => Severity::Breaking,
        (Some(before), Some(now)) if now < before => Severity::Breaking,
        _ if before == now || old.batching == Batching::None => return,
        _ => Severity::Widening,
    };
    let show = |rows: Option<usize>| match rows {
        Some(rows) => format!("at most {rows} rows"),
        None => "any number of rows".to_owned(),
    };
    let message = format!("expected {}, got {}", show(before), show(now));
    found.push(whole(severity, message));
}

/// The most rows that a consumer can have sent.
fn most_rows(contract: &Contract) -> Option<usize> {
    if contract.batching != Batching::None {
        return contract.max_rows();
    }
    let firsts = contract.inputs.iter().map(|port| port.shape.first());
    let sizes = firsts.map(|first| match first {
        Some(Dim::Fixed(size)) => Some(*size),
        Some(Dim::Free(_)) => None,
        None => Some(1),
    });
    sizes.collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// The new outputs as a consumer of the old contract sees them: who can only send so many rows is answered so many.
pub(super) fn answered(old: &Contract, new: &Contract) -> Vec<Port> {
    let firsts = old.inputs.iter().map(|port| port.shape.first());
    let mut sizes: Vec<_> = firsts.collect();
    sizes.dedup();
    let mut outputs = new.outputs.clone();
    if let (Batching::FirstAxis { .. }, &[Some(Dim::Fixed(rows))]) = (new.batching, &sizes[..]) {
        let firsts = outputs.iter_mut().filter_map(|port| port.shape.first_mut());
        firsts.for_each(|first| *first = Dim::Fixed(*rows));
    }
    outputs
}
