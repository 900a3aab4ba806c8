//! What was counted within a window of time, and its stored form, version 1.
//!
//! Windows are added up, from short ones to long ones and from versions to pipelines, and nothing is lost by it. When a
//! window begins and how long it is stands in its key, not in it.

use crate::measure::sketch::{BUCKETS, LOWEST};
use crate::measure::{Outcome, Totals, sketch};

/// The version of the form that this program writes.
const VERSION: u8 = 1;

/// How many outcomes there are.
const OUTCOMES: usize = Outcome::ALL.len();

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    outcomes: [u64; OUTCOMES],
    /// Rows inferred.
    pub rows: u64,
    /// Calls of the engine.
    pub executions: u64,
    /// Requests that waited for an engine and were computed.
    pub timed: u64,
    /// What those waited, in nanoseconds.
    pub queue_nanos: u64,
    /// What the engine took for those, in nanoseconds.
    pub compute_nanos: u64,
    /// What all requests took, in nanoseconds.
    pub request_nanos: u64,
    request: Sparse,
}

/// Counts by index of a sketch, in order of indexes, none of them zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sparse(Vec<(i32, u64)>);

/// Why bytes are no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    /// Another program wrote it.
    #[error("it is of form {0}; this program reads form {VERSION}")]
    Unknown(u8),
    /// It ends too early.
    #[error("it ends too early")]
    Short,
    /// It goes on after its end.
    #[error("it goes on after its end")]
    Long,
    /// A part of it is not possible.
    #[error("it holds {0}")]
    Impossible(&'static str),
}

// === impl Window ===

impl Window {
    /// What a cell has counted since it was made.
    #[must_use]
    pub fn of(totals: &Totals) -> Self {
        Self {
            outcomes: Outcome::ALL.map(|outcome| totals.of(outcome)),
            rows: totals.rows,
            executions: totals.executions,
            timed: totals.queue.count(),
            queue_nanos: totals.queue.nanos,
            compute_nanos: totals.compute.nanos,
            request_nanos: totals.request.nanos,
            request: Sparse(totals.request.indexed().collect()),
        }
    }

    /// Requests that ended so.
    #[must_use]
    pub fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    /// All requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what was counted elsewhere or at another time.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.numbers().into_iter().zip(other.clone().numbers()) {
            *mine = mine.saturating_add(*theirs);
        }
        self.request.add(&other.request);
    }

    /// What was counted since an earlier reading of the same counters. Counters that went back began anew: then it is all
    /// that they have counted.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        self.less(before).unwrap_or_else(|| self.clone())
    }

    /// What is left of it without a part of it; nothing where that is none.
    fn less(&self, part: &Self) -> Option<Self> {
        let (mut rest, mut part) = (self.clone(), part.clone());
        for (mine, theirs) in rest.numbers().into_iter().zip(part.numbers()) {
            *mine = mine.checked_sub(*theirs)?;
        }
        rest.request = self.request.less(&part.request)?;
        Some(rest)
    }

    /// The mean time of a request, in seconds; nothing where there was none.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count = self.request.count();
        (count > 0).then(|| self.request_nanos as f64 / 1e9 / count as f64)
    }

    /// The q-quantile of the times of requests, in seconds; nothing where there was none.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        sketch::quantile(self.request.0.iter().copied(), self.request.count(), q)
    }

    /// The stored form: a byte for its version, then whole numbers of as many bytes as they need.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        // A bit for each outcome that was met.
        let met = self.outcomes.iter().rev();
        let met = met.fold(0, |bits, count| bits << 1 | u64::from(*count > 0));
        put(&mut bytes, met);
        let counts = self.outcomes.iter().filter(|count| **count > 0);
        counts.for_each(|count| put(&mut bytes, *count));
        for number in [
            self.rows,
            self.executions,
            self.timed,
            self.queue_nanos,
            self.compute_nanos,
            self.request_nanos,
            self.request.0.len() as u64,
        ] {
            put(&mut bytes, number);
        }
        let mut next = LOWEST;
        for (index, count) in &self.request.0 {
            // Buckets lie side by side mostly: their distances are small.
            put(&mut bytes, u64::from(index.abs_diff(next)));
            put(&mut bytes, *count);
            next = index + 1;
        }
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`Damaged`] for what [`Self::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let (version, mut rest) = bytes.split_first().ok_or(Damaged::Short)?;
        if *version != VERSION {
            return Err(Damaged::Unknown(*version));
        }
        let rest = &mut rest;
        let met = take(rest)?;
        if met >> OUTCOMES != 0 {
            return Err(Damaged::Impossible("an outcome that is not known"));
        }
        let mut window = Self::default();
        for (place, count) in window.outcomes.iter_mut().enumerate() {
            if met >> place & 1 == 1 {
                *count = positive(rest)?;
            }
        }
        window.rows = take(rest)?;
        window.executions = take(rest)?;
        window.timed = take(rest)?;
        window.queue_nanos = take(rest)?;
        window.compute_nanos = take(rest)?;
        window.request_nanos = take(rest)?;
        let buckets = take(rest)?;
        if buckets > BUCKETS as u64 {
            return Err(Damaged::Impossible("more buckets than there are"));
        }
        let mut next = 0;
        for _ in 0..buckets {
            let place = take(rest)?.saturating_add(next);
            if place >= BUCKETS as u64 {
                return Err(Damaged::Impossible("a bucket that is not there"));
            }
            let index = LOWEST + i32::try_from(place).expect("there are fewer buckets");
            window.request.0.push((index, positive(rest)?));
            next = place + 1;
        }
        match rest.is_empty() {
            true => Ok(window),
            false => Err(Damaged::Long),
        }
    }

    /// All that is counted, but for the sketch.
    fn numbers(&mut self) -> [&mut u64; OUTCOMES + 6] {
        let [a, b, c, d, e, f, g, h, i] = &mut self.outcomes;
        [
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            &mut self.rows,
            &mut self.executions,
            &mut self.timed,
            &mut self.queue_nanos,
            &mut self.compute_nanos,
            &mut self.request_nanos,
        ]
    }
}

// === impl Sparse ===

impl Sparse {
    fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    fn add(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        let mut all = Vec::with_capacity(self.0.len() + other.0.len());
        let (mut mine, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        loop {
            let next = match (mine.peek(), theirs.peek()) {
                (Some((m, count)), Some((t, more))) if m == t => {
                    let sum = (*m, count.saturating_add(*more));
                    mine.next();
                    theirs.next();
                    sum
                }
                (Some(m), Some(t)) if t < m => *theirs.next().expect("it was looked at"),
                (Some(_), _) => *mine.next().expect("it was looked at"),
                (None, Some(_)) => *theirs.next().expect("it was looked at"),
                (None, None) => break,
            };
            all.push(next);
        }
        self.0 = all;
    }

    /// What is left without a part; nothing where that is none.
    fn less(&self, part: &Self) -> Option<Self> {
        let mut parts = part.0.iter().peekable();
        let mut rest = Vec::new();
        for (index, count) in &self.0 {
            let less = parts.next_if(|(at, _)| at == index);
            let left = count.checked_sub(less.map_or(0, |(_, count)| *count))?;
            if left > 0 {
                rest.push((*index, left));
            }
        }
        parts.peek().is_none().then_some(Self(rest))
    }
}

// === numbers as bytes ===

/// Seven bits a byte, the lowest first; a set eighth bit says that more follow.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Result<u64, Damaged> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Damaged::Short)?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits || (*byte == 0 && shift > 0) {
            break;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Damaged::Impossible("a number that is none"))
}

fn positive(bytes: &mut &[u8]) -> Result<u64, Damaged> {
    match take(bytes)? {
        0 => Err(Damaged::Impossible("a count of nothing")),
        count => Ok(count),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any window.
    fn windows() -> impl Strategy<Value = Window> {
        let numbers = proptest::collection::vec(prop_oneof![Just(0), 0..300_u64, any_count()], 15);
        let places = proptest::collection::btree_map(0..BUCKETS as i32, any_count(), 0..40);
        (numbers, places).prop_map(|(numbers, places)| {
            let mut window = Window::default();
            for (mine, number) in window.numbers().into_iter().zip(numbers) {
                *mine = number;
            }
            let counts = places.into_iter();
            window.request = Sparse(counts.map(|(place, n)| (LOWEST + place, n)).collect());
            window
        })
    }

    fn any_count() -> impl Strategy<Value = u64> {
        // Bounded so that sums of a few stay exact.
        prop_oneof![1..200_u64, 1..u64::MAX >> 8]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(window in windows()) {
            prop_assert_eq!(Window::decode(&window.encode()), Ok(window));
        }

        #[test]
        fn what_is_read_is_what_would_be_written(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            if let Ok(window) = Window::decode(&bytes) {
                prop_assert_eq!(window.encode(), bytes);
            }
        }

        #[test]
        fn parts_of_what_is_written_are_refused(window in windows(), cut in 0.0..1.0_f64) {
            let bytes = window.encode();
            let cut = (bytes.len() as f64 * cut) as usize;
            prop_assert!(Window::decode(&bytes[..cut]).is_err());
            prop_assert_eq!(Window::decode(&[&bytes[..], &[0]].concat()), Err(Damaged::Long));
        }

        #[test]
        fn sums_and_differences_undo_each_other(a in windows(), b in windows()) {
            let mut sum = a.clone();
            sum.add(&b);
            let mut other = b.clone();
            other.add(&a);
            prop_assert_eq!(&sum, &other);
            prop_assert_eq!(sum.since(&a), b);
        }
    }

    #[test]
    fn counters_that_went_back_count_from_zero() {
        let many = Window {
            rows: 9,
            ..Window::default()
        };
        let few = Window {
            rows: 2,
            executions: 7,
            ..Window::default()
        };
        assert_eq!(few.since(&many), few);
    }

    #[test]
    fn another_form_is_refused() {
        let mut bytes = Window::default().encode();
        bytes[0] = 2;
        assert_eq!(Window::decode(&bytes), Err(Damaged::Unknown(2)));
        assert_eq!(
            Damaged::Unknown(2).to_string(),
            "it is of form 2; this program reads form 1"
        );
        assert_eq!(Window::decode(&[]), Err(Damaged::Short));
    }

    #[test]
    fn a_busy_window_is_small() {
        let cell = crate::measure::Cell::default();
        for n in 0..10_000_u64 {
            cell.record(crate::measure::Sample {
                request: std::time::Duration::from_micros(100 + n % 5_000),
                ..crate::measure::Sample::answered()
            });
        }
        let window = Window::of(&cell.totals());
        assert_eq!(window.requests(), 10_000);
        let bytes = window.encode();
        assert!(bytes.len() < 400, "{}", bytes.len());
        let exact = cell.totals().request;
        assert_eq!(window.quantile(0.9), exact.quantile(0.9));
        assert_eq!(window.mean(), exact.mean());
    }
}
