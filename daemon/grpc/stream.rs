//! `ModelStreamInfer`: many requests in one stream, and their answers in the order of the requests.
//!
//! So does Triton for models that answer each request once, as all do here; answers carry their request's id
//! besides. An error is one request's answer and ends nothing. Requests are under way side by side, as many as
//! the limit says: beyond that no more are read, which the caller's flow control feels. Who cancels the stream
//! leaves no work behind.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Status, Streaming};

use super::arrival::Arrival;
use super::infer::{Answered, Client};
use super::proto::infer_parameter::ParameterChoice;
use super::proto::{
    InferParameter, ModelInferRequest, ModelInferResponse, ModelStreamInferResponse,
};
use super::service::Service;
use super::{infer, status};
use crate::clock;
use crate::error::Error;
use crate::serve::Terms;

/// Asks, where true, that each answer says whether it is its request's last.
const ASKS_FOR_FINAL: &str = "triton_enable_empty_final_response";

/// Says it.
const FINAL: &str = "triton_final_response";

/// The answers of a stream.
pub(super) type Answers = ReceiverStream<Result<ModelStreamInferResponse, Status>>;

/// Answers a stream of requests.
pub(super) fn answer(
    service: Service,
    requests: Streaming<ModelInferRequest>,
    arrival: Arrival,
    metadata: MetadataMap,
) -> Answers {
    // One answer waits for its place on the wire while the next is made.
    let (sender, answers) = mpsc::channel(1);
    let stream = Stream {
        service,
        opened: Arc::new((arrival, metadata)),
        under_way: JoinSet::new(),
        begun: 0,
        waiting: VecDeque::new(),
    };
    tokio::spawn(async move {
        let gone = sender.clone();
        tokio::select! {
            // Everything under way ends with it.
            () = gone.closed() => {}
            ended = stream.run(requests, &sender) => {
                if let Err(status) = ended {
                    // Where nobody reads any more, nobody needs to know.
                    let _gone = sender.send(Err(status)).await;
                }
            }
        }
    });
    ReceiverStream::new(answers)
}

struct Stream {
    service: Service,
    /// How the stream came; each of its requests is its client's.
    opened: Arc<(Arrival, MetadataMap)>,
    under_way: JoinSet<(u64, ModelStreamInferResponse)>,
    /// Requests so far.
    begun: u64,
    /// From the oldest request that is not answered on, the answers that are there.
    waiting: VecDeque<Option<ModelStreamInferResponse>>,
}

impl Stream {
    /// Reads and answers until the caller says no more, or the stream's time is over.
    async fn run(
        mut self,
        mut requests: Streaming<ModelInferRequest>,
        answers: &mpsc::Sender<Result<ModelStreamInferResponse, Status>>,
    ) -> Result<(), Status> {
        let limit = self.arrival().limit.unwrap_or_default();
        let deadline = self.arrival().deadline();
        let over = async move {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let mut over = std::pin::pin!(over);
        let mut stop = std::pin::pin!(self.service.stop.clone().given());
        let mut end = None;
        loop {
            while let Some(Some(_)) = self.waiting.front() {
                if let Some(Some(answer)) = self.waiting.pop_front() {
                    let _gone = answers.send(Ok(answer)).await;
                }
            }
            if let (true, Some(end)) = (self.waiting.is_empty(), &end) {
                return Result::clone(end);
            }
            let reads = end.is_none() && self.waiting.len() < self.service.max_concurrent;
            tokio::select! {
                () = &mut over => {
                    return Err(status::of(&Error::Expired { limit }.into(), &self.arrival().id, None));
                }
                Some(answered) = self.under_way.join_next(), if !self.under_way.is_empty() => {
                    self.answered(answered);
                }
                read = requests.message(), if reads => match read {
                    Ok(Some(request)) => self.begin(request),
                    Ok(None) => end = Some(Ok(())),
                    // What is under way is answered before the stream ends with what broke it.
                    Err(broken) => end = Some(Err(self.broken(broken))),
                },
                () = &mut stop, if end.is_none() => {
                    let error = Error::Unavailable {
                        why: "the daemon is going down".to_owned(),
                        retry_after: None,
                    };
                    end = Some(Err(status::of(&error.into(), &self.arrival().id, None)));
                }
            }
        }
    }

    fn arrival(&self) -> &Arrival {
        &self.opened.0
    }

    fn begin(&mut self, mut request: ModelInferRequest) {
        let number = self.begun;
        self.begun += 1;
        self.waiting.push_back(None);
        let mut terms = Terms::since(clock::instant());
        // What is left of the stream's time; none left is over at once.
        let left = self.arrival().deadline().map(|deadline| {
            let left = deadline.saturating_duration_since(terms.arrived);
            left.max(std::time::Duration::from_nanos(1))
        });
        terms.at_most(left);
        let id = request.id.clone();
        let name = request.model_name.clone();
        let asks = request.parameters.remove(ASKS_FOR_FINAL);
        let asks =
            asks.and_then(|asks| asks.parameter_choice) == Some(ParameterChoice::BoolParam(true));
        let (plane, opened) = (Arc::clone(&self.service.plane), Arc::clone(&self.opened));
        let token = self.service.in_flight.enter();
        self.under_way.spawn(async move {
            let (arrival, metadata) = &*opened;
            let own = format!("{}/{number}", arrival.id);
            let client = Client {
                metadata,
                arrival,
                id: &own,
                method: "ModelStreamInfer",
            };
            let (trace, answered) = infer::watched(&plane, request, terms, &client).await;
            let answer = match answered {
                Ok(answered) => done(answered, asks),
                Err(fault) => failed(name, id, fault.told(&arrival.id, trace)),
            };
            drop(token);
            (number, answer)
        });
    }

    fn answered(&mut self, answered: Result<(u64, ModelStreamInferResponse), JoinError>) {
        let oldest = self.begun - self.waiting.len() as u64;
        match answered {
            Ok((number, answer)) => {
                let at = usize::try_from(number - oldest).unwrap_or(usize::MAX);
                if let Some(place) = self.waiting.get_mut(at) {
                    *place = Some(answer);
                }
            }
            // It does not say whose it was. Nobody aborts one, so it panicked: the oldest waits for nothing now.
            Err(panicked) => {
                tracing::error!(request = self.arrival().id, error = %panicked, "a request of a stream panicked");
                if let Some(place) = self.waiting.iter_mut().find(|place| place.is_none()) {
                    let told = "internal error".to_owned();
                    *place = Some(failed(String::new(), String::new(), told));
                }
            }
        }
    }

    /// The status for a stream whose next message could not be read.
    fn broken(&self, broken: Status) -> Status {
        let limits = &self.service.plane.limits;
        status::restated(&broken, "", limits).unwrap_or(broken)
    }
}

/// An answer. What is metadata of a call of its own is a parameter here: a stream has metadata only once.
fn done(answered: Answered, asks_for_final: bool) -> ModelStreamInferResponse {
    let mut message = answered.message;
    if let Some(token) = answered.token {
        let name = "route_token".to_owned();
        message.parameters.insert(name, infer::text(&token));
    }
    if asks_for_final {
        let choice = Some(ParameterChoice::BoolParam(true));
        let parameter = InferParameter {
            parameter_choice: choice,
        };
        message.parameters.insert(FINAL.to_owned(), parameter);
    }
    ModelStreamInferResponse {
        error_message: String::new(),
        infer_response: Some(message),
    }
}

fn failed(model_name: String, id: String, error_message: String) -> ModelStreamInferResponse {
    ModelStreamInferResponse {
        error_message,
        infer_response: Some(ModelInferResponse {
            model_name,
            id,
            ..ModelInferResponse::default()
        }),
    }
}
