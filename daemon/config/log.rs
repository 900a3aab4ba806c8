//! Reading `[log]`.

use impresario_pipelines::spec::read::{Field, Reader};

use super::{Log, LogFormat};
use crate::telemetry::{FilterError, filter};

pub(super) fn log(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Log> {
    let formats = [
        ("auto", LogFormat::Auto),
        ("text", LogFormat::Text),
        ("json", LogFormat::Json),
        ("ecs", LogFormat::Ecs),
    ];
    let mut t = field.table(r)?;
    let level = t.need("level", r).and_then(|f| level(&f, r));
    let format = t.need("format", r).and_then(|f| f.choice(r, &formats));
    let access = t.need("access", r).and_then(|f| f.number(r, 0.0..=1.0));
    let access_failures = t.need("access_failures", r).and_then(|f| f.flag(r));
    t.finish(r);
    Some(Log {
        level: level?,
        format: format?,
        access: access?,
        access_failures: access_failures?,
    })
}

/// A filter, as it is written.
fn level(field: &Field<'_>, r: &mut Reader<'_>) -> Option<String> {
    let text = field.text(r)?;
    if let Err(error) = filter(text) {
        let code = match error {
            FilterError::Level { .. } => "unknown-value",
            FilterError::Part { .. } | FilterError::Empty | FilterError::Long(_) => {
                "invalid-filter"
            }
        };
        let problem = field.problem(r, code, error.to_string());
        r.push(problem.hint(error.hint()));
        return None;
    }
    Some(text.to_owned())
}
