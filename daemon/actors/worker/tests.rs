//! Workers over a queue, without actors: whatever is joined, each caller gets what is theirs.

use std::thread;

use impresario_models::{Batching, Contract, DataType, Dim, FnModel, Port};
use proptest::prelude::*;
use tokio::sync::oneshot;

use super::*;
use impresario_pipelines::Priority;

/// The model refuses a computation that holds this number …
const BAD: f32 = -1.0;
/// … and panics on this one.
const DEADLY: f32 = -2.0;

/// One request of a case.
#[derive(Clone, Debug)]
struct Asked {
    rows: usize,
    columns: usize,
    fate: Fate,
    priority: Priority,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Good,
    Bad,
    Deadly,
    Left,
}

fn asked() -> impl Strategy<Value = Asked> {
    let fate = prop_oneof![
        12 => Just(Fate::Good),
        2 => Just(Fate::Bad),
        1 => Just(Fate::Deadly),
        2 => Just(Fate::Left),
    ];
    let priority = prop::sample::select(Priority::ALL.to_vec());
    (1usize..5, 1usize..4, fate, priority).prop_map(|(rows, columns, fate, priority)| Asked {
        rows,
        columns,
        fate,
        priority,
    })
}

/// Doubles every number; `calls` counts computations and `rows` the largest one.
fn post(calls: &Arc<AtomicUsize>, most: &Arc<AtomicUsize>, join: usize) -> Post {
    let port = |name| Port::new(name, DataType::Fp32, vec![Dim::Free(None), Dim::Free(None)]);
    let contract = Contract {
        inputs: vec![port("x")],
        outputs: vec![port("y")],
        batching: Batching::FirstAxis { max: None },
    };
    let (calls, most) = (Arc::clone(calls), Arc::clone(most));
    let model = FnModel::new(contract, move |inputs: Vec<Tensor>| {
        calls.fetch_add(1, Ordering::Relaxed);
        let x = inputs[0].as_slice::<f32>().unwrap();
        most.fetch_max(inputs[0].shape()[0], Ordering::Relaxed);
        assert!(!x.contains(&DEADLY), "a deadly number");
        if x.contains(&BAD) {
            return Err(InferError::Refused {
                what: "a bad number".into(),
            });
        }
        let y = x.iter().map(|v| v * 2.0).collect();
        Ok(vec![Tensor::of(inputs[0].shape().to_vec(), y).unwrap()])
    });
    let mut loaded = Loaded::from_model(Box::new(model));
    loaded.limits.join.rows = join.try_into().unwrap();
    Post {
        model: Name::new("double").unwrap(),
        version: VersionNumber::new(1).unwrap(),
        queue: Arc::new(Queue::new(1_000)),
        cost: Arc::new(Cost::new()),
        busy: Arc::default(),
        current: Arc::new(ArcSwap::from_pointee(loaded)),
    }
}

/// The numbers of a request: different in every one, and its fate in the last.
fn numbers(number: usize, asked: &Asked) -> Vec<f32> {
    let n = asked.rows * asked.columns;
    let mut numbers: Vec<f32> = (0..n).map(|i| (number * 100 + i) as f32).collect();
    numbers[n - 1] = match asked.fate {
        Fate::Good | Fate::Left => numbers[n - 1],
        Fate::Bad => BAD,
        Fate::Deadly => DEADLY,
    };
    numbers
}

type Answer = oneshot::Receiver<Result<Computed, Error>>;

fn put(post: &Post, number: usize, asked: &Asked) -> Option<Answer> {
    let (reply, answer) = oneshot::channel();
    let now = clock::instant();
    let limit = Duration::from_secs(600);
    let inputs = Tensor::of(vec![asked.rows, asked.columns], numbers(number, asked)).unwrap();
    let job = Job {
        inputs: vec![inputs],
        queued: now,
        deadline: now + limit,
        limit,
        priority: asked.priority,
        alone: false,
        reply,
    };
    let answer = (asked.fate != Fate::Left).then_some(answer);
    post.queue.push(job).unwrap();
    answer
}

/// Workers until the queue is empty; one that falls is followed by another. How many fell.
fn work(post: &Post, workers: usize) -> usize {
    let fallen = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let End::Panicked(_) = run(post, &Slot::default()) {
                    fallen.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    fallen.into_inner()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn each_caller_gets_what_is_theirs(
        requests in prop::collection::vec(asked(), 1..40),
        join in 1usize..12,
        workers in 1usize..4,
    ) {
        let (calls, most) = Default::default();
        let post = post(&calls, &most, join);
        let answers: Vec<_> = (0..).zip(&requests).map(|(n, asked)| put(&post, n, asked)).collect();
        post.queue.close();
        let fallen = work(&post, workers);
        let deadly = requests.iter().filter(|asked| asked.fate == Fate::Deadly).count();
        prop_assert_eq!(fallen, deadly, "each deadly request is blamed once");
        for ((number, asked), answer) in (0..).zip(&requests).zip(answers) {
            let Some(mut answer) = answer else { continue };
            let answer = answer.try_recv().expect("everybody is answered");
            match asked.fate {
                Fate::Good | Fate::Left => {
                    let outputs = answer.unwrap().outputs;
                    let doubled = numbers(number, asked).iter().map(|v| v * 2.0).collect();
                    let expected = Tensor::of(vec![asked.rows, asked.columns], doubled).unwrap();
                    prop_assert_eq!(outputs, vec![expected]);
                }
                Fate::Bad => {
                    let refused = Error::Refused { what: "a bad number".into() };
                    prop_assert_eq!(answer.unwrap_err(), refused);
                }
                Fate::Deadly => {
                    let crashed = matches!(answer, Err(Error::Crashed { .. }));
                    prop_assert!(crashed);
                }
            }
        }
        let single = requests.iter().map(|asked| asked.rows).max().unwrap_or(0);
        prop_assert!(most.load(Ordering::Relaxed) <= join.max(single), "no batch is larger than the limit");
    }
}

#[test]
fn what_waits_is_computed_in_one_call_and_charged_once() {
    let (calls, most) = Default::default();
    let post = post(&calls, &most, 64);
    let asked = Asked {
        rows: 2,
        columns: 3,
        fate: Fate::Good,
        priority: Priority::Normal,
    };
    let answers: Vec<_> = (0..10).filter_map(|n| put(&post, n, &asked)).collect();
    post.queue.close();
    assert_eq!(work(&post, 1), 0);
    assert_eq!(
        (calls.load(Ordering::Relaxed), most.load(Ordering::Relaxed)),
        (1, 20)
    );
    let executions: u64 = answers
        .into_iter()
        .map(|mut answer| answer.try_recv().unwrap().unwrap().executions)
        .sum();
    assert_eq!(executions, 1);
}

#[test]
fn rows_that_depend_on_each_other_are_never_joined() {
    let (calls, most) = Default::default();
    let post = post(&calls, &most, 64);
    let mut loaded = Loaded::clone(&post.current.load());
    loaded.joins = false;
    post.current.store(Arc::new(loaded));
    let asked = Asked {
        rows: 1,
        columns: 1,
        fate: Fate::Good,
        priority: Priority::Normal,
    };
    let _answers: Vec<_> = (0..5).filter_map(|n| put(&post, n, &asked)).collect();
    post.queue.close();
    work(&post, 1);
    assert_eq!(
        (calls.load(Ordering::Relaxed), most.load(Ordering::Relaxed)),
        (5, 1)
    );
}
