//! Kinds of settings that files of pipelines do not have: sizes, addresses, paths, counts.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use impresario_pipelines::spec::read::{Field, Reader, describe};
use serde_json::Value;

use super::layers::Layers;

/// Up to an hour: more is hardly meant.
pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const MILLISECOND: Duration = Duration::from_millis(1);

const UNITS: [(&str, u64); 10] = [
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A size in bytes: `"64MiB"`, or a plain number of bytes.
pub(super) fn size(
    field: &Field<'_>,
    reader: &mut Reader<'_>,
    range: RangeInclusive<u64>,
) -> Option<u64> {
    let bytes = match field.value() {
        Value::Number(_) => return field.whole(reader, range),
        Value::String(text) => parse_size(text),
        _ => return field.text(reader).and(None),
    };
    let Some(bytes) = bytes else {
        let got = describe(field.value());
        let message = format!("expected a size such as \"64MiB\" or a number of bytes, got {got}");
        reader.error(field, "invalid-size", message);
        return None;
    };
    if !range.contains(&bytes) {
        let (start, end) = (range.start(), range.end());
        let message = format!("expected a size from {start} to {end} bytes, got {bytes}");
        reader.error(field, "out-of-range", message);
        return None;
    }
    Some(bytes)
}

fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim_start() {
        "" => 1,
        unit => UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// A count of at least one.
pub(super) fn count(field: &Field<'_>, reader: &mut Reader<'_>, max: u64) -> Option<NonZeroUsize> {
    let count = field.whole(reader, 1..=max)?;
    usize::try_from(count).ok().and_then(NonZeroUsize::new)
}

/// A size or count that fits this machine's addresses.
pub(super) fn fits(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// An IP address and a port; `localhost` is the loopback address.
pub(super) fn address(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<SocketAddr> {
    let text = field.text(reader)?;
    let port = |text: &str| text.parse::<u16>().ok();
    let address = match text.strip_prefix("localhost:") {
        Some(rest) => port(rest).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        None => text.parse().ok(),
    };
    if address.is_none() {
        let got = describe(field.value());
        let message =
            format!("expected an IP address and a port such as \"127.0.0.1:8080\", got {got}");
        let problem = field.problem(reader, "invalid-address", message);
        let bare = text.strip_prefix(':').unwrap_or(text);
        reader.push(match port(bare) {
            Some(port) => problem.hint(format!(
                "write \"127.0.0.1:{port}\" for this machine only, \"0.0.0.0:{port}\" for all of its addresses"
            )),
            None => problem,
        });
    }
    address
}

/// A path, relative to the folder of who wrote it.
pub(super) fn path(field: &Field<'_>, reader: &mut Reader<'_>, layers: &Layers) -> Option<PathBuf> {
    let text = field.text(reader)?;
    if text.is_empty() || text.contains('\0') {
        let got = describe(field.value());
        reader.error(field, "invalid-path", format!("expected a path, got {got}"));
        return None;
    }
    Some(layers.folder(field.path()).join(text))
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("64MiB", Some(64 << 20)),
            ("1 GB", Some(1_000_000_000)),
            ("7B", Some(7)),
            ("64mib", None),
            ("1.5GiB", None),
            ("-1", None),
            ("", None),
            ("MiB", None),
            ("99999999TiB", None),
        ] {
            assert_eq!(parse_size(text), bytes, "{text}");
        }
    }
}
