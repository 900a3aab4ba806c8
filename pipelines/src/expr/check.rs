//! From a syntax tree to a checked one: what each part is, and all that does not fit.

mod call;
mod operator;

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr};
use impresario_models::DataType;

use super::kind::{Kind, Type, Width};
use super::name::{self, Named};
use super::parse::Parsed;
use super::tree::{Function, Join, METHODS, Tree, Work};
use super::{Scalar, Scope, Unfit};
use crate::spec::composite::Reference;
use crate::spec::nearest;

/// A checked tree, the types of what it reads, and of what it comes to.
#[derive(Debug)]
pub(super) struct Checked {
    /// The tree.
    pub(super) root: Tree,
    /// The types of the references.
    pub(super) variables: Vec<Type>,
    /// The type of the result.
    pub(super) datatype: DataType,
}

/// Checks a tree that reads these references.
///
/// # Errors
/// All that is wrong, in the order of the text.
pub(super) fn check(
    parsed: &Parsed,
    references: &[Reference],
    scope: &dyn Scope,
    batched: bool,
) -> Result<Checked, Vec<Unfit>> {
    let look_up = |reference: &Reference| {
        let port = scope.port(reference)?;
        Type::of(&port, batched).ok_or_else(|| {
            let message = format!("expected '{reference}' to have an axis of rows, got none");
            (message, None)
        })
    };
    let mut checker = Checker {
        parsed,
        references,
        types: references.iter().map(look_up).collect(),
        batched,
        problems: Vec::new(),
    };
    let checked = checker.result();
    let mut problems = checker.problems;
    problems.sort_by_key(|problem| problem.at);
    match checked {
        Some((root, datatype)) if problems.is_empty() => Ok(Checked {
            root,
            variables: checker.types.into_iter().flatten().collect(),
            datatype,
        }),
        _ => Err(problems),
    }
}

/// A part and its type, where nothing is wrong with it.
type Part = Option<(Tree, Type)>;

/// What `all` or `exists` looks at.
#[derive(Clone, Copy)]
struct Element<'e> {
    name: &'e str,
    kind: Kind,
}

struct Checker<'c> {
    parsed: &'c Parsed,
    references: &'c [Reference],
    types: Vec<Result<Type, (String, Option<String>)>>,
    batched: bool,
    problems: Vec<Unfit>,
}

// === impl Checker ===

impl Checker<'_> {
    fn result(&mut self) -> Option<(Tree, DataType)> {
        let parsed = self.parsed;
        let (tree, is) = self.part(&parsed.root, None)?;
        self.want(&parsed.root, is, Kind::Any)?;
        let datatype = is.kind.datatype();
        if datatype.is_none() {
            let at = parsed.start(&parsed.root);
            let message =
                "expected a result whose type is known beforehand, got what a parameter is"
                    .to_owned();
            let hint = "say what it is with bool(…), int(…), double(…) or string(…)";
            self.problem::<()>(at, "unknown-type", message, Some(hint));
        }
        Some((tree, datatype?))
    }

    /// Any part.
    fn part(&mut self, of: &IdedExpr, element: Option<Element<'_>>) -> Part {
        if let Some(named) = name::named(of, element.map(|element| element.name)) {
            return self.name(of, named, element);
        }
        let at = self.parsed.at(of);
        match &of.expr {
            Expr::Literal(literal) => self.literal(at, literal),
            Expr::Call(call) => self.call(of, call, element),
            Expr::List(list) => self.list(at, &list.elements, element),
            Expr::Select(select) => self.select(of, select, element),
            Expr::Comprehension(each) => self.each(of, each, element),
            Expr::Map(_) | Expr::Struct(_) => {
                self.unsupported(at, "expected a number, text, bool or list, got a map", None)
            }
            Expr::Unspecified | Expr::Ident(_) => {
                self.unsupported(at, "expected an expression, got nothing", None)
            }
        }
    }

    /// A part that must be one thing of a kind.
    fn one(&mut self, of: &IdedExpr, element: Option<Element<'_>>, wanted: Kind) -> Part {
        let (tree, is) = self.part(of, element)?;
        self.want(of, is, wanted)?;
        Some((tree, is))
    }

    fn want(&mut self, of: &IdedExpr, is: Type, wanted: Kind) -> Option<()> {
        if is.width == Width::One && is.kind.may_be(wanted) {
            return Some(());
        }
        let expected = match (wanted, is.kind) {
            (Kind::Any, Kind::Any) => "one value".to_owned(),
            (Kind::Any, kind) => kind.to_string(),
            (wanted, _) => wanted.to_string(),
        };
        let hint = match (is.width, wanted, is.kind) {
            (Width::List(_), _, Kind::Int | Kind::Double) => {
                "make one of it with [0], .max(), .min(), .sum() or .mean()"
            }
            (Width::List(_), ..) => "take one of it with [0]",
            (Width::Deep, ..) => "make one of it with .max(), .min(), .sum() or .mean()",
            (_, Kind::Bool, Kind::Int | Kind::Double | Kind::Number) => {
                "compare it with a number, such as > 0.5"
            }
            (_, Kind::Bool, _) => "compare it with a text, such as == 'gold'",
            (_, Kind::Text, _) => "string(…) makes a text of it",
            (_, Kind::Int, Kind::Double) => "int(…) drops the fraction",
            (_, _, Kind::Text) => "double(…) reads a number from a text",
            _ => "int(…) makes 1 of true and 0 of false",
        };
        let at = self.parsed.start(of);
        self.mismatch(at, &expected, &is.to_string(), Some(hint))
    }

    fn name(&mut self, of: &IdedExpr, named: Named<'_>, element: Option<Element<'_>>) -> Part {
        let at = self.parsed.start(of);
        match named {
            Named::Value(reference) => self.value(at, &reference),
            Named::Parameter(name) => Some((
                Tree {
                    at,
                    work: Work::Parameter(name.into()),
                },
                Type::one(Kind::Any),
            )),
            Named::Element => {
                let work = Work::Element;
                Some((Tree { at, work }, Type::one(element?.kind)))
            }
            Named::Request => {
                let message = "expected request.NAME or request.parameters.NAME, got 'request'";
                self.problem(at, "unknown-name", message.to_owned(), None)
            }
            Named::Parameters => {
                let message = "expected request.parameters.NAME, got 'request.parameters'";
                let hint = "an input of that name is written request[\"parameters\"]";
                self.problem(at, "unknown-name", message.to_owned(), Some(hint))
            }
        }
    }

    fn value(&mut self, at: usize, reference: &Reference) -> Part {
        let index = self
            .references
            .iter()
            .position(|known| known == reference)?;
        match &self.types[index] {
            Ok(is) => {
                let work = Work::Value(index);
                Some((Tree { at, work }, *is))
            }
            Err((message, hint)) => {
                let (message, hint) = (message.clone(), hint.clone());
                self.problem(at, "unknown-name", message, hint.as_deref())
            }
        }
    }

    fn literal(&mut self, at: usize, literal: &LiteralValue) -> Part {
        let (scalar, kind) = match literal {
            LiteralValue::Boolean(it) => (Scalar::Bool(*it.inner()), Kind::Bool),
            LiteralValue::Int(it) => (Scalar::Int(*it.inner()), Kind::Int),
            LiteralValue::Double(it) => (Scalar::Float(*it.inner()), Kind::Double),
            LiteralValue::String(it) => (Scalar::Text(it.inner().into()), Kind::Text),
            LiteralValue::UInt(it) => match i64::try_from(*it.inner()) {
                Ok(it) => (Scalar::Int(it), Kind::Int),
                Err(_) => {
                    let message = "expected a number of 64 bits with a sign, got one beyond";
                    return self.unsupported(at, message, None);
                }
            },
            LiteralValue::Null => {
                let hint = "has(request.parameters.NAME) asks whether there is a parameter";
                return self.unsupported(at, "expected a value, got null", Some(hint));
            }
            LiteralValue::Bytes(_) => {
                let message = "expected a text, got bytes";
                return self.unsupported(at, message, Some("leave the b before the quote away"));
            }
        };
        let work = Work::Constant(scalar);
        Some((Tree { at, work }, Type::one(kind)))
    }

    fn list(&mut self, at: usize, of: &[IdedExpr], element: Option<Element<'_>>) -> Part {
        let parts: Vec<_> = of
            .iter()
            .map(|it| self.one(it, element, Kind::Any))
            .collect();
        let parts: Vec<_> = parts.into_iter().collect::<Option<_>>()?;
        let mut kind = parts.first().map_or(Kind::Any, |(_, first)| first.kind);
        for ((_, is), part) in parts.iter().zip(of) {
            let Some(both) = kind.or(is.kind) else {
                let at = self.parsed.start(part);
                let expected = format!("{kind} like those before it");
                return self.mismatch(at, &expected, &is.kind.to_string(), None);
            };
            kind = both;
        }
        let parts = parts
            .into_iter()
            .map(|(tree, is)| cast(tree, is.kind, kind));
        let work = Work::List(parts.collect());
        let width = Width::List(Some(of.len()));
        Some((Tree { at, work }, Type { kind, width }))
    }

    /// `has(…)`, or a field of what has none.
    fn select(&mut self, of: &IdedExpr, select: &SelectExpr, element: Option<Element<'_>>) -> Part {
        let whole = name::named(&select.operand, element.map(|element| element.name));
        let at = self.parsed.start(&select.operand);
        let field = select.field.as_str();
        if select.test {
            if whole == Some(Named::Parameters) {
                let work = Work::Has(field.into());
                return Some((Tree { at, work }, Type::one(Kind::Bool)));
            }
            let message = "expected has(request.parameters.NAME), got has of something else";
            return self.unsupported(at, message, None);
        }
        let (_, is) = self.part(&select.operand, element)?;
        let methods = METHODS.into_iter().map(|(name, _)| name);
        let hint = nearest(field, methods).map(|name| format!("a method is written .{name}()"));
        let message = format!("expected no name behind {is}, got '.{field}'");
        let at = self.parsed.at(of) + 1;
        self.problem(at, "unknown-name", message, hint.as_deref())
    }

    /// `all` and `exists`.
    fn each(
        &mut self,
        of: &IdedExpr,
        each: &ComprehensionExpr,
        outer: Option<Element<'_>>,
    ) -> Part {
        let at = self.parsed.start(of);
        let Some(found) = name::each(each) else {
            let message = "expected all(x, …) or exists(x, …), got another macro";
            return self.unsupported(at, message, Some("other macros are not there"));
        };
        if outer.is_some() {
            let message = "expected no all or exists within another, got one";
            let hint = "let a map compute what is within";
            return self.unsupported(at, message, Some(hint));
        }
        let (list, is) = self.part(&each.iter_range, None)?;
        if is.width == Width::One {
            return self.mismatch(at, "a list", &is.to_string(), None);
        }
        let element = Element {
            name: &each.iter_var,
            kind: is.kind,
        };
        let (holds, _) = self.one(found.holds, Some(element), Kind::Bool)?;
        let work = Work::Each {
            join: if found.all { Join::All } else { Join::Any },
            by_row: self.batched && holds.reads(),
            of: Box::new([list, holds]),
        };
        Some((Tree { at, work }, Type::one(Kind::Bool)))
    }

    fn mismatch<T>(
        &mut self,
        at: usize,
        expected: &str,
        got: &str,
        hint: Option<&str>,
    ) -> Option<T> {
        let message = format!("expected {expected}, got {got}");
        self.problem(at, "type-mismatch", message, hint)
    }

    fn unsupported<T>(&mut self, at: usize, message: &str, hint: Option<&str>) -> Option<T> {
        self.problem(at, "unsupported", message.to_owned(), hint)
    }

    fn problem<T>(
        &mut self,
        at: usize,
        code: &'static str,
        message: String,
        hint: Option<&str>,
    ) -> Option<T> {
        let problem = Unfit {
            at,
            code,
            message,
            hint: hint.map(str::to_owned),
        };
        // A name that is not known is told where it first stands.
        let known = |other: &Unfit| other.code == code && other.message == problem.message;
        if code != "unknown-name" || !self.problems.iter().any(known) {
            self.problems.push(problem);
        }
        None
    }
}

/// A part as what it is together with others: an int beside a double is a double.
fn cast(tree: Tree, from: Kind, to: Kind) -> Tree {
    if to != Kind::Double || from == Kind::Double {
        return tree;
    }
    Tree {
        at: tree.at,
        work: Work::Call(Function::Double, Box::new(tree)),
    }
}
