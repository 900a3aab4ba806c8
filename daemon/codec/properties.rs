//! Properties: what is written reads back the same, and no bytes make the codec panic.

use half::{bf16, f16};
use impresario_models::tensor::Element;
use impresario_models::{Batching, Contract, DataType, Dim, Port, Tensor};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::*;

/// The part of an answer that has the form of a request's inputs.
#[derive(Deserialize)]
struct Outputs<'a> {
    #[serde(borrow)]
    outputs: &'a RawValue,
}

fn of<T: Element + std::fmt::Debug>(
    element: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Tensor> {
    let shape = vec(0usize..4, 0..4);
    let element = element.boxed();
    shape
        .prop_flat_map(move |shape| {
            let count = shape.iter().product::<usize>();
            (Just(shape), vec(element.clone(), count))
        })
        .prop_map(|(shape, elements)| Tensor::of(shape, elements).unwrap())
        .boxed()
}

/// Small tensors of every datatype; the gRPC door's properties are asked of them too.
pub(crate) fn tensor() -> impl Strategy<Value = Tensor> {
    prop_oneof![
        of(any::<bool>()),
        of(any::<u8>()),
        of(any::<u16>()),
        of(any::<u32>()),
        of(any::<u64>()),
        of(any::<i8>()),
        of(any::<i16>()),
        of(any::<i32>()),
        of(any::<i64>()),
        of(any::<u16>().prop_map(f16::from_bits)),
        of(any::<u16>().prop_map(bf16::from_bits)),
        of(any::<f32>()),
        of(any::<f64>()),
        of(any::<String>().prop_map(String::into_bytes)),
        of(vec(any::<u8>(), 0..9)),
    ]
}

/// A contract whose inputs and outputs both are these tensors.
fn echo(tensors: &[Tensor]) -> Contract {
    let port = |(at, tensor): (usize, &Tensor)| {
        let shape = tensor.shape().iter().map(|_| Dim::Free(None)).collect();
        Port::new(&format!("t\"{at}"), tensor.datatype(), shape)
    };
    let ports: Vec<_> = tensors.iter().enumerate().map(port).collect();
    Contract {
        inputs: ports.clone(),
        outputs: ports,
        batching: Batching::None,
    }
}

fn can_be_json(tensor: &Tensor) -> bool {
    match tensor.datatype() {
        DataType::Fp16 | DataType::Bf16 => false,
        DataType::Bytes => {
            let strings = tensor.as_slice::<Vec<u8>>().unwrap();
            strings.iter().all(|s| std::str::from_utf8(s).is_ok())
        }
        _ => true,
    }
}

/// Elements as text, so that NaN is NaN.
fn shown(tensor: &Tensor) -> String {
    format!("{:?} {:?}", tensor.shape(), tensor.values())
}

proptest! {
    #[test]
    fn answers_read_back_as_requests(tensors in vec((tensor(), any::<bool>()), 1..4)) {
        let (tensors, binary): (Vec<_>, Vec<_>) = tensors.into_iter().unzip();
        let contract = echo(&tensors);
        let wanted: Vec<_> = tensors.iter().zip(&binary).enumerate().map(|(index, (tensor, &binary))| {
            let form = if binary || !can_be_json(tensor) { Form::Binary } else { Form::Json };
            Wanted { index, form }
        }).collect();
        let none = Parameters::default();
        let answer = Answer {
            model: "m", version: "1", id: None, contract: &contract, outputs: &tensors, wanted: &wanted, parameters: &none,
        };
        let encoded = encode(&answer).unwrap();
        let (json, tail) = encoded.body.split_at(encoded.header_length.unwrap_or(encoded.body.len()));
        let outputs: Outputs<'_> = serde_json::from_slice(json).unwrap();
        let request = format!(r#"{{"parameters":{{"binary_data_output":true}},"inputs":{}}}"#, outputs.outputs.get());
        let body = [request.as_bytes(), tail].concat();
        let decoded = decode(&contract, Framing::Mixed(request.len()), &body, &Limits::default()).unwrap();
        for (sent, came) in tensors.iter().zip(&decoded.inputs) {
            // The bits of NaN survive as binary only, so NaNs are compared as text.
            prop_assert_eq!(shown(sent), shown(came));
        }
    }

    #[test]
    fn nested_data_reads_as_flat_data(shape in vec(0usize..4, 1..4)) {
        fn nested(shape: &[usize], next: &mut i64) -> String {
            let Some((&size, inner)) = shape.split_first() else {
                *next += 1;
                return next.to_string();
            };
            let items: Vec<_> = (0..size).map(|_| nested(inner, next)).collect();
            format!("[{}]", items.join(","))
        }
        let count = i64::try_from(shape.iter().product::<usize>()).unwrap();
        let tensor = Tensor::of(shape.clone(), (1..=count).collect::<Vec<i64>>()).unwrap();
        let contract = echo(std::slice::from_ref(&tensor));
        // Axes behind an empty one leave no trace in nested data.
        let seen = shape.iter().position(|&size| size == 0).map_or(shape.len(), |at| at + 1);
        prop_assume!(seen == shape.len());
        let data = nested(&shape, &mut 0);
        let request = format!(r#"{{"inputs":[{{"data":{data},"name":"t\"0","shape":{shape:?},"datatype":"INT64"}}]}}"#);
        let decoded = decode(&contract, Framing::Json, request.as_bytes(), &Limits::default()).unwrap();
        prop_assert_eq!(&decoded.inputs[0], &tensor);
    }

    #[test]
    fn no_bytes_make_it_panic(body in vec(any::<u8>(), 0..200), length in 0usize..250, tensor in tensor()) {
        let contract = echo(&[tensor]);
        for framing in [Framing::Json, Framing::Raw, Framing::Mixed(length)] {
            let _ = decode(&contract, framing, &body, &Limits::default());
        }
        let _ = Framing::from_header(Some(&body));
    }

    #[test]
    fn no_damaged_request_makes_it_panic(at in 0usize..200, byte in any::<u8>(), cut in 0usize..200, tensor in tensor()) {
        let contract = echo(&[tensor]);
        let request = format!(
            r#"{{"id":"é","parameters":{{"a":1.5}},"inputs":[{{"name":"t\"0","shape":[1,2],"datatype":"{}","parameters":{{"binary_data_size":8}},"data":[[1,"a\n"],[true,null]]}}],"outputs":[{{"name":"t\"0"}}]}}"#,
            contract.inputs[0].datatype,
        );
        let mut body = request.into_bytes();
        let at = at % body.len();
        body[at] = byte;
        body.truncate(cut.max(at));
        for length in [body.len(), body.len() / 2] {
            let _ = decode(&contract, Framing::Mixed(length), &body, &Limits::default());
        }
    }
}
