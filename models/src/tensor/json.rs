//! A tensor in JSON, as the Open Inference Protocol writes it: `{"name", "shape", "datatype", "data"}`.
//!
//! Strict and exact: every number is read from its own digits, and one that its datatype does not hold is
//! refused. This is for small files read once; the daemon's wire codec is its own, and fast.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{DataType, Tensor, Values, element_count};

/// A named tensor whose elements are not read yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The port's name.
    pub name: String,
    /// The sizes of the axes.
    pub shape: Vec<usize>,
    /// The datatype of the elements.
    pub datatype: DataType,
    /// The elements in row-major order, flat or nested as the shape says.
    pub data: Box<RawValue>,
}

/// What `null` means among the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Null {
    /// Nothing: it is refused.
    Refused,
    /// NaN, in tensors of floating-point numbers.
    NotANumber,
}

/// Walks the text of a JSON array, which is known to be valid JSON.
struct Walk<'a> {
    rest: &'a str,
    shape: &'a [usize],
    nested: bool,
    values: Values,
    null: Null,
}

// === impl Written ===

impl Written {
    /// Reads the elements.
    ///
    /// # Errors
    /// What was expected and what was found, with the element's index.
    pub fn decode(&self, null: Null) -> Result<Tensor, String> {
        let count = element_count(&self.shape).ok_or_else(|| {
            format!(
                "shape {:?} has more elements than can be counted",
                self.shape
            )
        })?;
        let text = self.data.get().trim();
        if !text.starts_with('[') {
            return Err(format!("data: expected an array, got {}", shown(text)));
        }
        // No element takes less than two characters (itself and a comma), so the text bounds what is allocated.
        let capacity = count.min(text.len() / 2 + 1);
        let nested = text[1..].trim_start().starts_with('[');
        if nested && self.shape.len() < 2 {
            return Err(format!(
                "data: expected a flat array for shape {:?}, got a nested one",
                self.shape
            ));
        }
        let mut walk = Walk {
            rest: text,
            shape: &self.shape,
            nested,
            values: Values::with_capacity(self.datatype, capacity),
            null,
        };
        walk.array(0)?;
        let found = walk.values.len();
        Tensor::new(self.shape.clone(), walk.values).map_err(|_| {
            format!(
                "data: expected {count} elements for shape {:?}, got {found}",
                self.shape
            )
        })
    }
}

// === impl Walk ===

impl<'a> Walk<'a> {
    fn array(&mut self, axis: usize) -> Result<(), String> {
        self.skip('[');
        let leaf = !self.nested || axis + 1 == self.shape.len();
        let mut found = 0;
        while !self.rest.starts_with(']') {
            let opens = self.rest.starts_with('[');
            if leaf && !opens {
                self.element()?;
            } else if !leaf && opens {
                self.array(axis + 1)?;
            } else {
                let what = if leaf { "an element" } else { "an array" };
                let got = shown(self.rest);
                return Err(format!("data: expected {what} at axis {axis}, got {got}"));
            }
            found += 1;
            self.skip(',');
        }
        self.skip(']');
        match self.shape.get(axis) {
            Some(&size) if self.nested && size != found => Err(format!(
                "data: expected {size} at axis {axis} for shape {:?}, got {found}",
                self.shape
            )),
            _ => Ok(()),
        }
    }

    /// Skips a punctuation mark, where it is there, and white space around it.
    fn skip(&mut self, mark: char) {
        let rest = self.rest.trim_start();
        self.rest = rest.strip_prefix(mark).unwrap_or(rest).trim_start();
    }

    fn element(&mut self) -> Result<(), String> {
        let token = self.token();
        let at = self.values.len();
        let datatype = self.values.datatype();
        let wrong = || format!("element {at}: expected {datatype}, got {}", shown(token));
        let nan = token == "null" && self.null == Null::NotANumber;
        macro_rules! push {
            ($v:expr) => {
                $v.push(token.parse().map_err(|_| wrong())?)
            };
        }
        // Rust reads "inf" and "nan" too, but those are not JSON and never get here. A number too large for the
        // datatype is read as infinite, which is not the number that was written.
        macro_rules! float {
            ($v:expr, $type:ty, $nan:expr, $is_finite:expr) => {{
                let value: $type = if nan {
                    $nan
                } else {
                    number(token).ok_or_else(wrong)?
                };
                if !nan && !$is_finite(value) {
                    return Err(wrong());
                }
                $v.push(value)
            }};
        }
        match &mut self.values {
            Values::Bool(v) => push!(v),
            Values::Uint8(v) => push!(v),
            Values::Uint16(v) => push!(v),
            Values::Uint32(v) => push!(v),
            Values::Uint64(v) => push!(v),
            Values::Int8(v) => push!(v),
            Values::Int16(v) => push!(v),
            Values::Int32(v) => push!(v),
            Values::Int64(v) => push!(v),
            Values::Fp16(v) => float!(v, half::f16, half::f16::NAN, half::f16::is_finite),
            Values::Bf16(v) => float!(v, half::bf16, half::bf16::NAN, half::bf16::is_finite),
            Values::Fp32(v) => float!(v, f32, f32::NAN, f32::is_finite),
            Values::Fp64(v) => float!(v, f64, f64::NAN, f64::is_finite),
            Values::Bytes(v) => {
                let text: String = serde_json::from_str(token).map_err(|_| wrong())?;
                v.push(text.into_bytes());
            }
        }
        Ok(())
    }

    /// Takes one scalar, or an object's opening, which is no element and refused by all datatypes.
    fn token(&mut self) -> &'a str {
        let bytes = self.rest.as_bytes();
        let end = if bytes.first() == Some(&b'"') {
            let mut end = 1;
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            end + 1
        } else {
            let ends = |c: char| matches!(c, ',' | ']' | '[' | '}') || c.is_whitespace();
            self.rest.find(ends).unwrap_or(bytes.len())
        };
        let (token, rest) = self.rest.split_at(end.min(bytes.len()));
        self.rest = rest;
        token
    }
}

fn number<T: std::str::FromStr>(token: &str) -> Option<T> {
    let numeric = token.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    numeric.then(|| token.parse().ok()).flatten()
}

fn shown(text: &str) -> String {
    let text: String = text.chars().take(41).collect();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn decode(shape: &str, datatype: &str, data: &str, null: Null) -> Result<Tensor, String> {
        let text =
            format!(r#"{{"name":"x","shape":{shape},"datatype":"{datatype}","data":{data}}}"#);
        let written: Written = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        written.decode(null)
    }

    fn check(shape: &str, datatype: &str, data: &str, expected: Expect) {
        let got = match decode(shape, datatype, data, Null::Refused) {
            Ok(tensor) => format!("{:?} {:?}", tensor.shape(), tensor.values()),
            Err(error) => error,
        };
        expected.assert_eq(&got);
    }

    #[test]
    fn elements_are_exact() {
        check("[2]", "INT32", "[1,-2]", expect!["[2] Int32([1, -2])"]);
        check(
            "[]",
            "INT64",
            "[9007199254740993]",
            expect!["[] Int64([9007199254740993])"],
        );
        check(
            "[1]",
            "UINT64",
            "[18446744073709551615]",
            expect!["[1] Uint64([18446744073709551615])"],
        );
        // Halfway between two floats and a hair above: reading it as a double first would round it down.
        check(
            "[1]",
            "FP32",
            "[1.00000005960464477540]",
            expect!["[1] Fp32([1.0000001])"],
        );
        check(
            "[2]",
            "FP16",
            "[0.1, 1e2]",
            expect!["[2] Fp16([0.099975586, 100.0])"],
        );
        check(
            "[2]",
            "BOOL",
            "[true,false]",
            expect!["[2] Bool([true, false])"],
        );
        check(
            "[2]",
            "BYTES",
            r#"["a\"]","\u00e9"]"#,
            expect!["[2] Bytes([[97, 34, 93], [195, 169]])"],
        );
        check("[0, 4]", "FP32", "[]", expect!["[0, 4] Fp32([])"]);
        check(
            "[2,2]",
            "FP64",
            "[ [1, 2.5] , [3,4] ]",
            expect!["[2, 2] Fp64([1.0, 2.5, 3.0, 4.0])"],
        );
        check(
            "[2,2]",
            "FP64",
            "[1,2,3,4]",
            expect!["[2, 2] Fp64([1.0, 2.0, 3.0, 4.0])"],
        );
        check("[2,0]", "FP64", "[[],[]]", expect!["[2, 0] Fp64([])"]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        check(
            "[2]",
            "INT32",
            "[1,1.5]",
            expect!["element 1: expected INT32, got 1.5"],
        );
        check(
            "[1]",
            "INT32",
            "[1e2]",
            expect!["element 0: expected INT32, got 1e2"],
        );
        check(
            "[1]",
            "INT32",
            "[1099511627776]",
            expect!["element 0: expected INT32, got 1099511627776"],
        );
        check(
            "[1]",
            "UINT8",
            "[-1]",
            expect!["element 0: expected UINT8, got -1"],
        );
        check(
            "[1]",
            "FP32",
            "[1e39]",
            expect!["element 0: expected FP32, got 1e39"],
        );
        check(
            "[1]",
            "FP16",
            "[65520]",
            expect!["element 0: expected FP16, got 65520"],
        );
        check(
            "[1]",
            "FP32",
            "[null]",
            expect!["element 0: expected FP32, got null"],
        );
        check(
            "[1]",
            "FP32",
            "[\"1\"]",
            expect![[r#"element 0: expected FP32, got "1""#]],
        );
        check(
            "[1]",
            "FP32",
            "[true]",
            expect!["element 0: expected FP32, got true"],
        );
        check(
            "[1]",
            "BOOL",
            "[1]",
            expect!["element 0: expected BOOL, got 1"],
        );
        check(
            "[1]",
            "BYTES",
            "[1]",
            expect!["element 0: expected BYTES, got 1"],
        );
        check(
            "[1]",
            "FP32",
            "[{}]",
            expect!["element 0: expected FP32, got {"],
        );
        check(
            "[1]",
            "FP32",
            "1",
            expect!["data: expected an array, got 1"],
        );
        check(
            "[2]",
            "FP32",
            "[1]",
            expect!["data: expected 2 elements for shape [2], got 1"],
        );
        check(
            "[1]",
            "FP32",
            "[[1]]",
            expect!["data: expected a flat array for shape [1], got a nested one"],
        );
        check(
            "[2,2]",
            "FP32",
            "[[1,2],3]",
            expect!["data: expected an array at axis 0, got 3]"],
        );
        check(
            "[2,2]",
            "FP32",
            "[[1,2],[3]]",
            expect!["data: expected 2 at axis 1 for shape [2, 2], got 1"],
        );
        check(
            "[2,2]",
            "FP32",
            "[[[1]],[2]]",
            expect!["data: expected an element at axis 1, got [1]],[2]]"],
        );
        check(
            "[9223372036854775807,4]",
            "FP32",
            "[1]",
            expect!["shape [9223372036854775807, 4] has more elements than can be counted"],
        );
        check(
            "[4000000000]",
            "FP32",
            "[1]",
            expect!["data: expected 4000000000 elements for shape [4000000000], got 1"],
        );
    }

    #[test]
    fn null_is_nan_only_where_it_is_said_to_be() {
        let tensor = decode("[2]", "FP32", "[null,1]", Null::NotANumber).unwrap();
        assert!(tensor.as_slice::<f32>().unwrap()[0].is_nan());
        assert!(decode("[1]", "INT32", "[null]", Null::NotANumber).is_err());
        assert!(decode("[1]", "BYTES", "[null]", Null::NotANumber).is_err());
    }
}
