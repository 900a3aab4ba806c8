//! Rows: a tree of their own, with keys and values as they come, read and removed by ranges of keys.
//!
//! They are small: what is larger than a quarter of the engine's segments would go to files of its own.

use std::ops::Range;

use super::Engine;
use crate::store::{Cause, Row, Stored};

/// The tree's name.
pub(super) const TREE: &str = "rows";

/// The longest key or value, in bytes.
pub(super) const LONGEST: usize = 16 << 10;

impl Engine {
    pub(super) fn put_rows(&self, rows: &[Row]) -> Result<(), Cause> {
        let mut batch = ::sled::Batch::default();
        for Row { key, value } in rows {
            match value {
                Some(value) => batch.insert(&key[..], &value[..]),
                None => batch.remove(&key[..]),
            }
        }
        self.rows.apply_batch(batch)?;
        self.db.flush()?;
        Ok(())
    }

    pub(super) fn rows(&self, range: Range<&[u8]>, most: usize) -> Result<Vec<Stored>, Cause> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.rows.range(range).take(most).map(|row| {
            let (key, value) = row?;
            Ok((key.to_vec(), value.to_vec()))
        });
        found.collect()
    }

    pub(super) fn drop_rows(&self, range: Range<&[u8]>, most: usize) -> Result<usize, Cause> {
        let found = self.rows(range, most)?;
        if !found.is_empty() {
            let gone = found.iter().map(|(key, _)| Row {
                key: key.clone(),
                value: None,
            });
            self.put_rows(&gone.collect::<Vec<_>>())?;
        }
        Ok(found.len())
    }
}
