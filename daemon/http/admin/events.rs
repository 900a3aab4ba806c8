//! `GET /admin/v1/events`: what happens to pipelines and their courses, as it happens.
//!
//! Nothing is queued for a reader: each is fed from the fleet's own history, at its own pace, so that a slow one costs
//! nobody anything. One whom the history has outrun is told which records it missed; one that takes nothing for a minute
//! is dropped. The browser's `EventSource` resumes by itself with `Last-Event-ID`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse, rt};
use impresario_models::Name;
use impresario_pipelines::fleet::{Change, Record};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time;
use utoipa::IntoParams;

use super::guard::{Caller, Viewer};
use super::openapi::Refusals;
use super::problem::{Code, Problem};
use super::wire::{EntryV1, MissedV1};
use super::{Admin, parse};
use crate::actors::Live;

/// How many may read at a time.
const READERS: usize = 64;
/// How long nothing may be said: proxies cut off what is silent for longer.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a reader may take nothing.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where a reader says what it has seen last.
const LAST_EVENT: &str = "last-event-id";

/// The places of those who read events.
#[derive(Clone)]
pub struct Streams(Arc<Semaphore>);

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventParams {
    /// Only those of this pipeline, and what holds for all.
    pipeline: Option<String>,
}

/// Every change of a pipeline and every transition of a rollout, experiment or bandit, as server-sent events: the `id` is
/// the number in the audit, the `event` its action (`rollout.advance`), the `data` an entry of the journal. A comment is
/// sent every 15 s. A reader who missed more than the daemon keeps in memory gets an event `missed`.
#[utoipa::path(
    get,
    path = "/admin/v1/events",
    tag = "daemon",
    operation_id = "events",
    params(
        EventParams,
        ("Last-Event-ID" = Option<u64>, Header, description = "Begin after this event; from now on where absent"),
    ),
    responses(
        (status = 200, description = "Events, without an end.", body = EntryV1, content_type = "text/event-stream"),
        Refusals
    )
)]
pub(super) async fn events(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    query: Query<EventParams>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let about = query.pipeline.as_deref().map(parse::name).transpose()?;
    let asked = last_event(&request)?;
    let place = admin.streams.take()?;
    let live = admin.impresario.live().clone();
    let newest = newest(&live.look().fleet.history);
    let feed = Feed {
        // What is not there yet cannot have been seen: the state is another one.
        last: asked.map_or(newest, |asked| asked.min(newest)),
        about,
        live,
        _place: place,
    };
    let (sender, receiver) = mpsc::channel(1);
    rt::spawn(feed.run(sender));
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .body(Fed(receiver)))
}

fn last_event(request: &HttpRequest) -> Result<Option<u64>, Problem> {
    let Some(value) = request.headers().get(LAST_EVENT) else {
        return Ok(None);
    };
    let number = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| {
        let detail =
            format!("{LAST_EVENT}: expected the id of an event, a whole number, got {value:?}");
        Problem::new(Code::InvalidHeader, detail)
    })
}

fn newest(history: &[Arc<Record>]) -> u64 {
    history.last().map_or(0, |record| record.seq)
}

/// Feeds one reader.
struct Feed {
    live: Live,
    about: Option<Name>,
    /// What it was given last, or needs not be given.
    last: u64,
    _place: OwnedSemaphorePermit,
}

impl Feed {
    /// Until the reader leaves, or the daemon goes down.
    async fn run(mut self, reader: mpsc::Sender<Bytes>) {
        let mut changes = self.live.changes();
        let mut heartbeat = time::interval(HEARTBEAT);
        let mut was_accepting = false;
        loop {
            let accepting = self.live.accepting();
            let news = self.news();
            if !news.is_empty() && give(&reader, news).await.is_none() {
                return;
            }
            if was_accepting && !accepting {
                return;
            }
            was_accepting = accepting;
            let beat = tokio::select! {
                changed = changes.changed() => match changed {
                    Ok(()) => None,
                    Err(_) => return,
                },
                _ = heartbeat.tick() => Some(": \n\n".to_owned()),
                () = reader.closed() => return,
            };
            if let Some(beat) = beat
                && give(&reader, beat).await.is_none()
            {
                return;
            }
        }
    }

    /// What happened since the last time, as it is sent.
    fn news(&mut self) -> String {
        let snapshot = self.live.look();
        let history = &snapshot.fleet.history;
        let mut text = String::new();
        if let Some(oldest) = history.first()
            && oldest.seq > self.last + 1
        {
            text.push_str(&missed(self.last + 1, oldest.seq - 1));
        }
        let from = history.partition_point(|record| record.seq <= self.last);
        for record in &history[from..] {
            if concerns(record, self.about.as_ref()) {
                text.push_str(&event(record, self.about.as_ref()));
            }
        }
        self.last = self.last.max(newest(history));
        text
    }
}

/// Whether a record is of a pipeline or what moves it, or holds for all of them.
fn concerns(record: &Record, about: Option<&Name>) -> bool {
    let mut diffs = record.diffs.iter();
    let ours = diffs.any(|diff| {
        let routing = matches!(diff.change, Change::Pipeline { .. } | Change::Course { .. });
        routing && about.is_none_or(|name| diff.name == *name)
    });
    ours || matches!(record.action.as_str(), "fleet.freeze" | "fleet.unfreeze")
}

fn event(record: &Record, about: Option<&Name>) -> String {
    let data = serde_json::to_string(&EntryV1::of(record, about));
    let data = data.expect("strings and numbers are JSON");
    format!(
        "id: {}\nevent: {}\ndata: {data}\n\n",
        record.seq, record.action
    )
}

fn missed(from: u64, to: u64) -> String {
    let missed = MissedV1 {
        from,
        to,
        remedy: format!("/admin/v1/audit?before={}", to + 1),
    };
    let data = serde_json::to_string(&missed).expect("strings and numbers are JSON");
    format!("id: {to}\nevent: missed\ndata: {data}\n\n")
}

/// Gives a reader something; nothing where it has left or takes nothing.
async fn give(reader: &mpsc::Sender<Bytes>, text: String) -> Option<()> {
    let sent = time::timeout(PATIENCE, reader.send(text.into())).await;
    sent.ok()?.ok()
}

/// The reading end.
struct Fed(mpsc::Receiver<Bytes>);

impl MessageBody for Fed {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(Ok))
    }
}

// === impl Streams ===

impl Streams {
    fn take(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.0).try_acquire_owned();
        place.map_err(|_| {
            let detail = format!("{READERS} read the events already, and no more may");
            Problem::new(Code::StreamsTaken, detail).retry_after(HEARTBEAT)
        })
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(READERS)))
    }
}
