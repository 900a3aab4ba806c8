//! The arms of an experiment or a bandit: named versions, with shares or without.

use impresario_models::Name;
use serde::Serialize;

use super::scalars::{Number, each, list, name, version, weight};
use crate::bucket::Weight;
use crate::spec::experiment::Experiment;
use crate::spec::read::{Field, Reader, Table};
use crate::variant::Arm;

/// An arm: a version that some of the users get.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmSpec {
    /// Its name in headers, reports and metrics; unique. Required.
    pub name: String,
    /// The model's name. Required.
    pub model: String,
    /// The number of its version; no two arms have the same one of a model. Required.
    pub version: u64,
    /// Its share in per cent, from 0.01 with two decimals: a number, or text such as `"50%"`. All together are 100.
    /// A bandit's arms have none. Default: an even share, where no arm states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Number>,
}

// === reading ===

/// Arms without shares.
pub(super) fn read(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Vec<Arm>> {
    let list = list(field, reader, Experiment::MIN_ARMS..=Experiment::MAX_ARMS)?;
    let mut arms = Arms::default();
    each(&list, |field| {
        let mut table = field.table(reader)?;
        let arm = Written::of(&mut table, reader);
        table.finish(reader);
        arms.take(arm.read(reader), field, reader)
    })
}

/// Arms with shares.
pub(super) fn weighted(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Vec<(Arm, Weight)>> {
    let list = list(field, reader, Experiment::MIN_ARMS..=Experiment::MAX_ARMS)?;
    let mut arms = Arms::default();
    shared(field, &list, reader, |field, table, reader| {
        let arm = Written::of(table, reader);
        arms.take(arm.read(reader), field, reader)
    })
}

/// What is read of each element of a list, with the share that it states as `weight`; even shares, where none does.
pub(super) fn shared<'v, T>(
    field: &Field<'v>,
    list: &[Field<'v>],
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&Field<'v>, &mut Table<'v>, &mut Reader<'_>) -> Option<T>,
) -> Option<Vec<(T, Weight)>> {
    let weighs = |field: &Field<'_>| {
        let weight = field.value().get("weight");
        weight.is_some_and(|weight| !weight.is_null())
    };
    let even = even(list.len());
    let written = list.iter().any(weighs);
    let mut rest = even.iter().copied();
    let arms = each(list, |field| {
        let even = rest.next();
        let mut table = field.table(reader)?;
        let arm = read(field, &mut table, reader);
        let share = match written {
            true => table.need("weight", reader),
            false => table.get("weight"),
        };
        table.finish(reader);
        let weight = match written {
            true => share.and_then(|share| some(&share, reader)),
            false => even,
        };
        Some((arm?, weight?))
    })?;
    let sum = arms.iter().map(|(_, weight)| weight.basis_points());
    let sum: u32 = sum.map(u32::from).sum();
    if sum != u32::from(Weight::FULL.basis_points()) {
        let got = f64::from(sum) / 100.0;
        let message = format!("the weights of the arms must sum to 100 %, got {got} %");
        let problem = field.problem(reader, "weights-sum", message);
        let shares: Vec<_> = even.iter().map(|w| w.percent().to_string()).collect();
        reader.push(problem.hint(format!("even shares are {}", shares.join(", "))));
        return None;
    }
    Some(arms)
}

/// A share of more than nothing.
fn some(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Weight> {
    let weight = weight(field, reader)?;
    if weight == Weight::ZERO {
        let message = "expected a weight from 0.01 %, got 0 %".to_owned();
        let problem = field.problem(reader, "out-of-range", message);
        reader.push(problem.hint("leave out an arm that nobody is to get"));
        return None;
    }
    Some(weight)
}

fn even(arms: usize) -> Vec<Weight> {
    let parts = vec![1.0 / arms as f64; arms];
    Weight::apportion(&parts).unwrap_or_default()
}

/// An arm's own fields, as far as they are written.
struct Written<'v> {
    name: Option<Field<'v>>,
    model: Option<Field<'v>>,
    version: Option<Field<'v>>,
}

impl<'v> Written<'v> {
    fn of(table: &mut Table<'v>, reader: &mut Reader<'_>) -> Self {
        Self {
            name: table.need("name", reader),
            model: table.need("model", reader),
            version: table.need("version", reader),
        }
    }

    fn read(self, reader: &mut Reader<'_>) -> Option<Arm> {
        let own = self.name.and_then(|field| name(&field, reader));
        let model = self.model.and_then(|field| name(&field, reader));
        let version = self.version.and_then(|field| version(&field, reader));
        Some(Arm {
            name: own?,
            model: model?,
            version: version?,
        })
    }
}

/// The arms so far, none of which may come again.
#[derive(Default)]
struct Arms(Vec<Arm>);

impl Arms {
    fn take(
        &mut self,
        arm: Option<Arm>,
        field: &Field<'_>,
        reader: &mut Reader<'_>,
    ) -> Option<Arm> {
        let arm = arm?;
        if self.0.iter().any(|other| other.name == arm.name) {
            let message = format!("two arms are named '{}'", arm.name);
            let problem = field.problem(reader, "duplicate", message);
            reader.push(problem.hint("give each arm a name of its own"));
            return None;
        }
        let same = |other: &&Arm| other.model == arm.model && other.version == arm.version;
        if let Some(other) = self.0.iter().find(same) {
            let Arm { model, version, .. } = &arm;
            let message = format!("version {version} of '{model}' is arm '{}' too", other.name);
            let problem = field.problem(reader, "same-version", message);
            reader.push(problem.hint("name another version, or leave the arm out"));
            return None;
        }
        self.0.push(arm.clone());
        Some(arm)
    }
}

// === writing ===

impl From<&Arm> for ArmSpec {
    fn from(arm: &Arm) -> Self {
        let text = Name::to_string;
        Self {
            name: text(&arm.name),
            model: text(&arm.model),
            version: arm.version.get(),
            weight: None,
        }
    }
}

impl From<&(Arm, Weight)> for ArmSpec {
    fn from((arm, weight): &(Arm, Weight)) -> Self {
        Self {
            weight: Some((*weight).into()),
            ..Self::from(arm)
        }
    }
}
