//! Opening ONNX Runtime's shared library, once for the process, and never twice.
//!
//! The version is looked at before the library is given to the binding, and what the binding panics at is
//! contained: a library that is missing, old or broken is a message, whatever it is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;

use super::super::loader::panic_text;
use super::places::{self, NamedBy, OLDEST, Surroundings, VARIABLE};
use crate::backend::{Engines, Use};
use crate::error::LoadError;

/// The library that this process uses. The binding allows one environment and one library for its lifetime.
static OPENED: Mutex<Option<Runtime>> = Mutex::new(None);

/// What to do where the library is missing.
const REMEDY: &str = "`pip install onnxruntime`, or name its shared library by the variable ORT_DYLIB_PATH or the setting \
     engines.onnxruntime_library";

/// ONNX Runtime, ready to make sessions. Cloning shares it.
#[derive(Clone)]
pub(in super::super) struct Runtime {
    pub(super) environment: Environment,
    path: PathBuf,
    version: Option<String>,
}

/// Finds and opens the library, as far as it is wanted, and says in the log what came of it.
///
/// # Errors
/// [`LoadError::Unsupported`] where it is required and cannot be used.
pub(in super::super) fn find(engines: &Engines) -> Result<Option<Runtime>, LoadError> {
    if engines.onnxruntime == Use::Off {
        return Ok(None);
    }
    let (named, found) = search(&Surroundings::of_process(), engines.library.as_deref());
    match (found, engines.onnxruntime) {
        (Ok(runtime), _) => {
            tracing::info!(
                version = runtime.version(),
                library = %runtime.path.display(),
                "ONNX Runtime is used for ONNX models"
            );
            Ok(Some(runtime))
        }
        (Err(what), Use::Require) => Err(LoadError::Unsupported {
            what: format!("engines.onnxruntime is \"require\", but {what}"),
            remedy: REMEDY.into(),
        }),
        (Err(what), _) => {
            let what = format!("{what}; the built-in engine runs ONNX models");
            match named {
                // Nobody asked for it, so nothing is wrong.
                NamedBy::Nobody => tracing::info!(remedy = REMEDY, "{what}"),
                NamedBy::Variable | NamedBy::Setting => tracing::warn!(remedy = REMEDY, "{what}"),
            }
            Ok(None)
        }
    }
}

/// The first library that can be used of those there are.
pub(super) fn search(
    around: &Surroundings,
    setting: Option<&Path>,
) -> (NamedBy, Result<Runtime, String>) {
    let (named, candidates) = places::candidates(around, setting);
    let by = match named {
        NamedBy::Variable => format!(", which {VARIABLE} names,"),
        NamedBy::Setting => ", which engines.onnxruntime_library names,".to_owned(),
        NamedBy::Nobody => String::new(),
    };
    let mut failures = Vec::new();
    for path in candidates {
        match open(&path) {
            Ok(runtime) => return (named, Ok(runtime)),
            Err(what) => failures.push(format!("{}{by} {what}", path.display())),
        }
    }
    if failures.is_empty() {
        failures.push("ONNX Runtime was not found".to_owned());
    }
    (named, Err(failures.join("; ")))
}

/// Opens a library, or hands out the one that is open where it is the same.
fn open(path: &Path) -> Result<Runtime, String> {
    let real = path
        .canonicalize()
        .map_err(|error| format!("cannot be read: {error}"))?;
    if !real.is_file() {
        return Err("is no file".to_owned());
    }
    let version = places::version(&real);
    if let Some(version) = version.filter(|version| *version < OLDEST) {
        return Err(format!(
            "is ONNX Runtime {version}, expected {OLDEST} or newer"
        ));
    }
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(open) = &*opened {
        return match open.path == real {
            true => Ok(open.clone()),
            false => Err(format!(
                "cannot be opened beside {}, which this process uses already",
                open.path.display()
            )),
        };
    }
    let made = catch_unwind(AssertUnwindSafe(|| {
        let builder = ort::init_from(&real).map_err(|error| error.to_string())?;
        let built = builder
            .with_name("impresario")
            .with_telemetry(false)
            .with_logger(Arc::new(log))
            .build();
        let environment = built.map_err(|error| error.to_string())?;
        environment.set_log_level(LogLevel::Warning);
        Ok(environment)
    }));
    let environment = made
        .unwrap_or_else(|panic| Err(panic_text(&*panic)))
        .map_err(|what: String| format!("cannot be used: {what}"))?;
    let runtime = Runtime {
        environment,
        path: real,
        version: version.map(|version| version.to_string()),
    };
    *opened = Some(runtime.clone());
    Ok(runtime)
}

/// What the library says. Its errors come back from the calls as well, where they are reported.
fn log(_: LogLevel, _category: &str, id: &str, place: &str, message: &str) {
    tracing::debug!(target: "onnxruntime", id, place, "{message}");
}

// === impl Runtime ===

impl Runtime {
    /// The library's version, as far as its name says it.
    pub(in super::super) fn version(&self) -> &str {
        self.version.as_deref().unwrap_or("of unknown version")
    }
}
