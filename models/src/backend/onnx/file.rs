//! Reading a file into ONNX's own form, and the first look at it: versions of the format and of its operator sets.
//!
//! Whether the graph makes sense is `check`'s question.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use tract_onnx::pb::{GraphProto, ModelProto};
use tract_onnx::prelude::Framework;

use super::loader::one_line;
use crate::error::LoadError;

/// The newest format version (`ir_version`) whose files this engine reads: that of ONNX 1.20.
const NEWEST_FORMAT: i64 = 13;
/// The newest operator sets whose meaning is known here, by domain. A newer set may change what an operator
/// computes, so a file that wants one is refused rather than computed wrongly.
const NEWEST_SETS: [(&str, i64); 3] = [("", 25), ("ai.onnx", 25), ("ai.onnx.ml", 5)];

/// Where a model came from: for messages, and for external data.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// The file, or what stands for it in messages when the model was embedded.
    pub(super) path: PathBuf,
    /// The folder that external data may lie in; nothing where the model stands alone.
    pub(super) dir: Option<PathBuf>,
}

impl Origin {
    /// The file is not what it should be.
    pub(super) fn invalid(&self, what: impl Into<String>) -> LoadError {
        LoadError::Invalid {
            path: self.path.clone(),
            what: what.into(),
        }
    }
}

/// Reads a file.
///
/// # Errors
/// [`LoadError::Read`] where it cannot be read.
pub(super) fn read(path: &Path) -> Result<(Vec<u8>, Origin), LoadError> {
    let bytes = fs::read(path).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })?;
    let origin = Origin {
        path: path.to_owned(),
        dir: path.parent().map(Path::to_owned),
    };
    Ok((bytes, origin))
}

/// Parses a model and looks at its versions.
///
/// # Errors
/// [`LoadError::Invalid`] where this is no ONNX model, [`LoadError::Unsupported`] where it is too new.
pub(super) fn parse(
    reader: &mut dyn Read,
    length: u64,
    origin: &Origin,
) -> Result<ModelProto, LoadError> {
    let proto = decode(reader, length, origin)?;
    versions(&proto)?;
    sound(&proto, origin)?;
    Ok(proto)
}

/// Parses a model, of whatever version it is.
///
/// # Errors
/// [`LoadError::Invalid`] where this is no ONNX model.
pub(super) fn decode(
    reader: &mut dyn Read,
    length: u64,
    origin: &Origin,
) -> Result<ModelProto, LoadError> {
    if length == 0 {
        return Err(origin.invalid("expected an ONNX model, got an empty file"));
    }
    tract_onnx::onnx()
        .proto_model_for_read(reader)
        .map_err(|e| {
            origin.invalid(format!(
                "expected an ONNX model (a protobuf message), got {length} bytes that do not parse: {}",
                one_line(&e)
            ))
        })
}

/// That there is a graph with something to compute.
///
/// # Errors
/// [`LoadError::Invalid`] where there is none.
pub(super) fn sound(proto: &ModelProto, origin: &Origin) -> Result<(), LoadError> {
    let graph = proto
        .graph
        .as_ref()
        .ok_or_else(|| origin.invalid("expected a model with a graph, got one without"))?;
    if graph.output.is_empty() {
        return Err(origin.invalid("expected a graph with at least one output, got none"));
    }
    Ok(())
}

/// The graph of a model that [`parse`] accepted.
pub(super) fn graph(proto: &ModelProto) -> &GraphProto {
    proto
        .graph
        .as_ref()
        .expect("parse refuses models without a graph")
}

/// The graph of a model that [`parse`] accepted, to be changed.
pub(super) fn graph_mut(proto: &mut ModelProto) -> &mut GraphProto {
    proto
        .graph
        .as_mut()
        .expect("parse refuses models without a graph")
}

pub(super) fn versions(proto: &ModelProto) -> Result<(), LoadError> {
    if proto.ir_version > NEWEST_FORMAT {
        return Err(LoadError::Unsupported {
            what: format!(
                "the file's format is ONNX IR version {}, expected at most {NEWEST_FORMAT}",
                proto.ir_version
            ),
            remedy: "export with an older `onnx` package, or set `model.ir_version` before saving"
                .into(),
        });
    }
    for import in &proto.opset_import {
        let newest = NEWEST_SETS
            .iter()
            .find(|(domain, _)| *domain == import.domain);
        if let Some(&(_, newest)) = newest
            && import.version > newest
        {
            let domain = if import.domain.is_empty() {
                "ai.onnx"
            } else {
                &import.domain
            };
            return Err(LoadError::Unsupported {
                what: format!(
                    "the file uses operator set {} of domain '{domain}', expected at most {newest}",
                    import.version
                ),
                remedy: format!(
                    "export with a target opset of at most {newest}, or convert with `onnx.version_converter`"
                ),
            });
        }
    }
    Ok(())
}
