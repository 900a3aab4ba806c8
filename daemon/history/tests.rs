//! The keeper against a naive model: random traffic, restarts, kills, clocks that jump and stores that fail, in a simulated
//! time. The bounds of what is kept are in `tests/bounds`.

mod bounds;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Variant;
use impresario_pipelines::fleet::Now;
use proptest::prelude::*;

use super::keeper::{CALM, Keeper};
use super::read::{self, By, Query};
use super::*;
use crate::measure::{Cell, Key, Measure, Outcome, Sample};
use crate::store::{Fault, Faulty, Memory, Retention, Store};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Where the simulated wall time begins: 47 days before that of the year 2026, not at a multiple of anything.
const BEGIN: u64 = 1_763_164_812_345;

/// Series in the simulation.
const SERIES: usize = 4;

/// A daemon's life, as far as the history is concerned.
struct World {
    store: Arc<Faulty<Memory>>,
    measure: Measure,
    keeper: Keeper,
    now: Now,
    most: usize,
    latest: u64,
    model: Model,
}

/// What should be there: requests by series and ten seconds.
#[derive(Default)]
struct Model {
    kept: BTreeMap<(usize, u64), u64>,
    open: BTreeMap<usize, u64>,
    open_from: u64,
}

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    Traffic(usize, u64),
    Seconds(u64),
    Hours(u64),
    Jump(i64),
    CellsGo,
    Restart,
    Kill,
    KillAt(usize, Fault),
    Fail(Fault),
}

// === impl World ===

impl World {
    fn new(most: usize) -> Self {
        let store = Arc::new(Faulty::new(Memory::new(Retention::default())));
        let measure = Measure::default();
        let now = Now {
            monotonic: 0,
            wall: BEGIN,
        };
        let keeper = Keeper::open(store.clone(), measure.clone(), most, now).unwrap();
        let model = Model {
            open_from: Tier::Ten.start(BEGIN),
            ..Model::default()
        };
        Self {
            store,
            measure,
            keeper,
            now,
            most,
            latest: BEGIN,
            model,
        }
    }

    fn cell(&self, series: usize) -> Arc<Cell> {
        let name = |text: &str| Name::new(text).unwrap();
        match series {
            0 => self.measure.lost(&name("lost")),
            n => self.measure.cell(Key {
                pipeline: name(if n == 1 { "lost" } else { "found" }),
                variant: [Variant::STABLE, Variant::CANARY][n % 2].clone(),
                model: name("model"),
                version: VersionNumber::new(n as u64).unwrap(),
            }),
        }
    }

    fn traffic(&mut self, series: usize, requests: u64) {
        let cell = self.cell(series);
        for n in 0..requests {
            cell.record(Sample {
                outcome: Outcome::ALL[n as usize % Outcome::ALL.len()],
                rows: 1,
                request: Duration::from_micros(1 << (n % 20)),
                times: None,
                at_ms: self.now.wall,
            });
        }
        *self.model.open.entry(series).or_default() += requests;
    }

    /// Time goes on, without the keeper being asked.
    fn pass(&mut self, millis: u64) {
        self.now.monotonic += millis;
        self.now.wall += millis;
        self.latest = self.latest.max(self.now.wall);
    }

    fn tick(&mut self) {
        self.keeper.tick(self.now);
        let start = Tier::Ten.start(self.now.wall);
        if start != self.model.open_from {
            self.model.close();
            self.model.open_from = start;
        }
    }

    /// Whatever fails has failed by now.
    fn settle(&mut self) {
        (0..3).for_each(|_| self.tick());
        for _ in 0..100 {
            let _fault = self.store.put_rows(&[]);
        }
        (0..3).for_each(|_| self.tick());
        let book = self.keeper.shared.read();
        assert!(book.pending.is_empty() && book.doubt.is_empty());
    }

    fn open(&mut self) {
        self.measure = Measure::default();
        let (store, measure) = (self.store.clone(), self.measure.clone());
        self.keeper = Keeper::open(store, measure, self.most, self.now).unwrap();
        self.model.open_from = Tier::Ten.start(self.now.wall);
    }

    fn kill(&mut self) {
        self.model.open.clear();
        self.open();
    }

    fn restart(&mut self) {
        self.keeper.finish(self.now);
        self.model.close();
        self.open();
    }

    fn perform(&mut self, step: &Step) {
        match step {
            Step::Traffic(series, requests) => self.traffic(*series, *requests),
            Step::Seconds(seconds) => {
                for _ in 0..*seconds {
                    self.pass(SECOND);
                    self.tick();
                }
            }
            Step::Hours(hours) => {
                self.pass(hours * HOUR);
                for _ in 0..3 {
                    self.pass(SECOND);
                    self.tick();
                }
            }
            Step::Jump(by) => {
                self.now.wall = self.now.wall.saturating_add_signed(*by);
                self.latest = self.latest.max(self.now.wall);
            }
            Step::CellsGo => self.measure.retain(|_| false, |_| false, |_| true),
            Step::Restart => {
                self.settle();
                self.restart();
            }
            Step::Kill => {
                self.settle();
                self.kill();
            }
            Step::KillAt(write, fault) => {
                self.settle();
                let (before, open) = (self.model.kept.clone(), self.model.open.clone());
                for _ in 0..*write {
                    self.store.inject_rows(Fault::None);
                }
                self.store.inject_rows(*fault);
                self.pass(2 * MINUTE);
                self.tick();
                // What is left of the faults is none of the next process's.
                for _ in 0..=*write {
                    let _fault = self.store.put_rows(&[]);
                }
                self.kill();
                // The window that was being closed is there or not; all others are.
                let total = |kept: &BTreeMap<(usize, u64), u64>, series| -> u64 {
                    let of_series = kept.iter().filter(|((of, _), _)| *of == series);
                    of_series.map(|(_, requests)| requests).sum()
                };
                let found = self.hours();
                for series in 0..SERIES {
                    let (found, kept) = (total(&found, series), total(&before, series));
                    let more = open.get(&series).copied().unwrap_or_default();
                    assert!(
                        found == kept || found == kept + more,
                        "series {series}: {found} of {kept} and {more}"
                    );
                }
                self.model.kept = found;
            }
            Step::Fail(fault) => self.store.inject_rows(*fault),
        }
    }

    /// Requests by series and hour, as a query finds them.
    fn hours(&self) -> BTreeMap<(usize, u64), u64> {
        let found = self.read(HOUR, 0).into_iter();
        found
            .map(|((series, at), window)| ((series, at), window.requests()))
            .collect()
    }

    /// What a query finds from a time on.
    fn read(&self, step: u64, from: u64) -> BTreeMap<(usize, u64), Window> {
        let query = Query {
            pipeline: None,
            by: By::Version,
            from,
            until: self.latest + DAY,
            step: Some(step),
            quantiles: Vec::new(),
        };
        let book = self.keeper.shared.read();
        let now = self.now.wall;
        let answer = read::read(self.store.as_ref(), &book, Vec::new(), &query, now).unwrap();
        let mut found = BTreeMap::new();
        for line in answer.lines {
            let version = line.group.version.as_ref();
            let series = version.map_or(0, |(_, version)| version.get() as usize);
            for point in line.points {
                assert!(!point.window.is_empty());
                found.insert((series, point.at), point.window);
            }
        }
        found
    }

    /// Everything from a time on, by series.
    fn sums(&self, step: u64, from: u64) -> BTreeMap<usize, Window> {
        let mut sums: BTreeMap<usize, Window> = BTreeMap::new();
        for ((series, _), window) in self.read(step, from) {
            sums.entry(series).or_default().add(&window);
        }
        sums
    }

    /// Sums over windows of all lengths agree, as far as those are kept.
    fn check_tiers(&self) {
        for tier in [Tier::Ten, Tier::Minute] {
            let from = tier.expired(self.latest).next_multiple_of(HOUR);
            let long = self.sums(HOUR, from);
            assert_eq!(self.sums(tier.unit(), from), long, "{tier:?}");
        }
    }

    /// Nothing is older than it may be, once the clocks have gone well for a while.
    fn check_age(&mut self) {
        for _ in 0..6 {
            self.pass(CALM / 3);
            self.tick();
        }
        let book = self.keeper.shared.read();
        for known in book.known.values() {
            for tier in Tier::ALL {
                let (from, until) = (
                    known.number.window(tier, 0),
                    known.number.window(tier, u64::MAX),
                );
                let rows = self.store.rows(&from..&until, usize::MAX).unwrap();
                let oldest = tier.expired(self.now.wall).saturating_sub(tier.slack());
                for (key, _) in rows {
                    let start = series::Number::start(&key).unwrap();
                    assert!(start >= oldest, "{tier:?} {start} at {}", self.now.wall);
                }
            }
        }
    }
}

// === impl Model ===

impl Model {
    fn close(&mut self) {
        for (series, requests) in std::mem::take(&mut self.open) {
            *self.kept.entry((series, self.open_from)).or_default() += requests;
        }
    }

    fn by(&self, unit: u64, from: u64) -> BTreeMap<(usize, u64), u64> {
        let mut by = BTreeMap::new();
        let kept = self.kept.iter().filter(|((_, at), _)| *at >= from);
        for ((series, at), requests) in kept.filter(|(_, requests)| **requests > 0) {
            *by.entry((*series, at - at % unit)).or_default() += requests;
        }
        by
    }

    fn totals(by: &BTreeMap<(usize, u64), u64>) -> BTreeMap<usize, u64> {
        let mut totals = BTreeMap::new();
        for ((series, _), requests) in by {
            *totals.entry(*series).or_default() += requests;
        }
        totals
    }
}

fn step() -> impl Strategy<Value = Step> {
    let fault = || {
        prop_oneof![
            Just(Fault::Aborted),
            Just(Fault::UnknownDone),
            Just(Fault::UnknownUndone)
        ]
    };
    let jump = prop_oneof![-20_i64..20, -4_000_i64..4_000, -100_000_i64..100_000];
    prop_oneof![
        8 => (0..SERIES, 1_u64..40).prop_map(|(series, requests)| Step::Traffic(series, requests)),
        6 => (1_u64..40).prop_map(Step::Seconds),
        3 => (1_u64..50).prop_map(Step::Hours),
        2 => jump.prop_map(|seconds| Step::Jump(seconds * 1_000)),
        2 => Just(Step::CellsGo),
        2 => Just(Step::Restart),
        1 => Just(Step::Kill),
        2 => (0_usize..4, fault()).prop_map(|(write, fault)| Step::KillAt(write, fault)),
        2 => fault().prop_map(Step::Fail),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn each_request_is_counted_once_in_its_time(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new(SERIES);
        for step in steps.iter().filter(|step| !matches!(step, Step::Fail(_) | Step::KillAt(..))) {
            world.perform(step);
            prop_assert_eq!(world.hours(), world.model.by(HOUR, 0), "after {:?}", step);
            for tier in [Tier::Ten, Tier::Minute] {
                let from = tier.expired(world.latest).next_multiple_of(HOUR);
                let found = world.read(tier.unit(), from).into_iter();
                let found: BTreeMap<_, _> = found.map(|(at, window)| (at, window.requests())).collect();
                prop_assert_eq!(found, world.model.by(tier.unit(), from), "{:?} after {:?}", tier, step);
            }
        }
        world.check_tiers();
        world.check_age();
        prop_assert_eq!(world.hours(), world.model.by(HOUR, 0));
    }

    #[test]
    fn nothing_is_lost_or_doubled_where_the_store_fails(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new(SERIES);
        for step in &steps {
            world.perform(step);
        }
        world.settle();
        // What could not be written in its time was written later.
        let (found, kept) = (world.hours(), world.model.by(HOUR, 0));
        prop_assert_eq!(Model::totals(&found), Model::totals(&kept));
        world.check_tiers();
        world.settle();
        world.check_age();
        world.check_tiers();
    }
}

#[test]
fn a_daemon_that_is_started_twice_in_a_window_adds_to_it() {
    let mut world = World::new(SERIES);
    let start = Tier::Ten.start(BEGIN);
    for _ in 0..3 {
        world.traffic(1, 5);
        world.pass(100);
        world.tick();
        world.restart();
    }
    let found = world.read(10 * SECOND, start);
    let found: Vec<_> = found
        .into_iter()
        .map(|(at, w)| (at, w.requests()))
        .collect();
    assert_eq!(found, [((1, start), 15)]);
}

#[test]
fn the_open_window_is_shown_before_it_is_stored() {
    let mut world = World::new(SERIES);
    world.traffic(1, 3);
    world.pass(10 * SECOND);
    world.tick();
    world.traffic(1, 4);
    world.traffic(0, 1);
    let book = world.keeper.shared.read();
    let unstored = book.unstored(&world.measure.survey());
    let query = Query {
        pipeline: None,
        by: By::Pipeline,
        from: world.now.wall - MINUTE,
        until: world.now.wall + 1,
        step: None,
        quantiles: vec![0.5],
    };
    let now = world.now.wall;
    let answer = read::read(world.store.as_ref(), &book, unstored, &query, now).unwrap();
    assert_eq!(answer.step, 10 * SECOND);
    let points = &answer.lines[0].points;
    let shown: Vec<_> = points
        .iter()
        .map(|p| (p.window.requests(), p.open))
        .collect();
    assert_eq!(shown, [(3, false), (5, true)]);
    // It has been open for 2.345 seconds.
    assert!(
        (points[1].rate - 5.0 / 2.345).abs() < 1e-9,
        "{}",
        points[1].rate
    );
}

#[test]
fn a_window_of_a_newer_program_is_left_alone() {
    let mut world = World::new(SERIES);
    world.traffic(1, 2);
    world.tick();
    world.restart();
    let number = world
        .keeper
        .shared
        .read()
        .known
        .values()
        .next()
        .unwrap()
        .number;
    let key = number.window(Tier::Ten, Tier::Ten.start(BEGIN));
    let newer = crate::store::Row {
        key: key.clone(),
        value: Some(vec![2, 0, 0]),
    };
    world.store.put_rows(&[newer]).unwrap();
    world.traffic(1, 7);
    world.restart();
    let kept = keeper::one(world.store.as_ref(), key).unwrap();
    assert_eq!(kept, Some(vec![2, 0, 0]));
}
