//! Shadows beside versions that answer: what they cost a caller, what is counted, and what is let go of.

use std::sync::Condvar;
use std::sync::atomic::AtomicU64;

use impresario_models::loader::FnModel;
use impresario_models::{Batching, DataType, Dim, InferError, Port};
use impresario_pipelines::Priority;
use impresario_pipelines::comparison::{Coverage, Fault, Finding, Kind};
use tokio::sync::mpsc;

use super::*;
use crate::Impresario;

mod pipeline;

/// An input that makes a model do what it does not do while it is loaded.
const MARK: f32 = 666.0;

/// What is not there within this time does not come.
const PATIENCE: Duration = Duration::from_secs(60);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn x(value: f32) -> Vec<Tensor> {
    vec![Tensor::of(vec![1, 1], vec![value]).unwrap()]
}

fn contract(input: &str) -> Contract {
    let port = |name| Port::new(name, DataType::Fp32, vec![Dim::Free(None), Dim::Fixed(1)]);
    Contract {
        inputs: vec![port(input)],
        outputs: vec![port("y")],
        batching: Batching::FirstAxis { max: None },
    }
}

fn spec(model: &str) -> Shadow {
    Shadow {
        model: name(model),
        version: VersionNumber::ONE,
        sample: 1.0,
        noise: 0.0,
        tolerance: impresario_pipelines::spec::shadow::Tolerance::default(),
        concurrency: 1,
        queue: 1_000,
        examples: 0,
    }
}

/// Holds a model back where it meets the mark, until it is opened.
#[derive(Clone)]
struct Gate {
    open: Arc<(Mutex<bool>, Condvar)>,
    entered: mpsc::UnboundedSender<()>,
}

impl Gate {
    fn new() -> (Self, mpsc::UnboundedReceiver<()>) {
        let (entered, seen) = mpsc::unbounded_channel();
        let open = Arc::default();
        (Self { open, entered }, seen)
    }

    fn pass(&self) {
        let (open, bell) = &*self.open;
        self.entered.send(()).unwrap();
        drop(
            bell.wait_while(open.lock().unwrap(), |open| !*open)
                .unwrap(),
        );
    }

    fn open(&self) {
        *self.open.0.lock().unwrap() = true;
        self.open.1.notify_all();
    }
}

/// A fleet of `answering` and `shadow`, which answer what the functions say, with inputs of these names.
struct Fleet {
    impresario: Impresario,
    shadows: Shadows,
    ended: watch::Receiver<u64>,
}

/// What a model answers to a number.
type Behaviour = fn(f32) -> Result<f32, InferError>;

impl Fleet {
    async fn of<A, S>(answering: A, (input, shadow): (&'static str, S)) -> Self
    where
        A: Fn(f32) -> Result<f32, InferError> + Clone + Send + Sync + 'static,
        S: Fn(f32) -> Result<f32, InferError> + Clone + Send + Sync + 'static,
    {
        fn model(
            input: &str,
            answer: impl Fn(f32) -> Result<f32, InferError> + Send + Sync + 'static,
        ) -> impl impresario_models::Model + 'static {
            FnModel::new(contract(input), move |inputs: Vec<Tensor>| {
                let values = inputs[0].as_slice::<f32>().unwrap();
                let values: Result<Vec<f32>, _> = values.iter().map(|x| answer(*x)).collect();
                let values = values?;
                Ok(vec![Tensor::of(vec![values.len(), 1], values).unwrap()])
            })
        }
        let impresario = Impresario::builder()
            .register(name("answering"), VersionNumber::ONE, move || {
                Ok(model("x", answering.clone()))
            })
            .register(name("shadow"), VersionNumber::ONE, move || {
                Ok(model(input, shadow.clone()))
            })
            .start()
            .await
            .unwrap();
        let shadows = Shadows::new(impresario.live().clone(), PATIENCE);
        Self {
            ended: shadows.changes(),
            impresario,
            shadows,
        }
    }

    fn handle(&self, model: &str) -> Arc<Handle> {
        let snapshot = self.impresario.live().look();
        let target = snapshot.table.version(model, VersionNumber::ONE);
        Arc::clone(snapshot.handle(target.unwrap().unwrap()))
    }

    fn aim(&self, spec: &Arc<Shadow>, revision: u64) -> Option<Aim> {
        let (shadow, answering) = (self.handle("shadow"), self.handle("answering"));
        let revision = Revision(revision);
        self.shadows
            .aim(&name("p"), spec, revision, Some(&shadow), &answering)
    }

    /// What a caller meets: the answer, after which the shadow hears of it.
    async fn ask(&self, spec: &Arc<Shadow>, value: f32, id: &str) {
        let shot = self
            .aim(spec, 1)
            .unwrap()
            .sample(&x(value), Guide::default());
        let answer = self.handle("answering").send(
            x(value),
            Priority::Normal,
            clock::instant() + PATIENCE,
            PATIENCE,
        );
        let result = answer.unwrap().await.unwrap();
        if let Some(shot) = shot {
            shot.answered(&result, Some(id));
        }
    }

    /// Waits until a shadow has ended with so many requests.
    async fn until(&mut self, requests: u64) -> Comparison {
        let ended = |coverage: Coverage| coverage.sampled - coverage.pending();
        let test = |comparison: &Comparison| ended(comparison.coverage) >= requests;
        self.when(|shadows| {
            let shadowed = shadows.shadowed("p")?;
            let [beside] = &shadowed.beside[..] else {
                return None;
            };
            Some(beside.comparison.clone()).filter(test)
        })
        .await
    }

    async fn when<T>(&mut self, found: impl Fn(&Shadows) -> Option<T>) -> T {
        let shadows = self.shadows.clone();
        let wait = async {
            loop {
                if let Some(found) = found(&shadows) {
                    return found;
                }
                self.ended.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("in time")
    }
}

#[allow(clippy::unnecessary_wraps, reason = "it stands where one may fail")]
fn same(x: f32) -> Result<f32, InferError> {
    Ok(x)
}

#[actix_rt::test]
async fn a_shadow_that_hangs_delays_nobody_and_what_it_has_no_room_for_is_dropped() {
    let (gate, mut entered) = Gate::new();
    let hanging = {
        let gate = gate.clone();
        move |x| {
            if x == MARK {
                gate.pass();
            }
            Ok(x)
        }
    };
    let mut fleet = Fleet::of(same, ("x", hanging)).await;
    let spec = Arc::new(Shadow {
        queue: 4,
        ..spec("shadow")
    });
    // One hangs, four wait, the others are dropped; every caller was answered meanwhile.
    fleet.ask(&spec, MARK, "first").await;
    entered.recv().await.unwrap();
    for _ in 0..20 {
        fleet.ask(&spec, 1.0, "later").await;
    }
    let shadowed = fleet.shadows.shadowed("p").unwrap();
    let coverage = shadowed.beside[0].comparison.coverage;
    let expected = Coverage {
        eligible: 21,
        sampled: 21,
        dropped: 16,
        ..Coverage::default()
    };
    assert_eq!(coverage, expected);
    gate.open();
    let comparison = fleet.until(21).await;
    let expected = Coverage {
        compared: 5,
        ..expected
    };
    assert_eq!(comparison.coverage, expected);
    // Nothing is held for what has ended.
    let held = |shadows: &Shadows| shadows.0.held.load(Ordering::Relaxed);
    fleet
        .when(|shadows| (held(shadows) == 0).then_some(()))
        .await;
}

#[actix_rt::test]
async fn a_shadow_that_disagrees_is_reported_with_examples() {
    let off: Behaviour = |x| Ok(if x > 50.0 { x + 1.0 } else { x });
    let mut fleet = Fleet::of(same, ("x", off)).await;
    let spec = Arc::new(Shadow {
        noise: 1.0,
        examples: 1,
        ..spec("shadow")
    });
    for n in 0..100u8 {
        fleet.ask(&spec, f32::from(n), &format!("r{n:02}")).await;
    }
    let comparison = fleet.until(100).await;
    // The noise of the last one may still be under way.
    assert_eq!(comparison.shadow.agree, 51);
    let noise = |shadows: &Shadows| {
        let report = shadows.shadowed("p")?.beside[0].comparison.report();
        (report.noise?.pairs == 100).then_some(report)
    };
    let report = fleet.when(noise).await;
    assert_eq!(report.finding, Finding::Differs, "{}", report.sentence());
    assert_eq!(report.noise.unwrap().agree, 100);
    let [example] = &report.examples[..] else {
        panic!("{:?}", report.examples);
    };
    // One in fifty is farther off, in tolerances, than one in ninety-nine.
    assert_eq!(
        (example.kind, example.request.as_str()),
        (Kind::Number, "r51")
    );
    let shown = [&example.inputs, &example.answered, &example.other].map(|e| e[0].values.as_str());
    assert_eq!(shown, ["51.0", "51.0", "52.0"]);
    let reading = fleet.shadows.reading("p");
    assert_eq!(reading.unwrap().agreement, 0.51);
}

#[actix_rt::test]
async fn noise_of_the_version_that_answers_is_taken_off() {
    let runs = Arc::new(AtomicU64::new(0));
    // One run in four says something else, whatever it is asked and in whatever order runs come.
    let torn = move |x: f32| {
        let run = runs.fetch_add(1, Ordering::Relaxed);
        let mixed = run.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        let mixed = mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Ok(if x == MARK && mixed >> 62 == 0 { -x } else { x })
    };
    let mut fleet = Fleet::of(torn, ("x", same as Behaviour)).await;
    let spec = Arc::new(Shadow {
        noise: 1.0,
        ..spec("shadow")
    });
    for n in 0..200 {
        fleet.ask(&spec, MARK, &n.to_string()).await;
    }
    fleet.until(200).await;
    let noise = |shadows: &Shadows| {
        let report = shadows.shadowed("p")?.beside[0].comparison.report();
        (report.noise?.pairs == 200).then_some(report)
    };
    let report = fleet.when(noise).await;
    let raw = report.agreement.share();
    assert!(raw < 0.9, "{}", report.sentence());
    assert!(
        report.gap.unwrap().interval.low <= 0.0,
        "{}",
        report.sentence()
    );
    assert_eq!(report.finding, Finding::Alike);
    let reading = fleet.shadows.reading("p");
    assert!(reading.unwrap().agreement > raw, "{reading:?}");
}

#[actix_rt::test]
async fn a_shadow_that_fails_or_does_not_fit_is_counted_as_failing() {
    let ill: Behaviour = |x| match x == MARK {
        true => Err(InferError::Failed {
            what: "out of memory".to_owned(),
        }),
        false => Ok(x),
    };
    let mut fleet = Fleet::of(same, ("x", ill)).await;
    let spec = Arc::new(spec("shadow"));
    for value in [1.0, MARK, MARK] {
        fleet.ask(&spec, value, "r").await;
    }
    let comparison = fleet.until(3).await;
    assert_eq!(comparison.shadow.errors.other, 2);
    assert_eq!(comparison.shadow.faults.of(Fault::Failed), 2);
    let example = &comparison.shadow.examples.kept()[0];
    let failure = example.failure.as_deref().unwrap();
    assert!(failure.contains("out of memory"), "{failure}");

    let mut fleet = Fleet::of(same, ("z", same as Behaviour)).await;
    fleet.ask(&spec, 1.0, "r").await;
    let comparison = fleet.until(1).await;
    assert_eq!(comparison.shadow.faults.of(Fault::Unfit), 1);
    assert_eq!(comparison.reading().agreement, 0.0);
}

#[actix_rt::test]
async fn a_version_that_fails_by_itself_is_compared_but_not_one_that_was_not_asked() {
    let mut fleet = Fleet::of(same, ("x", same as Behaviour)).await;
    let spec = Arc::new(spec("shadow"));
    let aim = fleet.aim(&spec, 1).unwrap();
    let failed = Error::Failed {
        model: name("answering"),
        version: VersionNumber::ONE,
        what: "ill".to_owned(),
    };
    let shot = || aim.sample(&x(1.0), Guide::default()).unwrap();
    shot().answered(&Err(failed), None);
    let expired = Error::Expired { limit: PATIENCE };
    shot().answered(&Err(expired), None);
    // The caller leaves.
    drop(shot());
    // There is no shadow to ask.
    let gone = Aim {
        shadow: None,
        ..aim.clone()
    };
    assert!(gone.sample(&x(1.0), Guide::default()).is_none());
    // It left memory while the request waited.
    let left = Aim {
        shadow: Some(Weak::new()),
        ..aim.clone()
    };
    let computed = Computed {
        outputs: x(1.0),
        queue: Duration::ZERO,
        compute: Duration::ZERO,
        executions: 1,
    };
    left.sample(&x(1.0), Guide::default())
        .unwrap()
        .answered(&Ok(computed), None);
    let comparison = fleet.until(5).await;
    let expected = Coverage {
        eligible: 5,
        sampled: 5,
        compared: 1,
        unanswered: 2,
        unavailable: 2,
        ..Coverage::default()
    };
    assert_eq!(comparison.coverage, expected);
    assert_eq!(comparison.shadow.errors.answering, 1);
}

#[actix_rt::test]
async fn what_the_time_is_over_for_is_counted() {
    let mut fleet = Fleet::of(same, ("x", same as Behaviour)).await;
    fleet.shadows = Shadows::new(fleet.impresario.live().clone(), Duration::ZERO);
    fleet.ended = fleet.shadows.changes();
    let spec = Arc::new(spec("shadow"));
    fleet.ask(&spec, 1.0, "r").await;
    let comparison = fleet.until(1).await;
    assert_eq!(comparison.coverage.expired, 1, "{comparison:?}");
}

#[actix_rt::test]
async fn the_draw_picks_the_share_and_copies_nothing_else() {
    let fleet = Fleet::of(same, ("x", same as Behaviour)).await;
    let inputs = x(1.0);
    for (sample, range) in [(0.0, 0..1), (0.25, 2_000..3_000), (1.0, 10_000..10_001)] {
        let spec = Arc::new(Shadow {
            sample,
            ..spec("shadow")
        });
        let aim = fleet.aim(&spec, 1).unwrap();
        let picked = (0..10_000)
            .filter(|_| aim.sample(&inputs, Guide::default()).is_some())
            .count();
        // Of a fair draw, 500 off happens once in 10^30 runs.
        assert!(range.contains(&picked), "{picked} of {sample}");
    }
}

#[actix_rt::test]
async fn bytes_that_wait_are_bounded() {
    let fleet = Fleet::of(same, ("x", same as Behaviour)).await;
    let spec = Arc::new(spec("shadow"));
    let aim = fleet.aim(&spec, 1).unwrap();
    let half = [Tensor::vector(vec![0u8; BYTES / 2])];
    let first = aim.sample(&half, Guide::default());
    assert!(first.is_some());
    assert!(aim.sample(&half, Guide::default()).is_none());
    drop(first);
    assert!(aim.sample(&half, Guide::default()).is_some());
    let shadowed = fleet.shadows.shadowed("p").unwrap();
    assert_eq!(shadowed.beside[0].comparison.coverage.dropped, 1);
    assert_eq!(fleet.shadows.0.held.load(Ordering::Relaxed), 0);
}

#[actix_rt::test]
async fn another_specification_begins_anew_and_an_older_table_changes_nothing() {
    let mut fleet = Fleet::of(same, ("x", same as Behaviour)).await;
    let (old, new) = (
        spec("shadow"),
        Shadow {
            queue: 7,
            ..spec("shadow")
        },
    );
    let (old, new) = (Arc::new(old), Arc::new(new));
    fleet.ask(&old, 1.0, "r").await;
    fleet.until(1).await;
    // The same one in another table goes on.
    assert!(fleet.aim(&Arc::new(Shadow::clone(&old)), 2).is_some());
    assert_eq!(fleet.until(1).await.coverage.eligible, 1);
    assert!(fleet.aim(&new, 2).is_some());
    let shadowed = fleet.shadows.shadowed("p").unwrap();
    assert_eq!(shadowed.spec, new);
    assert_eq!(shadowed.beside[0].comparison.coverage, Coverage::default());
    assert!(fleet.aim(&old, 1).is_none());
    assert!(fleet.aim(&old, 3).is_some());
}
