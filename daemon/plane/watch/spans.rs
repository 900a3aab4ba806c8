//! The spans of a request: one for all of it, and within it one for each station, each version that was asked, and each
//! call of a graph's node.

use std::time::{Duration, Instant};

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Variant;

use super::names;
use super::seen::{Door, Ended, Seen};
use crate::clock;
use crate::serve::{Attempt, Trail};
use crate::trace::{Begun, Kind, Span, SpanId, Status, TraceId, Value};

/// The most spans of a request: those of a graph that calls more are left out.
const MOST: usize = 512;

/// The service whose methods are called over gRPC.
const SERVICE: &str = "inference.GRPCInferenceService";

/// Statuses of gRPC that are the server's fault: unknown, deadline exceeded, unimplemented, internal, unavailable, data
/// loss.
const FAULTS: [i32; 6] = [2, 4, 12, 13, 14, 15];

/// Spans that are being made.
struct Spans {
    trace: TraceId,
    /// A moment by both clocks.
    now: (Instant, u64),
    made: Vec<Span>,
}

type Attributes = Vec<(&'static str, Value)>;

// === impl Seen ===

impl Seen {
    /// All spans of a request that has ended.
    pub(super) fn spans(self, ended: Ended) -> Vec<Span> {
        let Some(begun) = &self.begun else {
            return Vec::new();
        };
        let now = clock::instant();
        let mut spans = Spans {
            trace: begun.context.trace,
            now: (now, clock::wall_ns()),
            made: Vec::with_capacity(8),
        };
        spans.root(&self, begun, ended);
        let root = begun.context.span;
        let mut from = self.arrived;
        let mut station = |name: &'static str, until: Option<Instant>| {
            if let Some(until) = until {
                spans.push(root, name.to_owned(), (from, until), Vec::new());
                from = until;
            }
        };
        station("receive", self.received);
        station("decide", self.decided);
        station("decode", self.decoded);
        for attempt in self.told.iter().flat_map(|told| told.attempts()) {
            spans.attempt(root, &attempt);
        }
        if let (Some(answered), Some(encoded)) = (self.answered, self.encoded) {
            spans.push(root, "encode".to_owned(), (answered, encoded), Vec::new());
        }
        spans.made
    }

    fn attributes(&self, ended: Ended) -> Attributes {
        let mut said: Attributes = Vec::with_capacity(20);
        match &self.door {
            Door::Http { path, route } => {
                said.push((names::METHOD, "POST".into()));
                said.push((names::SCHEME, "http".into()));
                said.push((names::PATH, path.clone().into()));
                said.push((names::ROUTE, (*route).into()));
                said.push((names::STATUS, u64::from(ended.http()).into()));
            }
            Door::Grpc { method } => {
                said.push((names::RPC_SYSTEM, "grpc".into()));
                said.push((names::RPC_SERVICE, SERVICE.into()));
                said.push((names::RPC_METHOD, (*method).into()));
                let status = i64::from(ended.grpc());
                said.push((names::RPC_STATUS, Value::Whole(status)));
            }
        }
        let bytes = [
            (names::REQUEST_BYTES, self.request_bytes),
            (names::RESPONSE_BYTES, self.response_bytes),
            (names::ROWS, self.rows),
        ];
        let bytes = bytes.into_iter();
        said.extend(bytes.filter_map(|(name, count)| Some((name, count?.into()))));
        said.push((names::REQUEST, self.id.to_string().into()));
        said.push((names::PIPELINE, self.pipeline().to_owned().into()));
        said.push((names::OUTCOME, self.outcome(ended).as_str().into()));
        if let Some(by) = self.by() {
            who(&mut said, by);
        }
        if let Some(decision) = &self.decision {
            said.push((names::WHY, decision.why.as_str().into()));
            let revision = decision.revision.map(|revision| revision.0.into());
            said.extend(revision.map(|revision| (names::REVISION, revision)));
        }
        if let Some(given) = &self.given {
            let cache = given.origin.as_str();
            said.extend(cache.map(|word| (names::CACHE, word.into())));
            if let Some(rescue) = &given.rescue {
                said.push((names::RESCUED_FROM, rescue.from.to_string().into()));
                said.push((names::RESCUED_WHY, rescue.why.into()));
            }
        }
        said.extend(self.word(ended).map(|word| (names::ERROR, word.into())));
        said
    }
}

// === impl Spans ===

impl Spans {
    /// The span of all of it.
    fn root(&mut self, seen: &Seen, begun: &Begun, ended: Ended) {
        let faulty = match seen.door {
            Door::Http { .. } => ended.http() >= 500,
            Door::Grpc { .. } => FAULTS.contains(&ended.grpc()),
        };
        let name = match &seen.door {
            Door::Http { route, .. } => format!("POST {route}"),
            Door::Grpc { method } => format!("{SERVICE}/{method}"),
        };
        let (began, ended_at) = (self.wall(seen.arrived), self.now.1);
        self.made.push(Span {
            trace: self.trace,
            id: begun.context.span,
            parent: begun.parent,
            state: begun.state.clone(),
            name,
            kind: Kind::Server,
            began,
            ended: ended_at,
            attributes: seen.attributes(ended),
            links: Vec::new(),
            status: match seen.word(ended) {
                Some(word) if faulty => Status::Error(word.to_owned()),
                Some(_) | None => Status::Unset,
            },
        });
    }

    /// A version that was asked, and what took place within it.
    fn attempt(&mut self, parent: SpanId, attempt: &Attempt) {
        let Attempt {
            began, ended, by, ..
        } = attempt;
        let mut said = Vec::new();
        who(&mut said, by);
        let cache = attempt.origin.and_then(|origin| origin.as_str());
        said.extend(cache.map(|word| (names::CACHE, word.into())));
        for (word, text) in attempt.trail.iter().flat_map(|trail| trail.said()) {
            let name = names::NODES.iter().find(|(known, _)| *known == word);
            said.extend(name.map(|(_, name)| (*name, text.into())));
        }
        let id = self.push(parent, infer(by), (*began, *ended), said);
        self.fail(attempt.failure);
        match &attempt.trail {
            Some(trail) => self.trail(id, trail, *began),
            None => self.engine(id, *began, attempt.queue, attempt.compute),
        }
    }

    /// The calls of a walk that began then.
    fn trail(&mut self, parent: SpanId, trail: &Trail, begun: Instant) {
        for call in &trail.calls {
            if self.made.len() >= MOST {
                return;
            }
            let node = &trail.graph.node(call.node).name;
            let mut said: Attributes = vec![
                (names::NODE, Value::Shared(node.clone())),
                (names::ATTEMPT, u64::from(call.attempt).into()),
                (names::ROWS, call.rows.into()),
            ];
            if let Some(by) = &call.by {
                who(&mut said, by);
            }
            let began = begun + call.began;
            let times = (began, began + call.took);
            let id = self.push(parent, format!("node {node}"), times, said);
            self.fail(call.word);
            match &call.within {
                Some(trail) => self.trail(id, trail, began),
                None => self.engine(id, began, call.queue, call.compute),
            }
        }
    }

    /// The last two stations of a version that is no graph.
    fn engine(&mut self, parent: SpanId, began: Instant, queue: Duration, compute: Duration) {
        if compute.is_zero() {
            return;
        }
        let begins = began + queue;
        self.push(parent, "queue".to_owned(), (began, begins), Vec::new());
        let times = (begins, begins + compute);
        self.push(parent, "compute".to_owned(), times, Vec::new());
    }

    fn push(
        &mut self,
        parent: SpanId,
        name: String,
        (began, ended): (Instant, Instant),
        attributes: Attributes,
    ) -> SpanId {
        let id = SpanId::fresh();
        let (began, ended) = (self.wall(began), self.wall(ended));
        self.made.push(Span {
            trace: self.trace,
            id,
            parent: Some(parent),
            state: None,
            name,
            kind: Kind::Internal,
            began,
            ended,
            attributes,
            links: Vec::new(),
            status: Status::Unset,
        });
        id
    }

    /// That the span that was made last failed, where there is a word for that.
    fn fail(&mut self, word: Option<&'static str>) {
        if let (Some(word), Some(span)) = (word, self.made.last_mut()) {
            span.attributes.push((names::ERROR, word.into()));
            span.status = Status::Error(word.to_owned());
        }
    }

    /// The wall time of a moment.
    fn wall(&self, at: Instant) -> u64 {
        let (now, wall) = self.now;
        let before = now.saturating_duration_since(at).as_nanos();
        wall.saturating_sub(u64::try_from(before).unwrap_or(u64::MAX))
    }
}

fn who(said: &mut Attributes, (model, version, variant): &(Name, VersionNumber, Variant)) {
    said.push((names::MODEL, model.to_string().into()));
    said.push((names::VERSION, version.to_string().into()));
    said.push((names::VARIANT, variant.to_string().into()));
}

/// What a version's span is called.
fn infer((model, version, _): &(Name, VersionNumber, Variant)) -> String {
    format!("infer {model}/{version}")
}
