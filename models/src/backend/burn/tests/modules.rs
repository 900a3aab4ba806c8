//! What an embedding application registers: Burn modules and closures over them.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig, Relu};
use burn::tensor::{Bool, Device, Tensor as BurnTensor};

use super::super::{Backend, from_burn, module, to_burn, to_burn_int};
use crate::contract::{Batching, Contract, Dim, Port};
use crate::error::{InferError, LoadError};
use crate::loader::{FnModel, Model};
use crate::tensor::{DataType, Tensor, Values};

#[derive(Module, Debug)]
struct Mlp {
    hidden: Linear,
    activation: Relu,
    output: Linear,
}

impl Mlp {
    fn new(device: &Device) -> Self {
        Self {
            hidden: LinearConfig::new(4, 8).init(device),
            activation: Relu::new(),
            output: LinearConfig::new(8, 3).init(device),
        }
    }

    fn forward(&self, x: BurnTensor<2>) -> BurnTensor<2> {
        self.output
            .forward(self.activation.forward(self.hidden.forward(x)))
    }
}

fn contract(inputs: usize, outputs: usize) -> Contract {
    let port = |name, size| {
        Port::new(
            name,
            DataType::Fp32,
            vec![Dim::Free(None), Dim::Fixed(size)],
        )
    };
    Contract {
        inputs: vec![port("x", inputs)],
        outputs: vec![port("y", outputs)],
        batching: Batching::FirstAxis { max: None },
    }
}

#[test]
fn a_burn_module_is_a_model() {
    for backend in [Backend::Flex, Backend::Ndarray] {
        let device = backend.device();
        let net = Mlp::new(&device);
        let x = Tensor::of(vec![2, 4], (0..8).map(|i| i as f32).collect()).unwrap();
        let expected = from_burn(net.forward(to_burn(x.clone(), &device).unwrap())).unwrap();

        let model = module(contract(4, 3), device, net, Mlp::forward).unwrap();
        let model: Box<dyn Model> = Box::new(model);
        model
            .contract()
            .check_inputs(std::slice::from_ref(&x))
            .unwrap();
        let outputs = model.infer(vec![x]).unwrap();
        model.contract().check_outputs(&outputs).unwrap();
        assert_eq!(outputs, [expected]);
    }
}

#[test]
fn a_module_must_fit_its_contract() {
    let device = Device::flex();
    let mut two = contract(4, 3);
    two.inputs.push(two.inputs[0].clone());
    let forward = |net: &Mlp, x: BurnTensor<2>| net.forward(x);
    let refused = module(two, device.clone(), Mlp::new(&device), forward);
    assert!(matches!(refused, Err(LoadError::Unsupported { .. })));
    let forward = |_: &(), x: BurnTensor<3>| x;
    assert!(module(contract(4, 4), device, (), forward).is_err());
}

#[test]
fn a_closure_over_burn_takes_several_inputs() {
    let mut both = contract(4, 4);
    both.inputs.push(Port::new(
        "i",
        DataType::Int64,
        vec![Dim::Free(None), Dim::Fixed(4)],
    ));
    let device = Device::flex();
    let model = FnModel::new(both, move |inputs: Vec<Tensor>| {
        let [x, i] = <[Tensor; 2]>::try_from(inputs).map_err(|_| InferError::Failed {
            what: "expected 2 inputs".into(),
        })?;
        let x: BurnTensor<2> = to_burn(x, &device)?;
        let i = to_burn_int::<2>(i, &device)?.float();
        Ok(vec![from_burn(x * i)?])
    });
    let x = Tensor::of(vec![1, 4], vec![1.0f32, 2.0, 3.0, 4.0]).unwrap();
    let i = Tensor::of(vec![1, 4], vec![2i64, 0, -1, 5]).unwrap();
    let y = model.infer(vec![x, i]).unwrap();
    assert_eq!(y[0].as_slice::<f32>().unwrap(), [2.0, 0.0, -3.0, 20.0]);
}

#[test]
fn tensors_keep_their_numbers_both_ways() {
    for backend in [Backend::Flex, Backend::Ndarray] {
        let d = &backend.device();
        let shape = vec![2, 1];
        let singles = [
            Values::Fp32(vec![1.5, -2.0]),
            Values::Fp64(vec![1.5, -2.0]),
            Values::Fp16([1.5, -2.0].map(half::f16::from_f32).to_vec()),
            Values::Bf16([1.5, -2.0].map(half::bf16::from_f32).to_vec()),
        ];
        for values in singles {
            let tensor = Tensor::new(shape.clone(), values).unwrap();
            let back = from_burn(to_burn::<2>(tensor, d).unwrap()).unwrap();
            assert_eq!(back.values(), &Values::Fp32(vec![1.5, -2.0]));
            assert_eq!(back.shape(), [2, 1]);
        }
        let longs = [
            Values::Int64(vec![7, -1]),
            Values::Int32(vec![7, -1]),
            Values::Int8(vec![7, -1]),
        ];
        for values in longs {
            let tensor = Tensor::new(shape.clone(), values).unwrap();
            let back = from_burn(to_burn_int::<2>(tensor, d).unwrap()).unwrap();
            assert_eq!(back.values(), &Values::Int64(vec![7, -1]));
        }
        let bools: BurnTensor<2, Bool> =
            to_burn::<2>(Tensor::of(shape, vec![1f32, 0.0]).unwrap(), d)
                .unwrap()
                .greater_elem(0.5);
        assert_eq!(
            from_burn(bools).unwrap().values(),
            &Values::Bool(vec![true, false])
        );
    }
}

#[test]
fn what_burn_cannot_hold_exactly_is_refused() {
    let d = &Device::flex();
    let vector = |values| Tensor::new(vec![1], values).unwrap();
    for values in [
        Values::Int64(vec![1]),
        Values::Int32(vec![1]),
        Values::Uint64(vec![1]),
        Values::Bool(vec![true]),
        Values::Bytes(vec![b"x".to_vec()]),
    ] {
        assert!(to_burn::<1>(vector(values), d).is_err());
    }
    for values in [Values::Fp32(vec![1.0]), Values::Uint64(vec![u64::MAX])] {
        assert!(to_burn_int::<1>(vector(values), d).is_err());
    }
    let error = to_burn::<2>(vector(Values::Fp32(vec![1.0])), d).unwrap_err();
    assert_eq!(
        error.to_string(),
        "inference failed: expected a tensor of 2 axes, got shape [1]"
    );
}
