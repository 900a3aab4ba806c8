//! What the C library does with memory that engines have given back.
//!
//! An engine asks for the same pieces in each call and gives them back behind it. glibc returns what is free at the end of a
//! thread's heap to the system at once where it is more than a small piece, and the next call pays for it again, page by
//! page: a third of what a convolutional network costs (`benches/README.md`).

/// Pieces of fewer bytes come from a thread's heap, and twice as much of it is kept for the next call.
const AT_HAND: usize = 4 << 20;

/// Lets each thread keep up to 8 MiB of memory that is free. What is larger than half of that goes back to the system as
/// ever, as the weights of a version do.
///
/// glibc learns by example: a piece that was mapped by itself and is given back raises the size from which it does so to the
/// piece's own, and what a heap keeps to twice that (mallopt(3), `M_MMAP_THRESHOLD`). The piece is never touched, so it costs
/// no memory; other allocators learn nothing from it.
pub fn keep_at_hand() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(AT_HAND)));
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::hint::black_box;

    use super::*;

    /// Pages that this thread has asked the system for.
    fn faults() -> u64 {
        let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
        // Behind the name, which may hold anything, `minflt` is the eighth field.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        fields.split_whitespace().nth(7).unwrap().parse().unwrap()
    }

    #[test]
    #[cfg_attr(
        not(all(target_os = "linux", target_env = "gnu")),
        ignore = "only glibc learns it"
    )]
    fn what_a_thread_gave_back_is_at_hand_again() {
        keep_at_hand();
        let call = || drop(black_box(vec![1u8; AT_HAND - (64 << 10)]));
        let work = move || {
            call();
            let before = faults();
            (0..10).for_each(|_| call());
            faults() - before
        };
        let paid = std::thread::spawn(work).join().unwrap();
        let once = (AT_HAND >> 12) as u64;
        assert!(paid < once, "{paid} pages in ten calls of {once}");
    }
}
