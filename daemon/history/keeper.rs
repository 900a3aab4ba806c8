//! The keeper: closes windows, writes them, folds short ones into long ones, and removes what is too old.
//!
//! Everything is written in small batches, each wholly or not at all, and a batch that may or may not have been written is
//! written again just so before anything else: so a window is never counted twice, wherever it was interrupted. Time is an
//! argument; the thread that calls it is in `work`.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use impresario_pipelines::fleet::Now;

use super::Shared;
use super::book::{Book, Known};
use super::series::{Number, Series};
use super::tiers::{self, Marks, Piece, Tier, Whole};
use super::window::{Damaged, Window};
use crate::measure::Measure;
use crate::store::{Error, Row, Store};

/// Series that are written at a time.
const WRITTEN: usize = 256;
/// Series that are looked after at a time.
const TENDED: usize = 64;
/// Short windows that are folded at a time, of a series: those of an hour of minutes, several times.
const FOLDED: usize = 361;
/// Windows that are removed at a time, of a series and tier.
const REMOVED: usize = 500;
/// Removals at a time.
const REMOVALS: usize = 8;
/// How long the wall clock must have gone as the other one does before anything is removed by it, in milliseconds: one that
/// is set wrong for a moment must not cost the history.
pub(super) const CALM: u64 = 5 * 60_000;
/// By how much the clocks may drift apart between two looks, in milliseconds.
const DRIFT: u64 = 60_000;
/// How long between two words on the same trouble, in milliseconds.
const QUIET: u64 = 60_000;

/// Writes the history.
pub(super) struct Keeper {
    pub(super) store: Arc<dyn Store>,
    pub(super) measure: Measure,
    pub(super) shared: Arc<Shared>,
    /// The series that was looked after last.
    cursor: Option<Series>,
    clocks: Clocks,
    dropped: Said,
    failed: Said,
}

/// How the clocks go beside each other.
struct Clocks {
    last: Now,
    /// The monotonic time from which on the wall clock is believed.
    calm_from: u64,
}

/// What was said of something that happens again and again, and when.
#[derive(Default)]
struct Said {
    count: u64,
    at: Option<u64>,
}

// === impl Keeper ===

impl Keeper {
    /// Goes on with what is stored.
    pub(super) fn open(
        store: Arc<dyn Store>,
        measure: Measure,
        most: usize,
        now: Now,
    ) -> Result<Self, Error> {
        let mut known = BTreeMap::new();
        let mut numbers = Vec::new();
        for (key, name) in store.rows(Number::NAMES, usize::MAX)? {
            let Some(number) = Number::of_name(&key) else {
                continue;
            };
            numbers.push(number);
            let series = match Series::decode(&name) {
                Ok(series) => series,
                Err(error) => {
                    tracing::error!(
                        series = number.0,
                        error,
                        "a series of the history cannot be read; it is left alone"
                    );
                    continue;
                }
            };
            let marks = one(store.as_ref(), number.marks())?;
            let marks = marks.as_deref().and_then(Marks::decode);
            // Marks stand beside the name, so that one without is damaged: nothing of it is added up any more.
            let marks = marks.unwrap_or_else(|| Marks::new(now.wall));
            known.insert(series, Known::found(number, marks));
        }
        let book = Book::new(most, known, &numbers, Tier::Ten.start(now.wall));
        measure.keep_gone();
        Ok(Self {
            store,
            measure,
            shared: Arc::new(Shared {
                book: book.into(),
                dropped: AtomicU64::new(0),
            }),
            cursor: None,
            clocks: Clocks {
                last: now,
                calm_from: now.monotonic.saturating_add(CALM),
            },
            dropped: Said::default(),
            failed: Said::default(),
        })
    }

    /// Does what is due, a bounded part of it.
    pub(super) fn tick(&mut self, now: Now) {
        self.clocks.look(now);
        let shared = Arc::clone(&self.shared);
        let mut book = shared.write();
        let start = Tier::Ten.start(now.wall);
        if start != book.open {
            // Also where the clock went back: what was counted is of the time that was.
            book.take(&self.measure.take_survey());
            book.open = start;
        }
        let done = self
            .write(&mut book)
            .and_then(|()| self.tend(&mut book, now));
        drop(book);
        self.say(done, now);
    }

    /// Writes the window that is open too.
    pub(super) fn finish(&mut self, now: Now) {
        let shared = Arc::clone(&self.shared);
        let mut book = shared.write();
        book.take(&self.measure.take_survey());
        let written = self.write(&mut book);
        drop(book);
        self.say(written, now);
    }

    // === writing windows ===

    /// Writes what is not stored.
    fn write(&self, book: &mut Book) -> Result<(), Error> {
        self.settle(book)?;
        while !book.pending.is_empty() {
            let next: Vec<_> = book.pending.keys().take(WRITTEN).cloned().collect();
            let mut rows = Vec::new();
            let mut wrote = Vec::new();
            for series in &next {
                let (start, window) = &book.pending[series];
                let (start, window) = (*start, window.clone());
                if !book.place(series, start) {
                    self.drop_requests(&window);
                    book.pending.remove(series);
                    continue;
                }
                let known = &book.known[series];
                for (tier, start) in known.marks.takes(start) {
                    if let Some(row) = self.added(known.number, tier, start, &window)? {
                        rows.push(row);
                        wrote.push((series, tier, start));
                    }
                }
            }
            // Nothing can fail any more: from here on it is written, or is in doubt.
            for series in &next {
                let Some(known) = book.known.get_mut(series) else {
                    continue;
                };
                book.pending.remove(series);
                if known.stored.is_none() {
                    rows.push(put(known.number.name(), series.encode()));
                }
                rows.extend(known.news());
            }
            for (series, tier, start) in wrote {
                let known = book.known.get_mut(series);
                known.expect("it was given a place").wrote(tier, start);
            }
            book.doubt = rows;
            self.settle(book)?;
        }
        Ok(())
    }

    /// Writes what is in doubt.
    fn settle(&self, book: &mut Book) -> Result<(), Error> {
        if !book.doubt.is_empty() {
            self.store.put_rows(&book.doubt)?;
            book.doubt.clear();
        }
        Ok(())
    }

    /// A stored window with more in it; nothing where it must be left alone.
    fn added(
        &self,
        number: Number,
        tier: Tier,
        start: u64,
        more: &Window,
    ) -> Result<Option<Row>, Error> {
        let key = number.window(tier, start);
        let mut window = match one(self.store.as_ref(), key.clone())? {
            None => Window::default(),
            Some(bytes) => match Window::decode(&bytes) {
                Ok(window) => window,
                Err(error @ Damaged::Unknown(_)) => {
                    tracing::error!(series = number.0, start, %error, "a window of the history is left alone");
                    if tier == Tier::Ten {
                        self.drop_requests(more);
                    }
                    return Ok(None);
                }
                Err(error) => {
                    tracing::error!(series = number.0, start, %error, "a window of the history cannot be read and begins anew");
                    Window::default()
                }
            },
        };
        window.add(more);
        Ok(Some(put(key, window.encode())))
    }

    fn drop_requests(&self, window: &Window) {
        self.shared.dropped.fetch_add(window.requests(), Relaxed);
    }

    // === folding and removing ===

    /// Looks after the next few series.
    fn tend(&mut self, book: &mut Book, now: Now) -> Result<(), Error> {
        let after = self.cursor.take();
        let after = after.as_ref().map_or(Unbounded, Excluded);
        let next = book
            .known
            .range::<Series, _>((after, Unbounded))
            .take(TENDED);
        let next: Vec<_> = next.map(|(series, _)| series.clone()).collect();
        let mut rows = Vec::new();
        let mut folded = Vec::new();
        for series in &next {
            let mut known = book.known[series].clone();
            let more = self.fold(&mut known, now)?;
            if !more.is_empty() || known != book.known[series] {
                rows.extend(more);
                folded.push((series, known));
            }
        }
        for (series, known) in folded {
            book.known.insert(series.clone(), known);
        }
        book.doubt = rows;
        self.settle(book)?;
        if now.monotonic >= self.clocks.calm_from {
            let mut removals = 0;
            for series in &next {
                removals += self.remove(book, series, now)?;
                if removals >= REMOVALS {
                    // The rest of them come with the next.
                    self.cursor = Some(series.clone());
                    return Ok(());
                }
            }
        }
        self.cursor = match next.len() < TENDED {
            true => None,
            false => next.last().cloned(),
        };
        Ok(())
    }

    /// Folds what can be folded. Hours are made of minutes that are stored, and so before minutes.
    fn fold(&self, known: &mut Known, now: Now) -> Result<Vec<Row>, Error> {
        if !known.loose[0] {
            // All that there is has been folded: its hours need not wait for minutes that do not come.
            known.marks = known.marks.passed(now.wall);
        }
        let mut rows = Vec::new();
        for (place, into) in [(1, Tier::Hour), (0, Tier::Minute)] {
            let piece = known.marks.foldable(into, now.wall);
            let Some(piece) = piece.filter(|_| known.loose[place]) else {
                continue;
            };
            let (windows, whole) = self.windows(known.number, piece)?;
            if whole == Whole::All {
                // What is younger than the piece sets it again when it is written, or is there already.
                known.loose[place] = self.is_there_more(known.number, piece)?;
            }
            if windows.is_empty() {
                continue;
            }
            let folded = tiers::fold(into, piece, &windows, whole);
            for (start, sum) in folded.sums.iter().filter(|(_, sum)| !sum.is_empty()) {
                rows.extend(self.added(known.number, into, *start, sum)?);
            }
            known.marks = known.marks.with(into, folded.mark);
            for (start, _) in &folded.sums {
                known.wrote(into, *start);
            }
            rows.extend(known.news());
        }
        Ok(rows)
    }

    fn windows(&self, number: Number, piece: Piece) -> Result<(Vec<(u64, Window)>, Whole), Error> {
        let from = number.window(piece.tier, piece.from);
        let until = number.window(piece.tier, piece.until);
        let rows = self.store.rows(&from..&until, FOLDED)?;
        let whole = match rows.len() < FOLDED {
            true => Whole::All,
            false => Whole::Beginning,
        };
        let mut windows = Vec::new();
        for (key, bytes) in rows {
            let start = Number::start(&key).unwrap_or(piece.from);
            let window = Window::decode(&bytes).unwrap_or_else(|error| {
                tracing::error!(series = number.0, start, %error, "a window of the history cannot be read and is not added up");
                Window::default()
            });
            windows.push((start, window));
        }
        Ok((windows, whole))
    }

    /// Whether a series has windows after a piece.
    fn is_there_more(&self, number: Number, piece: Piece) -> Result<bool, Error> {
        let from = number.window(piece.tier, piece.until);
        let until = number.window(piece.tier, u64::MAX);
        Ok(!self.store.rows(&from..&until, 1)?.is_empty())
    }

    /// Removes what is too old of a series, and the series where nothing is left; gives how often the store was written.
    fn remove(&self, book: &mut Book, series: &Series, now: Now) -> Result<usize, Error> {
        let mut removals = 0;
        let Some(known) = book.known.get_mut(series) else {
            return Ok(0);
        };
        let number = known.number;
        let mut was_looked_through = false;
        for tier in Tier::ALL {
            let until = known.marks.removable(tier, now.wall);
            let removed = &mut known.removed[tier as usize];
            // Many at a time, but for the last ones of a series that nobody asks any more.
            let slack = match until == tier.expired(now.wall) {
                true => tier.slack(),
                false => 1,
            };
            if until < removed.saturating_add(slack) {
                continue;
            }
            let (first, last) = (number.window(tier, 0), number.window(tier, until));
            let gone = self.store.drop_rows(&first..&last, REMOVED)?;
            removals += usize::from(gone > 0);
            if gone < REMOVED {
                *removed = until;
                was_looked_through |= tier == Tier::Hour;
            }
        }
        if was_looked_through && book.is_quiet(series) {
            let windows = number.windows();
            if self.store.rows(&windows.start..&windows.end, 1)?.is_empty() {
                book.known.remove(series);
                let gone = [number.name(), number.marks()];
                book.doubt = gone.map(|key| Row { key, value: None }).into();
                self.settle(book)?;
                removals += 1;
            }
        }
        Ok(removals)
    }

    // === words ===

    fn say(&mut self, done: Result<(), Error>, now: Now) {
        if let Err(error) = done
            && self.failed.is_due(self.failed.count + 1, now)
        {
            let error = crate::error::causes(&error);
            tracing::error!(error, "the history could not be written; it is tried again");
        }
        let dropped = self.shared.dropped.load(Relaxed);
        let before = self.dropped.count;
        if self.dropped.is_due(dropped, now) {
            let (requests, series) = (dropped - before, self.shared.read().most);
            tracing::warn!(
                requests,
                series,
                "requests are not in the history: it has as many series as it may (metrics.history_series)"
            );
        }
    }
}

// === impl Clocks ===

impl Clocks {
    fn look(&mut self, now: Now) {
        let went = now.monotonic.saturating_sub(self.last.monotonic);
        let expected = self.last.wall.saturating_add(went);
        if expected.abs_diff(now.wall) > DRIFT {
            tracing::warn!(
                expected,
                found = now.wall,
                "the wall clock was set; nothing of the history is removed for a while"
            );
            self.calm_from = now.monotonic.saturating_add(CALM);
        }
        self.last = now;
    }
}

// === impl Said ===

impl Said {
    /// Whether more than was said has happened, and the last word was long enough ago; then it is said now.
    fn is_due(&mut self, count: u64, now: Now) -> bool {
        let quiet = self
            .at
            .is_some_and(|at| now.monotonic.saturating_sub(at) < QUIET);
        if quiet || count <= self.count {
            return false;
        }
        (self.count, self.at) = (count, Some(now.monotonic));
        true
    }
}

/// One row's value.
pub(super) fn one(store: &dyn Store, key: Vec<u8>) -> Result<Option<Vec<u8>>, Error> {
    let after = [&key[..], &[0]].concat();
    let mut rows = store.rows(&key..&after, 1)?;
    Ok(rows.pop().map(|(_, value)| value))
}

fn put(key: Vec<u8>, value: Vec<u8>) -> Row {
    Row {
        key,
        value: Some(value),
    }
}
