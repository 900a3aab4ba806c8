//! The words for what both forms of a composite have in common.

use impresario_models::{Dim, Port};

use super::Value;
use crate::combine::{Op, Rule};
use crate::spec::composite::{OnError, Retry};

pub(super) fn port(port: &Port) -> Value {
    let axes = port.shape.iter().map(|dim| match dim {
        Dim::Fixed(size) => size.to_string(),
        Dim::Free(None) => "-1".to_owned(),
        Dim::Free(Some(name)) => name.to_string(),
    });
    let axes: Vec<String> = axes.collect();
    Value {
        name: port.name.to_string(),
        of: Some(format!("{} [{}]", port.datatype, axes.join(", "))),
    }
}

pub(super) fn ensemble(rule: &Rule, of: usize, quorum: usize) -> String {
    let quorum = match quorum < of {
        true => format!(", quorum {quorum}"),
        false => String::new(),
    };
    format!("{} of {of}{quorum}", rule.name())
}

pub(super) fn transform(op: &Op) -> String {
    format!("transform {}", op.name())
}

/// Time, attempts and failure, in that order; a fallback is drawn as what is named.
pub(super) fn terms<N>(
    timeout: Option<std::time::Duration>,
    retry: Option<Retry>,
    on_error: &OnError<N>,
) -> Vec<String> {
    let mut terms = Vec::new();
    if let Some(timeout) = timeout {
        terms.push(format!("timeout {}", humantime::format_duration(timeout)));
    }
    if let Some(Retry { attempts, backoff }) = retry {
        let backoff = humantime::format_duration(backoff);
        terms.push(format!(
            "up to {attempts} attempts, the second after {backoff}"
        ));
    }
    match on_error {
        OnError::Fail | OnError::Fallback(_) => {}
        OnError::Skip => terms.push("skipped where it fails".to_owned()),
        OnError::Default(_) => terms.push("its default where it fails".to_owned()),
    }
    terms
}
