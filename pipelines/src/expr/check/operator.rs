//! Operators.

use std::cmp::Ordering;

use cel::common::ast::operators::{
    ADD, CONDITIONAL, DIVIDE, EQUALS, GREATER, GREATER_EQUALS, IN, INDEX, LESS, LESS_EQUALS,
    LOGICAL_AND, LOGICAL_NOT, LOGICAL_OR, MODULO, MULTIPLY, NEGATE, NOT_EQUALS, SUBSTRACT,
};
use cel::common::ast::{Expr, IdedExpr, LiteralValue};

use super::{Checker, Element, Part, cast};
use crate::expr::Scalar;
use crate::expr::kind::{Kind, Type, Width};
use crate::expr::name::{self, Named};
use crate::expr::tree::{Arithmetic, Comparison, Function, Join, Tree, Work};

impl Checker<'_> {
    /// An operator; nothing where the name is none.
    pub(super) fn operator(
        &mut self,
        of: &IdedExpr,
        name: &str,
        args: &[IdedExpr],
        element: Option<Element<'_>>,
    ) -> Option<Part> {
        let at = self.parsed.at(of);
        let arithmetic = |op| (op, Kind::Number);
        let (op, wanted) = match (name, args) {
            (LOGICAL_NOT, [it]) => return Some(self.sign(at, Function::Not, it, element)),
            (NEGATE, [it]) => return Some(self.sign(at, Function::Negate, it, element)),
            (LOGICAL_AND, [a, b]) => return Some(self.join(at, Join::All, [a, b], element)),
            (LOGICAL_OR, [a, b]) => return Some(self.join(at, Join::Any, [a, b], element)),
            (CONDITIONAL, [a, b, c]) => return Some(self.choice(at, [a, b, c], element)),
            (IN, [a, b]) => return Some(self.member(at, [a, b], element)),
            (INDEX, [a, b]) => return Some(self.index(at, [a, b], element)),
            (ADD, [a, b]) => return Some(self.add(at, [a, b], element)),
            (SUBSTRACT, [_, _]) => arithmetic(Arithmetic::Subtract),
            (MULTIPLY, [_, _]) => arithmetic(Arithmetic::Multiply),
            (DIVIDE, [_, _]) => arithmetic(Arithmetic::Divide),
            (MODULO, [_, _]) => (Arithmetic::Remainder, Kind::Int),
            (_, [a, b]) => {
                let op = comparison(name)?;
                return Some(self.compare(at, (op, name), [a, b], element));
            }
            _ => return None,
        };
        Some(
            self.numbers([&args[0], &args[1]], element, wanted)
                .map(|(parts, kind)| {
                    let work = Work::Arithmetic(op, parts);
                    (Tree { at, work }, Type::one(kind))
                }),
        )
    }

    /// `min(a, b)` and `max(a, b)`.
    pub(super) fn pick(
        &mut self,
        at: usize,
        order: Ordering,
        of: [&IdedExpr; 2],
        element: Option<Element<'_>>,
    ) -> Part {
        let (parts, kind) = self.numbers(of, element, Kind::Number)?;
        let work = Work::Pick(order, parts);
        Some((Tree { at, work }, Type::one(kind)))
    }

    fn sign(
        &mut self,
        at: usize,
        function: Function,
        of: &IdedExpr,
        element: Option<Element<'_>>,
    ) -> Part {
        let wanted = match function {
            Function::Not => Kind::Bool,
            _ => Kind::Number,
        };
        let (tree, is) = self.one(of, element, wanted)?;
        let kind = if is.kind == Kind::Any {
            wanted
        } else {
            is.kind
        };
        let work = Work::Call(function, Box::new(tree));
        Some((Tree { at, work }, Type::one(kind)))
    }

    fn both(
        &mut self,
        of: [&IdedExpr; 2],
        element: Option<Element<'_>>,
        wanted: Kind,
    ) -> Option<(Box<[Tree; 2]>, [Kind; 2])> {
        let [a, b] = of.map(|it| self.one(it, element, wanted));
        let ((a, a_is), (b, b_is)) = (a?, b?);
        Some((Box::new([a, b]), [a_is.kind, b_is.kind]))
    }

    fn numbers(
        &mut self,
        of: [&IdedExpr; 2],
        element: Option<Element<'_>>,
        wanted: Kind,
    ) -> Option<(Box<[Tree; 2]>, Kind)> {
        let (parts, [a, b]) = self.both(of, element, wanted)?;
        let kind = match (a, b) {
            _ if wanted == Kind::Int => Kind::Int,
            (Kind::Int, Kind::Int) => Kind::Int,
            (Kind::Double, _) | (_, Kind::Double) => Kind::Double,
            _ => Kind::Number,
        };
        Some((parts, kind))
    }

    fn add(&mut self, at: usize, of: [&IdedExpr; 2], element: Option<Element<'_>>) -> Part {
        let (parts, [a, b]) = self.both(of, element, Kind::Any)?;
        let fits = |kind| a.may_be(kind) && b.may_be(kind);
        let kind = match (fits(Kind::Number), fits(Kind::Text)) {
            (true, true) => Kind::Any,
            (false, true) => Kind::Text,
            (true, false) if a == Kind::Double || b == Kind::Double => Kind::Double,
            (true, false) if a == Kind::Int && b == Kind::Int => Kind::Int,
            (true, false) => Kind::Number,
            (false, false) => {
                let text = a == Kind::Text || b == Kind::Text;
                let hint = match text {
                    true => Some("string(…) makes a text of a number"),
                    false => conversion(a, b),
                };
                let got = format!("{a} + {b}");
                return self.mismatch(at, "two numbers or two texts", &got, hint);
            }
        };
        let work = Work::Arithmetic(Arithmetic::Add, parts);
        Some((Tree { at, work }, Type::one(kind)))
    }

    fn join(
        &mut self,
        at: usize,
        join: Join,
        of: [&IdedExpr; 2],
        element: Option<Element<'_>>,
    ) -> Part {
        let (parts, _) = self.both(of, element, Kind::Bool)?;
        let work = Work::Join(join, parts);
        Some((Tree { at, work }, Type::one(Kind::Bool)))
    }

    fn compare(
        &mut self,
        at: usize,
        (op, name): (Comparison, &str),
        of: [&IdedExpr; 2],
        element: Option<Element<'_>>,
    ) -> Part {
        let (parts, [a, b]) = self.both(of, element, Kind::Any)?;
        if a.or(b).is_none() {
            let got = format!("{a} {} {b}", name.trim_matches('_'));
            return self.mismatch(at, "two of the same type", &got, conversion(a, b));
        }
        let work = Work::Comparison(op, parts);
        Some((Tree { at, work }, Type::one(Kind::Bool)))
    }

    fn choice(&mut self, at: usize, of: [&IdedExpr; 3], element: Option<Element<'_>>) -> Part {
        let [when, then, otherwise] = of;
        let when = self.one(when, element, Kind::Bool);
        let parts = self.both([then, otherwise], element, Kind::Any);
        let ((when, _), (parts, [a, b])) = (when?, parts?);
        let Some(kind) = a.or(b) else {
            let got = format!("{a} or {b}");
            return self.mismatch(at, "two of the same type", &got, conversion(a, b));
        };
        let [then, otherwise] = *parts;
        let work = Work::Choice(Box::new([
            when,
            cast(then, a, kind),
            cast(otherwise, b, kind),
        ]));
        Some((Tree { at, work }, Type::one(kind)))
    }

    fn member(&mut self, at: usize, of: [&IdedExpr; 2], element: Option<Element<'_>>) -> Part {
        let [item, list] = of;
        if name::named(list, None) == Some(Named::Parameters) {
            let Expr::Literal(LiteralValue::String(name)) = &item.expr else {
                let message = "expected a name in quotes before 'in request.parameters', got another expression";
                return self.unsupported(self.parsed.start(item), message, None);
            };
            let work = Work::Has(name.inner().into());
            return Some((Tree { at, work }, Type::one(Kind::Bool)));
        }
        let item = self.one(item, element, Kind::Any);
        let ((list_tree, of_list), (item, is)) = (self.part(list, element)?, item?);
        if of_list.width == Width::One {
            let start = self.parsed.start(list);
            let hint = (of_list.kind == Kind::Text).then_some("a part of a text: .contains('…')");
            return self.mismatch(start, "a list", &of_list.to_string(), hint);
        }
        if is.kind.or(of_list.kind).is_none() {
            let got = format!("{} in {of_list}", is.kind);
            let hint = conversion(is.kind, of_list.kind);
            return self.mismatch(at, "two of the same type", &got, hint);
        }
        let work = Work::Member(Box::new([item, list_tree]));
        Some((Tree { at, work }, Type::one(Kind::Bool)))
    }

    fn index(&mut self, at: usize, of: [&IdedExpr; 2], element: Option<Element<'_>>) -> Part {
        let [list, index] = of;
        let place = self.parsed.start(index);
        let index = self.one(index, element, Kind::Int);
        let ((list_tree, is), (index, _)) = (self.part(list, element)?, index?);
        let Width::List(size) = is.width else {
            let start = self.parsed.start(list);
            return self.mismatch(start, "a list of one axis", &is.to_string(), None);
        };
        if let Work::Constant(Scalar::Int(index)) = index.work {
            let beyond = |size| usize::try_from(index).map_or(true, |index| index >= size);
            if index < 0 || size.is_some_and(beyond) {
                let expected = match size {
                    Some(0) => "no index into an empty list".to_owned(),
                    Some(size) => format!("an index from 0 to {}", size - 1),
                    None => "an index from 0".to_owned(),
                };
                let message = format!("expected {expected}, got {index}");
                return self.problem(place, "out-of-range", message, None);
            }
        }
        let work = Work::Index(Box::new([list_tree, index]));
        Some((Tree { at, work }, Type::one(is.kind)))
    }
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        EQUALS => Comparison::Equal,
        NOT_EQUALS => Comparison::Unequal,
        LESS => Comparison::Less,
        LESS_EQUALS => Comparison::AtMost,
        GREATER => Comparison::Greater,
        GREATER_EQUALS => Comparison::AtLeast,
        _ => return None,
    })
}

/// How two of different types can be made alike.
fn conversion(a: Kind, b: Kind) -> Option<&'static str> {
    match (a, b) {
        (Kind::Text, Kind::Bool) | (Kind::Bool, Kind::Text) => {
            Some("bool(…) reads a bool from a text")
        }
        (Kind::Text, _) | (_, Kind::Text) => Some("double(…) reads a number from a text"),
        (Kind::Bool, _) | (_, Kind::Bool) => Some("int(…) makes 1 of true and 0 of false"),
        _ => None,
    }
}
