//! Joining the rows of several requests along the first axis, and splitting the answers again.
//!
//! Which requests are joined, and when, is the daemon's business; so is whether the contract allows it
//! ([`crate::Batching::FirstAxis`]).

use std::iter;

use crate::each_vec;
use crate::tensor::{Element, Tensor, Values, element_count};

/// Requests or answers that cannot be joined or split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The tensors at one place differ in datatype, rank, or in the size of an axis after the first.
    #[error(
        "join rows: tensor {tensor} of request {request} is {got}, of the first request {expected}"
    )]
    Unlike {
        /// The place among a request's tensors.
        tensor: usize,
        /// The request, from 0.
        request: usize,
        /// What the first request's tensor is, rows aside.
        expected: String,
        /// What this one's is.
        got: String,
    },
    /// An answer has more or fewer rows than were asked for.
    #[error("split rows: expected {expected} rows in tensor {tensor}, got {got}")]
    Rows {
        /// The place among the answer's tensors.
        tensor: usize,
        /// The rows of all requests together.
        expected: usize,
        /// What the tensor has.
        got: String,
    },
}

/// Rows of a request's checked tensors: the first axis of the first one; 1 where there is none.
#[must_use]
pub fn rows(tensors: &[Tensor]) -> usize {
    let first = tensors.first().and_then(|tensor| tensor.shape().first());
    first.copied().unwrap_or(1)
}

/// Joins the tensors of several requests, in the requests' order: the rows of the first come first.
///
/// # Errors
/// [`BatchError::Unlike`] when the requests' tensors differ in more than their number of rows.
pub fn join(requests: &[&[Tensor]]) -> Result<Vec<Tensor>, BatchError> {
    let Some((first, others)) = requests.split_first() else {
        return Ok(Vec::new());
    };
    let mut joined = Vec::with_capacity(first.len());
    for (place, tensor) in first.iter().enumerate() {
        let unlike = |request: usize, got: Option<&Tensor>| BatchError::Unlike {
            tensor: place,
            request,
            expected: describe(Some(tensor)),
            got: describe(got),
        };
        let [rows, inner @ ..] = tensor.shape() else {
            return Err(unlike(0, Some(tensor)));
        };
        let mut total = *rows;
        let mut elements = tensor.values().len();
        for (other, request) in others.iter().zip(1..) {
            let other = other.get(place);
            let fits = other.filter(|o| o.datatype() == tensor.datatype());
            let rows = match fits.map(Tensor::shape) {
                Some([rows, rest @ ..]) if rest == inner => *rows,
                _ => return Err(unlike(request, other)),
            };
            total = total
                .checked_add(rows)
                .ok_or_else(|| unlike(request, other))?;
            elements += other.map_or(0, |o| o.values().len());
        }
        let mut values = Values::with_capacity(tensor.datatype(), elements);
        for request in requests {
            append(&mut values, request[place].values());
        }
        let shape = iter::once(total).chain(inner.iter().copied()).collect();
        // Rows without elements may be more than can be counted together with the other axes.
        joined.push(Tensor::new(shape, values).map_err(|_| unlike(0, Some(tensor)))?);
    }
    for (request, tensors) in others.iter().zip(1..) {
        if let Some(extra) = request.get(first.len()) {
            return Err(BatchError::Unlike {
                tensor: first.len(),
                request: tensors,
                expected: describe(None),
                got: describe(Some(extra)),
            });
        }
    }
    Ok(joined)
}

/// Splits answers into those of each request, given each request's rows; the opposite of [`join`].
///
/// # Errors
/// [`BatchError::Rows`] when a tensor's first axis is not the sum of the rows.
pub fn split(tensors: Vec<Tensor>, rows: &[usize]) -> Result<Vec<Vec<Tensor>>, BatchError> {
    let expected = rows.iter().fold(0usize, |sum, &n| sum.saturating_add(n));
    if let Some((place, odd)) = tensors
        .iter()
        .enumerate()
        .find(|(_, t)| t.shape().first() != Some(&expected))
    {
        return Err(BatchError::Rows {
            tensor: place,
            expected,
            got: describe(Some(odd)),
        });
    }
    if rows.len() == 1 {
        return Ok(vec![tensors]);
    }
    let empty = || Vec::with_capacity(tensors.len());
    let mut requests: Vec<Vec<Tensor>> = rows.iter().map(|_| empty()).collect();
    for tensor in tensors {
        let (shape, values) = tensor.into_parts();
        let inner = element_count(&shape[1..]).unwrap_or(0);
        each_vec!(values, v => deal(v, &shape, inner, rows, &mut requests));
    }
    Ok(requests)
}

/// Gives each request its rows of one tensor, moving the elements.
fn deal<T: Element>(
    elements: Vec<T>,
    shape: &[usize],
    inner: usize,
    rows: &[usize],
    requests: &mut [Vec<Tensor>],
) {
    let mut elements = elements.into_iter();
    for (&rows, request) in rows.iter().zip(requests) {
        let part: Vec<T> = elements.by_ref().take(rows * inner).collect();
        let shape = iter::once(rows).chain(shape[1..].iter().copied()).collect();
        request.push(Tensor::of(shape, part).expect("the rows add up to the first axis"));
    }
}

/// Appends elements of the same datatype.
fn append(to: &mut Values, from: &Values) {
    fn extend<T: Element>(to: &mut Vec<T>, from: &Values) {
        to.extend_from_slice(T::slice(from).expect("datatypes were compared"));
    }
    each_vec!(to, v => extend(v, from));
}

fn describe(tensor: Option<&Tensor>) -> String {
    match tensor {
        None => "missing".to_owned(),
        Some(tensor) => format!("{} {:?}", tensor.datatype(), tensor.shape()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tensor::DataType;

    /// Elements that all differ where the datatype has room, so that a mix-up shows.
    fn values(datatype: DataType, from: usize, n: usize) -> Values {
        let mut values = Values::with_capacity(datatype, n);
        for i in from..from + n {
            match &mut values {
                Values::Bool(v) => v.push(i.count_ones() % 2 == 1),
                Values::Uint8(v) => v.push(i as u8),
                Values::Uint16(v) => v.push(i as u16),
                Values::Uint32(v) => v.push(i as u32),
                Values::Uint64(v) => v.push(i as u64),
                Values::Int8(v) => v.push(i as i8),
                Values::Int16(v) => v.push(i as i16),
                Values::Int32(v) => v.push(-(i as i32)),
                Values::Int64(v) => v.push(-(i as i64)),
                Values::Fp16(v) => v.push(half::f16::from_f32(i as f32)),
                Values::Bf16(v) => v.push(half::bf16::from_f32(i as f32)),
                Values::Fp32(v) => v.push(i as f32 + 0.5),
                Values::Fp64(v) => v.push(i as f64 + 0.5),
                Values::Bytes(v) => v.push(i.to_string().into_bytes()),
            }
        }
        values
    }

    fn tensor(datatype: DataType, rows: usize, inner: &[usize], from: usize) -> Tensor {
        let shape: Vec<usize> = iter::once(rows).chain(inner.iter().copied()).collect();
        let n = shape.iter().product();
        Tensor::new(shape, values(datatype, from, n)).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_joined_splits_again(
            ports in prop::collection::vec((prop::sample::select(DataType::ALL.to_vec()), prop::collection::vec(0usize..4, 0..3)), 0..4),
            rows in prop::collection::vec(0usize..5, 1..6),
        ) {
            let mut from = 0;
            let requests: Vec<Vec<Tensor>> = rows.iter().map(|&rows| {
                ports.iter().map(|(datatype, inner)| {
                    from += 100;
                    tensor(*datatype, rows, inner, from)
                }).collect()
            }).collect();
            let borrowed: Vec<&[Tensor]> = requests.iter().map(Vec::as_slice).collect();
            let joined = join(&borrowed).unwrap();
            prop_assert_eq!(joined.len(), ports.len());
            for tensor in &joined {
                prop_assert_eq!(tensor.shape()[0], rows.iter().sum::<usize>());
            }
            prop_assert_eq!(split(joined, &rows).unwrap(), requests);
        }
    }

    #[test]
    fn what_differs_is_not_joined() {
        let a = [tensor(DataType::Fp32, 2, &[3], 0)];
        let same = [tensor(DataType::Fp32, 1, &[3], 0)];
        let scalar = [Tensor::of(vec![], vec![1f32]).unwrap()];
        assert!(join(&[&a, &same]).is_ok());
        assert_eq!(join(&[]), Ok(vec![]));
        for other in [
            &[tensor(DataType::Fp64, 2, &[3], 0)][..],
            &[tensor(DataType::Fp32, 2, &[4], 0)],
            &[tensor(DataType::Fp32, 2, &[3, 1], 0)],
            &scalar,
            &[],
            &[same[0].clone(), same[0].clone()],
        ] {
            assert!(join(&[&a, other]).is_err(), "{other:?}");
        }
        assert!(join(&[&scalar]).is_err());
        assert_eq!(
            join(&[&a, &[tensor(DataType::Fp32, 2, &[4], 0)]])
                .unwrap_err()
                .to_string(),
            "join rows: tensor 0 of request 1 is FP32 [2, 4], of the first request FP32 [2, 3]"
        );
    }

    #[test]
    fn an_answer_with_other_rows_is_not_split() {
        let tensors = || vec![tensor(DataType::Fp32, 3, &[2], 0)];
        assert!(split(tensors(), &[1, 2]).is_ok());
        assert_eq!(
            split(tensors(), &[1, 1]).unwrap_err().to_string(),
            "split rows: expected 2 rows in tensor 0, got FP32 [3, 2]"
        );
        assert!(split(tensors(), &[4]).is_err());
        assert!(split(tensors(), &[usize::MAX, 4]).is_err());
        assert!(split(vec![Tensor::of(vec![], vec![1f32]).unwrap()], &[1]).is_err());
    }

    #[test]
    fn empty_rows_of_any_size_are_counted_only_when_they_can_be() {
        let huge = [Tensor::of(vec![usize::MAX, 0], Vec::<f32>::new()).unwrap()];
        assert!(join(&[&huge, &huge]).is_err());
        assert_eq!(split(huge.to_vec(), &[usize::MAX, 0]).unwrap().len(), 2);
    }
}
