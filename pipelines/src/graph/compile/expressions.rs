//! Expressions and conditions of a composite, with where what they read comes from.

use std::sync::Arc;

use impresario_models::{DataType, Port};

use super::super::names;
use super::super::problem::At;
use super::super::shape::{Condition, Feed};
use super::{Rows, Typing};
use crate::expr::{Expression, Scope};
use crate::spec::composite::Reference;

impl Typing<'_> {
    /// An expression of whatever type.
    pub(super) fn expression(&mut self, text: &str, at: &At) -> Option<Condition> {
        if self.told.contains(at) {
            return None;
        }
        let mut scope = Known(Vec::new());
        let mut all = true;
        for of in Expression::references(text).ok()? {
            match self.feed(&of, at) {
                Some((feed, port)) => scope.0.push((of, feed, port)),
                None => all = false,
            }
        }
        if !all {
            return None;
        }
        let rows = self.rows.clone();
        match rows.try_with(|batched| Expression::check(text, &scope, batched)) {
            Ok((expression, of)) => {
                let of = of.iter().map(|of| scope.find(of).map(|(feed, _)| *feed));
                let of = of.collect::<Option<_>>();
                Some(Condition {
                    expression: Arc::new(expression),
                    of: of.expect("an expression reads what it was told of"),
                })
            }
            Err(_) if self.only_by_row(text, &scope, at) => None,
            Err(all) => {
                self.told.insert(at.clone());
                let all = all.into_iter().map(|one| names::unfit(at, one));
                self.problems.extend(all);
                None
            }
        }
    }

    /// Whether an expression is sound where there are rows, and there are none; it is told here then.
    fn only_by_row(&mut self, text: &str, scope: &Known, at: &At) -> bool {
        let Rows::Whole { why } = &self.rows else {
            return false;
        };
        if Expression::check(text, scope, true).is_err() {
            return false;
        }
        let message = format!(
            "this comes to one thing a row, and the composite answers each request as a whole, because {why}"
        );
        let hint = "make one of all rows, such as by .max() or by .all(x, x > 0.5)".to_owned();
        self.tell(at.clone(), "only-by-row", message, Some(hint));
        true
    }

    /// An expression that holds or not, for all rows or by row.
    pub(super) fn condition(&mut self, text: &str, at: &At) -> Option<Condition> {
        let condition = self.expression(text, at)?;
        let expression = &condition.expression;
        let port = expression.port();
        if port.datatype != DataType::Bool {
            let message = format!("expected a condition, true or false, got {}", port.datatype);
            let hint = "compare it, such as > 0.5 or == 'gold'".to_owned();
            self.tell(at.clone(), "type-mismatch", message, Some(hint));
            return None;
        }
        Some(condition)
    }
}

/// What an expression may read.
struct Known(Vec<(Reference, Feed, Port)>);

impl Known {
    fn find(&self, reference: &Reference) -> Option<(&Feed, &Port)> {
        let mut all = self.0.iter();
        let (_, feed, port) = all.find(|(of, ..)| of == reference)?;
        Some((feed, port))
    }
}

impl Scope for Known {
    fn port(&self, reference: &Reference) -> Result<Port, (String, Option<String>)> {
        match self.find(reference) {
            Some((_, port)) => Ok(port.clone()),
            None => Err((format!("'{reference}' is not known here"), None)),
        }
    }
}
