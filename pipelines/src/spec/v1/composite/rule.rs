//! Ensembles as they are written.

use super::super::scalars::{each, list, optional};
use super::reference;
use crate::combine::Rule;
use crate::spec::composite::Task;
use crate::spec::read::{Field, Reader, Table};

/// Reads what a rule is told beside its name, for so many members, where that is known.
type Settings = fn(&mut Table<'_>, Option<usize>, &mut Reader<'_>) -> Option<Rule>;

/// The rules by name.
const RULES: [(&str, Settings); 9] = [
    ("mean", |_, _, _| Some(Rule::Mean)),
    ("weighted", |table, of, reader| {
        let weights = table.need("weights", reader)?;
        let weights = self::weights(&weights, of, reader)?;
        Some(Rule::Weighted { weights })
    }),
    ("median", |_, _, _| Some(Rule::Median)),
    ("min", |_, _, _| Some(Rule::Min)),
    ("max", |_, _, _| Some(Rule::Max)),
    ("vote", |table, of, reader| {
        let weights = table.get("weights");
        let weights = optional(weights, |field| self::weights(field, of, reader))?;
        Some(Rule::Vote { weights })
    }),
    ("first", |_, _, _| Some(Rule::First)),
    ("concat", |_, _, _| Some(Rule::Concat)),
    ("stack", |_, _, _| Some(Rule::Stack)),
];

/// The largest weight of a member.
const MAX_WEIGHT: f64 = 1e9;

// === reading ===

/// Reads an ensemble, whose table `word` stands in.
pub(super) fn read(
    word: &Field<'_>,
    table: &mut Table<'_>,
    reader: &mut Reader<'_>,
) -> Option<Task> {
    let (of, quorum) = (table.need("of", reader), table.get("quorum"));
    let of = of.and_then(|field| reference::several(&field, reader));
    let members = of.as_ref().map(Vec::len);
    let settings = word.choice(reader, &RULES);
    let rule = match settings {
        Some(settings) => settings(table, members, reader),
        None => {
            table.get("weights");
            None
        }
    };
    let quorum = optional(quorum, |field| {
        self::quorum(field, members, rule.as_ref(), reader)
    });
    Some(Task::Ensemble {
        rule: rule?,
        of: of?,
        quorum: quorum?.flatten(),
    })
}

fn weights(field: &Field<'_>, of: Option<usize>, reader: &mut Reader<'_>) -> Option<Vec<f64>> {
    let list = match of {
        Some(of) => list(field, reader, of..=of)?,
        None => field.list(reader)?,
    };
    let weights = each(&list, |field| field.number(reader, 0.0..=MAX_WEIGHT))?;
    if weights.iter().all(|weight| *weight == 0.0) {
        let message = "expected a weight above 0, got none".to_owned();
        reader.error(field, "out-of-range", message);
        return None;
    }
    Some(weights)
}

/// How many members must be there; nothing where that is as many as where nothing is said.
fn quorum(
    field: &Field<'_>,
    members: Option<usize>,
    rule: Option<&Rule>,
    reader: &mut Reader<'_>,
) -> Option<Option<usize>> {
    let most = members.map_or(u64::MAX, |members| members as u64);
    let quorum = usize::try_from(field.whole(reader, 1..=most)?).ok()?;
    let usual = |rule: &Rule| members.map(|members| rule.quorum(members));
    if rule.is_some_and(|rule| usual(rule) == Some(quorum)) {
        return Some(None);
    }
    match rule {
        Some(rule) if rule.of_all() => {
            let name = rule.name();
            let message = format!("'{name}' needs all of its members, got a quorum of {quorum}");
            let problem = field.problem(reader, "contradiction", message);
            reader.push(problem.hint("leave 'quorum' out: without one the shape would be another"));
            None
        }
        _ => Some(Some(quorum)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_written() {
        assert_eq!(RULES.map(|(name, _)| name), Rule::NAMES);
    }
}
