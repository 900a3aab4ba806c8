//! Routing as requests meet it: two versions in memory, and splits between them that stand still.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use impresario_models::loader::FnModel;
use impresario_models::{Batching, Contract, DataType, Dim, InferError, Port};
use impresario_pipelines::analysis::Class;
use impresario_pipelines::bucket::{Slots, Weight, slot};
use impresario_pipelines::fleet::{self, Course, Now, Revision, Source};
use impresario_pipelines::rollout::{Phase, Stay};
use impresario_pipelines::spec::Pipeline;
use serde_json::{Value, json};

use super::*;
use crate::Impresario;
use crate::clock;
use crate::measure::{self, Ledger, Outcome};

mod asking;
mod rescuing;
mod telling;

/// A fleet, and a path of requests through a split of it that nobody moves.
struct World {
    /// It holds the versions in memory.
    _fleet: Impresario,
    serve: Serve,
    ledger: Arc<Ledger>,
}

/// A request of a door that is none.
#[derive(Default)]
struct Request {
    headers: BTreeMap<&'static str, String>,
    cookies: Option<&'static str>,
    body: Value,
}

impl Caller for Request {
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers.get(name).map(|value| value.as_str().into())
    }

    fn cookies(&self) -> Option<Cow<'_, str>> {
        self.cookies.map(Cow::Borrowed)
    }

    fn address(&self) -> Option<IpAddr> {
        None
    }
}

impl Asked for Request {
    fn id(&self) -> &str {
        "request-1"
    }

    fn place(&self, steps: &[&str]) -> Option<String> {
        crate::codec::scan(self.body.to_string().as_bytes(), steps)
    }
}

impl World {
    /// The pipeline `p` over versions 1 and 2 of `m`, with so many of 10,000 slots for the second.
    async fn of(spec: Value, second: u16) -> Self {
        let name = Name::new("m").unwrap();
        let builder = Impresario::builder()
            .register(name.clone(), VersionNumber::ONE, || Ok(first()))
            .register(name, VersionNumber::new(2).unwrap(), || Ok(self::second()));
        let fleet = builder.start().await.unwrap();
        let held = fleet.live().snapshot();
        let mut state = (*held.fleet).clone();
        let pipeline: Pipeline = serde_json::from_value(spec).unwrap();
        let now = Now {
            monotonic: 0,
            wall: 0,
        };
        let mut course = Course::begin(5, pipeline.policy(), now);
        let weights = [10_000 - second, second].map(|points| Weight::new(points).unwrap());
        let slots = Slots::new(&weights).unwrap();
        match &mut course {
            Some(Course::Rollout(rollout)) => {
                rollout.phase = Phase::Step(Stay::Baking);
                rollout.slots = slots;
            }
            Some(Course::Trial(trial)) => trial.slots = slots,
            Some(Course::Learning(_)) | None => {}
        }
        let mut entry = fleet::Entry::new(pipeline, Revision(5), Source::Embedded);
        entry.course = course.map(Arc::new);
        let routing = &mut state.routing;
        routing.pipelines.insert(Name::new("p").unwrap(), entry);
        let terms = measure::Terms {
            course: 5,
            segment: 0,
            arms: 2,
            thresholds: None,
            sticky: false,
        };
        let ledger = Arc::new(Ledger::new(terms, Box::new(|_| ())));
        let ledgers = [(Name::new("p").unwrap(), Arc::clone(&ledger))];
        let live = Live::fixed(&held, state, ledgers.into_iter().collect());
        Self {
            _fleet: fleet,
            serve: Serve::new(live, Duration::from_secs(20)).with_secret([9; 32]),
            ledger,
        }
    }

    async fn enter(&self, asks: &Asks) -> Result<Entry, Error> {
        self.serve.enter("p", None, asks, Terms::now()).await
    }

    /// Asks for one number.
    async fn ask(&self, asks: &Asks, x: f32) -> (Entry, Result<Answer, Error>) {
        let entry = self.enter(asks).await.unwrap();
        let answer = self.dispatch(&entry, x).await;
        (entry, answer)
    }

    async fn dispatch(&self, entry: &Entry, x: f32) -> Result<Answer, Error> {
        let inputs = [("x", x), ("z", 0.5)];
        let inputs = inputs.map(|(name, v)| (name, Tensor::of(vec![1, 1], vec![v]).unwrap()));
        let inputs = entry.contract().arrange(inputs).unwrap();
        self.serve.dispatch(entry, inputs, Terms::now()).await
    }

    /// What is counted of an arm: requests that were assigned, that ended, and events of a class.
    fn counted(&self, arm: usize, class: Class) -> [u64; 3] {
        let tally = self.ledger.tally();
        let counts = tally.arm(arm).cloned().unwrap_or_default();
        [
            counts.of(Class::Exposure),
            counts.requests,
            counts.of(class),
        ]
    }
}

/// A request of somebody who falls to an arm. Nothing is decided, and so nothing counted.
fn asks_of(world: &World, arm: usize) -> Asks {
    let snapshot = world.serve.live().look();
    let Some(Route {
        policy: Resolved::Split(split),
        ..
    }) = snapshot.table.route("p")
    else {
        panic!("'p' is a split")
    };
    let mut keys = (0..10_000).map(|n| format!("user-{n}"));
    let key = keys.find(|key| split.slots.owner(slot(&split.seed, key)) == arm);
    Asks::of(&key.unwrap()).unwrap().with_id("request-1")
}

fn canary(rescue: bool) -> Value {
    json!({"policy": {"type": "canary", "model": "m", "stable": 1, "canary": 2, "rescue": rescue}})
}

fn port(name: &str) -> Port {
    Port::new(name, DataType::Fp32, vec![Dim::Free(None), Dim::Fixed(1)])
}

/// Gives back `x` as `y`, and 1 as `by`.
fn first() -> FnModel<impl Fn(Vec<Tensor>) -> Result<Vec<Tensor>, InferError>> {
    let contract = Contract {
        inputs: vec![port("x"), port("z")],
        outputs: vec![port("y"), port("by")],
        batching: Batching::FirstAxis { max: None },
    };
    FnModel::new(contract, |mut inputs: Vec<Tensor>| {
        let by = Tensor::of(inputs[0].shape().to_vec(), vec![1f32]).unwrap();
        inputs.truncate(1);
        Ok(inputs.into_iter().chain([by]).collect())
    })
}

/// The same, its tensors in another order and with one output more; it does not get on with negative numbers.
fn second() -> FnModel<impl Fn(Vec<Tensor>) -> Result<Vec<Tensor>, InferError>> {
    let contract = Contract {
        inputs: vec![port("z"), port("x")],
        outputs: vec![port("by"), port("y"), port("extra")],
        batching: Batching::FirstAxis { max: None },
    };
    FnModel::new(contract, |mut inputs: Vec<Tensor>| {
        let x = inputs.remove(1);
        let what = String::new;
        let impresario_models::Values::Fp32(values) = x.values() else {
            panic!("the contract says FP32")
        };
        let by = Tensor::of(x.shape().to_vec(), vec![2f32]).unwrap();
        match values[0] {
            -1.0 => Err(InferError::Failed { what: what() }),
            -2.0 => panic!("it was asked to"),
            -3.0 => Err(InferError::Refused { what: what() }),
            -4.0 => Ok(vec![by]),
            _ => Ok(vec![by, x.clone(), x]),
        }
    })
}
