//! Functions and methods.

use std::cmp::Ordering;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};

use super::{Checker, Element, Part};
use crate::expr::kind::{Kind, Type, Width};
use crate::expr::tree::{FUNCTIONS, Function, METHODS, Pattern, QUESTIONS, Question, Tree, Work};
use crate::spec::nearest;

/// How many bytes a compiled pattern may have.
const LARGEST_PATTERN: usize = 1 << 20;

impl Checker<'_> {
    /// An operator, a function or a method.
    pub(super) fn call(
        &mut self,
        of: &IdedExpr,
        call: &CallExpr,
        element: Option<Element<'_>>,
    ) -> Part {
        let (name, args) = (call.func_name.as_str(), call.args.as_slice());
        if let Some(target) = &call.target {
            let at = self.parsed.called(of, name);
            return self.method(at, name, target, args, element);
        }
        match self.operator(of, name, args, element) {
            Some(part) => part,
            None => {
                let at = self.parsed.called(of, name);
                self.function(at, name, args, element)
            }
        }
    }

    fn function(
        &mut self,
        at: usize,
        name: &str,
        args: &[IdedExpr],
        element: Option<Element<'_>>,
    ) -> Part {
        let order = match name {
            "min" => Some(Ordering::Less),
            "max" => Some(Ordering::Greater),
            _ => None,
        };
        let known = FUNCTIONS.into_iter().find(|(known, _)| *known == name);
        match (order, known, args) {
            (Some(order), _, [a, b]) => self.pick(at, order, [a, b], element),
            (Some(_), _, _) => {
                let hint = format!("of a list: LIST.{name}()");
                self.count(at, name, "two arguments", args, Some(&hint))
            }
            (_, Some((_, function)), [of]) => self.apply(at, (name, function), of, element),
            (_, Some(_), _) => self.count(at, name, "one argument", args, None),
            (_, None, _) => {
                let names = FUNCTIONS.into_iter().map(|(name, _)| name);
                let names = names.chain(["min", "max", "has"]);
                let hint = if methods().any(|method| method == name) {
                    format!("it is a method: VALUE.{name}(…)")
                } else {
                    match nearest(name, names.clone()) {
                        Some(near) => format!("did you mean '{near}'?"),
                        None => format!("known are {}", names.collect::<Vec<_>>().join(", ")),
                    }
                };
                let message = format!("expected a function, got '{name}', which is not known");
                self.problem(at, "unknown-function", message, Some(&hint))
            }
        }
    }

    fn method(
        &mut self,
        at: usize,
        name: &str,
        target: &IdedExpr,
        args: &[IdedExpr],
        element: Option<Element<'_>>,
    ) -> Part {
        let method = METHODS.into_iter().find(|(known, _)| *known == name);
        let question = QUESTIONS.into_iter().find(|(known, _)| *known == name);
        match (method, question, args) {
            (Some((_, function)), _, []) => self.apply(at, (name, function), target, element),
            (Some(_), _, _) => {
                let hint = matches!(name, "min" | "max")
                    .then(|| format!("the {name} of two: {name}(a, b)"));
                self.count(at, name, "no argument", args, hint.as_deref())
            }
            (_, Some((_, question)), [of]) => self.ask(at, question, [target, of], element),
            (_, Some(_), _) => self.count(at, name, "one argument", args, None),
            _ if name == "matches" => self.matches(at, target, args, element),
            // With the arguments that they need they are no calls any more.
            _ if matches!(name, "all" | "exists") => {
                let message = format!("expected {name}(x, CONDITION), got other arguments");
                self.problem(at, "arguments", message, None)
            }
            _ => {
                let hint = if FUNCTIONS.into_iter().any(|(function, _)| function == name) {
                    format!("it is a function: {name}(…)")
                } else {
                    match nearest(name, methods()) {
                        Some(near) => format!("did you mean '{near}'?"),
                        None => format!("known are {}", methods().collect::<Vec<_>>().join(", ")),
                    }
                };
                let message = format!("expected a method, got '{name}', which is not known");
                self.problem(at, "unknown-function", message, Some(&hint))
            }
        }
    }

    fn apply(
        &mut self,
        at: usize,
        (name, function): (&str, Function),
        of: &IdedExpr,
        element: Option<Element<'_>>,
    ) -> Part {
        let (tree, is) = self.part(of, element)?;
        let of_list = matches!(
            function,
            Function::Max | Function::Min | Function::Sum | Function::Mean | Function::ArgMax
        );
        if of_list && (is.width == Width::One || !is.kind.may_be(Kind::Number)) {
            let hint = (is.width == Width::One && matches!(name, "min" | "max"))
                .then(|| format!("the {name} of two: {name}(a, b)"));
            let start = self.parsed.start(of);
            return self.mismatch(start, "a list of numbers", &is.to_string(), hint.as_deref());
        }
        let number = if is.kind == Kind::Any {
            Kind::Number
        } else {
            is.kind
        };
        let (wanted, kind) = match function {
            Function::Max | Function::Min | Function::Sum => (None, number),
            Function::Mean => (None, Kind::Double),
            Function::ArgMax => (None, Kind::Int),
            Function::Size if is.width != Width::One => (None, Kind::Int),
            Function::Size | Function::Length => (Some(Kind::Text), Kind::Int),
            Function::Not => (Some(Kind::Bool), Kind::Bool),
            Function::Negate | Function::Abs => (Some(Kind::Number), number),
            Function::Floor | Function::Ceil | Function::Round => (Some(Kind::Number), number),
            Function::Sqrt | Function::Exp | Function::Log => (Some(Kind::Number), Kind::Double),
            Function::Int => (Some(Kind::Any), Kind::Int),
            Function::Double => (Some(Kind::Any), Kind::Double),
            Function::String => (Some(Kind::Any), Kind::Text),
            Function::Bool if is.kind == Kind::Text => (Some(Kind::Text), Kind::Bool),
            Function::Bool => (Some(Kind::Bool), Kind::Bool),
            Function::Lower | Function::Upper | Function::Trim => (Some(Kind::Text), Kind::Text),
        };
        if let Some(wanted) = wanted {
            self.want(of, is, wanted)?;
        }
        let function = match function {
            Function::Size if is.width == Width::One => Function::Length,
            _ => function,
        };
        let work = Work::Call(function, Box::new(tree));
        Some((Tree { at, work }, Type::one(kind)))
    }

    fn ask(
        &mut self,
        at: usize,
        question: Question,
        of: [&IdedExpr; 2],
        element: Option<Element<'_>>,
    ) -> Part {
        let [text, part] = of.map(|it| self.one(it, element, Kind::Text));
        let ((text, _), (part, _)) = (text?, part?);
        let work = Work::Ask(question, Box::new([text, part]));
        Some((Tree { at, work }, Type::one(Kind::Bool)))
    }

    fn matches(
        &mut self,
        at: usize,
        target: &IdedExpr,
        args: &[IdedExpr],
        element: Option<Element<'_>>,
    ) -> Part {
        let [pattern] = args else {
            return self.count(at, "matches", "one argument", args, None);
        };
        let place = self.parsed.start(pattern);
        let Expr::Literal(LiteralValue::String(pattern)) = &pattern.expr else {
            let message = "expected a pattern in quotes, got another expression";
            return self.unsupported(place, message, None);
        };
        let compiled = regex::RegexBuilder::new(pattern.inner())
            .size_limit(LARGEST_PATTERN)
            .build();
        let pattern = match compiled {
            Ok(pattern) => Pattern(pattern),
            Err(error) => {
                // The reason is the last line; before it stands the pattern.
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or_default();
                let reason = reason.trim_start_matches("error: ");
                let message =
                    format!("expected a regular expression, got one that is none: {reason}");
                return self.problem(place, "pattern", message, None);
            }
        };
        let (text, _) = self.one(target, element, Kind::Text)?;
        let work = Work::Matches(pattern, Box::new(text));
        Some((Tree { at, work }, Type::one(Kind::Bool)))
    }

    fn count<T>(
        &mut self,
        at: usize,
        name: &str,
        expected: &str,
        args: &[IdedExpr],
        hint: Option<&str>,
    ) -> Option<T> {
        let message = format!("expected {expected} of '{name}', got {}", args.len());
        self.problem(at, "arguments", message, hint)
    }
}

/// The names of all methods.
fn methods() -> impl Iterator<Item = &'static str> {
    let plain = METHODS.into_iter().map(|(name, _)| name);
    let asking = QUESTIONS.into_iter().map(|(name, _)| name);
    plain.chain(asking).chain(["matches", "all", "exists"])
}
