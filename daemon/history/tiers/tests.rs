//! Tables of what is due.

use super::*;

const MINUTE: u64 = Tier::Minute.unit();
const HOUR: u64 = Tier::Hour.unit();
const DAY: u64 = 24 * HOUR;

fn marks(minute: u64, hour: u64) -> Marks {
    Marks { minute, hour }
}

fn piece(tier: Tier, from: u64, until: u64) -> Piece {
    Piece { tier, from, until }
}

fn window(rows: u64) -> Window {
    let mut window = Window::default();
    window.rows = rows;
    window
}

#[test]
fn long_windows_are_made_once_their_short_ones_have_ended() {
    let now = 5 * HOUR + 7 * MINUTE + 30_500;
    let minutes = 5 * HOUR + 7 * MINUTE;
    for (marks, minute, hour) in [
        // Nothing has been folded since the hour began.
        (
            marks(5 * HOUR, 5 * HOUR),
            Some(piece(Tier::Ten, 5 * HOUR, minutes)),
            None,
        ),
        // All minutes are there: the hours before can be made.
        (
            marks(minutes, 2 * HOUR),
            None,
            Some(piece(Tier::Minute, 2 * HOUR, 5 * HOUR)),
        ),
        // Hours wait for their minutes.
        (
            marks(4 * HOUR + MINUTE, 2 * HOUR),
            Some(piece(Tier::Ten, 4 * HOUR + MINUTE, minutes)),
            Some(piece(Tier::Minute, 2 * HOUR, 4 * HOUR)),
        ),
        // The clock jumped back: all has been folded already.
        (marks(9 * HOUR, 8 * HOUR), None, None),
    ] {
        assert_eq!(marks.foldable(Tier::Minute, now), minute, "{marks:?}");
        assert_eq!(marks.foldable(Tier::Hour, now), hour, "{marks:?}");
        assert_eq!(marks.foldable(Tier::Ten, now), None);
    }
}

#[test]
fn what_comes_late_goes_to_all_that_was_made_of_its_time() {
    let marks = marks(5 * HOUR + 3 * MINUTE, 5 * HOUR);
    for (start, takes) in [
        (
            5 * HOUR + 3 * MINUTE,
            &[(Tier::Ten, 5 * HOUR + 3 * MINUTE)][..],
        ),
        (
            5 * HOUR + 2 * MINUTE + 50_000,
            &[
                (Tier::Ten, 5 * HOUR + 2 * MINUTE + 50_000),
                (Tier::Minute, 5 * HOUR + 2 * MINUTE),
            ],
        ),
        (
            5 * HOUR - 10_000,
            &[
                (Tier::Ten, 5 * HOUR - 10_000),
                (Tier::Minute, 5 * HOUR - MINUTE),
                (Tier::Hour, 4 * HOUR),
            ],
        ),
    ] {
        assert_eq!(marks.takes(start).collect::<Vec<_>>(), takes, "{start}");
    }
}

#[test]
fn what_is_old_is_removed_once_it_was_folded() {
    let now = 400 * DAY + 12_345;
    let recent = marks(now - now % MINUTE, 400 * DAY);
    for (tier, marks, before) in [
        (Tier::Ten, recent, 400 * DAY - 6 * HOUR + 10_000),
        (Tier::Minute, recent, 393 * DAY),
        (Tier::Hour, recent, 35 * DAY),
        (Tier::Ten, marks(390 * DAY, 390 * DAY), 390 * DAY),
        (Tier::Minute, marks(390 * DAY, 20 * DAY), 20 * DAY),
        (Tier::Hour, marks(0, 0), 35 * DAY),
    ] {
        assert_eq!(marks.removable(tier, now), before, "{tier:?} {marks:?}");
    }
    // A clock that says 1970 removes nothing.
    assert_eq!(recent.removable(Tier::Hour, 5_000), 0);
}

#[test]
fn all_is_found_in_the_longest_windows_that_there_are() {
    let marks = marks(5 * HOUR + 3 * MINUTE, 4 * HOUR);
    let end = 6 * HOUR;
    for (tier, from, until, pieces) in [
        (
            Tier::Hour,
            2 * HOUR,
            end,
            &[
                piece(Tier::Hour, 2 * HOUR, 4 * HOUR),
                piece(Tier::Minute, 4 * HOUR, 5 * HOUR + 3 * MINUTE),
                piece(Tier::Ten, 5 * HOUR + 3 * MINUTE, end),
            ][..],
        ),
        (
            Tier::Minute,
            2 * HOUR,
            4 * HOUR,
            &[piece(Tier::Minute, 2 * HOUR, 4 * HOUR)],
        ),
        (Tier::Ten, 0, end, &[piece(Tier::Ten, 0, end)]),
        (
            Tier::Hour,
            end,
            end + HOUR,
            &[piece(Tier::Ten, end, end + HOUR)],
        ),
        (Tier::Hour, end, end, &[]),
    ] {
        assert_eq!(marks.pieces(tier, from, until), pieces, "{tier:?} {from}");
    }
}

#[test]
fn folding_adds_up_and_leaves_what_is_not_whole() {
    let of = piece(Tier::Ten, MINUTE, 4 * MINUTE);
    let windows = [
        (MINUTE, window(1)),
        (MINUTE + 50_000, window(2)),
        (3 * MINUTE, window(4)),
    ];
    let all = fold(Tier::Minute, of, &windows, Whole::All);
    assert_eq!(all.sums, [(MINUTE, window(3)), (3 * MINUTE, window(4))]);
    assert_eq!(all.mark, 4 * MINUTE);
    let part = fold(Tier::Minute, of, &windows, Whole::Beginning);
    assert_eq!(part.sums, [(MINUTE, window(3))]);
    assert_eq!(part.mark, 3 * MINUTE);
    let none = fold(Tier::Minute, of, &[], Whole::All);
    assert_eq!((none.sums.len(), none.mark), (0, 4 * MINUTE));
}

#[test]
fn marks_are_read_as_they_were_written() {
    let some = marks(5 * HOUR + 3 * MINUTE, 4 * HOUR);
    assert_eq!(Marks::decode(&some.encode()), Some(some));
    for wrong in [marks(1, 0), marks(HOUR, 2 * HOUR)] {
        assert_eq!(Marks::decode(&wrong.encode()), None);
    }
    assert_eq!(Marks::decode(&some.encode()[1..]), None);
}
