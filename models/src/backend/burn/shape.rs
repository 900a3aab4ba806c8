//! Shape rules of the layers, PyTorch's: pure functions from the sizes of one row to the sizes of the next.
//!
//! The batch axis is never part of a shape here; where an axis is counted, 0 is the batch, as in PyTorch.

use super::spec::Padding;
use crate::tensor::element_count;

/// The most elements that one row may have between two layers: 256 MiB in single precision.
const MOST_ELEMENTS: usize = 1 << 26;

/// The elements of a shape, or a message when it is beyond what one row may have.
pub(super) fn elements(shape: &[usize]) -> Result<usize, String> {
    if shape.contains(&0) {
        return Err(format!("expected axes of at least 1, got {shape:?}"));
    }
    element_count(shape)
        .filter(|&count| count <= MOST_ELEMENTS)
        .ok_or_else(|| {
            format!("expected at most {MOST_ELEMENTS} elements a row, got shape {shape:?}")
        })
}

/// What a window does along one axis.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    /// Before and after.
    pub(super) padding: (usize, usize),
    pub(super) ceil: bool,
}

impl Window {
    /// The size of the axis after the window, by the formulas of `torch.nn.Conv2d` and `MaxPool2d`.
    pub(super) fn size(self, size: usize) -> Result<usize, String> {
        let extent = self.dilation * (self.kernel - 1) + 1;
        let (before, after) = self.padding;
        let padded = size + before + after;
        if padded < extent {
            return Err(format!(
                "expected at least {extent} along an axis with its padding, got {padded}"
            ));
        }
        let floor = (padded - extent) / self.stride + 1;
        if !self.ceil {
            return Ok(floor);
        }
        let ceil = (padded - extent).div_ceil(self.stride) + 1;
        // The last window must start inside the axis or the padding before it.
        let starts_inside = (ceil - 1) * self.stride < size + before;
        Ok(if starts_inside { ceil } else { ceil - 1 })
    }
}

/// The padding before and after each axis.
pub(super) fn padding<const N: usize>(
    padding: Padding<N>,
    kernel: [usize; N],
    stride: [usize; N],
    dilation: [usize; N],
) -> Result<[(usize, usize); N], String> {
    match padding {
        Padding::Each(each) => Ok(each.map(|p| (p, p))),
        Padding::Same if stride != [1; N] => Err(format!(
            "key `padding`: \"same\" expects stride 1, got {stride:?}"
        )),
        Padding::Same => {
            let mut both = [(0, 0); N];
            for ((both, kernel), dilation) in both.iter_mut().zip(kernel).zip(dilation) {
                let total = dilation * (kernel - 1);
                *both = (total / 2, total - total / 2);
            }
            Ok(both)
        }
    }
}

/// An axis as PyTorch counts it, turned into an index of the row's shape.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let with_batch = rank as i64 + 1;
    let counted = if axis < 0 { axis + with_batch } else { axis };
    match usize::try_from(counted) {
        Ok(0) => Err(format!(
            "key `axis`: expected an axis other than the batch, got {axis}"
        )),
        Ok(index) if index <= rank => Ok(index - 1),
        _ => Err(format!(
            "key `axis`: expected 1 to {rank} or -{rank} to -1, got {axis}"
        )),
    }
}

/// A shape around one of its axes: the sizes before it, its own and those after it, multiplied.
pub(super) fn around(shape: &[usize], axis: usize) -> [usize; 3] {
    [
        shape[..axis].iter().product(),
        shape[axis],
        shape[axis + 1..].iter().product(),
    ]
}

/// A new shape for as many elements; one axis may be -1.
pub(super) fn reshape(from: &[usize], to: &[i64]) -> Result<Vec<usize>, String> {
    let bad = || {
        format!("key `shape`: cannot shape {from:?} into {to:?} (the batch axis is not part of it)")
    };
    let count = elements(from)?;
    let mut shape = Vec::with_capacity(to.len());
    let mut free = None;
    for (i, &size) in to.iter().enumerate() {
        match usize::try_from(size) {
            Ok(size) => shape.push(size),
            Err(_) if size == -1 && free.is_none() => {
                free = Some(i);
                shape.push(1);
            }
            Err(_) => return Err(bad()),
        }
    }
    let known = elements(&shape).map_err(|_| bad())?;
    if let Some(free) = free {
        shape[free] = count / known;
    }
    if elements(&shape).map_err(|_| bad())? == count {
        Ok(shape)
    } else {
        Err(bad())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: usize, stride: usize, padding: usize, ceil: bool) -> Window {
        Window {
            kernel,
            stride,
            dilation: 1,
            padding: (padding, padding),
            ceil,
        }
    }

    #[test]
    fn windows_follow_pytorchs_formulas() {
        assert_eq!(window(3, 1, 1, false).size(28), Ok(28));
        assert_eq!(window(3, 2, 1, false).size(28), Ok(14));
        assert_eq!(window(2, 2, 0, false).size(5), Ok(2));
        assert_eq!(window(2, 2, 0, true).size(5), Ok(3));
        // torch.nn.MaxPool2d(2, 2, padding=1, ceil_mode=True) on 5: the fourth window would start in the padding.
        assert_eq!(window(2, 2, 1, true).size(5), Ok(3));
        assert!(window(7, 1, 0, false).size(5).is_err());
    }

    #[test]
    fn axes_count_from_the_batch_or_from_the_end() {
        assert_eq!(axis(1, 3), Ok(0));
        assert_eq!(axis(-1, 3), Ok(2));
        assert_eq!(axis(-3, 3), Ok(0));
        for bad in [0, 4, -4, -5, i64::MIN, i64::MAX] {
            assert!(axis(bad, 3).is_err(), "{bad}");
        }
    }

    #[test]
    fn reshape_keeps_the_elements() {
        assert_eq!(reshape(&[4, 6], &[-1]), Ok(vec![24]));
        assert_eq!(reshape(&[4, 6], &[2, -1, 3]), Ok(vec![2, 4, 3]));
        assert_eq!(reshape(&[1], &[]), Ok(vec![]));
        for bad in [&[5][..], &[-1, -1], &[0], &[-2], &[i64::MAX, 2], &[7, -1]] {
            assert!(reshape(&[4, 6], bad).is_err(), "{bad:?}");
        }
    }
}
