//! `config.pbtxt`: what a Triton user's configuration says that has a meaning here.
//!
//! Read are name, `max_batch_size`, inputs, outputs, label files, the version policy, and of scheduling the count of
//! instances, the delay of batches and whether answers are kept; the rest is ignored with a warning. Checking it against a model's contract is [`super::overlay`]'s business. Source: Triton's
//! `model_config.proto`.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files;
use super::manifest::VersionPolicy;
use super::pbtxt::{self, Field, Value};
use crate::error::LoadError;
use crate::name::{Name, VersionNumber};
use crate::tensor::DataType;

/// The name of the file, in the model's folder.
pub const CONFIG_FILE: &str = "config.pbtxt";

/// The largest configuration or label file, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Fields without a meaning here that every exporter writes; they need no warning.
const SILENT: [&str; 4] = ["platform", "backend", "runtime", "default_model_filename"];

/// A configuration in Triton's words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The file.
    pub path: PathBuf,
    /// The most rows in a batch; 0 says that requests are not joined, and dims then hold every axis.
    pub max_batch_size: Option<usize>,
    /// The inputs stated.
    pub inputs: Vec<ConfigPort>,
    /// The outputs stated.
    pub outputs: Vec<ConfigPort>,
    /// Which versions are served.
    pub versions: Option<VersionPolicy>,
    /// `instance_group`: computations at a time, of all groups together.
    pub instances: Option<NonZeroUsize>,
    /// `dynamic_batching.max_queue_delay_microseconds`: how long a computation waits for more requests.
    pub max_delay: Option<Duration>,
    /// `response_cache.enable`: whether answers are kept.
    pub cache: Option<bool>,
    /// Fields that were ignored, with their lines.
    pub warnings: Vec<String>,
}

/// One input or output in Triton's words.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigPort {
    /// Its name.
    pub name: String,
    /// Its datatype.
    pub datatype: DataType,
    /// The sizes of its axes, free ones as nothing; without the batch axis where `max_batch_size` is above 0.
    pub dims: Vec<Option<usize>>,
    /// The lines of its label file.
    pub labels: Option<Vec<String>>,
    /// The line it starts on.
    pub line: usize,
}

/// Where a value stands, for its error.
struct At<'a> {
    path: &'a Path,
    key: String,
    line: usize,
}

// === impl Config ===

impl Config {
    /// Reads the model's configuration, where it has one.
    ///
    /// # Errors
    /// [`LoadError`] with file, line, key, expected and got.
    pub(super) fn read(root: &Path, dir: &Path, model: &Name) -> Result<Option<Self>, LoadError> {
        let path = dir.join(CONFIG_FILE);
        let Some(text) = files::text(root, &path, MAX_BYTES)? else {
            return Ok(None);
        };
        let fields = pbtxt::parse(&text).map_err(|e| files::invalid(&path, e.to_string()))?;
        let mut config = Self {
            path,
            ..Self::default()
        };
        for field in &fields {
            config.field(root, dir, model, field)?;
        }
        Ok(Some(config))
    }

    fn field(
        &mut self,
        root: &Path,
        dir: &Path,
        model: &Name,
        field: &Field,
    ) -> Result<(), LoadError> {
        let path = self.path.clone();
        let at = At::new(&path, field);
        match field.name.as_str() {
            "name" => {
                let name = at.text(&field.value)?;
                if name != model.as_str() {
                    return Err(at.expected(
                        &format!("'{model}', the name of the model's folder"),
                        &field.value,
                    ));
                }
            }
            "max_batch_size" => self.max_batch_size = Some(at.number(&field.value)?),
            "input" => {
                let port = self.port(root, dir, &at, &field.value)?;
                self.inputs.push(port);
            }
            "output" => {
                let port = self.port(root, dir, &at, &field.value)?;
                self.outputs.push(port);
            }
            "version_policy" => {
                let policy = self.policy(&at, &field.value)?;
                self.versions = Some(policy);
            }
            "instance_group" => self.instance_group(&at, &field.value)?,
            "dynamic_batching" => self.dynamic_batching(&at, &field.value)?,
            "response_cache" => {
                for inner in at.message(&field.value)? {
                    let at = at.inner(&path, inner);
                    match inner.name.as_str() {
                        "enable" => self.cache = Some(at.flag(&inner.value)?),
                        _ => self.ignore(&at),
                    }
                }
            }
            name if SILENT.contains(&name) => {}
            _ => self.ignore(&at),
        }
        Ok(())
    }

    /// Groups add up; which device they name has no meaning here.
    fn instance_group(&mut self, at: &At<'_>, value: &Value) -> Result<(), LoadError> {
        let path = self.path.clone();
        let mut count = NonZeroUsize::MIN;
        for field in at.message(value)? {
            let at = at.inner(&path, field);
            match field.name.as_str() {
                "count" => {
                    count = NonZeroUsize::new(at.number(&field.value)?)
                        .ok_or_else(|| at.expected("a whole number from 1", &field.value))?;
                }
                "kind" | "name" => {}
                _ => self.ignore(&at),
            }
        }
        let known = self.instances.map_or(0, NonZeroUsize::get);
        self.instances = Some(count.saturating_add(known));
        Ok(())
    }

    fn dynamic_batching(&mut self, at: &At<'_>, value: &Value) -> Result<(), LoadError> {
        let path = self.path.clone();
        for field in at.message(value)? {
            let at = at.inner(&path, field);
            match field.name.as_str() {
                "max_queue_delay_microseconds" => {
                    let micros = at.number(&field.value)?;
                    let delay = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
                    if delay > Duration::from_secs(1) {
                        return Err(at.expected("at most 1000000, a second", &field.value));
                    }
                    self.max_delay = Some(delay);
                }
                // A batch takes what waits, and each answer goes to its own request.
                "preferred_batch_size" | "preserve_ordering" => {}
                _ => self.ignore(&at),
            }
        }
        Ok(())
    }

    fn port(
        &mut self,
        root: &Path,
        dir: &Path,
        at: &At<'_>,
        value: &Value,
    ) -> Result<ConfigPort, LoadError> {
        let path = self.path.clone();
        let (mut name, mut datatype, mut labels) = (None, None, None);
        let mut dims = Vec::new();
        for field in at.message(value)? {
            let at = at.inner(&path, field);
            match field.name.as_str() {
                "name" => name = Some(at.text(&field.value)?.to_owned()),
                "data_type" => datatype = Some(at.datatype(&field.value)?),
                "dims" => dims.push(at.dim(&field.value)?),
                "label_filename" => {
                    let name = at.text(&field.value)?;
                    let text = files::resolve(root, dir, name)
                        .and_then(|file| files::text(root, &file, MAX_BYTES))
                        .map_err(|e| at.error(&format!("'{name}': {}", files::reason(&e))))?
                        .unwrap_or_default();
                    labels = Some(text.lines().map(|l| l.trim_end().to_owned()).collect());
                }
                "reshape" => {
                    return Err(LoadError::Unsupported {
                        what: format!(
                            "{}: line {}: {} is not supported",
                            path.display(),
                            at.line,
                            at.key
                        ),
                        remedy: "state the shape that the model file has, without reshape".into(),
                    });
                }
                _ => self.ignore(&at),
            }
        }
        let missing = |key: &str| at.error(&format!("expected a {key} in it, found none"));
        Ok(ConfigPort {
            name: name.ok_or_else(|| missing("name"))?,
            datatype: datatype.ok_or_else(|| missing("data_type"))?,
            dims,
            labels,
            line: at.line,
        })
    }

    fn policy(&mut self, at: &At<'_>, value: &Value) -> Result<VersionPolicy, LoadError> {
        let path = self.path.clone();
        let [choice] = at.message(value)? else {
            return Err(at.error("expected one of latest, all and specific"));
        };
        let inner = at.inner(&path, choice);
        let fields = inner.message(&choice.value)?;
        match choice.name.as_str() {
            "all" => Ok(VersionPolicy::All),
            "latest" => {
                let mut latest = NonZeroUsize::MIN;
                for field in fields {
                    let at = inner.inner(&path, field);
                    match field.name.as_str() {
                        "num_versions" => {
                            latest =
                                NonZeroUsize::new(at.number(&field.value)?).ok_or_else(|| {
                                    at.expected("a whole number from 1", &field.value)
                                })?;
                        }
                        _ => self.ignore(&at),
                    }
                }
                Ok(VersionPolicy::Latest(latest))
            }
            "specific" => {
                let mut list = BTreeSet::new();
                for field in fields {
                    let at = inner.inner(&path, field);
                    match field.name.as_str() {
                        "versions" => {
                            let number = at.number(&field.value)?;
                            let version = u64::try_from(number).ok().and_then(VersionNumber::new);
                            list.insert(version.ok_or_else(|| {
                                at.expected("a version number from 1", &field.value)
                            })?);
                        }
                        _ => self.ignore(&at),
                    }
                }
                match list.is_empty() {
                    true => Err(inner.error("expected at least one of versions, found none")),
                    false => Ok(VersionPolicy::List(list)),
                }
            }
            _ => Err(inner.error("expected one of latest, all and specific")),
        }
    }

    fn ignore(&mut self, at: &At<'_>) {
        // A file of a thousand unknown fields is not worth a thousand lines in the log.
        if self.warnings.len() < 20 {
            self.warnings.push(format!(
                "{}: line {}: {} has no meaning here and is ignored",
                self.path.display(),
                at.line,
                at.key
            ));
        }
    }
}

// === impl At ===

impl<'a> At<'a> {
    fn new(path: &'a Path, field: &Field) -> Self {
        Self {
            path,
            key: field.name.clone(),
            line: field.line,
        }
    }

    fn inner<'b>(&self, path: &'b Path, field: &Field) -> At<'b> {
        At {
            path,
            key: format!("{}.{}", self.key, field.name),
            line: field.line,
        }
    }

    fn error(&self, what: &str) -> LoadError {
        files::invalid(
            self.path,
            format!("line {}: {}: {what}", self.line, self.key),
        )
    }

    fn expected(&self, expected: &str, got: &Value) -> LoadError {
        let got = match got {
            Value::Text(text) => format!("\"{}\"", text.chars().take(60).collect::<String>()),
            Value::Number(text) | Value::Word(text) => text.chars().take(60).collect(),
            Value::Message(_) => "a message".to_owned(),
        };
        self.error(&format!("expected {expected}, got {got}"))
    }

    fn message<'v>(&self, value: &'v Value) -> Result<&'v [Field], LoadError> {
        match value {
            Value::Message(fields) => Ok(fields),
            other => Err(self.expected("a message in braces", other)),
        }
    }

    fn text<'v>(&self, value: &'v Value) -> Result<&'v str, LoadError> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(self.expected("a text in quotes", other)),
        }
    }

    fn number(&self, value: &Value) -> Result<usize, LoadError> {
        match value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
        .ok_or_else(|| self.expected("a whole number from 0", value))
    }

    fn flag(&self, value: &Value) -> Result<bool, LoadError> {
        match value {
            Value::Word(word) if word == "true" => Ok(true),
            Value::Word(word) if word == "false" => Ok(false),
            _ => Err(self.expected("true or false", value)),
        }
    }

    fn dim(&self, value: &Value) -> Result<Option<usize>, LoadError> {
        match value {
            Value::Number(text) if text == "-1" => Ok(None),
            Value::Number(_) => self.number(value).map(Some),
            _ => Err(self.expected("the size of an axis, or -1", value)),
        }
    }

    fn datatype(&self, value: &Value) -> Result<DataType, LoadError> {
        let known = match value {
            Value::Word(word) => match word.strip_prefix("TYPE_") {
                Some("STRING") => Some(DataType::Bytes),
                Some(name) => name.parse().ok().filter(|&d| d != DataType::Bytes),
                None => None,
            },
            _ => None,
        };
        known.ok_or_else(|| self.expected("a datatype such as TYPE_FP32 or TYPE_STRING", value))
    }
}

#[cfg(test)]
mod tests;
