//! Series: whose windows they are, and where they stand in the store.
//!
//! ```text
//! i NUMBER               who the series of this number is, as JSON
//! s NUMBER 0             its marks
//! s NUMBER TIER START    a window; tiers are numbered from 1
//! ```
//!
//! Numbers are big-endian, so that keys are ordered by series, tier and time.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use impresario_models::{Name, VersionNumber};
use serde::{Deserialize, Serialize};

use super::tiers::Tier;
use crate::measure;

/// The version of the form in which series are named in the store.
const VERSION: u32 = 1;

/// Whose windows they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// The pipeline that was asked.
    pub pipeline: Name,
    /// Who answered; nothing for requests that found no version.
    pub answered: Option<Answered>,
}

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Answered {
    /// As which variant.
    pub variant: Arc<str>,
    /// The model.
    pub model: Name,
    /// The version.
    pub version: VersionNumber,
}

/// The number of a series in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Number(pub(super) u32);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriesV1 {
    v: u32,
    pipeline: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered: Option<(Arc<str>, Name, VersionNumber)>,
}

// === impl Series ===

impl Series {
    /// Requests of a pipeline that found no version.
    #[must_use]
    pub fn lost(pipeline: Name) -> Self {
        Self {
            pipeline,
            answered: None,
        }
    }

    /// The stored form.
    pub(super) fn encode(&self) -> Vec<u8> {
        let answered = self.answered.clone();
        let stored = SeriesV1 {
            v: VERSION,
            pipeline: self.pipeline.clone(),
            answered: answered.map(|by| (by.variant, by.model, by.version)),
        };
        serde_json::to_vec(&stored).expect("names and numbers are JSON")
    }

    /// Reads the stored form; says why where it is another.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let stored: SeriesV1 = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if stored.v != VERSION {
            return Err(format!(
                "it is of form {}; this program reads form {VERSION}",
                stored.v
            ));
        }
        let answered = stored.answered.map(|(variant, model, version)| Answered {
            variant,
            model,
            version,
        });
        Ok(Self {
            pipeline: stored.pipeline,
            answered,
        })
    }
}

impl From<&measure::Key> for Series {
    fn from(key: &measure::Key) -> Self {
        Self {
            pipeline: key.pipeline.clone(),
            answered: Some(Answered {
                variant: key.variant.as_str().into(),
                model: key.model.clone(),
                version: key.version,
            }),
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answered {
            None => write!(f, "{} without a version", self.pipeline),
            Some(by) => write!(
                f,
                "{} {} {} {}",
                self.pipeline, by.variant, by.model, by.version
            ),
        }
    }
}

// === impl Number ===

impl Number {
    /// Where all series are named.
    pub(super) const NAMES: Range<&'static [u8]> = b"i"..b"j";

    /// Where it is named.
    pub(super) fn name(self) -> Vec<u8> {
        [&b"i"[..], &self.0.to_be_bytes()].concat()
    }

    /// The number of a key of [`Self::name`].
    pub(super) fn of_name(key: &[u8]) -> Option<Self> {
        let number = key.strip_prefix(b"i")?.try_into().ok()?;
        Some(Self(u32::from_be_bytes(number)))
    }

    /// Where its marks are.
    pub(super) fn marks(self) -> Vec<u8> {
        self.below(0)
    }

    /// Where a window of it is.
    pub(super) fn window(self, tier: Tier, start: u64) -> Vec<u8> {
        let mut key = self.below(place(tier));
        key.extend(start.to_be_bytes());
        key
    }

    /// Where all of its windows are.
    pub(super) fn windows(self) -> Range<Vec<u8>> {
        self.below(1)..self.below(u8::MAX)
    }

    /// The beginning of a key of [`Self::window`].
    pub(super) fn start(key: &[u8]) -> Option<u64> {
        let (_, start) = key.split_last_chunk::<8>()?;
        Some(u64::from_be_bytes(*start))
    }

    fn below(self, place: u8) -> Vec<u8> {
        [&b"s"[..], &self.0.to_be_bytes(), &[place]].concat()
    }
}

fn place(tier: Tier) -> u8 {
    match tier {
        Tier::Ten => 1,
        Tier::Minute => 2,
        Tier::Hour => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_read_as_it_was_written() {
        let pipeline = Name::new("flowers").unwrap();
        let lost = Series::lost(pipeline.clone());
        let answered = Series {
            pipeline,
            answered: Some(Answered {
                variant: "canary".into(),
                model: Name::new("iris").unwrap(),
                version: VersionNumber::new(7).unwrap(),
            }),
        };
        for (series, text) in [
            (lost, r#"{"v":1,"pipeline":"flowers"}"#),
            (
                answered,
                r#"{"v":1,"pipeline":"flowers","answered":["canary","iris",7]}"#,
            ),
        ] {
            assert_eq!(String::from_utf8(series.encode()).unwrap(), text);
            assert_eq!(Series::decode(text.as_bytes()), Ok(series));
        }
        let newer = Series::decode(br#"{"v":2,"pipeline":"flowers"}"#).unwrap_err();
        assert_eq!(newer, "it is of form 2; this program reads form 1");
        assert!(Series::decode(br#"{"v":1,"pipeline":"flo wers"}"#).is_err());
    }

    #[test]
    fn keys_are_ordered_by_series_tier_and_time() {
        let (a, b) = (Number(255), Number(256));
        let mut keys = vec![a.marks()];
        for number in [a, b] {
            for tier in Tier::ALL {
                keys.extend([255, 256, u64::MAX].map(|start| number.window(tier, start)));
            }
        }
        assert!(keys.is_sorted());
        let windows = a.windows();
        let within = keys.iter().filter(|key| windows.contains(*key));
        assert_eq!(within.count(), 9);
        assert_eq!(Number::start(&a.window(Tier::Hour, 77)), Some(77));
        assert_eq!(Number::of_name(&b.name()), Some(b));
        assert!(Number::NAMES.contains(&&b.name()[..]));
    }
}
