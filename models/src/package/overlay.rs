//! What `model.toml` and `config.pbtxt` say of ports, laid over the engine's contract.
//!
//! An engine's contract comes from the model file and is the truth about types and shapes; a statement that
//! contradicts it is an error that names both, one that narrows it is kept.

use std::num::NonZeroUsize;
use std::path::Path;

use super::files;
use super::manifest::{Manifest, Place, PortRules};
use super::triton::{Config, ConfigPort};
use crate::contract::{Batching, Contract, Dim, Dims, NonFinite, Port};
use crate::error::LoadError;
use crate::tensor::DataType;

/// Lays a manifest over the contract of a model in this folder.
///
/// # Errors
/// [`LoadError::Invalid`] naming file, line, port, what is stated and what the model has.
pub fn overlay(
    dir: &Path,
    manifest: &Manifest,
    mut contract: Contract,
) -> Result<Contract, LoadError> {
    if let Some(config) = &manifest.triton {
        triton(config, &mut contract)?;
    }
    for (what, ports, rules) in [
        ("input", &mut contract.inputs, &manifest.inputs),
        ("output", &mut contract.outputs, &manifest.outputs),
    ] {
        for (name, rules) in rules {
            let error = |text: String| {
                let Place { path, line } = &rules.place;
                files::invalid(
                    path,
                    format!("line {line}: contract.{what}s.{name}: {text}"),
                )
            };
            let names = names(ports);
            let port = ports.iter_mut().find(|p| *p.name == **name);
            let port =
                port.ok_or_else(|| error(format!("the model has no such {what}, it has {names}")))?;
            apply(port, rules).map_err(error)?;
        }
    }
    if let Some(limit) = manifest.limits.max_batch {
        limit_batch(dir, &mut contract, limit)?;
    }
    Ok(contract)
}

fn limit_batch(dir: &Path, contract: &mut Contract, limit: NonZeroUsize) -> Result<(), LoadError> {
    match &mut contract.batching {
        Batching::FirstAxis { max } => {
            *max = Some(max.map_or(limit, |own| own.min(limit)));
            Ok(())
        }
        Batching::None if limit.get() == 1 => Ok(()),
        Batching::None => Err(files::invalid(
            dir,
            format!(
                "batches of {limit} rows are asked for, but the model has no free first axis on all of its inputs \
                 and outputs; state no max_batch, or export the model with a free batch axis"
            ),
        )),
    }
}

fn apply(port: &mut Port, rules: &PortRules) -> Result<(), String> {
    let datatype = port.datatype;
    if let Some(range) = rules.range {
        if matches!(datatype, DataType::Bool | DataType::Bytes) {
            return Err(format!(
                "range: expected a port of numbers, it is {datatype}"
            ));
        }
        port.range = Some(range);
    }
    if let Some(categories) = &rules.categories {
        if is_float(datatype) {
            return Err(format!(
                "categories: expected a port of texts or whole numbers, it is {datatype}"
            ));
        }
        port.categories = Some(categories.clone().into());
    }
    if let Some(non_finite) = rules.non_finite {
        if !is_float(datatype) && non_finite == NonFinite::Forbidden {
            return Err(format!(
                "non_finite: expected a port of floating-point numbers, it is {datatype}"
            ));
        }
        port.non_finite = non_finite;
    }
    match &rules.labels {
        Some(labels) => label(port, labels),
        None => Ok(()),
    }
}

fn label(port: &mut Port, labels: &[String]) -> Result<(), String> {
    if let Some(Dim::Fixed(size)) = port.shape.last()
        && *size != labels.len()
    {
        return Err(format!(
            "labels: expected {size}, as many as the last axis of shape {} holds, got {}",
            Dims(&port.shape),
            labels.len()
        ));
    }
    port.labels = labels.to_vec().into();
    Ok(())
}

fn is_float(datatype: DataType) -> bool {
    use DataType::{Bf16, Fp16, Fp32, Fp64};
    matches!(datatype, Fp16 | Bf16 | Fp32 | Fp64)
}

fn names(ports: &[Port]) -> String {
    let names: Vec<_> = ports.iter().map(|p| format!("'{}'", p.name)).collect();
    names.join(", ")
}

// === config.pbtxt ===

fn triton(config: &Config, contract: &mut Contract) -> Result<(), LoadError> {
    let batched = config.max_batch_size.unwrap_or(0) > 0;
    if batched && contract.batching == Batching::None {
        return Err(files::invalid(
            &config.path,
            format!(
                "max_batch_size is {}, but the model has no free first axis on all of its inputs and outputs; \
                 expected max_batch_size: 0",
                config.max_batch_size.unwrap_or(0)
            ),
        ));
    }
    ports(
        config,
        "input",
        &config.inputs,
        &mut contract.inputs,
        batched,
    )?;
    ports(
        config,
        "output",
        &config.outputs,
        &mut contract.outputs,
        batched,
    )?;
    // Triton asks for all inputs where it asks for any, and for as many outputs as one likes.
    if !config.inputs.is_empty() {
        let stated = |port: &&Port| config.inputs.iter().any(|c| *c.name == *port.name);
        if let Some(port) = contract.inputs.iter().find(|p| !stated(p)) {
            return Err(files::invalid(
                &config.path,
                format!(
                    "input '{}' of the model is not stated: expected {}",
                    port.name,
                    names(&contract.inputs)
                ),
            ));
        }
    }
    if config.max_batch_size == Some(0) {
        // The file says that requests of this model are not to be joined.
        contract.batching = Batching::None;
    }
    Ok(())
}

fn ports(
    config: &Config,
    what: &str,
    stated: &[ConfigPort],
    ports: &mut [Port],
    batched: bool,
) -> Result<(), LoadError> {
    for state in stated {
        let error = |text: String| {
            let place = format!("line {}: {what} '{}'", state.line, state.name);
            files::invalid(&config.path, format!("{place}: {text}"))
        };
        let names = names(ports);
        let port = ports.iter_mut().find(|p| *p.name == *state.name);
        let port =
            port.ok_or_else(|| error(format!("the model has no such {what}, it has {names}")))?;
        if port.datatype != state.datatype {
            return Err(error(format!(
                "the file states datatype {}, the model has {}",
                state.datatype, port.datatype
            )));
        }
        let axes = match (batched, port.shape.split_first_mut()) {
            (true, Some((_, rest))) => rest,
            _ => &mut port.shape[..],
        };
        let fits = axes.len() == state.dims.len()
            && axes.iter().zip(&state.dims).all(|(own, stated)| match own {
                Dim::Fixed(size) => *stated == Some(*size),
                Dim::Free(_) => true,
            });
        if !fits && !state.dims.is_empty() {
            let shown: Vec<_> = state
                .dims
                .iter()
                .map(|d| d.map_or("-1".to_owned(), |n| n.to_string()))
                .collect();
            let batch = if batched { " after its batch axis" } else { "" };
            return Err(error(format!(
                "the file states dims [{}], the model has {}{batch}",
                shown.join(", "),
                Dims(axes)
            )));
        }
        for (own, stated) in axes.iter_mut().zip(&state.dims) {
            if let (Dim::Free(_), Some(size)) = (&*own, stated) {
                *own = Dim::Fixed(*size);
            }
        }
        if let Some(labels) = &state.labels {
            label(port, labels).map_err(error)?;
        }
    }
    Ok(())
}
