//! From text to a syntax tree: bounds that keep any text from exhausting the stack, and syntax errors in words of our own.

use cel::common::ast::{Expr, IdedExpr, SourceInfo};
use cel::parser::{ParseErrors, Parser};

use super::Unfit;

/// How many characters an expression may have.
pub(super) const LONGEST: usize = 4096;
/// How many brackets and choices may stand in each other.
const NESTED: usize = 32;
/// How many signs of operators, dots and opening brackets there may be: the parser's need of stack grows with them.
const SIGNS: usize = 512;
/// How many steps the tree may be deep.
const DEEPEST: usize = 128;

/// A syntax tree, and where its parts stand.
pub(super) struct Parsed {
    /// The tree.
    pub(super) root: IdedExpr,
    places: SourceInfo,
}

/// Reads a text.
///
/// # Errors
/// Where it is no expression, or one beyond the bounds. Only the first error is told: the others mostly follow from it.
pub(super) fn parse(text: &str) -> Result<Parsed, Unfit> {
    within_bounds(text)?;
    let parser = Parser::new().max_recursion_depth(2 * NESTED as u16);
    let (root, places) = parser
        .parse_with_source_info(text)
        .map_err(|errors| syntax(text, &errors))?;
    let parsed = Parsed { root, places };
    let mut level = vec![&parsed.root];
    for _ in 0..DEEPEST {
        level = level.into_iter().flat_map(children).collect();
    }
    match level.first() {
        None => Ok(parsed),
        Some(deep) => Err(too_deep(
            parsed.start(deep),
            format!("expected at most {DEEPEST} operations on top of each other, got more"),
        )),
    }
}

/// The parts of a part, from left to right.
pub(super) fn children(of: &IdedExpr) -> Vec<&IdedExpr> {
    match &of.expr {
        Expr::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect(),
        Expr::Comprehension(each) => vec![&each.iter_range, &each.loop_step],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&select.operand],
        // Maps and structs are refused as a whole.
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) => {
            Vec::new()
        }
    }
}

// === impl Parsed ===

impl Parsed {
    /// Where the sign or name of a part stands.
    pub(super) fn at(&self, of: &IdedExpr) -> usize {
        let (offset, _) = self.places.offset_for(of.id).unwrap_or_default();
        let before = self.places.source.bytes().take(offset as usize);
        // Bytes that do not continue a character begin one.
        before.filter(|byte| byte & 0xC0 != 0x80).count()
    }

    /// Where a part begins.
    pub(super) fn start(&self, of: &IdedExpr) -> usize {
        let own = self.at(of);
        match children(of).first() {
            Some(first) => self.start(first).min(own),
            None => own,
        }
    }

    /// Where the name of a called function stands: before its bracket, which is where the parser puts the call.
    pub(super) fn called(&self, of: &IdedExpr, name: &str) -> usize {
        let bracket = self.at(of);
        let before: Vec<char> = self.places.source.chars().take(bracket).collect();
        let space = before.iter().rev().take_while(|c| c.is_whitespace());
        (bracket - space.count()).saturating_sub(name.chars().count())
    }
}

fn too_deep(at: usize, message: String) -> Unfit {
    Unfit {
        at,
        code: "too-deep",
        message,
        hint: Some("let several maps compute parts of it".to_owned()),
    }
}

fn within_bounds(text: &str) -> Result<(), Unfit> {
    let length = text.chars().count();
    if length > LONGEST {
        return Err(Unfit {
            at: LONGEST,
            code: "too-long",
            message: format!("expected at most {LONGEST} characters, got {length}"),
            hint: Some("let several maps compute parts of it".to_owned()),
        });
    }
    let (mut quote, mut escaped) = (None, false);
    let (mut nested, mut signs) = (0_usize, 0_usize);
    for (at, sign) in text.chars().enumerate() {
        // Also within texts: what ends a text is for the parser to say, and this must hold whatever it says.
        signs += usize::from("+-*/%<>=!&|?.([{".contains(sign));
        if signs > SIGNS {
            let message = format!("expected at most {SIGNS} operators and brackets, got more");
            return Err(too_deep(at, message));
        }
        if let Some(end) = quote {
            if !escaped && (sign == end || sign == '\n') {
                quote = None;
            }
            escaped = !escaped && sign == '\\';
            continue;
        }
        match sign {
            '\'' | '"' => quote = Some(sign),
            '(' | '[' | '{' | '?' => nested += 1,
            ')' | ']' | '}' => nested = nested.saturating_sub(1),
            _ => {}
        }
        if nested > NESTED {
            let message = format!("expected at most {NESTED} brackets in each other, got more");
            return Err(too_deep(at, message));
        }
    }
    Ok(())
}

/// The parser's first error.
fn syntax(text: &str, errors: &ParseErrors) -> Unfit {
    // Parts that are incomplete are so because of what is told elsewhere.
    let follows = |said: &str| said.starts_with("Incomplete") || said.starts_with("No `");
    let mut found = errors.errors.iter().filter(|error| !follows(&error.msg));
    let Some(error) = found.next().or(errors.errors.first()) else {
        return unfit(0, "expected an expression".to_owned(), None);
    };
    let (line, column) = error.pos;
    let lines = text.split_inclusive('\n');
    let before = lines.take(usize::try_from(line - 1).unwrap_or(0));
    let before: usize = before.map(|line| line.chars().count()).sum();
    let at = before + usize::try_from(column - 1).unwrap_or(0);
    let said = error.msg.trim_start_matches("Syntax error: ");
    if let Some(word) = said.strip_prefix("reserved identifier: ") {
        let hint = format!("an input of this name is written request[\"{word}\"]");
        let message = format!("expected a name, got '{word}', which is a word of the language");
        return unfit(at, message, Some(&hint));
    }
    let (message, hint) = match said {
        "invalid argument to has() macro" => (
            "expected has(request.parameters.NAME)",
            Some("for a name with other characters: \"my-name\" in request.parameters"),
        ),
        "invalid int literal" | "invalid uint literal" => {
            ("expected a whole number of 64 bits, got one beyond", None)
        }
        "invalid double literal" => ("expected a number that a double can hold", None),
        _ if said.contains("Recursion limit") => {
            return too_deep(at, "expected fewer brackets in each other".to_owned());
        }
        _ => return unexpected(text, at, said),
    };
    unfit(at, message.to_owned(), hint)
}

/// What should not stand where it stands, or what is missing.
fn unexpected(text: &str, at: usize, said: &str) -> Unfit {
    let here: String = text.chars().skip(at).collect();
    if here.trim().is_empty() {
        let message = "expected more, got the end of the expression".to_owned();
        return unfit(at, message, None);
    }
    let first = here.chars().next().unwrap_or_default();
    if matches!(first, '\'' | '"') && said.starts_with("token recognition") {
        let message = "expected a text with an end, got one without".to_owned();
        let hint = format!("close it with {first}");
        return unfit(at, message, Some(&hint));
    }
    if !first.is_ascii() && first.is_alphabetic() {
        let letters = text.chars().take(at).collect::<Vec<_>>();
        let letters = letters.iter().rev().take_while(|c| c.is_alphanumeric());
        let start = at - letters.count();
        let name = text.chars().skip(start).take_while(|c| c.is_alphanumeric());
        let name: String = name.take(40).collect();
        let hint = "an input with such a name is written request[\"NAME\"]";
        return unfit(start, format!("unexpected '{name}'"), Some(hint));
    }
    let word: String = here
        .chars()
        .take_while(|c| c.is_alphanumeric())
        .take(40)
        .collect();
    let got = if word.is_empty() {
        first.to_string()
    } else {
        word
    };
    let hint = match got.as_str() {
        "=" => Some("'==' compares"),
        "and" | "&" => Some("'&&' is and"),
        "or" | "|" => Some("'||' is or"),
        "not" => Some("'!' is not"),
        "if" | "then" | "else" => Some("a choice is written CONDITION ? A : B"),
        "`" | "$" => Some("an input with such a name is written request[\"NAME\"]"),
        _ => None,
    };
    unfit(at, format!("unexpected '{got}'"), hint)
}

fn unfit(at: usize, message: String, hint: Option<&str>) -> Unfit {
    Unfit {
        at,
        code: "syntax",
        message,
        hint: hint.map(str::to_owned),
    }
}
