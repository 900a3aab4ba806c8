//! What holds for all contracts: the verdict is what tensors meet.

use impresario_models::DataType::{Fp32, Int64};
use proptest::prelude::*;

use super::*;

fn any_port(name: &'static str) -> impl Strategy<Value = Port> {
    let dim = prop_oneof![
        (1_usize..3).prop_map(Dim::Fixed),
        Just(Dim::Free(None)),
        Just(Dim::Free(Some("S".into()))),
    ];
    let shape = proptest::collection::vec(dim, 0..3);
    let range =
        proptest::option::of((0_u8..3, 3_u8..6).prop_map(|(low, high)| (low.into(), high.into())));
    let datatype = prop_oneof![Just(Fp32), Just(Int64)];
    (datatype, shape, range).prop_map(move |(datatype, shape, range)| {
        let shape = [vec![Dim::Free(None)], shape].concat();
        Port {
            range,
            ..Port::new(name, datatype, shape)
        }
    })
}

fn any_contract() -> impl Strategy<Value = Contract> {
    let ports = || {
        let ports = (any_port("a"), any_port("b"), any_port("c"), 0_usize..3);
        ports.prop_map(|(a, b, c, count)| [a, b, c][count..].to_vec())
    };
    let batching = prop_oneof![Just(Batching::None), (0_usize..3).prop_map(rows)];
    (ports(), ports(), batching).prop_map(|(inputs, outputs, batching)| Contract {
        inputs,
        outputs,
        batching,
    })
}

/// A tensor of zeros to fives that a port takes, with so many rows and so much at the symbol.
fn tensor(port: &Port, rows: usize, symbol: usize) -> impresario_models::Tensor {
    let size = |(axis, dim): (usize, &Dim)| match dim {
        Dim::Fixed(size) => *size,
        Dim::Free(_) if axis == 0 => rows,
        Dim::Free(Some(_)) => symbol,
        Dim::Free(None) => 1,
    };
    let shape: Vec<usize> = port.shape.iter().enumerate().map(size).collect();
    let count = shape.iter().product();
    let value = port.range.map_or(0.0, |(low, _)| low);
    let tensor = match port.datatype {
        Fp32 => impresario_models::Tensor::of(shape, vec![value as f32; count]),
        _ => impresario_models::Tensor::of(shape, vec![value as i64; count]),
    };
    tensor.unwrap()
}

/// A contract, and another that differs from it in some of its ports.
fn two_contracts() -> impl Strategy<Value = (Contract, Contract)> {
    let changed = proptest::collection::vec(proptest::bool::weighted(0.2), 7);
    (any_contract(), any_contract(), changed).prop_map(|(old, other, changed)| {
        let mut new = old.clone();
        let ports = new.inputs.iter_mut().chain(&mut new.outputs);
        let others = other.inputs.iter().chain(&other.outputs);
        for ((port, other), changed) in ports.zip(others).zip(&changed) {
            if *changed {
                let name = Arc::clone(&port.name);
                *port = Port {
                    name,
                    ..other.clone()
                };
            }
        }
        if changed[6] {
            new.batching = other.batching;
        }
        (old, new)
    })
}

proptest! {
    // Most of what is drawn is not compatible and rejected.
    #![proptest_config(ProptestConfig { cases: 500, max_global_rejects: 50_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_compatible_takes_and_answers_what_the_old_one_did(
        (old, new) in two_contracts(),
        rows in 1_usize..4,
        symbol in 1_usize..4,
    ) {
        prop_assert_eq!(breaches(&old, &old), []);
        prop_assume!(old != new && compatible(&old, &new));
        let named = old.inputs.iter().map(|port| (&*port.name, tensor(port, rows, symbol)));
        let request: Vec<_> = named.collect();
        prop_assume!(old.arrange(request.clone()).is_ok());
        prop_assert!(new.arrange(request).is_ok());
        let of_new = |port: &Port| tensor(&new.outputs[new.output(&port.name).unwrap()], rows, symbol);
        let answer: Vec<_> = old.outputs.iter().map(of_new).collect();
        prop_assert_eq!(old.check_outputs(&answer), Ok(()));
    }

    #[test]
    fn who_differs_differs_both_ways((old, new) in two_contracts()) {
        prop_assert_eq!(breaches(&old, &new).is_empty(), breaches(&new, &old).is_empty());
    }
}
