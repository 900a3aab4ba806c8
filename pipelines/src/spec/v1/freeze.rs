//! When a rollout does not advance: spans of wall time, once or every week.

use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use crate::spec::canary::Window;
use crate::spec::read::{Field, Reader, describe};

/// A span of wall time in which no rollout advances; aborts act all the same. Both ends are dates, or both are days
/// of the week.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WindowSpec {
    /// Its beginning, UTC: `"2026-12-24T00:00:00Z"`, or `"fri 16:00"` for every week. Required.
    pub from: String,
    /// Its end, exclusive, written as `from` is. A weekly window may span the end of the week. Required.
    pub to: String,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY: u16 = 24 * 60;

#[derive(Clone, Copy)]
enum End {
    /// Milliseconds since 1970.
    Date(u64),
    /// Minutes since Monday.
    Weekly(u16),
}

// === reading ===

pub(super) fn read(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Window> {
    let mut table = field.table(reader)?;
    let (from, to) = (table.need("from", reader), table.need("to", reader));
    table.finish(reader);
    let begin = from.and_then(|field| end(&field, reader));
    let to = to?;
    let (begin, finish) = (begin, end(&to, reader));
    match (begin?, finish?) {
        (End::Date(a), End::Date(b)) if a == b => empty(&to, reader),
        (End::Weekly(a), End::Weekly(b)) if a == b => empty(&to, reader),
        (End::Date(from), End::Date(until)) if until < from => {
            let message = format!(
                "the window ends before it begins, at {}",
                describe(to.value())
            );
            reader.error(&to, "backwards", message);
            None
        }
        (End::Date(from), End::Date(to)) => Some(Window::Once { from, to }),
        (End::Weekly(from), End::Weekly(to)) => Some(Window::Weekly { from, to }),
        (End::Date(_), End::Weekly(_)) | (End::Weekly(_), End::Date(_)) => {
            let message = "one end is a date, and the other one a day of the week".to_owned();
            let problem = field.problem(reader, "mixed-window", message);
            reader.push(problem.hint("write both as dates, or both as days of the week"));
            None
        }
    }
}

fn empty<T>(to: &Field<'_>, reader: &mut Reader<'_>) -> Option<T> {
    let message = "the window ends when it begins".to_owned();
    reader.error(to, "empty-window", message);
    None
}

fn end(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<End> {
    let text = field.text(reader)?;
    let end = weekly(text).or_else(|| date(text));
    if end.is_none() {
        let got = describe(field.value());
        let message =
            format!("expected a time such as \"2026-12-24T00:00:00Z\" or \"fri 16:00\", got {got}");
        reader.error(field, "invalid-time", message);
    }
    end
}

fn weekly(text: &str) -> Option<End> {
    let (day, time) = text.split_once(' ')?;
    let day = DAYS.iter().zip(0..).find(|(known, _)| **known == day)?.1;
    let (hour, minute) = time.split_once(':')?;
    let two = |text: &str, end: u16| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u16 = digits.then(|| text.parse().ok())??;
        (number < end).then_some(number)
    };
    let minutes = two(hour, 24)? * 60 + two(minute, 60)?;
    Some(End::Weekly(day * DAY + minutes))
}

fn date(text: &str) -> Option<End> {
    let at = humantime::parse_rfc3339(text).ok()?;
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok().map(End::Date)
}

// === writing ===

impl From<Window> for WindowSpec {
    fn from(window: Window) -> Self {
        let (from, to) = match window {
            Window::Once { from, to } => (End::Date(from), End::Date(to)),
            Window::Weekly { from, to } => (End::Weekly(from), End::Weekly(to)),
        };
        Self {
            from: from.written(),
            to: to.written(),
        }
    }
}

// === impl End ===

impl End {
    fn written(self) -> String {
        match self {
            Self::Date(millis) => {
                let at = UNIX_EPOCH + Duration::from_millis(millis);
                match millis % 1_000 {
                    0 => humantime::format_rfc3339_seconds(at).to_string(),
                    _ => humantime::format_rfc3339_millis(at).to_string(),
                }
            }
            Self::Weekly(minutes) => {
                let day = DAYS[usize::from(minutes / DAY) % DAYS.len()];
                let (hour, minute) = (minutes % DAY / 60, minutes % 60);
                format!("{day} {hour:02}:{minute:02}")
            }
        }
    }
}
