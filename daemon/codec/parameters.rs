//! The protocol's open-ended parameters: names with a string, a number or a boolean.

use std::collections::BTreeMap;
use std::fmt;

use impresario_pipelines::expr::Scalar;
use serde_json::Value;

use super::cursor::Cursor;
use super::refusal::{Refusal, clip};

/// One parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits 64 bits with a sign.
    Int(i64),
    /// A whole number that fits 64 bits without a sign only.
    Uint(u64),
    /// Any other number.
    Double(f64),
    /// A string.
    Text(String),
}

/// Parameters by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters(BTreeMap<String, Parameter>);

// === impl Parameters ===

impl Parameters {
    /// One parameter, a text.
    #[must_use]
    pub fn text(name: &str, value: &str) -> Self {
        let value = Parameter::Text(value.to_owned());
        Self(BTreeMap::from([(name.to_owned(), value)]))
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.0.get(name)
    }

    /// All names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The value of a name that must be true or false.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] when it is of another kind.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Parameter::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(odd(name, "true or false", other)),
        }
    }

    /// The value of a name that must be a whole number from 0; a string of digits will do, as with Triton.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] when it is something else.
    pub fn count(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let count = match self.get(name) {
            None => return Ok(None),
            Some(Parameter::Int(count)) => u64::try_from(*count).ok(),
            Some(Parameter::Uint(count)) => Some(*count),
            Some(Parameter::Text(text)) if text.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse().ok()
            }
            Some(_) => None,
        };
        match (count, self.get(name)) {
            (None, Some(got)) => Err(odd(name, "a whole number from 0", got)),
            _ => Ok(count),
        }
    }

    /// Reads an object of parameters; `null` is none.
    pub(super) fn read(
        cursor: &mut Cursor<'_>,
        label: impl fmt::Display + Copy,
    ) -> Result<Self, Refusal> {
        let mut parameters = BTreeMap::new();
        if cursor.take_null() {
            return Ok(Self::default());
        }
        cursor.object(|cursor, name| {
            let value = match cursor.value::<Value>("a value")? {
                Value::Bool(flag) => Parameter::Bool(flag),
                Value::String(text) => Parameter::Text(text),
                Value::Number(number) => {
                    match (number.as_i64(), number.as_u64(), number.as_f64()) {
                        (Some(int), ..) => Parameter::Int(int),
                        (_, Some(uint), _) => Parameter::Uint(uint),
                        (.., Some(double)) => Parameter::Double(double),
                        (None, None, None) => return Err(kind(label, name, &number.to_string())),
                    }
                }
                // A member that is null is one that is not given.
                Value::Null => return Ok(()),
                other => return Err(kind(label, name, &other.to_string())),
            };
            match parameters.insert(name.to_owned(), value) {
                None => Ok(()),
                Some(_) => Err(Refusal::invalid(
                    label,
                    format!("parameter '{}' once", clip(name)),
                    "it twice",
                )),
            }
        })?;
        Ok(Self(parameters))
    }
}

impl From<&Parameter> for Scalar {
    fn from(parameter: &Parameter) -> Self {
        match parameter {
            Parameter::Bool(flag) => Self::Bool(*flag),
            Parameter::Int(int) => Self::Int(*int),
            // What is beyond is compared as a number, as expressions compare the two.
            Parameter::Uint(uint) => Self::Float(*uint as f64),
            Parameter::Double(double) => Self::Float(*double),
            Parameter::Text(text) => Self::Text(text.as_str().into()),
        }
    }
}

impl FromIterator<(String, Parameter)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (String, Parameter)>>(named: I) -> Self {
        Self(named.into_iter().collect())
    }
}

fn kind(label: impl fmt::Display, name: &str, got: &str) -> Refusal {
    Refusal::invalid(
        format!("{label}, parameter '{}'", clip(name)),
        "a string, a number or a boolean",
        clip(got),
    )
}

fn odd(name: &str, expected: &str, got: &Parameter) -> Refusal {
    let got = match got {
        Parameter::Bool(flag) => flag.to_string(),
        Parameter::Int(int) => int.to_string(),
        Parameter::Uint(uint) => uint.to_string(),
        Parameter::Double(double) => double.to_string(),
        Parameter::Text(text) => format!("'{}'", clip(text)),
    };
    Refusal::invalid(format!("parameter '{name}'"), expected, got)
}
