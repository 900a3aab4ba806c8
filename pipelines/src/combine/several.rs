//! Several values of one datatype in one, behind one another or side by side.

use impresario_models::{Element, Tensor, Values, each_vec};

/// The elements of each; all have one datatype.
pub(super) fn slices<'a, T: Element>(of: &[&'a Tensor]) -> Vec<&'a [T]> {
    of.iter().filter_map(|tensor| tensor.as_slice()).collect()
}

/// Takes turns: of each value the elements from one `axis` on, then of each the next. To stack along a new axis is to
/// concatenate along the axis after it, which may be one behind the last.
pub(super) fn interleave(of: &[&Tensor], axis: usize) -> Values {
    let blocks: Vec<usize> = of
        .iter()
        .map(|tensor| tensor.shape()[axis..].iter().product())
        .collect();
    let turns = of
        .first()
        .map_or(0, |tensor| tensor.shape()[..axis].iter().product::<usize>());
    fn taking<T: Element>(_: &[T], of: &[&Tensor], blocks: &[usize], turns: usize) -> Values {
        let slices = slices::<T>(of);
        let mut out = Vec::with_capacity(slices.iter().map(|slice| slice.len()).sum());
        for turn in 0..turns {
            for (slice, block) in slices.iter().zip(blocks) {
                match block {
                    1 => out.push(slice[turn].clone()),
                    _ => out.extend_from_slice(&slice[turn * block..][..*block]),
                }
            }
        }
        T::wrap(out)
    }
    match of.first() {
        Some(first) => each_vec!(first.values(), v => taking(v, of, &blocks, turns)),
        None => Values::Bool(Vec::new()),
    }
}
