//! Requests as rows of bytes, the low byte of a number first. Before them stands how many metrics there are.

use impresario_pipelines::bucket::Slot;

use super::entry::{Entry, Event, Request, Seen};

/// The first bytes of rows.
pub(super) fn begin(metrics: usize) -> Vec<u8> {
    vec![u8::try_from(metrics).unwrap_or(u8::MAX)]
}

/// Adds a row.
pub(super) fn push(rows: &mut Vec<u8>, request: Request, entry: &Entry) {
    let seen = &entry.seen;
    rows.extend(request.bits().to_le_bytes());
    rows.extend(seen.segment.to_le_bytes());
    rows.push(seen.arm);
    rows.extend(seen.slot.get().to_le_bytes());
    rows.extend(seen.unit.to_le_bytes());
    rows.extend(seen.at.to_le_bytes());
    rows.extend(seen.dimensions);
    for value in &entry.values {
        rows.extend(value.to_bits().to_le_bytes());
    }
    rows.push(u8::try_from(entry.events.len()).unwrap_or(u8::MAX));
    for event in entry.events.iter().take(usize::from(u8::MAX)) {
        rows.push(event.metric);
        rows.extend(event.id.to_le_bytes());
    }
}

/// All rows; nothing where the bytes are not what was written for so many metrics.
pub(super) fn read(bytes: &[u8], metrics: usize) -> Option<Vec<(Request, Entry)>> {
    let (head, mut rest) = bytes.split_first_chunk::<1>()?;
    if usize::from(head[0]) != metrics {
        return None;
    }
    let mut rows = Vec::new();
    while !rest.is_empty() {
        rows.push(row(&mut rest, metrics)?);
    }
    Some(rows)
}

fn row(rest: &mut &[u8], metrics: usize) -> Option<(Request, Entry)> {
    let request = Request::from_bits(u64::from_le_bytes(take(rest)?));
    let seen = Seen {
        segment: u32::from_le_bytes(take(rest)?),
        arm: u8::from_le_bytes(take(rest)?),
        slot: Slot::new(u16::from_le_bytes(take(rest)?))?,
        unit: u64::from_le_bytes(take(rest)?),
        at: u64::from_le_bytes(take(rest)?),
        dimensions: take(rest)?,
    };
    let values = (0..metrics).map(|_| Some(f64::from_bits(u64::from_le_bytes(take(rest)?))));
    let values: Option<Box<[f64]>> = values.collect();
    let mut entry = Entry::new(seen, values?);
    let [events] = take(rest)?;
    for _ in 0..events {
        entry.events.push(Event {
            metric: u8::from_le_bytes(take(rest)?),
            id: u64::from_le_bytes(take(rest)?),
        });
    }
    Some((request, entry))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*bytes)
}
