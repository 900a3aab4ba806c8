//! What there is to compare with: actix-web and nothing else, in a process of its own.
//!
//! `answer` parses the request into typed structs and gives a fixed answer; `model` also runs the model, inline, by
//! the engine that the daemon uses. Neither checks what the daemon checks, routes, queues or counts.

use std::error::Error;
use std::sync::Arc;

use actix_web::{App, HttpResponse, HttpServer, web};
use impresario::models::backend::onnx;
use impresario::models::{Model, Tensor};
use serde::{Deserialize, Serialize};

/// The argument that makes this program a bare server.
pub(crate) const FLAG: &str = "--serve-bare";

#[derive(Deserialize)]
struct Request {
    inputs: Vec<Input>,
}

#[derive(Deserialize)]
#[allow(
    dead_code,
    reason = "parsing them is part of the work; the daemon needs them"
)]
struct Input {
    name: String,
    shape: Vec<usize>,
    datatype: String,
    data: Vec<f32>,
}

#[derive(Serialize)]
struct Answer<'a> {
    model_name: &'a str,
    model_version: &'a str,
    outputs: (Output<'a, i64>, Output<'a, f32>),
}

#[derive(Serialize)]
struct Output<'a, T> {
    name: &'a str,
    datatype: &'a str,
    shape: &'a [usize],
    data: &'a [T],
}

/// Serves until the process is ended. Prints the address first.
pub(crate) fn serve(kind: &str, workers: usize) -> Result<(), Box<dyn Error>> {
    let model: Option<Arc<dyn Model>> = match kind {
        "model" => {
            let path = super::quickstart().join("iris-linear/1/model.onnx");
            Some(onnx::from_bytes(&std::fs::read(path)?, None)?.into())
        }
        _ => None,
    };
    actix_rt::System::new().block_on(async move {
        let data = web::Data::new(model);
        let server = HttpServer::new(move || {
            let infer = web::post().to(infer);
            App::new()
                .app_data(data.clone())
                .route(super::tiny::PATH, infer)
        });
        let server = server.workers(workers).bind(("127.0.0.1", 0))?;
        for address in server.addrs() {
            println!("{address}");
        }
        server.run().await
    })?;
    Ok(())
}

async fn infer(model: web::Data<Option<Arc<dyn Model>>>, body: web::Bytes) -> HttpResponse {
    let Ok(request) = serde_json::from_slice::<Request>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    let Some(input) = request.inputs.into_iter().next() else {
        return HttpResponse::BadRequest().finish();
    };
    let Some(model) = &**model else {
        return answer(&[0], &[0.981_557, 0.018_443, 0.0]);
    };
    let outputs = Tensor::of(input.shape, input.data).map(|x| model.infer(vec![x]));
    let Ok(Ok(outputs)) = outputs else {
        return HttpResponse::BadRequest().finish();
    };
    match outputs.as_slice() {
        [label, probabilities] => match (label.as_slice(), probabilities.as_slice()) {
            (Some(label), Some(probabilities)) => answer(label, probabilities),
            _ => HttpResponse::InternalServerError().finish(),
        },
        _ => HttpResponse::InternalServerError().finish(),
    }
}

fn answer(label: &[i64], probabilities: &[f32]) -> HttpResponse {
    HttpResponse::Ok().json(Answer {
        model_name: "iris-linear",
        model_version: "1",
        outputs: (
            Output {
                name: "label",
                datatype: "INT64",
                shape: &[1],
                data: label,
            },
            Output {
                name: "probabilities",
                datatype: "FP32",
                shape: &[1, 3],
                data: probabilities,
            },
        ),
    })
}
