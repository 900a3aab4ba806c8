//! What the names of an expression stand for.

use cel::common::ast::operators::INDEX;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue};

use super::parse::children;
use crate::spec::composite::Reference;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Named<'e> {
    /// `request` alone.
    Request,
    /// `request.parameters` alone.
    Parameters,
    /// A parameter of the request.
    Parameter(&'e str),
    /// An input of the request or an output of a node.
    Value(Reference),
    /// The element that `all` and `exists` look at.
    Element,
}

/// `list.all(x, P)` or `list.exists(x, P)`.
pub(super) struct Each<'e> {
    /// Whether it is `all`.
    pub(super) all: bool,
    /// What is asked of each.
    pub(super) holds: &'e IdedExpr,
}

/// What a part stands for, where it is a name. `element` is the name of the element, inside of `all` and `exists`.
pub(super) fn named<'e>(of: &'e IdedExpr, element: Option<&str>) -> Option<Named<'e>> {
    match &of.expr {
        Expr::Ident(name) if Some(name.as_str()) == element => Some(Named::Element),
        Expr::Ident(name) if name == "request" => Some(Named::Request),
        Expr::Ident(name) => Some(Named::Value(Reference::Node {
            node: name.as_str().into(),
            port: None,
        })),
        Expr::Select(select) if !select.test => {
            let whole = named(&select.operand, element)?;
            if whole == Named::Request && select.field == "parameters" {
                return Some(Named::Parameters);
            }
            member(&whole, &select.field)
        }
        Expr::Call(call) => {
            let (whole, field) = indexed(call)?;
            member(&named(whole, element)?, field)
        }
        _ => None,
    }
}

/// All values that are read, each once, in the order in which they are first named.
pub(super) fn references(root: &IdedExpr) -> Vec<Reference> {
    let mut found = Vec::new();
    collect(root, None, &mut found);
    found
}

/// What a macro stood for, where it was one of those that there are here.
pub(super) fn each(of: &ComprehensionExpr) -> Option<Each<'_>> {
    let Expr::Call(step) = &of.loop_step.expr else {
        return None;
    };
    let all = match step.func_name.as_str() {
        "_&&_" => true,
        "_||_" => false,
        _ => return None,
    };
    match (step.args.as_slice(), &of.iter_var2) {
        ([_, holds], None) => Some(Each { all, holds }),
        _ => None,
    }
}

/// `WHOLE["NAME"]`
fn indexed(call: &CallExpr) -> Option<(&IdedExpr, &str)> {
    match call.args.as_slice() {
        [whole, index] if call.func_name == INDEX => match &index.expr {
            Expr::Literal(LiteralValue::String(name)) => Some((whole, name.inner())),
            _ => None,
        },
        _ => None,
    }
}

fn member<'e>(whole: &Named<'e>, name: &'e str) -> Option<Named<'e>> {
    match whole {
        Named::Request => Some(Named::Value(Reference::Request(name.into()))),
        Named::Parameters => Some(Named::Parameter(name)),
        Named::Value(Reference::Node { node, port: None }) => Some(Named::Value(Reference::Node {
            node: node.clone(),
            port: Some(name.into()),
        })),
        Named::Value(_) | Named::Parameter(_) | Named::Element => None,
    }
}

fn collect(of: &IdedExpr, element: Option<&str>, found: &mut Vec<Reference>) {
    match named(of, element) {
        Some(Named::Value(reference)) => {
            if !found.contains(&reference) {
                found.push(reference);
            }
        }
        Some(_) => {}
        None => match &of.expr {
            Expr::Comprehension(list) => {
                collect(&list.iter_range, element, found);
                if let Some(each) = each(list) {
                    collect(each.holds, Some(&list.iter_var), found);
                }
            }
            _ => {
                for part in children(of) {
                    collect(part, element, found);
                }
            }
        },
    }
}
