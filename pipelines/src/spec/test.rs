//! Tests of pipelines, as a file holds them beside: what is asked, and what must come of it. Running them is the daemon's
//! work, and so is reading the files that they name.

use std::sync::Arc;

use impresario_models::Name;
use serde_json::Value;

use super::document::Path;
use super::read::{Kept, Origin, Part, Place};
use crate::expr::Parameters;

/// A request to a pipeline, and what is expected of the answer: one of at most 1,000 in a file's list `tests`.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// `pipeline`: the pipeline that is asked, which the same file defines. Required.
    pub pipeline: Name,
    /// `name`: what the test is called, at most 128 characters. Default: nothing.
    pub name: Option<String>,
    /// `inputs`: the inputs, by name in the order of the names, at most 256. Default: none.
    pub inputs: Vec<(Arc<str>, Data)>,
    /// `parameters`: truths, numbers or texts that the request says beside, at most 256. Default: none.
    pub parameters: Parameters,
    /// `key`: what the pipeline's key is to find, wherever it looks, at most 1,024 characters. Default: nothing.
    pub key: Option<String>,
    /// `expect`: outputs that are expected, by name in the order of the names, at most 256; others may be anything.
    /// Default: none.
    pub expect: Vec<(Arc<str>, Data)>,
    /// `tolerance`: how far a floating-point number may be off, absolute and relative together: |got − expected| ≤ t +
    /// t·|expected|. From 0. Default: 0.00001.
    pub tolerance: f64,
    /// `path`: nodes of the pipeline's graph that must have taken part, at most 256. Default: any.
    pub path: Vec<Arc<str>>,
    /// `skipped`: nodes of the pipeline's graph that must not have, at most 256. Default: any.
    pub skipped: Vec<Arc<str>>,
    pub(super) at: Path,
    pub(super) text: Kept,
}

/// The elements of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// `[[5.1, 3.5]]`: one element, or lists of them, nested as the axes are.
    Inline(Value),
    /// `{ file = "rows.json" }`: as a file holds them, in the same form as JSON. The path goes from the folder of the test's
    /// file and does not leave it, as far as its text tells.
    File(String),
}

// === impl Test ===

impl Test {
    /// How far a number may be off where nothing is said.
    pub const TOLERANCE: f64 = 1e-5;

    /// The file that holds the test.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.text.file
    }

    /// Where in the file's tree it stands, such as `tests[2]`: the base of the paths of its problems.
    #[must_use]
    pub fn at(&self) -> &Path {
        &self.at
    }
}

/// Problems that are found only when it is run still have their places.
impl Origin for Test {
    fn place(&self, path: &Path, part: Part) -> Place {
        self.text.place(path, part)
    }
}
