//! The written form of `model.toml`: its grammar, and errors with line, key, expected and got.
//!
//! What the values mean together is [`super::manifest`]'s business; whether they fit the model is
//! [`super::overlay`]'s.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::files;
use super::manifest::{EngineChoice, Place, PortRules, Residence, VersionPolicy};
use crate::contract::NonFinite;
use crate::error::LoadError;
use crate::name::VersionNumber;

/// One file's statements, checked each by itself; nothing is filled in.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) timeout: Option<Duration>,
    pub(super) queue: Option<NonZeroUsize>,
    pub(super) instances: Option<NonZeroUsize>,
    pub(super) max_batch: Option<NonZeroUsize>,
    pub(super) join: Option<NonZeroUsize>,
    pub(super) max_delay: Option<Duration>,
    pub(super) target_latency: Option<Duration>,
    pub(super) inline: Option<bool>,
    pub(super) versions: Option<Versions>,
    pub(super) inputs: BTreeMap<String, PortRules>,
    pub(super) outputs: BTreeMap<String, PortRules>,
    pub(super) runs: Option<u32>,
    pub(super) pin: Option<Pin>,
    pub(super) cache: CacheRules,
    pub(super) engine: Option<EngineChoice>,
    pub(super) threads: Option<NonZeroUsize>,
    pub(super) arena: Option<bool>,
    pub(super) burn: Option<toml::Table>,
}

#[derive(Debug)]
pub(super) struct Pin {
    pub(super) residence: Residence,
    pub(super) line: usize,
}

/// `[cache]`: the table by itself switches the cache on.
#[derive(Debug, Default)]
pub(super) struct CacheRules {
    pub(super) enabled: Option<bool>,
    pub(super) ttl: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Versions {
    pub(super) policy: VersionPolicy,
    pub(super) line: usize,
}

// === the grammar ===

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The format's version; 1 where it is not written.
    version: Option<Format>,
    pin: Option<Spanned<bool>>,
    #[serde(default)]
    limits: LimitsTable,
    versions: Option<Spanned<VersionsTable>>,
    #[serde(default)]
    contract: ContractTable,
    #[serde(default)]
    warmup: WarmupTable,
    cache: Option<CacheTable>,
    #[serde(default)]
    onnx: OnnxTable,
    burn: Option<toml::Table>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    timeout: Option<Timeout>,
    queue: Option<Count>,
    instances: Option<Count>,
    max_batch: Option<Count>,
    join: Option<Count>,
    max_delay: Option<Delay>,
    target_latency: Option<Timeout>,
    inline: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionsTable {
    policy: Option<PolicyWord>,
    n: Option<Count>,
    list: Option<Vec<Number>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PolicyWord {
    Latest,
    All,
    List,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContractTable {
    #[serde(default)]
    inputs: BTreeMap<String, Spanned<PortTable>>,
    #[serde(default)]
    outputs: BTreeMap<String, Spanned<PortTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PortTable {
    range: Option<Range>,
    categories: Option<Vec<Category>>,
    non_finite: Option<NonFiniteWord>,
    labels: Option<Vec<String>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NonFiniteWord {
    Allow,
    Forbid,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnnxTable {
    engine: Option<EngineWord>,
    threads: Option<Threads>,
    arena: Option<bool>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EngineWord {
    Auto,
    Tract,
    OnnxRuntime,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WarmupTable {
    runs: Option<Runs>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheTable {
    enabled: Option<bool>,
    ttl: Option<Timeout>,
}

// === values ===

/// A value that says itself what it expects, so that the error at its line says it too.
macro_rules! value {
    ($name:ident($type:ty), $expected:literal, $parse:expr) => {
        struct $name($type);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let got = toml::Value::deserialize(deserializer)?;
                let parse: fn(&toml::Value) -> Option<$type> = $parse;
                parse(&got).map(Self).ok_or_else(|| {
                    de::Error::custom(format_args!("expected {}, got {}", $expected, Got(&got)))
                })
            }
        }
    };
}

value!(Format(()), "1, the only format there is", |v| {
    (v.as_integer() == Some(1)).then_some(())
});
value!(
    Timeout(Duration),
    "a duration above zero, such as \"500ms\" or \"2s\"",
    |v| {
        let duration = humantime::parse_duration(v.as_str()?).ok()?;
        (!duration.is_zero()).then_some(duration)
    }
);
value!(
    Delay(Duration),
    "a duration up to one second, such as \"500us\" or \"2ms\"",
    |v| {
        let duration = humantime::parse_duration(v.as_str()?).ok()?;
        (duration <= Duration::from_secs(1)).then_some(duration)
    }
);
value!(Count(NonZeroUsize), "a whole number from 1", |v| {
    NonZeroUsize::new(usize::try_from(v.as_integer()?).ok()?)
});
value!(Runs(u32), "a whole number from 0 to 1000", |v| {
    u32::try_from(v.as_integer()?).ok().filter(|&n| n <= 1000)
});
value!(
    Threads(NonZeroUsize),
    "a whole number from 1 to 1024",
    |v| {
        let threads = usize::try_from(v.as_integer()?).ok()?;
        NonZeroUsize::new(threads).filter(|n| n.get() <= 1024)
    }
);
value!(Number(VersionNumber), "a version number from 1", |v| {
    VersionNumber::new(u64::try_from(v.as_integer()?).ok()?)
});
value!(
    Range((f64, f64)),
    "two numbers [low, high] with low at most high",
    |v| {
        let number = |v: &toml::Value| match v {
            toml::Value::Integer(n) => Some(*n as f64),
            toml::Value::Float(f) if !f.is_nan() => Some(*f),
            _ => None,
        };
        match &v.as_array()?[..] {
            [low, high] => {
                let range = (number(low)?, number(high)?);
                (range.0 <= range.1).then_some(range)
            }
            _ => None,
        }
    }
);
value!(Category(String), "a text or a whole number", |v| match v {
    toml::Value::String(text) => Some(text.clone()),
    toml::Value::Integer(n) => Some(n.to_string()),
    toml::Value::Boolean(b) => Some(b.to_string()),
    _ => None,
});

/// A value as an error shows it: cut where it is long.
struct Got<'a>(&'a toml::Value);

impl fmt::Display for Got<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let shown: String = text.chars().take(60).collect();
        let cut = if shown.len() < text.len() { "…" } else { "" };
        write!(f, "{shown}{cut}")
    }
}

// === parse and merge ===

/// Reads one file's text.
///
/// # Errors
/// [`LoadError::Invalid`] with line, key, expected and got.
pub(super) fn parse(path: &Path, text: &str) -> Result<Written, LoadError> {
    let at = |span: Option<std::ops::Range<usize>>, key: &str, what: &str| {
        let line = line_of(text, span.map_or(0, |s| s.start));
        let key = if key.is_empty() || key == "." {
            String::new()
        } else {
            format!(" {key}:")
        };
        files::invalid(path, format!("line {line}:{key} {what}"))
    };
    let deserializer =
        toml::Deserializer::parse(text).map_err(|e| at(e.span(), "", e.message()))?;
    let file: File = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        // The place of a spanned value shows through in its path.
        let key = error.path().to_string();
        let key = key.replace(".$__serde_spanned_private_value", "");
        let inner = error.into_inner();
        at(inner.span(), &key, inner.message())
    })?;
    // A wrong format was refused as it was read, and there is one only.
    let (None | Some(Format(()))) = file.version;
    let versions = match file.versions {
        None => None,
        Some(table) => {
            let span = table.span();
            let line = line_of(text, span.start);
            let policy =
                policy(table.into_inner()).map_err(|what| at(Some(span), "versions", &what))?;
            Some(Versions { policy, line })
        }
    };
    let rules = |tables: BTreeMap<String, Spanned<PortTable>>| {
        let rule = |(name, table): (String, Spanned<PortTable>)| {
            let line = line_of(text, table.span().start);
            let table = table.into_inner();
            let rules = PortRules {
                range: table.range.map(|r| r.0),
                categories: table
                    .categories
                    .map(|c| c.into_iter().map(|c| c.0).collect()),
                non_finite: table.non_finite.map(|word| match word {
                    NonFiniteWord::Allow => NonFinite::Allowed,
                    NonFiniteWord::Forbid => NonFinite::Forbidden,
                }),
                labels: table.labels,
                place: Place {
                    path: path.to_owned(),
                    line,
                },
            };
            (name, rules)
        };
        tables.into_iter().map(rule).collect()
    };
    Ok(Written {
        timeout: file.limits.timeout.map(|v| v.0),
        queue: file.limits.queue.map(|v| v.0),
        instances: file.limits.instances.map(|v| v.0),
        max_batch: file.limits.max_batch.map(|v| v.0),
        join: file.limits.join.map(|v| v.0),
        max_delay: file.limits.max_delay.map(|v| v.0),
        target_latency: file.limits.target_latency.map(|v| v.0),
        inline: file.limits.inline,
        versions,
        inputs: rules(file.contract.inputs),
        outputs: rules(file.contract.outputs),
        runs: file.warmup.runs.map(|v| v.0),
        pin: file.pin.map(|pin| Pin {
            line: line_of(text, pin.span().start),
            residence: match pin.into_inner() {
                true => Residence::Pinned,
                false => Residence::Parkable,
            },
        }),
        cache: file
            .cache
            .map_or_else(CacheRules::default, |cache| CacheRules {
                enabled: Some(cache.enabled.unwrap_or(true)),
                ttl: cache.ttl.map(|v| v.0),
            }),
        engine: file.onnx.engine.map(|word| match word {
            EngineWord::Auto => EngineChoice::Auto,
            EngineWord::Tract => EngineChoice::Tract,
            EngineWord::OnnxRuntime => EngineChoice::OnnxRuntime,
        }),
        threads: file.onnx.threads.map(|v| v.0),
        arena: file.onnx.arena,
        burn: file.burn,
    })
}

/// Lays the version's statements over the model's, key by key.
pub(super) fn merge(lower: Written, upper: Written) -> Written {
    Written {
        timeout: upper.timeout.or(lower.timeout),
        queue: upper.queue.or(lower.queue),
        instances: upper.instances.or(lower.instances),
        max_batch: upper.max_batch.or(lower.max_batch),
        join: upper.join.or(lower.join),
        max_delay: upper.max_delay.or(lower.max_delay),
        target_latency: upper.target_latency.or(lower.target_latency),
        inline: upper.inline.or(lower.inline),
        versions: upper.versions.or(lower.versions),
        inputs: merge_rules(lower.inputs, upper.inputs),
        outputs: merge_rules(lower.outputs, upper.outputs),
        runs: upper.runs.or(lower.runs),
        pin: upper.pin.or(lower.pin),
        cache: CacheRules {
            enabled: upper.cache.enabled.or(lower.cache.enabled),
            ttl: upper.cache.ttl.or(lower.cache.ttl),
        },
        engine: upper.engine.or(lower.engine),
        threads: upper.threads.or(lower.threads),
        arena: upper.arena.or(lower.arena),
        burn: match (lower.burn, upper.burn) {
            (Some(mut lower), Some(upper)) => {
                merge_tables(&mut lower, upper);
                Some(lower)
            }
            (lower, upper) => upper.or(lower),
        },
    }
}

fn merge_rules(
    mut lower: BTreeMap<String, PortRules>,
    upper: BTreeMap<String, PortRules>,
) -> BTreeMap<String, PortRules> {
    for (name, over) in upper {
        let under = lower.remove(&name).unwrap_or_default();
        let merged = PortRules {
            range: over.range.or(under.range),
            categories: over.categories.or(under.categories),
            non_finite: over.non_finite.or(under.non_finite),
            labels: over.labels.or(under.labels),
            place: over.place,
        };
        lower.insert(name, merged);
    }
    lower
}

fn merge_tables(lower: &mut toml::Table, upper: toml::Table) {
    for (key, over) in upper {
        match (lower.get_mut(&key), over) {
            (Some(toml::Value::Table(under)), toml::Value::Table(over)) => {
                merge_tables(under, over)
            }
            (_, over) => {
                lower.insert(key, over);
            }
        }
    }
}

fn policy(table: VersionsTable) -> Result<VersionPolicy, String> {
    let list = |list: Vec<Number>| match list.is_empty() {
        true => Err("expected a list of at least one version, got []".to_owned()),
        false => Ok(VersionPolicy::List(
            list.into_iter().map(|n| n.0).collect::<BTreeSet<_>>(),
        )),
    };
    match (table.policy, table.n, table.list) {
        (Some(PolicyWord::Latest), n, None) => {
            Ok(VersionPolicy::Latest(n.map_or(NonZeroUsize::MIN, |n| n.0)))
        }
        (Some(PolicyWord::All), None, None) => Ok(VersionPolicy::All),
        (None | Some(PolicyWord::List), None, Some(versions)) => list(versions),
        (Some(PolicyWord::List), None, None) => {
            Err("policy \"list\" needs list = [1, 3]".to_owned())
        }
        (None, None, None) | (None, Some(_), None) => {
            Err("expected policy = \"latest\", policy = \"all\" or list = [1, 3]".to_owned())
        }
        (Some(PolicyWord::All | PolicyWord::List) | None, Some(_), _) => {
            Err("n goes with policy = \"latest\" only".to_owned())
        }
        (Some(PolicyWord::Latest | PolicyWord::All), _, Some(_)) => {
            Err("list goes with no other policy".to_owned())
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    before.iter().filter(|&&b| b == b'\n').count() + 1
}
