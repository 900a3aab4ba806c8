//! `POST /pipelines/{name}/feedback`: what callers tell of the answers that they got.
//!
//! One event, or a list of them. All is read and checked before anything is taken: a list counts whole or not at all.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use impresario_models::Name;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::body;
use super::codec::{Refusal, clip};
use super::respond::{Fault, json};
use crate::clock;
use crate::error::Error;
use crate::feedback::{About, Given, MAX_EVENTS, Refused, Seen, Taken};
use crate::plane::Plane;

/// Bodies of fewer bytes are read where they arrive.
const READ_APART_BYTES: usize = 64 << 10;

/// How long after the time that feedback is waited for a token is told late; then it is refused.
const OVERDUE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// An event as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    /// The id that the answer had, in `x-request-id`.
    #[serde(default)]
    request_id: Option<String>,
    /// The token that it had, in `x-route-token`.
    #[serde(default)]
    route_token: Option<String>,
    metric: String,
    value: f64,
    /// What tells events of one request and metric apart.
    #[serde(default)]
    event_id: String,
}

/// Events, and whether they came as a list.
struct Events {
    events: Vec<Event>,
    listed: bool,
}

/// What became of the events, by their numbers.
#[derive(Default, Serialize)]
struct Answer {
    accepted: usize,
    duplicate: usize,
    late: usize,
    unknown: usize,
    #[serde(skip_serializing_if = "is_zero")]
    full: usize,
}

pub(super) async fn take(
    request: &HttpRequest,
    payload: web::Payload,
    plane: &Plane,
    name: &str,
) -> Result<HttpResponse, Fault> {
    let body = body::read(request, payload, &plane.limits).await?;
    let snapshot = plane.serve.live().snapshot();
    let route = snapshot.table.route(name).ok_or_else(|| {
        let name = name.chars().take(Name::MAX_BYTES).collect();
        Error::UnknownModel { name }
    })?;
    let events = match body.len() {
        READ_APART_BYTES.. => body::apart(move || Events::read(&body)).await?,
        _ => Events::read(&body),
    }?;
    let given = events.given(plane, &route.name)?;
    let feedback = plane.serve.feedback();
    let taken = feedback.take(&route.name, &given, feedback.now());
    let taken = taken.map_err(|refused| events.refused(refused))?;
    let mut answer = Answer::default();
    for (given, taken) in given.iter().zip(taken) {
        answer.count(taken);
        if let (Taken::Accepted, About::Request(id)) = (taken, given.about) {
            let decisions = plane.serve.decisions();
            // Decisions are forgotten sooner than requests: where this one was, there is nothing to attach it to.
            let _ = decisions.attach(id, given.metric, given.value, clock::wall_ms());
        }
    }
    Ok(json(StatusCode::ACCEPTED, &answer))
}

// === impl Events ===

impl Events {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        let wrong = |place: &str, error: serde_json::Error| {
            let expected = "an object of request_id or route_token, metric, value and event_id";
            Refusal::invalid(place, expected, error.to_string())
        };
        let mut object: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| wrong("feedback", error))?;
        let Some(list) = object.remove("events") else {
            let event = Event::deserialize(Value::Object(object));
            return Ok(Self {
                events: vec![event.map_err(|error| wrong("feedback", error))?],
                listed: false,
            });
        };
        if let Some(other) = object.keys().next() {
            let got = format!("'{}' beside them", clip(other));
            return Err(Refusal::invalid("feedback", "nothing but events", got));
        }
        let Value::Array(list) = list else {
            return Err(Refusal::invalid("events", "a list of events", kind(&list)));
        };
        if list.len() > MAX_EVENTS {
            let expected = format!("at most {MAX_EVENTS} events");
            return Err(Refusal::invalid("events", expected, list.len().to_string()));
        }
        let events = list.into_iter().enumerate();
        let events = events.map(|(index, event)| {
            // A list would do for an object whose members stand in order.
            match &event {
                Value::Object(_) => {}
                other => {
                    let place = format!("events[{index}]");
                    return Err(Refusal::invalid(place, "an object", kind(other)));
                }
            }
            Event::deserialize(event).map_err(|error| wrong(&format!("events[{index}]"), error))
        });
        Ok(Self {
            events: events.collect::<Result<_, _>>()?,
            listed: true,
        })
    }

    /// The events with their tokens verified.
    fn given(&self, plane: &Plane, pipeline: &Name) -> Result<Vec<Given<'_>>, Fault> {
        let events = self.events.iter().enumerate();
        let given = events.map(|(index, event)| {
            let about = match (&event.request_id, &event.route_token) {
                (Some(id), None) => About::Request(id),
                (None, Some(token)) => {
                    let place = || self.place(index, "route_token");
                    verify(plane, pipeline, token, place)?
                }
                (Some(_), Some(_)) | (None, None) => {
                    let got = event.request_id.as_ref().map_or("neither", |_| "both");
                    let place = self.place(index, "request_id");
                    let expected = "either request_id or route_token";
                    return Err(Refusal::invalid(place, expected, got).into());
                }
            };
            Ok(Given {
                about,
                metric: &event.metric,
                value: event.value,
                event: &event.event_id,
            })
        });
        given.collect()
    }

    /// Why feedback was refused, in the words of the body that it came in.
    fn refused(&self, refused: Refused) -> Fault {
        match refused {
            Refused::Event {
                index,
                field,
                expected,
                got,
            } => Refusal::invalid(self.place(index, field), expected, got).into(),
            other @ (Refused::NoCourse { .. } | Refused::Count { .. } | Refused::Flood { .. }) => {
                other.into()
            }
        }
    }

    fn place(&self, index: usize, field: &str) -> String {
        match self.listed {
            true => format!("events[{index}].{field}"),
            false => field.to_owned(),
        }
    }
}

fn verify<'a>(
    plane: &Plane,
    pipeline: &Name,
    text: &str,
    place: impl Fn() -> String,
) -> Result<About<'a>, Fault> {
    let wrong = |error| Fault::Token {
        place: place(),
        error,
    };
    let Some(secret) = plane.serve.secret() else {
        return Err(wrong(crate::serve::TokenError::Forged));
    };
    let within = plane.serve.feedback().within(pipeline).unwrap_or_default();
    let limit = within.saturating_add(OVERDUE);
    let token = secret.verify(text, clock::wall_ms(), limit);
    let token = token.map_err(wrong)?;
    // Of another course of the pipeline, nobody knows any more; of another pipeline, somebody is mistaken.
    token.is_of(pipeline, token.course).map_err(wrong)?;
    Ok(About::Token {
        course: token.course,
        request: token.request,
        seen: Seen {
            segment: token.segment,
            arm: token.arm,
            slot: token.slot,
            unit: token.unit.short(),
            at: token.at_ms,
            dimensions: token.dimensions,
        },
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

// === impl Answer ===

impl Answer {
    fn count(&mut self, taken: Taken) {
        let number = match taken {
            Taken::Accepted => &mut self.accepted,
            Taken::Duplicate => &mut self.duplicate,
            Taken::Late => &mut self.late,
            Taken::Unknown => &mut self.unknown,
            Taken::Full => &mut self.full,
        };
        *number += 1;
    }
}
