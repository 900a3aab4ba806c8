//! Transforms of texts, and to and from them.

use impresario_models::Element;

use super::cast::excerpt;
use crate::combine::{Fault, Labels};

/// # Errors
/// A number without a label, where there is no label for others.
pub(super) fn lookup<T>(
    of: &[T],
    labels: &Labels,
    default: Option<&str>,
) -> Result<Vec<Vec<u8>>, Fault>
where
    T: Element + Copy + TryInto<usize> + std::fmt::Display,
{
    let mut out = Vec::with_capacity(of.len());
    for (at, number) in of.iter().enumerate() {
        let place = (*number).try_into().ok();
        let label = place.and_then(|place: usize| labels.get(place));
        match label.map(String::as_str).or(default) {
            Some(label) => out.push(label.as_bytes().to_vec()),
            None => {
                return Err(Fault(format!(
                    "element {at}: expected a number from 0 to {}, got {number}",
                    labels.len().saturating_sub(1)
                )));
            }
        }
    }
    Ok(out)
}

/// # Errors
/// A text that is no label, where there is no number for others.
pub(super) fn index_of(
    of: &[Vec<u8>],
    labels: &Labels,
    default: Option<i64>,
) -> Result<Vec<i64>, Fault> {
    let mut out = Vec::with_capacity(of.len());
    for (at, text) in of.iter().enumerate() {
        match labels.find(text).map(|place| place as i64).or(default) {
            Some(place) => out.push(place),
            None => {
                return Err(Fault(format!(
                    "element {at}: expected one of {} labels, got '{}'",
                    labels.len(),
                    excerpt(&String::from_utf8_lossy(text))
                )));
            }
        }
    }
    Ok(out)
}

/// One value a text.
///
/// # Errors
/// A text that is not UTF-8.
pub(super) fn each<T>(of: &[Vec<u8>], to: impl Fn(&str) -> T) -> Result<Vec<T>, Fault> {
    let mut out = Vec::with_capacity(of.len());
    for (at, bytes) in of.iter().enumerate() {
        let text = std::str::from_utf8(bytes).map_err(|_| {
            let got = excerpt(&String::from_utf8_lossy(bytes));
            Fault(format!("element {at}: expected UTF-8, got '{got}'"))
        })?;
        out.push(to(text));
    }
    Ok(out)
}

/// Several, element by element behind one another; all have as many.
pub(super) fn concat(of: &[&[Vec<u8>]], separator: &str) -> Vec<Vec<u8>> {
    let count = of.first().map_or(0, |first| first.len());
    let between = separator.as_bytes();
    let one = |at: usize| {
        let length: usize = of.iter().map(|texts| texts[at].len() + between.len()).sum();
        let mut text = Vec::with_capacity(length);
        for (i, texts) in of.iter().enumerate() {
            if i > 0 {
                text.extend_from_slice(between);
            }
            text.extend_from_slice(&texts[at]);
        }
        text
    };
    (0..count).map(one).collect()
}
