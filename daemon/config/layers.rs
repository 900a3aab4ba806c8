//! The layers under the settings, and who wrote which value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Map, Source, ValueKind};
use impresario_pipelines::spec::document::Path as Place;
use impresario_pipelines::spec::read::{InFile, Origin, Part, Place as Where};
use impresario_pipelines::spec::{self, Document, Format, Problem};
use serde_json::Value;

use super::files;

/// How variables that are settings begin.
pub(super) const PREFIX: &str = "IMPRESARIO__";

const DEFAULTS: &str = include_str!("defaults.toml");

/// What flags say; the last layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--models`: `models.repository`.
    pub models: Option<PathBuf>,
    /// `--state`: `store.path`.
    pub state: Option<PathBuf>,
    /// `--http`: `server.http`.
    pub http: Option<String>,
    /// `--grpc`: `server.grpc`.
    pub grpc: Option<String>,
    /// `--admin`: `server.admin`.
    pub admin: Option<String>,
    /// `--grace`: `server.grace`.
    pub grace: Option<String>,
    /// `--log-level`: `log.level`.
    pub log_level: Option<String>,
}

/// All layers, laid over each other.
pub(super) struct Layers {
    pub(super) root: Value,
    /// The configuration file and its tree.
    pub(super) file: Option<(PathBuf, String, Document)>,
    /// Who wrote a value that no file did: the flag or the variable.
    others: BTreeMap<Place, Author>,
}

struct Author {
    name: String,
    value: Value,
}

/// One layer, as crate `config` takes it.
#[derive(Clone, Debug)]
struct Layer(Map<String, config::Value>);

// === impl Layers ===

impl Layers {
    pub(super) fn gather(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        overrides: &Overrides,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let defaults = Document::parse(&spec::Source {
            file: "defaults.toml".to_owned(),
            text: DEFAULTS,
            format: Format::Toml,
        })?;
        let file = match file.map(read) {
            Some(Ok(file)) => Some(file),
            Some(Err(found)) => {
                problems.extend(found);
                None
            }
            None => None,
        };
        let mut others = BTreeMap::new();
        let mut settings: Vec<(String, String)> = environment.into_iter().collect();
        settings.sort();
        for (name, value) in settings {
            match variable(&name, &value) {
                Ok(Some((place, value))) => {
                    others.insert(
                        place,
                        Author {
                            name: format!("environment variable {name}"),
                            value,
                        },
                    );
                }
                Ok(None) => {}
                Err(found) => problems.extend(found),
            }
        }
        for (flag, keys, value) in overrides.values() {
            match value {
                Ok(value) => {
                    let place = Place::default().key(keys[0]).key(keys[1]);
                    others.insert(
                        place,
                        Author {
                            name: format!("flag {flag}"),
                            value: Value::String(value),
                        },
                    );
                }
                Err(path) => problems.push(Problem::of_file(
                    &format!("flag {flag}"),
                    "invalid-path",
                    format!("the path {} is not Unicode", path.display()),
                )),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let layers = Self {
            root: Value::Null,
            file,
            others,
        };
        let root = layers.merge(defaults.root()).map_err(|error| {
            vec![Problem::of_file(
                "settings",
                "layers",
                format!("lay settings over each other: {error}"),
            )]
        })?;
        Ok(Self { root, ..layers })
    }

    fn merge(&self, defaults: &Value) -> Result<Value, ConfigError> {
        let mut builder = Config::builder().add_source(Layer::of_tree(defaults));
        if let Some((_, _, document)) = &self.file {
            builder = builder.add_source(Layer::of_tree(document.root()));
        }
        // A flag has replaced the variable of the same place, so their order says nothing.
        for (place, author) in &self.others {
            let value = convert(&author.value);
            builder = builder.add_source(Layer(Map::from([(place.to_string(), value)])));
        }
        builder.build()?.try_deserialize()
    }

    /// The folder that a relative path at a place is relative to.
    pub(super) fn folder(&self, path: &Place) -> &Path {
        match &self.file {
            Some((file, _, _)) if self.author(path).is_none() => {
                file.parent().unwrap_or(Path::new(""))
            }
            _ => Path::new(""),
        }
    }

    /// Whether only the defaults say this.
    pub(super) fn is_default(&self, path: &Place) -> bool {
        let in_file = self
            .file
            .as_ref()
            .is_some_and(|(_, _, document)| document.mark(path).is_some());
        !in_file && self.author(path).is_none()
    }

    fn author(&self, path: &Place) -> Option<&Author> {
        self.others
            .iter()
            .find(|(place, _)| path.is_within(place))
            .map(|(_, author)| author)
    }
}

impl Origin for Layers {
    fn place(&self, path: &Place, part: Part) -> Where {
        // An unknown key is an ancestor of the variable that wrote it, which the variable's name tells as well.
        let written = || self.others.iter().find(|(place, _)| place.is_within(path));
        let in_file = self
            .file
            .as_ref()
            .map(|(_, file, document)| InFile { file, document }.place(path, part));
        match (self.author(path), in_file) {
            (Some(author), _) => Where {
                file: Some(author.name.clone()),
                position: None,
            },
            (None, Some(place)) if place.position.is_some() => place,
            (None, place) => match written() {
                Some((_, author)) => Where {
                    file: Some(author.name.clone()),
                    position: None,
                },
                None => place.unwrap_or_default(),
            },
        }
    }

    fn is_text(&self, path: &Place) -> bool {
        self.author(path).is_some()
    }
}

/// The configuration file: its path, the name it is reported under, and its tree.
fn read(path: &Path) -> Result<(PathBuf, String, Document), Vec<Problem>> {
    let file = path.display().to_string();
    let (text, format) = files::read(path, &file)?;
    let source = spec::Source {
        file: file.clone(),
        text: &text,
        format,
    };
    let document = Document::parse(&source)?;
    // Crate `config` would take a root key with dots for a path.
    let dotted = |key: &&String| key.contains(['.', '[', ']']);
    let keys = document
        .root()
        .as_object()
        .into_iter()
        .flat_map(|root| root.keys());
    let problem = |key: &String| {
        let place = Place::default().key(key);
        let message = format!("unknown field '{}'", key.escape_debug());
        Problem {
            path: place.to_string(),
            ..Problem::of_file(&file, "unknown-field", message)
        }
        .at(document.mark(&place).map(|mark| mark.key))
    };
    let problems: Vec<Problem> = keys.filter(dotted).map(problem).collect();
    if problems.is_empty() {
        Ok((path.to_owned(), file, document))
    } else {
        Err(problems)
    }
}

/// The setting that a variable is, if it is one. Its value is text, or a list or table as JSON.
fn variable(name: &str, text: &str) -> Result<Option<(Place, Value)>, Vec<Problem>> {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return Ok(None);
    };
    let file = format!("environment variable {name}");
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if !rest.split("__").all(part) {
        let message = "the name is no setting's".to_owned();
        let hint = format!("{PREFIX}SERVER__HTTP is server.http");
        return Err(vec![
            Problem::of_file(&file, "unknown-field", message).hint(hint),
        ]);
    }
    let lower = rest.to_ascii_lowercase();
    let place = lower
        .split("__")
        .fold(Place::default(), |place, key| place.key(key));
    // An address such as [::1]:80 begins like a list, but does not end like one.
    let (start, end) = (text.trim_start(), text.trim_end());
    let value = if start.starts_with(['[', '{']) && end.ends_with([']', '}']) {
        let source = spec::Source {
            file,
            text,
            format: Format::Json,
        };
        Document::parse(&source)?.root().clone()
    } else {
        Value::String(text.to_owned())
    };
    Ok(Some((place, value)))
}

// === impl Overrides ===

impl Overrides {
    /// Flag, place and value of what is set.
    fn values(
        &self,
    ) -> impl Iterator<Item = (&'static str, [&'static str; 2], Result<String, &PathBuf>)> {
        let text = |text: &Option<String>| text.clone().map(Ok);
        [
            ("--models", ["models", "repository"], unicode(&self.models)),
            ("--state", ["store", "path"], unicode(&self.state)),
            ("--http", ["server", "http"], text(&self.http)),
            ("--grpc", ["server", "grpc"], text(&self.grpc)),
            ("--admin", ["server", "admin"], text(&self.admin)),
            ("--grace", ["server", "grace"], text(&self.grace)),
            ("--log-level", ["log", "level"], text(&self.log_level)),
        ]
        .into_iter()
        .filter_map(|(flag, keys, value)| Some((flag, keys, value?)))
    }
}

fn unicode(path: &Option<PathBuf>) -> Option<Result<String, &PathBuf>> {
    path.as_ref()
        .map(|path| path.to_str().map(str::to_owned).ok_or(path))
}

// === impl Layer ===

impl Layer {
    fn of_tree(tree: &Value) -> Self {
        let entries = tree.as_object().into_iter().flatten();
        Self(
            entries
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), convert(value)))
                .collect(),
        )
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, config::Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// A tree as crate `config` has it. Null is absent, so that it never hides a lower layer.
fn convert(value: &Value) -> config::Value {
    let kind = match value {
        Value::Null => ValueKind::Nil,
        Value::Bool(flag) => ValueKind::Boolean(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => ValueKind::I64(number),
            (None, Some(number)) => ValueKind::U64(number),
            (None, None) => ValueKind::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => ValueKind::String(text.clone()),
        Value::Array(values) => ValueKind::Array(values.iter().map(convert).collect()),
        Value::Object(_) => ValueKind::Table(Layer::of_tree(value).0),
    };
    config::Value::new(None, kind)
}
