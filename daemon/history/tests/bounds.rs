//! How much is kept, and what is done with more.

use super::*;

/// Rows of everything in the store.
fn rows(world: &World) -> usize {
    let all: std::ops::Range<&[u8]> = b"\x00"..b"\xff";
    world.store.rows(all, usize::MAX).unwrap().len()
}

/// Windows of a series and tier.
fn windows(world: &World, tier: Tier) -> usize {
    let book = world.keeper.shared.read();
    let counts = book.known.values().map(|known| {
        let (from, until) = (
            known.number.window(tier, 0),
            known.number.window(tier, u64::MAX),
        );
        world.store.rows(&from..&until, usize::MAX).unwrap().len()
    });
    counts.max().unwrap_or_default()
}

#[test]
fn what_is_kept_of_busy_series_is_bounded() {
    let mut world = World::new(SERIES);
    let most = |tier: Tier| ((tier.age() + tier.slack()) / tier.unit()) as usize + 2;
    // Two hours more than windows of ten seconds are kept, at their pace.
    for _ in 0..8 * 360 {
        world.traffic(1, 1);
        world.pass(10 * SECOND);
        world.tick();
    }
    let ten = windows(&world, Tier::Ten);
    assert!((2_160..=most(Tier::Ten)).contains(&ten), "{ten}");
    assert!(windows(&world, Tier::Minute) <= 8 * 60 + 1);
    assert_eq!(windows(&world, Tier::Hour), 8);
    // Two days more than minutes are kept, at the pace of minutes.
    for _ in 0..9 * 24 * 60 {
        world.traffic(1, 1);
        world.pass(MINUTE);
        world.tick();
    }
    for tier in Tier::ALL {
        let (found, most) = (windows(&world, tier), most(tier));
        assert!(found <= most, "{tier:?}: {found} of {most}");
    }
    assert!(windows(&world, Tier::Minute) >= 7 * 24 * 60);
    // Half a year more than hours are kept, at the pace of hours.
    for _ in 0..548 * 24 {
        world.traffic(1, 1);
        world.pass(HOUR);
        world.tick();
    }
    for tier in Tier::ALL {
        let (found, most) = (windows(&world, tier), most(tier));
        assert!(found <= most, "{tier:?}: {found} of {most}");
    }
    assert!(windows(&world, Tier::Hour) >= 365 * 24);
}

#[test]
fn more_series_than_there_may_be_are_counted_and_not_kept() {
    let mut world = World::new(2);
    for _ in 0..2 {
        for (series, requests) in [(1, 1), (2, 2), (3, 4), (0, 8)] {
            world.traffic(series, requests);
        }
        world.pass(10 * SECOND);
        world.tick();
    }
    let dropped = world
        .keeper
        .shared
        .dropped
        .load(std::sync::atomic::Ordering::Relaxed);
    let kept: u64 = world.hours().values().sum();
    assert_eq!((kept, dropped), (2 * (2 + 4), 2 * (1 + 8)));
    // The same series are kept after a restart.
    world.restart();
    world.traffic(3, 5);
    world.traffic(2, 1);
    world.restart();
    let kept: u64 = world.hours().values().sum();
    assert_eq!(kept, 18);
}

#[test]
fn a_series_that_cannot_be_read_keeps_its_number_and_its_place() {
    let mut world = World::new(2);
    let (newer, text) = (series::Number(7), br#"{"v":2}"#.to_vec());
    let row = crate::store::Row {
        key: newer.name(),
        value: Some(text.clone()),
    };
    world.store.put_rows(&[row]).unwrap();
    world.open();
    for series in [1, 2] {
        world.traffic(series, 1);
    }
    world.restart();
    let kept = keeper::one(world.store.as_ref(), newer.name()).unwrap();
    assert_eq!(kept, Some(text));
    let book = world.keeper.shared.read();
    let numbers: Vec<_> = book.known.values().map(|known| known.number).collect();
    assert_eq!(numbers, [series::Number(8)]);
}

#[test]
fn what_is_deleted_stays_until_it_is_old_and_leaves_nothing() {
    let mut world = World::new(1);
    world.traffic(1, 3);
    world.pass(10 * SECOND);
    world.tick();
    // Without its pipeline, and then without the process.
    world.perform(&Step::CellsGo);
    world.restart();
    for _ in 0..360 * 24 {
        world.pass(HOUR);
        world.tick();
    }
    assert_eq!(world.hours().values().sum::<u64>(), 3);
    for _ in 0..9 * 24 {
        world.pass(HOUR);
        world.tick();
    }
    assert_eq!(world.hours().len(), 0);
    assert_eq!(rows(&world), 0);
    // Its place is free.
    world.traffic(2, 1);
    world.restart();
    assert_eq!(world.hours().values().sum::<u64>(), 1);
}

#[test]
fn a_clock_that_is_wrong_for_a_moment_costs_nothing() {
    let mut world = World::new(SERIES);
    world.traffic(1, 9);
    for _ in 0..CALM / SECOND / 10 + 1 {
        world.pass(10 * SECOND);
        world.tick();
    }
    for years in [5_i64, -5, -55, 55] {
        world.perform(&Step::Jump(years * 365 * DAY as i64));
        for _ in 0..20 {
            world.pass(SECOND);
            world.tick();
        }
    }
    let found: u64 = world
        .read(10 * SECOND, Tier::Ten.start(BEGIN))
        .values()
        .map(Window::requests)
        .sum();
    assert_eq!(found, 9);
}
