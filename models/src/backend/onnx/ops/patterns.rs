//! Regular expressions as ONNX means them (RE2's) for the crate `regex`.
//!
//! The two differ in what `\w`, `\d`, `\s` and `\b` are (ASCII in RE2), and in what a class may hold. RE2 is
//! asked for the longest match where alternatives begin alike; here the first alternative wins.

use std::fmt::Write;

use regex::Regex;
use tract_onnx::tract_hir::internal::*;

use super::node::Node;

/// Compiles a pattern out of an attribute.
///
/// # Errors
/// The pattern is broken, or uses what is not understood here.
pub(super) fn compile(node: &Node, attribute: &str, pattern: &str) -> TractResult<Regex> {
    Regex::new(&translate(pattern))
        .map_err(|e| node.bad(attribute, format!("pattern {pattern:?}: {e}")))
}

/// As `compile`, for matches of the whole text.
///
/// # Errors
/// As `compile`.
pub(super) fn compile_whole(node: &Node, attribute: &str, pattern: &str) -> TractResult<Regex> {
    let whole = format!(r"\A(?:{})\z", translate(pattern));
    Regex::new(&whole).map_err(|e| node.bad(attribute, format!("pattern {pattern:?}: {e}")))
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped) => escape(&mut out, escaped, class),
                None => out.push('\\'),
            },
            '[' if !class => {
                class = true;
                out.push('[');
                // A bracket that closes at once is a member.
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str(r"\]");
                }
            }
            '[' if chars.peek() != Some(&':') => out.push_str(r"\["),
            '[' => {
                // A named class, up to its own closing bracket.
                out.push('[');
                for c in chars.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            ']' if class => {
                class = false;
                out.push(']');
            }
            '&' | '~' if class => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

fn escape(out: &mut String, escaped: char, class: bool) {
    let members = match escaped.to_ascii_lowercase() {
        'w' => "0-9A-Za-z_",
        'd' => "0-9",
        's' => r"\t\n\f\r ",
        _ => "",
    };
    let written = match (escaped, members, class) {
        ('b', _, false) => write!(out, r"(?-u:\b)"),
        (_, "", _) => write!(out, r"\{escaped}"),
        (c, _, _) if c.is_ascii_uppercase() => write!(out, "[^{members}]"),
        (_, _, true) => write!(out, "{members}"),
        (_, _, false) => write!(out, "[{members}]"),
    };
    written.expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_re2() {
        for (pattern, text, expected) in [
            (r"\w+", "abc_1", true),
            (r"\w+", "é", false),
            (r"\W", "é", true),
            (r"[\w-]+", "a-b", true),
            (r"[\W]", "é", true),
            (r"[^\d]", "5", false),
            (r"[[a]+", "[a", true),
            (r"[]a]+", "]a", true),
            (r"[[:alpha:]]+", "ab", true),
            (r"[a&&b]+", "a&b", true),
            (r".", "é", true),
            (r"a|ab", "ab", true),
            (r"(www\.[\w.-]+\.\bcom\b)", "www.example.com", true),
        ] {
            let whole = Regex::new(&format!(r"\A(?:{})\z", translate(pattern))).expect(pattern);
            assert_eq!(whole.is_match(text), expected, "{pattern} on {text}");
        }
    }
}
