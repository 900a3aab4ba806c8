//! Reading what holds for every request: deadline, class, key, rate limit, substitute.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::Value;

use super::key;
use super::scalars::optional;
use crate::priority::Priority;
use crate::spec::pipeline::Pipeline;
use crate::spec::read::{Field, Reader, Table, describe};
use crate::spec::service::{RateLimit, Service, Substitute};

/// The largest number of requests in a rate limit.
const MAX_REQUESTS: u64 = 1_000_000;

/// The fields, as far as they are written.
pub(super) struct Fields<'v> {
    deadline: Option<Field<'v>>,
    priority: Option<Field<'v>>,
    key: Option<Field<'v>>,
    rate_limit: Option<Field<'v>>,
    on_deadline: Option<Field<'v>>,
}

impl<'v> Fields<'v> {
    /// Takes the fields out of a pipeline's table.
    pub(super) fn of(table: &mut Table<'v>) -> Self {
        Self {
            deadline: table.get("deadline"),
            priority: table.get("priority"),
            key: table.get("key"),
            rate_limit: table.get("rate_limit"),
            on_deadline: table.get("on_deadline"),
        }
    }

    /// Reads all of them, and tells all that is wrong.
    pub(super) fn read(self, reader: &mut Reader<'_>) -> Option<Service> {
        let deadline = optional(self.deadline, |field| {
            field.duration(reader, Pipeline::MIN_DEADLINE..=Pipeline::MAX_DEADLINE)
        });
        let classes = Priority::ALL.map(|class| (class.as_str(), class));
        let priority = optional(self.priority, |field| field.choice(reader, &classes));
        let limited = self.rate_limit.is_some();
        let key = optional(self.key, |field| {
            let key = key::key(field, reader)?;
            if limited {
                key::refuse_body(field, &key, reader);
            }
            Some(key)
        });
        let rate_limit = optional(self.rate_limit, |field| rate_limit(field, reader));
        let on_deadline = optional(self.on_deadline, |field| substitute(field, reader));
        Some(Service {
            deadline: deadline?,
            priority: priority?,
            key: key?.unwrap_or_default(),
            rate_limit: rate_limit?,
            on_deadline: on_deadline?,
        })
    }
}

fn rate_limit(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<RateLimit> {
    let mut table = field.table(reader)?;
    let requests = table.need("requests", reader);
    let (per, burst) = (table.get("per"), table.get("burst"));
    table.finish(reader);
    let requests = requests.and_then(|field| count(&field, reader));
    let range = Duration::from_millis(1)..=Pipeline::MAX_RATE_TIME;
    let per = optional(per, |field| field.duration(reader, range));
    let burst = optional(burst, |field| count(field, reader));
    let requests = requests?;
    Some(RateLimit {
        requests,
        per: per?.unwrap_or(Duration::from_secs(1)),
        burst: burst?.unwrap_or(requests),
    })
}

fn count(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<NonZeroU32> {
    let count = field.whole(reader, 1..=MAX_REQUESTS)?;
    u32::try_from(count).ok().and_then(NonZeroU32::new)
}

/// Whether the outputs fit is seen when the version that answers is known.
pub(super) fn substitute(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Substitute> {
    let table = field.table(reader)?;
    let outputs: Vec<_> = table.entries().collect();
    let mut sound = !outputs.is_empty();
    if !sound {
        let message = "expected a value for each output, got an empty table".to_owned();
        reader.error(field, "empty", message);
    }
    for (_, output) in &outputs {
        if let Value::Object(_) | Value::Null = output.value() {
            let got = describe(output.value());
            let message = format!("expected a number, a text or a list of such, got {got}");
            reader.error(output, "wrong-type", message);
            sound = false;
        }
    }
    let owned = outputs
        .into_iter()
        .map(|(name, output)| (name.to_owned(), output.value().clone()));
    sound.then(|| Substitute(owned.collect()))
}
