//! Ties: axes that have the same size within one request, by a shared symbol or because they count its rows.
//!
//! A tie of inputs is a demand, so that a new one breaks who did not know it; a tie of outputs is a promise, so that one
//! less does.

use std::collections::HashMap;

use impresario_models::contract::Side;
use impresario_models::{Batching, Contract, Dim, Port};

use super::{Breach, Change, Kind};

/// An axis that both contracts have.
struct Axis<'c> {
    port: &'c Port,
    axis: usize,
    old: Size<'c>,
    new: Size<'c>,
}

/// An axis's size in one contract.
struct Size<'c> {
    dim: &'c Dim,
    /// Whether it is the number of rows.
    rows: bool,
}

/// What ties axes together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Tie<'c> {
    Symbol(&'c str),
    Rows,
}

/// Which ties came and which went.
pub(super) fn compare(side: Side, old: &Contract, new: &Contract, found: &mut Vec<Breach>) {
    let axes = shared(side, old, new);
    let mut tell = |change: Change, axis: &Axis<'_>, expected: String, got: String| {
        let severity = change.severity(side);
        let message = format!("expected axis {} {expected}, got {got}", axis.axis);
        found.push(Breach::of(side, axis.port, Kind::Ties, severity, message));
    };
    let like = |axis: &Axis<'_>| format!("as long as axis {} of '{}'", axis.axis, axis.port.name);
    for (first, axis, _) in untied(&axes, |axis| &axis.new, |axis| &axis.old) {
        tell(
            Change::Narrower,
            axis,
            "of a size of its own".into(),
            format!("one {}", like(first)),
        );
    }
    for (first, axis, tie) in untied(&axes, |axis| &axis.old, |axis| &axis.new) {
        // That rows are not counted any more is a breach of the whole.
        if tie != Tie::Rows {
            tell(
                Change::Wider,
                axis,
                like(first),
                "one of a size of its own".into(),
            );
        }
    }
}

/// Pairs that one contract ties and the other does not: each axis with the first one of its tie.
fn untied<'a, 'c>(
    axes: &'a [Axis<'c>],
    tied: impl Fn(&'a Axis<'c>) -> &'a Size<'c>,
    other: impl Fn(&'a Axis<'c>) -> &'a Size<'c>,
) -> Vec<(&'a Axis<'c>, &'a Axis<'c>, Tie<'c>)> {
    let mut firsts: HashMap<Tie<'c>, &Axis<'c>> = HashMap::new();
    let mut pairs = Vec::new();
    for axis in axes {
        let loose = tied(axis).ties().find_map(|tie| {
            let first = *firsts.entry(tie).or_insert(axis);
            let same = std::ptr::eq(first, axis) || other(first).equals(other(axis));
            (!same).then_some((first, axis, tie))
        });
        pairs.extend(loose);
    }
    pairs
}

/// The axes of ports that both contracts have, with as many axes; that others differ is told elsewhere.
fn shared<'c>(side: Side, old: &'c Contract, new: &'c Contract) -> Vec<Axis<'c>> {
    let ports = |contract: &'c Contract| match side {
        Side::Input => &contract.inputs,
        Side::Output => &contract.outputs,
    };
    let by_rows = |contract: &Contract| contract.batching != Batching::None;
    let (rows_old, rows_new) = (by_rows(old), by_rows(new));
    let mut axes = Vec::new();
    for port in ports(old) {
        let same = |new: &&Port| new.name == port.name && new.shape.len() == port.shape.len();
        let Some(other) = ports(new).iter().find(same) else {
            continue;
        };
        let dims = port.shape.iter().zip(&other.shape).enumerate();
        axes.extend(dims.map(|(axis, (old, new))| Axis {
            port,
            axis,
            old: Size {
                dim: old,
                rows: rows_old && axis == 0,
            },
            new: Size {
                dim: new,
                rows: rows_new && axis == 0,
            },
        }));
    }
    axes
}

// === impl Size ===

impl<'c> Size<'c> {
    fn ties(&self) -> impl Iterator<Item = Tie<'c>> + use<'c> {
        let (symbol, rows) = match self.dim {
            Dim::Free(symbol) => (symbol.as_deref().map(Tie::Symbol), self.rows),
            Dim::Fixed(_) => (None, false),
        };
        symbol.into_iter().chain(rows.then_some(Tie::Rows))
    }

    /// Whether two axes of one contract always have the same size.
    fn equals(&self, other: &Self) -> bool {
        match (self.dim, other.dim) {
            (Dim::Fixed(a), Dim::Fixed(b)) => a == b,
            _ => self.ties().any(|tie| other.ties().any(|too| too == tie)),
        }
    }
}
