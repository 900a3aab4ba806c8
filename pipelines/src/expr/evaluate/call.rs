//! Functions of one thing, and questions about texts.

use std::borrow::Cow;

use super::number::{Sides, faults};
use super::{Evaluated, list, wrong};
use crate::expr::column::{Column, Data, Part, Why, Wrong};
use crate::expr::kind::Kind;
use crate::expr::tree::{Function, Question};

/// A function of a column.
pub(super) fn call(at: usize, function: Function, of: Column<'_>, rows: usize) -> Evaluated<'_> {
    match function {
        Function::Max | Function::Min | Function::Sum | Function::Mean | Function::ArgMax => {
            list::fold(at, function, of, rows)
        }
        Function::Size => Ok(list::size(&of)),
        Function::Length => length(at, of),
        Function::Not => {
            let Data::Bool(bools) = &of.data else {
                return Err(wrong(at, of.data.unlike("a bool")));
            };
            let data = Data::Bool(Part::Own(bools.iter().map(|it| !it).collect()));
            Ok(Column { data, ..of })
        }
        Function::Negate => signed(at, of, i64::checked_neg, |it| -it),
        Function::Abs => signed(at, of, i64::checked_abs, f64::abs),
        Function::Floor => signed(at, of, Some, f64::floor),
        Function::Ceil => signed(at, of, Some, f64::ceil),
        Function::Round => signed(at, of, Some, f64::round),
        Function::Sqrt => real(at, of, f64::sqrt),
        Function::Exp => real(at, of, f64::exp),
        Function::Log => real(at, of, f64::ln),
        Function::Int => int(at, of),
        Function::Double => double(at, of),
        Function::String => Ok(string(of)),
        Function::Bool => truth(at, of),
        Function::Lower => text(at, of, |it| Cow::Owned(it.to_ascii_lowercase())),
        Function::Upper => text(at, of, |it| Cow::Owned(it.to_ascii_uppercase())),
        Function::Trim => text(at, of, |it| Cow::Owned(it.trim().to_owned())),
    }
}

/// A question about texts.
pub(super) fn ask<'e>(
    at: usize,
    question: Question,
    text: Column<'e>,
    part: Column<'e>,
) -> Evaluated<'e> {
    let sides = Sides::of(&text, &part);
    let truths = match (&text.data, &part.data) {
        (Data::Text(a), Data::Text(b)) => sides.map(a, b, |a, b| match question {
            Question::StartsWith => a.starts_with(b.as_ref()),
            Question::EndsWith => a.ends_with(b.as_ref()),
            Question::Contains => a.contains(b.as_ref()),
        }),
        (Data::Text(_), other) | (other, _) => return Err(wrong(at, other.unlike("a text"))),
    };
    let faults = faults(text.faults, part.faults);
    sides.column(Data::Bool(Part::Own(truths)), faults)
}

/// How many characters a text has.
fn length(at: usize, of: Column<'_>) -> Evaluated<'_> {
    let Data::Text(texts) = &of.data else {
        return Err(wrong(at, of.data.unlike("a text")));
    };
    #[allow(clippy::cast_possible_wrap, reason = "no text is so long")]
    let sizes = texts.iter().map(|text| text.chars().count() as i64);
    let data = Data::Int(Part::Own(sizes.collect()));
    Ok(Column { data, ..of })
}

/// A function that makes ints of ints and doubles of doubles.
fn signed(
    at: usize,
    of: Column<'_>,
    whole: impl Fn(i64) -> Option<i64>,
    real: impl Fn(f64) -> f64,
) -> Evaluated<'_> {
    match &of.data {
        Data::Int(_) => ints(at, of, |data, element| match data {
            Data::Int(ints) => whole(ints[element]).ok_or(Why::Overflow),
            other => Err(other.unlike("an int")),
        }),
        _ => self::real(at, of, real),
    }
}

/// A function that makes doubles.
fn real(at: usize, of: Column<'_>, function: impl Fn(f64) -> f64) -> Evaluated<'_> {
    let doubles = of.data.doubles().map_err(|why| wrong(at, why))?;
    let data = Data::Double(Part::Own(doubles.iter().map(|&it| function(it)).collect()));
    Ok(Column { data, ..of })
}

fn text<'e>(at: usize, of: Column<'e>, function: impl Fn(&str) -> Cow<'e, str>) -> Evaluated<'e> {
    let Data::Text(texts) = &of.data else {
        return Err(wrong(at, of.data.unlike("a text")));
    };
    let data = Data::Text(Part::Own(texts.iter().map(|it| function(it)).collect()));
    Ok(Column { data, ..of })
}

fn ints<'e>(
    at: usize,
    mut of: Column<'e>,
    read: impl Fn(&Data<'e>, usize) -> Result<i64, Why>,
) -> Evaluated<'e> {
    let made = each(at, &mut of, read);
    let data = Data::Int(Part::Own(made));
    Column { data, ..of }.settle()
}

/// Something of each element; where there is none, the row is wrong.
fn each<'e, T: Default>(
    at: usize,
    of: &mut Column<'e>,
    read: impl Fn(&Data<'e>, usize) -> Result<T, Why>,
) -> Vec<T> {
    let count = of.data.len();
    let mut made = Vec::with_capacity(count);
    for element in 0..count {
        made.push(read(&of.data, element).unwrap_or_else(|why| {
            of.faults.entry(element).or_insert(Wrong { at, why });
            T::default()
        }));
    }
    made
}

fn int(at: usize, of: Column<'_>) -> Evaluated<'_> {
    if matches!(of.data, Data::Int(_)) {
        return Ok(of);
    }
    ints(at, of, |data, element| match data {
        Data::Bool(bools) => Ok(i64::from(bools[element])),
        Data::Int(ints) => Ok(ints[element]),
        Data::Double(doubles) => {
            let whole = doubles[element].trunc();
            // The least int is a double, the greatest is none: the one after it is.
            #[allow(clippy::cast_precision_loss, reason = "it is a power of two")]
            const LEAST: f64 = i64::MIN as f64;
            if (LEAST..-LEAST).contains(&whole) {
                #[allow(clippy::cast_possible_truncation, reason = "it is within the ints")]
                let whole = whole as i64;
                Ok(whole)
            } else {
                Err(Why::NoInt(doubles[element]))
            }
        }
        Data::Text(texts) => parsed(&texts[element], Kind::Int),
    })
}

fn double(at: usize, mut of: Column<'_>) -> Evaluated<'_> {
    let made = match &of.data {
        Data::Int(_) | Data::Double(_) => return real(at, of, |it| it),
        Data::Bool(bools) => bools.iter().map(|&it| f64::from(u8::from(it))).collect(),
        Data::Text(_) => each(at, &mut of, |data, element| match data {
            Data::Text(texts) => parsed(&texts[element], Kind::Double),
            other => Err(other.unlike("a text")),
        }),
    };
    let data = Data::Double(Part::Own(made));
    Column { data, ..of }.settle()
}

fn string(of: Column<'_>) -> Column<'_> {
    fn texts<'t>(of: &[impl ToString]) -> Part<'t, Cow<'t, str>> {
        Part::Own(of.iter().map(|it| Cow::Owned(it.to_string())).collect())
    }
    let data = match of.data {
        Data::Bool(it) => texts(&it),
        Data::Int(it) => texts(&it),
        Data::Double(it) => texts(&it),
        Data::Text(it) => it,
    };
    Column {
        data: Data::Text(data),
        ..of
    }
}

fn truth(at: usize, mut of: Column<'_>) -> Evaluated<'_> {
    match &of.data {
        Data::Bool(_) => return Ok(of),
        Data::Text(_) => {}
        other => return Err(wrong(at, other.unlike("a bool or a text"))),
    }
    let made = each(at, &mut of, |data, element| match data {
        Data::Text(texts) => parsed(&texts[element], Kind::Bool),
        other => Err(other.unlike("a text")),
    });
    let data = Data::Bool(Part::Own(made));
    Column { data, ..of }.settle()
}

fn parsed<T: std::str::FromStr>(text: &str, expected: Kind) -> Result<T, Why> {
    text.parse().map_err(|_| Why::Unread {
        expected,
        got: text.into(),
    })
}
