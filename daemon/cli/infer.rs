//! `impresario infer`: a request of the inference protocol, from a file or put together from inputs.

use serde_json::{Value, json};

use super::args::InferArgs;
use super::output::{Output, cell, cut, list, table};
use super::pipelines::read;
use super::{Exit, Failure};
use crate::client::{Ask, Client, encoded};

/// Values of an output that are shown to people.
const SHOWN: usize = 400;

pub(super) fn infer(args: InferArgs, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let version = args
        .version
        .map(|version| format!("/versions/{version}"))
        .unwrap_or_default();
    let path = format!("/v2/models/{}{version}", encoded(&args.name));
    let body = match &args.file {
        Some(file) => read(file)?,
        None => {
            let inputs = args
                .input
                .iter()
                .map(|text| named(text))
                .collect::<Result<Vec<_>, _>>()?;
            let ports = client.ask(Ask::get(path.clone()))?.body;
            let inputs = inputs
                .into_iter()
                .map(|(name, value)| input(name, value, list(&ports["inputs"])));
            json!({"inputs": inputs.collect::<Result<Vec<_>, _>>()?}).to_string()
        }
    };
    let reply = client.ask(Ask::post(format!("{path}/infer")).text(body))?;
    out.show(&reply.body, |body| {
        let rows = list(&body["outputs"]).iter().map(|output| {
            [
                cell(&output["name"]),
                cell(&output["datatype"]),
                cell(&output["shape"]),
                cut(&output["data"].to_string(), SHOWN),
            ]
        });
        let outputs = table(["OUTPUT", "DATATYPE", "SHAPE", "DATA"], rows);
        format!(
            "{outputs}\n\nanswered by {} version {}",
            cell(&body["model_name"]),
            cell(&body["model_version"])
        )
    })
}

/// `NAME=JSON`
fn named(text: &str) -> Result<(String, Value), Failure> {
    let usage = |why: String| Failure::usage(format!("--input {}: {why}", cut(text, 60)));
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| usage("expected NAME=JSON".to_owned()))?;
    let value = serde_json::from_str(value).map_err(|error| {
        usage(format!(
            "the values are not JSON ({error}); texts stand in quotes: x='[\"a\"]'"
        ))
    })?;
    Ok((name.to_owned(), value))
}

/// An input of the protocol: the port says its datatype, the nesting its shape.
fn input(name: String, value: Value, ports: &[Value]) -> Result<Value, Failure> {
    let port = ports
        .iter()
        .find(|port| port["name"] == name.as_str())
        .ok_or_else(|| {
            let known: Vec<_> = ports
                .iter()
                .map(|port| format!("'{}'", cell(&port["name"])))
                .collect();
            let message = format!("unexpected input '{name}': expected {}", known.join(", "));
            Failure::new(Exit::Failed, message)
        })?;
    let mut shape = Vec::new();
    let mut inside = &value;
    while let Value::Array(list) = inside {
        shape.push(list.len());
        match list.first() {
            Some(first) => inside = first,
            None => break,
        }
    }
    // A row where a batch is meant: the batch axis is the first one that is free.
    let axes = list(&port["shape"]);
    let row = axes.len() == shape.len() + 1 && axes.first().and_then(Value::as_i64) == Some(-1);
    if row {
        shape.insert(0, 1);
    }
    let data = match value {
        Value::Array(list) => Value::Array(list),
        single => json!([single]),
    };
    let mut flat = Vec::new();
    flatten(data, &mut flat);
    Ok(json!({"name": name, "datatype": port["datatype"], "shape": shape, "data": flat}))
}

/// All elements of a nested list, so that nothing depends on how it is nested; a wrong count is the daemon's to
/// refuse.
fn flatten(value: Value, flat: &mut Vec<Value>) {
    match value {
        Value::Array(list) => list.into_iter().for_each(|value| flatten(value, flat)),
        single => flat.push(single),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_put_together_from_the_port() {
        let ports = json!([
            {"name": "x", "datatype": "FP32", "shape": [-1, 2]},
            {"name": "s", "datatype": "BYTES", "shape": [-1]},
            {"name": "k", "datatype": "INT64", "shape": [3]},
        ]);
        let made = |text: &str| {
            let (name, value) = named(text)?;
            let made = input(name, value, list(&ports))?;
            Ok(
                format!("{} {} {}", made["datatype"], made["shape"], made["data"])
                    .replace('"', "'"),
            )
        };
        let made = |text: &str| made(text).unwrap_or_else(|failure: Failure| failure.message);
        for (text, expected) in [
            ("x=[[1,2],[3,4]]", "'FP32' [2,2] [1,2,3,4]"),
            ("x=[1.5,2]", "'FP32' [1,2] [1.5,2]"),
            ("x=[[1,2],[3]]", "'FP32' [2,2] [1,2,3]"),
            ("x=[]", "'FP32' [1,0] []"),
            ("s=\"a=b\"", "'BYTES' [1] ['a=b']"),
            ("s=[\"a\",\"b\"]", "'BYTES' [2] ['a','b']"),
            ("k=[1,2,3]", "'INT64' [3] [1,2,3]"),
            ("k=1", "'INT64' [] [1]"),
        ] {
            assert_eq!(made(text), expected, "{text}");
        }
        assert!(made("y=1").contains("expected 'x', 's', 'k'"));
        assert!(made("x").contains("NAME=JSON"));
        assert!(made("x=a").contains("in quotes"));
    }
}
