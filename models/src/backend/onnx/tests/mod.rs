//! Tests of the ONNX engine: the fixtures' own numbers (`fixtures`), files that must be refused (`refused`), and
//! small graphs (`built`, of what is in `graphs`). What is changed in graphs is tested beside its code.

mod built;
mod fixtures;
pub(super) mod graphs;
mod refused;

use std::path::{Path, PathBuf};

use super::loader::OnnxLoader;
use crate::error::LoadError;
use crate::loader::{Loader, Model};
use crate::package::{Artifact, Manifest, Package};

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The package of a folder that holds `model.onnx`.
fn package(dir: &Path) -> Package {
    Package {
        model: "tested".parse().unwrap(),
        version: "1".parse().unwrap(),
        dir: dir.to_owned(),
        artifact: Artifact::Onnx(dir.join("model.onnx")),
        manifest: Manifest::default(),
    }
}

fn load(dir: &Path) -> Result<Box<dyn Model>, LoadError> {
    OnnxLoader::default().load(&package(dir))
}

/// An error with its causes, as the daemon shows it.
fn text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
