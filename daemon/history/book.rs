//! What the keeper knows: the series that are stored, and what was counted that is not stored yet. It touches neither store
//! nor clock.

use std::collections::BTreeMap;

use super::series::{Number, Series};
use super::tiers::{Marks, Tier};
use super::window::Window;
use crate::measure::Survey;
use crate::store::Row;

/// What is known of a series in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) number: Number,
    pub(super) marks: Marks,
    /// The marks that the store has; nothing where it does not know the series yet.
    pub(super) stored: Option<Marks>,
    /// Whether there may be windows of a tier at or after the next one's mark: there are after a start, as nobody has looked.
    pub(super) loose: [bool; 2],
    /// Before when no windows of each tier are left.
    pub(super) removed: [u64; 3],
}

/// The book.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// The series in the store.
    pub(super) known: BTreeMap<Series, Known>,
    /// What the cells had counted when they were last read.
    read: BTreeMap<Series, Window>,
    /// Where the window begins that is open.
    pub(super) open: u64,
    /// What was counted since, or could not be written; with where the window began that it was counted in.
    pub(super) pending: BTreeMap<Series, (u64, Window)>,
    /// What was to be written and perhaps was; it is written again, just so, before anything else is.
    pub(super) doubt: Vec<Row>,
    /// Series at most.
    pub(super) most: usize,
    /// Series in the store that cannot be read; they have their places too.
    unread: usize,
    /// The next number to give.
    next: u32,
}

// === impl Known ===

impl Known {
    /// A series that nothing is stored of yet.
    pub(super) fn new(number: Number, first: u64) -> Self {
        Self {
            number,
            marks: Marks::new(first),
            stored: None,
            loose: [false; 2],
            removed: [0; 3],
        }
    }

    /// A series that was found in the store.
    pub(super) fn found(number: Number, marks: Marks) -> Self {
        Self {
            number,
            marks,
            stored: Some(marks),
            loose: [true; 2],
            removed: [0; 3],
        }
    }
}

// === impl Book ===

impl Book {
    /// A book of what was found in the store: the series that can be read, and the numbers of all. None of those is given out
    /// again, as its windows would be taken for another's.
    pub(super) fn new(
        most: usize,
        known: BTreeMap<Series, Known>,
        numbers: &[Number],
        open: u64,
    ) -> Self {
        let last = numbers.iter().max();
        Self {
            next: last.map_or(0, |number| number.0.saturating_add(1)),
            unread: numbers.len().saturating_sub(known.len()),
            known,
            open,
            most,
            ..Self::default()
        }
    }

    /// Takes what was counted since the last time as counted in the window that is open.
    pub(super) fn take(&mut self, survey: &Survey) {
        let (counted, read) = counted(&self.read, survey);
        self.read = read;
        for (series, window) in counted {
            let pending = self.pending.entry(series);
            let (start, sum) = pending.or_insert_with(|| (self.open, Window::default()));
            *start = self.open;
            sum.add(&window);
        }
    }

    /// What is not stored: what could not be written, and what has been counted since.
    pub(super) fn unstored(&self, survey: &Survey) -> Vec<(Series, u64, Window)> {
        let (counted, _) = counted(&self.read, survey);
        let counted = counted
            .into_iter()
            .map(|(s, window)| (s, self.open, window));
        let pending = self.pending.iter();
        let pending = pending.map(|(s, (start, window))| (s.clone(), *start, window.clone()));
        pending.chain(counted).collect()
    }

    /// Gives a series a number where it has none; whether it has one then: there may be no place for it.
    pub(super) fn place(&mut self, series: &Series, start: u64) -> bool {
        if self.known.contains_key(series) {
            return true;
        }
        let next = self.next.checked_add(1);
        let taken = self.known.len().saturating_add(self.unread);
        let (true, Some(next)) = (taken < self.most, next) else {
            return false;
        };
        let known = Known::new(Number(self.next), start);
        self.known.insert(series.clone(), known);
        self.next = next;
        true
    }

    /// Whether nothing more is to be expected of a series.
    pub(super) fn is_quiet(&self, series: &Series) -> bool {
        !self.read.contains_key(series) && !self.pending.contains_key(series)
    }
}

// === impl Known: what was written ===

impl Known {
    /// Its marks, where the store has others; from here on it has these.
    pub(super) fn news(&mut self) -> Option<Row> {
        let is_news = self.stored != Some(self.marks);
        self.stored = Some(self.marks);
        is_news.then(|| Row {
            key: self.number.marks(),
            value: Some(self.marks.encode()),
        })
    }

    /// Notes that windows of a tier were written.
    pub(super) fn wrote(&mut self, tier: Tier, start: u64) {
        match tier {
            Tier::Ten => self.loose[0] |= start >= self.marks.of(Tier::Minute),
            Tier::Minute => self.loose[1] |= start >= self.marks.of(Tier::Hour),
            Tier::Hour => {}
        }
        let removed = &mut self.removed[tier as usize];
        *removed = (*removed).min(start);
    }
}

/// What was counted since an earlier reading, and the reading to compare the next one with.
fn counted(
    before: &BTreeMap<Series, Window>,
    survey: &Survey,
) -> (BTreeMap<Series, Window>, BTreeMap<Series, Window>) {
    let mut counted: BTreeMap<Series, Window> = BTreeMap::new();
    let mut read = before.clone();
    let answered = survey
        .cells
        .iter()
        .map(|(key, cell)| (Series::from(key), cell));
    let lost = survey.lost.iter();
    let lost = lost.map(|(name, cell)| (Series::lost(name.clone()), cell));
    let (gone, gone_lost) = survey.gone;
    let answered = answered.enumerate().map(|(n, cell)| (n < gone, cell));
    let lost = lost.enumerate().map(|(n, cell)| (n < gone_lost, cell));
    let mut met = Vec::new();
    for (is_gone, (series, cell)) in answered.chain(lost) {
        let now = Window::of(&cell.totals());
        let since = match read.remove(&series) {
            Some(before) => now.since(&before),
            None => now.clone(),
        };
        if !since.is_empty() {
            counted.entry(series.clone()).or_default().add(&since);
        }
        if !is_gone {
            met.push((series, now));
        }
    }
    // Whoever is neither here nor among those that went will begin at zero.
    (counted, met.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use impresario_models::Name;

    use super::*;
    use crate::measure::{Cell, Sample};

    fn cell(requests: u64) -> Arc<Cell> {
        let cell = Cell::default();
        for _ in 0..requests {
            cell.record(Sample::answered());
        }
        Arc::new(cell)
    }

    fn survey(gone: &[u64], there: Option<u64>) -> Survey {
        let name = Name::new("p").unwrap();
        let cells = gone.iter().chain(&there);
        Survey {
            lost: cells.map(|n| (name.clone(), cell(*n))).collect(),
            gone: (0, gone.len()),
            ..Survey::default()
        }
    }

    #[test]
    fn cells_that_go_and_come_back_are_counted_once() {
        let series = Series::lost(Name::new("p").unwrap());
        let mut book = Book::new(1, BTreeMap::new(), &[], 10_000);
        let mut sum = 0;
        for (gone, there, more) in [
            (&[][..], Some(5), 5),
            (&[], Some(7), 2),
            // It went with three more, one came and went, and the one that is there has counted more than the first.
            (&[10, 4], Some(20), 3 + 4 + 20),
            (&[], None, 0),
            (&[], Some(21), 21),
            // Nobody said that it went.
            (&[], Some(2), 2),
            (&[2], None, 0),
        ] {
            book.take(&survey(gone, there));
            sum += more;
            assert_eq!(book.pending[&series].1.requests(), sum);
        }
        let open = book.unstored(&survey(&[], Some(3)));
        let requests: Vec<_> = open.iter().map(|(_, _, w)| w.requests()).collect();
        assert_eq!(requests, [sum, 3]);
    }
}
