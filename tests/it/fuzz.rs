//! The fuzz targets for some moments: their seeds, and thousands of inputs made from them by damage.
//!
//! The same inputs each time, so that a failure is one for everybody; what no seed leads to is found by `just fuzz`.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

#[path = "../fuzz/bodies.rs"]
mod bodies;

/// Inputs made from each seed.
const DAMAGED: u64 = 4_000;

/// Pieces that decoders have reason to fear.
const PIECES: &[&[u8]] = &[
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"true",
    b"NaN",
    b"-Infinity",
    b"1e400",
    b"-0",
    b"0.1e-5",
    b"9223372036854775807",
    b"18446744073709551616",
    b"1.0000000000000000000000001",
    b"\xff",
    b"\xc3\xa9",
    b"\"data\"",
    b"\"shape\"",
    b"[[[[",
    b"\"binary_data_size\":",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
];

#[test]
fn json() {
    run("json", bodies::json);
}

#[test]
fn mixed() {
    run("mixed", bodies::mixed);
}

#[test]
fn grpc() {
    run("grpc", bodies::grpc);
}

#[test]
fn raw() {
    run("raw", bodies::raw);
}

fn run(target: &str, body: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(seeds.len() >= 3, "the seeds of {target} are gone");
    for (at, seed) in seeds.iter().enumerate() {
        check(target, body, seed);
        for number in 0..DAMAGED {
            let mut random = Random(at as u64 * DAMAGED + number);
            let input = damaged(seed, &seeds, &mut random);
            check(target, body, &input);
        }
    }
}

/// Runs one input; a failure shows it, to be kept as a seed.
fn check(target: &str, body: fn(&[u8]), input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(input))) {
        eprintln!("target {target}, input \"{}\"", input.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/seeds")
        .join(target);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A seed after a few accidents.
fn damaged(seed: &[u8], seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        let until = (at + 1 + random.below(8)).min(input.len());
        match random.below(7) {
            0 => input.truncate(at),
            1 => drop(input.drain(at.min(until)..until)),
            2 => insert(&mut input, at, PIECES[random.below(PIECES.len())]),
            3 => {
                let again = input[at.min(until)..until].to_vec();
                insert(&mut input, at, &again);
            }
            4 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                insert(&mut input, at, &other[from..]);
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = if random.below(2) == 0 {
                        *byte ^ (1 << random.below(8))
                    } else {
                        random.below(256) as u8
                    };
                }
            }
        }
        // So that insertions upon insertions stay small.
        input.truncate(4_096);
    }
    input
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    drop(input.splice(at..at, piece.iter().copied()));
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }
}
