//! Which requests share an answer, and which never do.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect ends"
)]

use std::collections::BTreeMap;

use half::{bf16, f16};
use impresario_models::package::{self, Caching};
use proptest::prelude::*;

use super::*;

fn version(name: &str) -> Cached {
    Cached {
        identity: package::Digest::of_parts(&[name.as_bytes()]),
        rules: Caching::default(),
    }
}

fn row(values: &[f32]) -> Tensor {
    Tensor::of(vec![1, values.len()], values.to_vec()).unwrap()
}

fn hit(look: &Look) -> Option<&[Tensor]> {
    match look {
        Look::Hit(outputs) => Some(outputs),
        Look::Off | Look::Miss(_) => None,
    }
}

/// Looks, and keeps `answer` where it is missed.
fn ask(cache: &Cache, version: &Cached, inputs: &[Tensor], answer: &Tensor) -> Look {
    let look = cache.look(Some(version), inputs);
    if let Look::Miss(place) = look {
        cache.keep(place, std::slice::from_ref(answer));
    }
    look
}

#[test]
fn the_same_request_to_the_same_version_is_answered_from_the_cache() {
    let cache = Cache::new(Some(1 << 20));
    let (a, b) = (version("a"), version("b"));
    let inputs = [row(&[1.0, 2.0])];
    assert!(hit(&ask(&cache, &a, &inputs, &row(&[7.0]))).is_none());
    let again = ask(&cache, &a, &inputs, &row(&[8.0]));
    assert_eq!(hit(&again), Some(&[row(&[7.0])][..]));
    // Another model or version, however equal the inputs, has its own answers.
    assert!(hit(&ask(&cache, &b, &inputs, &row(&[9.0]))).is_none());
    let again = ask(&cache, &b, &inputs, &row(&[0.0]));
    assert_eq!(hit(&again), Some(&[row(&[9.0])][..]));
}

#[test]
fn nothing_is_kept_unless_it_is_asked_for() {
    let inputs = [row(&[1.0])];
    let off = Cache::default();
    assert!(matches!(off.look(Some(&version("a")), &inputs), Look::Off));
    let on = Cache::new(Some(1 << 20));
    assert!(matches!(on.look(None, &inputs), Look::Off));
    assert_eq!((off.max_bytes(), on.max_bytes()), (None, Some(1 << 20)));
}

#[test]
fn requests_that_differ_in_anything_have_different_keys() {
    let texts = |list: &[&str]| -> Tensor {
        Tensor::vector(
            list.iter()
                .map(|t| t.as_bytes().to_vec())
                .collect::<Vec<_>>(),
        )
    };
    let nan = f32::from_bits;
    let requests: Vec<Vec<Tensor>> = vec![
        vec![],
        vec![row(&[0.0])],
        vec![row(&[-0.0])],
        vec![row(&[0.0]), row(&[0.0])],
        vec![row(&[0.0, 0.0])],
        vec![Tensor::of(vec![2, 1], vec![0f32; 2]).unwrap()],
        vec![Tensor::of(vec![2], vec![0f32; 2]).unwrap()],
        vec![Tensor::of(vec![1, 1], vec![0i32]).unwrap()],
        vec![Tensor::of(vec![1, 1], vec![0u32]).unwrap()],
        vec![Tensor::of(vec![1, 1], vec![f16::ZERO]).unwrap()],
        vec![Tensor::of(vec![1, 1], vec![bf16::ZERO]).unwrap()],
        vec![Tensor::of(vec![1, 1], vec![0u8]).unwrap()],
        vec![Tensor::of(vec![1, 1], vec![false]).unwrap()],
        vec![Tensor::of(vec![0, 1], Vec::<f32>::new()).unwrap()],
        vec![Tensor::of(vec![1, 0], Vec::<f32>::new()).unwrap()],
        vec![row(&[nan(0x7fc0_0000)])],
        vec![row(&[nan(0x7fc0_0001)])],
        vec![texts(&["ab", "c"])],
        vec![texts(&["a", "bc"])],
        vec![texts(&["abc", ""])],
        vec![texts(&["abc"])],
    ];
    let mut seen = BTreeMap::new();
    for request in requests {
        let key = key(&version("a"), &request);
        if let Some(other) = seen.insert(key, format!("{request:?}")) {
            panic!("{request:?} and {other} have one key");
        }
    }
}

#[test]
fn a_number_that_is_none_is_equal_to_itself_here() {
    let cache = Cache::new(Some(1 << 20));
    let (version, inputs) = (version("a"), [row(&[f32::NAN, 1.0])]);
    assert!(hit(&ask(&cache, &version, &inputs, &row(&[f32::NAN]))).is_none());
    let again = ask(&cache, &version, &inputs, &row(&[1.0]));
    let outputs = hit(&again).unwrap();
    assert!(outputs[0].as_slice::<f32>().unwrap()[0].is_nan());
}

#[test]
fn it_stays_within_its_bytes() {
    let max = 64 << 10;
    let cache = Cache::new(Some(max));
    let version = version("a");
    for at in 0..1_000u16 {
        let inputs = [row(&[f32::from(at)])];
        let _look = ask(&cache, &version, &inputs, &row(&[0.5; 100]));
    }
    let answers = cache.0.as_ref().unwrap();
    answers.run_pending_tasks();
    let (entries, bytes) = cache.usage();
    assert!(bytes <= max, "{bytes} bytes");
    assert!((50..150).contains(&entries), "{entries} entries");
    // One that is larger than all of it is not kept, and pushes nothing out.
    let look = ask(&cache, &version, &[row(&[-1.0])], &row(&[0.5; 100_000]));
    assert!(hit(&look).is_none());
    answers.run_pending_tasks();
    assert_eq!(cache.usage().0, entries);
    assert!(hit(&ask(&cache, &version, &[row(&[-1.0])], &row(&[1.0]))).is_none());
}

#[test]
fn an_answer_ends_with_its_time() {
    let cache = Cache::new(Some(1 << 20));
    let mut version = version("a");
    version.rules.ttl = Some(Duration::from_nanos(1));
    let inputs = [row(&[1.0])];
    for _ in 0..3 {
        assert!(hit(&ask(&cache, &version, &inputs, &row(&[7.0]))).is_none());
    }
    version.rules.ttl = Some(Duration::from_secs(3_600));
    let _first = ask(&cache, &version, &inputs, &row(&[7.0]));
    assert!(hit(&ask(&cache, &version, &inputs, &row(&[7.0]))).is_some());
}

proptest! {
    /// Blocks of the hash are no part of the key: it is that of all elements one after the other.
    #[test]
    fn the_key_of_a_long_tensor_is_that_of_its_bytes(values in prop::collection::vec(any::<f64>(), 0..2_000)) {
        let mut expected = Sha256::new();
        expected.update(version("a").identity.as_bytes());
        expected.update(1u64.to_le_bytes());
        expected.update([datatype(DataType::Fp64)]);
        expected.update(1u64.to_le_bytes());
        expected.update((values.len() as u64).to_le_bytes());
        for value in &values {
            expected.update(value.to_le_bytes());
        }
        let expected: Key = expected.finalize().into();
        prop_assert_eq!(key(&version("a"), &[Tensor::vector(values)]), expected);
    }
}
