//! Evaluation: each step once for all rows.
//!
//! A step that goes wrong for one row leaves the other rows alone, and a row's fault counts only where its result is
//! needed: `n != 0 && 10 / n > 2` is false for a row with `n = 0`.

mod call;
mod list;
mod logic;
mod number;

use impresario_models::{DataType, Tensor};

use super::column::{Column, Data, Part, Why, Wrong};
use super::tree::{Tree, Work};
use super::{Expression, Outcome, Parameters, Scalar};
use crate::combine::Fault;

/// A column, or what is wrong with all rows.
type Evaluated<'e> = Result<Column<'e>, Wrong>;

/// What steps are evaluated in.
#[derive(Clone, Copy)]
struct Place<'e> {
    values: &'e [Column<'e>],
    parameters: &'e Parameters,
    /// How many rows there are: of the request, or elements that `all` or `exists` looks at.
    rows: usize,
    /// What `all` or `exists` looks at, and how many there are in each row of the request; nothing outside of them.
    within: Option<(&'e Column<'e>, usize)>,
}

/// Evaluates an expression.
///
/// # Errors
/// What is wrong, for the first row for which something is.
pub(super) fn evaluate(
    expression: &Expression,
    values: &[&Tensor],
    parameters: &Parameters,
    rows: Option<usize>,
) -> Result<Outcome, Fault> {
    let expected = expression.variables.len();
    if values.len() != expected {
        let got = values.len();
        return Err(Fault(format!("expected {expected} values, got {got}")));
    }
    let rows = match (expression.batched, rows, values.first()) {
        (false, ..) => None,
        (true, Some(rows), _) => Some(rows),
        (true, None, first) => Some(first.and_then(|it| it.shape().first()).map_or(1, |&it| it)),
    };
    let loaded = values.iter().zip(expression.variables.iter());
    let loaded: Result<Vec<_>, _> = loaded
        .map(|(value, is)| Column::load(value, *is, rows))
        .collect();
    let loaded = loaded.map_err(Fault)?;
    let place = Place {
        values: &loaded,
        parameters,
        rows: rows.unwrap_or(1),
        within: None,
    };
    let column = place
        .column(&expression.root)
        .map_err(|wrong| fault(expression, None, &wrong))?;
    if let Some((&row, wrong)) = column.faults.first_key_value() {
        return Err(fault(expression, Some(row), wrong));
    }
    outcome(expression, column, rows)
}

fn outcome(
    expression: &Expression,
    column: Column<'_>,
    rows: Option<usize>,
) -> Result<Outcome, Fault> {
    let count = rows.filter(|_| expression.by_row());
    // What is read may be the same for all rows all the same, such as the size of a list.
    let column = match count {
        Some(count) if column.one => column.repeat(count),
        _ => column,
    };
    let data = match (expression.datatype, column.data) {
        (DataType::Fp64, data) => {
            Data::Double(data.doubles().map_err(|why| Fault(why.to_string()))?)
        }
        (_, data) => data,
    };
    if count.is_some() {
        return Ok(Outcome::Rows(match data {
            Data::Bool(it) => Tensor::vector(it.own()),
            Data::Int(it) => Tensor::vector(it.own()),
            Data::Double(it) => Tensor::vector(it.own()),
            Data::Text(it) => {
                let bytes = |text: &std::borrow::Cow<'_, str>| text.as_bytes().to_vec();
                Tensor::vector(it.iter().map(bytes).collect::<Vec<_>>())
            }
        }));
    }
    let scalar = match data {
        Data::Bool(it) => it.first().map(|&it| Scalar::Bool(it)),
        Data::Int(it) => it.first().map(|&it| Scalar::Int(it)),
        Data::Double(it) => it.first().map(|&it| Scalar::Float(it)),
        Data::Text(it) => it.first().map(|it| Scalar::Text(it.as_ref().into())),
    };
    let scalar = scalar.ok_or_else(|| Fault("expected one thing, got none".to_owned()))?;
    Ok(Outcome::One(scalar))
}

fn fault(expression: &Expression, row: Option<usize>, wrong: &Wrong) -> Fault {
    let row = row.map_or_else(String::new, |row| format!("row {row}: "));
    let (why, at) = (&wrong.why, wrong.at);
    let mut text: String = expression.text.chars().take(80).collect();
    if text.len() < expression.text.len() {
        text.push('…');
    }
    Fault(format!("{row}{why}, at character {at} of '{text}'"))
}

// === impl Place ===

impl<'e> Place<'e> {
    /// A step.
    fn column(&self, tree: &'e Tree) -> Evaluated<'e> {
        let at = tree.at;
        match &tree.work {
            Work::Constant(scalar) => Ok(Column::scalar(scalar)),
            Work::Value(index) => self.value(at, &self.values[*index]),
            Work::Parameter(name) => match self.parameters.get(name) {
                Some(scalar) => Ok(Column::scalar(scalar)),
                None => Err(wrong(at, Why::Missing(name.clone()))),
            },
            Work::Has(name) => Ok(truth(self.parameters.contains_key(name))),
            Work::Element => match self.within {
                Some((elements, _)) => elements.lend(at),
                None => Err(wrong(at, Why::Empty)),
            },
            Work::List(of) => self.list(at, of),
            Work::Join(join, of) => self.join(at, *join, of),
            Work::Arithmetic(op, of) => {
                let [a, b] = self.both(of)?;
                number::arithmetic(at, *op, a, b)
            }
            Work::Comparison(op, of) => {
                let [a, b] = self.both(of)?;
                number::compare(at, *op, a, b)
            }
            Work::Choice(of) => self.choice(at, of),
            Work::Member(of) => {
                let [item, list] = self.both(of)?;
                list::member(at, item, list, self.rows)
            }
            Work::Index(of) => {
                let [list, index] = self.both(of)?;
                list::index(at, list, index, self.rows)
            }
            Work::Call(function, of) => call::call(at, *function, self.column(of)?, self.rows),
            Work::Pick(order, of) => {
                let [a, b] = self.both(of)?;
                number::pick(at, *order, a, b)
            }
            Work::Ask(question, of) => {
                let [text, part] = self.both(of)?;
                call::ask(at, *question, text, part)
            }
            Work::Matches(pattern, of) => {
                let text = self.column(of)?;
                let Data::Text(texts) = &text.data else {
                    return Err(wrong(at, text.data.unlike("a text")));
                };
                let found = texts.iter().map(|text| pattern.0.is_match(text));
                let data = Data::Bool(Part::Own(found.collect()));
                Ok(Column { data, ..text })
            }
            Work::Each { join, by_row, of } => self.each(at, *join, *by_row, of),
        }
    }

    fn both(&self, of: &'e [Tree; 2]) -> Result<[Column<'e>; 2], Wrong> {
        Ok([self.column(&of[0])?, self.column(&of[1])?])
    }

    fn value(&self, at: usize, of: &'e Column<'e>) -> Evaluated<'e> {
        let lent = of.lend(at)?;
        match self.within {
            Some((_, times)) if !lent.one => Ok(lent.repeat(times)),
            _ => Ok(lent),
        }
    }
}

// === impl Part ===

impl<T: Clone> Part<'_, T> {
    fn own(self) -> Vec<T> {
        match self {
            Self::Lent(part) => part.to_vec(),
            Self::Own(part) => part,
        }
    }
}

fn wrong(at: usize, why: Why) -> Wrong {
    Wrong { at, why }
}

/// One truth for all rows.
fn truth(is: bool) -> Column<'static> {
    Column {
        data: Data::Bool(Part::Own(vec![is])),
        one: true,
        width: 1,
        faults: super::column::Faults::new(),
    }
}
