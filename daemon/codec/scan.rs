//! One place in a request's JSON, looked for before the request is decoded: decoding needs the contract of a version, and
//! what stands at the place may say which version that is.
//!
//! Nothing is built and nothing is checked on the way: what is wrong with the request is found when it is decoded.

use serde_json::Value;

use super::cursor::Cursor;
use super::refusal::Refusal;

/// What stands at a place, given by the steps to it (RFC 6901): a string as it is, a number in its shortest decimal form,
/// `true` or `false`. Nothing where the place is not there, holds null, a list or an object, or cannot be read. Of
/// members of the same name the first counts.
///
/// The text is read up to the place and no further.
pub(crate) fn scan<S: AsRef<str>>(json: &[u8], steps: &[S]) -> Option<String> {
    let mut found = None;
    // The walk ends early, with an error of its own making, where the value was found.
    let _end = walk(&mut Cursor::new(json), steps, &mut found);
    found
}

fn walk<S: AsRef<str>>(
    cursor: &mut Cursor<'_>,
    steps: &[S],
    found: &mut Option<String>,
) -> Result<(), Refusal> {
    let Some((step, rest)) = steps.split_first() else {
        *found = scalar(cursor)?;
        return Err(cursor.unexpected("nothing more"));
    };
    let step = step.as_ref();
    match cursor.peek() {
        Some(b'{') => cursor.object(|cursor, key| match key == step {
            true => {
                walk(cursor, rest, found)?;
                // There was nothing below it: a second member of the name is not looked at.
                Err(cursor.unexpected("nothing more"))
            }
            false => cursor.pass(),
        }),
        Some(b'[') => {
            let place = index(step);
            cursor.array(|cursor, at| match place == Some(at) {
                true => {
                    walk(cursor, rest, found)?;
                    Err(cursor.unexpected("nothing more"))
                }
                false => cursor.pass(),
            })
        }
        _ => cursor.pass(),
    }
}

/// A place in a list. There are no leading zeros (RFC 6901, section 4), so that a place is written in one way.
pub(crate) fn index(step: &str) -> Option<usize> {
    let plain = step == "0" || !step.starts_with(['0', '+']);
    step.parse().ok().filter(|_| plain)
}

fn scalar(cursor: &mut Cursor<'_>) -> Result<Option<String>, Refusal> {
    Ok(match cursor.peek() {
        Some(b'"') => Some(cursor.string()?.into_owned()),
        Some(b'[' | b'{') => None,
        _ => match cursor.value::<Value>("a value")? {
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Number(number) if number.is_f64() => number.as_f64().map(|n| n.to_string()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(json: &str, pointer: &str) -> Option<String> {
        let steps: Vec<&str> = pointer.split('/').skip(1).collect();
        scan(json.as_bytes(), &steps)
    }

    #[test]
    fn places_are_found_wherever_they_stand() {
        let json = r#" {"id": "é\n7", "inputs": [{"name": "x]}", "data": [[NaN, -Infinity], [1, "}]"]]},
            {"data": [true, null, 1.50, 17.0, -3, 18446744073709551615], "parameters": {"u": "a/b"}}],
            "parameters": {"user": "ann", "user": "bob", "deep": {"er": [0]}}, "": 5} "#;
        for (pointer, found) in [
            ("/id", Some("é\n7")),
            ("/parameters/user", Some("ann")),
            ("/parameters/none", None),
            ("/parameters/deep", None),
            ("/parameters/deep/er/0", Some("0")),
            ("/parameters/user/0", None),
            ("/inputs", None),
            ("/inputs/0/name", Some("x]}")),
            ("/inputs/0/data/1/0", Some("1")),
            ("/inputs/0/data/0/0", None),
            ("/inputs/1/data/0", Some("true")),
            ("/inputs/1/data/1", None),
            ("/inputs/1/data/2", Some("1.5")),
            ("/inputs/1/data/3", Some("17")),
            ("/inputs/1/data/4", Some("-3")),
            ("/inputs/1/data/5", Some("18446744073709551615")),
            ("/inputs/1/data/6", None),
            ("/inputs/01/data/0", None),
            ("/inputs/+1/data/0", None),
            ("/inputs/-/data/0", None),
            ("/inputs/1/parameters/u", Some("a/b")),
            ("/", Some("5")),
        ] {
            assert_eq!(at(json, pointer).as_deref(), found, "{pointer}");
        }
    }

    #[test]
    fn what_cannot_be_read_holds_nothing_and_does_no_harm() {
        for json in [
            "",
            "{",
            "[1]",
            "{\"a\"",
            "{\"a\": ",
            "{\"b\": [}",
            "{\"b\": 1 \"a\": 2}",
            "nul",
        ] {
            assert_eq!(at(json, "/a"), None, "{json}");
        }
        let deep = format!("{{\"b\": {}", "[".repeat(100_000));
        assert_eq!(at(&deep, "/a"), None);
        // What stands behind the place is not read.
        assert_eq!(at("{\"a\": 1, what", "/a").as_deref(), Some("1"));
    }
}
