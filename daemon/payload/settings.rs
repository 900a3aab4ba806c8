//! What is kept, of which requests, and how much of it.

use std::path::PathBuf;

use glob::Pattern;

use super::redact::Field;

/// The settings of the log, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The folder of the files. It is the log's own: what is oldest in it is deleted.
    pub folder: PathBuf,
    /// The share of all requests, from 0 to 1.
    pub sample: f64,
    /// The share of those that fail, from 0 to 1.
    pub failures: f64,
    /// The pipelines.
    pub pipelines: Vec<Pattern>,
    /// Bytes of a file; the next one begins before it has more.
    pub max_file: u64,
    /// The most files.
    pub max_files: usize,
    /// Bytes of all files.
    pub max_total: u64,
    /// Records that may wait to be written.
    pub queue: usize,
    /// Bytes of the tensors that may wait with them.
    pub queue_bytes: usize,
    /// Bytes of a record; a larger one is kept without its tensors.
    pub max_record: usize,
    /// What is not written down.
    pub redact: Vec<Field>,
}

/// That a request is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Whatever becomes of it.
    Always,
    /// If it fails.
    Failed,
}

// === impl Settings ===

impl Settings {
    /// Whether requests to a pipeline are kept at all.
    #[must_use]
    pub fn wants(&self, pipeline: &str) -> bool {
        self.sample.max(self.failures) > 0.0
            && self.pipelines.iter().any(|glob| glob.matches(pipeline))
    }

    /// Whether a request is kept. Its id decides, so that all who see the same request agree; one without an id is drawn.
    #[must_use]
    pub fn pick(&self, id: Option<&str>, draw: impl FnOnce() -> u64) -> Option<Pick> {
        let place = share(id.map_or_else(draw, hash));
        if place < self.sample {
            Some(Pick::Always)
        } else if place < self.failures {
            Some(Pick::Failed)
        } else {
            None
        }
    }
}

/// FNV-1a (Fowler, Noll, Vo), mixed once more so that ids that count up are spread out. It is no secret: who chooses ids
/// may choose to be kept.
fn hash(id: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in id.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// 64 bits as a number from 0 up to, but without, 1.
fn share(bits: u64) -> f64 {
    const KEPT: u32 = f64::MANTISSA_DIGITS;
    (bits >> (u64::BITS - KEPT)) as f64 / (1u64 << KEPT) as f64
}
