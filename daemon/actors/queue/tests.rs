//! The queue without workers: who is taken when, what makes room, what is joined.

use impresario_models::Tensor;
use tokio::sync::oneshot;

use super::*;
use crate::actors::job::Computed;
use crate::error::Error;

type Answer = oneshot::Receiver<Result<Computed, Error>>;

const NOW: Duration = Duration::ZERO;

/// A job of so many rows of one number, and the end where its answer comes out.
fn job(mark: f32, rows: usize, priority: Priority) -> (Job, Answer) {
    shaped(vec![mark; rows], vec![rows, 1], priority)
}

fn shaped(numbers: Vec<f32>, shape: Vec<usize>, priority: Priority) -> (Job, Answer) {
    let (reply, answer) = oneshot::channel();
    let now = clock::instant();
    let limit = Duration::from_secs(60);
    let job = Job {
        inputs: vec![Tensor::of(shape, numbers).unwrap()],
        queued: now,
        deadline: now + limit,
        limit,
        priority,
        alone: false,
        reply,
    };
    (job, answer)
}

fn rule(rows: usize) -> impl Fn() -> Rule {
    move || Rule {
        rows,
        max_delay: Duration::ZERO,
    }
}

/// The marks of what a take gives.
fn take(queue: &Queue, rows: usize) -> Vec<f32> {
    match queue.take(NOW, rule(rows)) {
        Taken::Jobs(jobs) => jobs.iter().map(mark).collect(),
        Taken::Idle | Taken::Closed => Vec::new(),
    }
}

fn mark(job: &Job) -> f32 {
    job.inputs[0].as_slice::<f32>().unwrap()[0]
}

#[test]
fn the_urgent_go_first_and_the_others_do_not_starve() {
    let queue = Queue::new(100);
    let mut answers = Vec::new();
    let mut put = |mark, priority| {
        let (job, answer) = job(mark, 1, priority);
        queue.push(job).unwrap();
        answers.push(answer);
    };
    put(3.0, Priority::Low);
    put(2.0, Priority::Normal);
    put(1.0, Priority::High);
    assert_eq!([(); 3].map(|()| take(&queue, 1)[0]), [1.0, 2.0, 3.0]);
    put(3.0, Priority::Low);
    (0..40).for_each(|_| put(1.0, Priority::High));
    let low = (1..).find(|_| take(&queue, 1)[0] == 3.0);
    assert!(low.is_some_and(|n| n <= FAIR as usize), "{low:?}");
}

#[test]
fn what_is_alike_is_joined_up_to_the_limit_and_the_rest_keeps_its_order() {
    let queue = Queue::new(100);
    let mut answers = Vec::new();
    for (mark, columns) in [(1.0, 1), (2.0, 2), (3.0, 1), (4.0, 2), (5.0, 1), (6.0, 1)] {
        let (job, answer) = shaped(vec![mark; columns], vec![1, columns], Priority::Normal);
        queue.push(job).unwrap();
        answers.push(answer);
    }
    let (large, answer) = job(7.0, 3, Priority::Normal);
    queue.push(large).unwrap();
    answers.push(answer);
    assert_eq!((queue.len(), queue.rows()), (7, 9));
    // Three rows of one column fit, the request of three rows does not.
    assert_eq!(take(&queue, 4), [1.0, 3.0, 5.0, 6.0]);
    assert_eq!(take(&queue, 4), [2.0, 4.0]);
    assert_eq!(
        take(&queue, 2),
        [7.0],
        "one request may be more than is joined"
    );
    assert_eq!((queue.len(), queue.rows()), (0, 0));
}

#[test]
fn a_full_queue_first_forgets_whom_nobody_waits_for_then_sheds_the_less_urgent() {
    let queue = Queue::new(2);
    let (gone, left) = job(1.0, 1, Priority::Normal);
    drop(left);
    let (low, mut low_answer) = job(2.0, 1, Priority::Low);
    queue.push(gone).unwrap();
    queue.push(low).unwrap();
    let (normal, _normal_answer) = job(3.0, 1, Priority::Normal);
    assert!(
        queue.push(normal).unwrap().shed.is_none(),
        "the one whose caller left makes room"
    );
    let (other_low, _answer) = job(4.0, 1, Priority::Low);
    assert!(matches!(queue.push(other_low), Err(Refused::Full)));
    let (high, _high_answer) = job(5.0, 1, Priority::High);
    let shed = queue.push(high).unwrap().shed;
    assert_eq!(shed.as_ref().map(mark), Some(2.0));
    assert!(low_answer.try_recv().is_err(), "who shed it answers it");
    assert_eq!([(); 2].map(|()| take(&queue, 1)[0]), [5.0, 3.0]);
}

#[test]
fn who_left_is_not_counted_as_waiting() {
    let queue = Queue::new(10);
    let (stays, _answer) = job(1.0, 2, Priority::Normal);
    let (leaves, answer) = job(2.0, 3, Priority::Low);
    queue.push(stays).unwrap();
    queue.push(leaves).unwrap();
    drop(answer);
    assert_eq!(queue.rows(), 5);
    queue.forget();
    assert_eq!((queue.len(), queue.rows()), (1, 2));
}

#[test]
fn what_is_late_is_answered_and_not_computed() {
    let queue = Queue::new(10);
    let (mut late, mut answer) = job(1.0, 1, Priority::Normal);
    late.deadline = late.queued;
    queue.push(late).unwrap();
    assert!(matches!(queue.take(NOW, rule(8)), Taken::Idle));
    assert!(matches!(answer.try_recv(), Ok(Err(Error::Expired { .. }))));
    assert_eq!((queue.len(), queue.rows()), (0, 0));
}

#[test]
fn a_closed_queue_is_emptied_and_takes_nothing_more() {
    let queue = Queue::new(10);
    let (last, _answer) = job(1.0, 1, Priority::Normal);
    queue.push(last).unwrap();
    queue.close();
    let (more, _other) = job(2.0, 1, Priority::Normal);
    assert!(matches!(queue.push(more), Err(Refused::Closed)));
    assert_eq!(take(&queue, 1), [1.0]);
    assert!(matches!(
        queue.take(Duration::from_secs(60), rule(1)),
        Taken::Closed
    ));
}

#[test]
fn a_batch_that_may_wait_takes_what_comes_meanwhile() {
    let queue = Queue::new(10);
    let (first, _answer) = job(1.0, 1, Priority::Normal);
    let (second, _other) = job(2.0, 1, Priority::Normal);
    queue.push(first).unwrap();
    let patient = || Rule {
        rows: 2,
        max_delay: Duration::from_secs(60),
    };
    std::thread::scope(|scope| {
        let taker = scope.spawn(|| queue.take(NOW, patient));
        // The batch is full with the second one: nothing has to time out.
        queue.push(second).unwrap();
        let Taken::Jobs(jobs) = taker.join().unwrap() else {
            panic!("there was a job");
        };
        let marks: Vec<f32> = jobs.iter().map(mark).collect();
        assert_eq!(marks, [1.0, 2.0]);
    });
}

#[test]
fn what_is_put_back_comes_first_and_alone() {
    let queue = Queue::new(10);
    let (mut one, _a) = job(1.0, 1, Priority::Normal);
    let (mut two, _b) = job(2.0, 1, Priority::Normal);
    let (three, _c) = job(3.0, 1, Priority::Normal);
    queue.push(three).unwrap();
    (one.alone, two.alone) = (true, true);
    queue.put_back([one, two].into_iter());
    assert_eq!(take(&queue, 8), [1.0]);
    assert_eq!(take(&queue, 8), [2.0]);
    assert_eq!(take(&queue, 8), [3.0]);
}
