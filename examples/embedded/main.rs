//! An application with Impresario inside: two versions of one model, no sockets but the application's own.
//!
//! Version 1 is a Burn module written here, version 2 an ONNX file that is compiled in. The application asks the
//! model by name and gets its newest ready version; a pipeline keeps the first version within reach. Nothing here
//! reads a file, opens a port for Impresario or keeps state on a disk.

mod centroids;

use std::error::Error;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{App, HttpResponse, HttpServer, ResponseError, get, post, web};
use impresario::models::{Name, Tensor, VersionNumber};
use impresario::pipelines::spec::{Pipeline, Policy, VersionSelector};
use impresario::{Impresario, StartError};
use serde::{Deserialize, Serialize};

/// A logistic regression that scikit-learn trained and exported.
const LINEAR: &[u8] = include_bytes!("../quickstart/models/iris-linear/1/model.onnx");

const SPECIES: [&str; 3] = ["setosa", "versicolor", "virginica"];

/// Sepal length and width, petal length and width, in centimetres.
#[derive(Deserialize)]
struct Flower {
    measurements: [f32; 4],
}

#[derive(Serialize, Deserialize)]
struct Verdict {
    species: String,
    probability: f32,
    /// Which version answered.
    version: u64,
}

/// Why there is no verdict.
#[derive(Debug)]
struct Trouble(impresario::Error);

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = match std::env::args().nth(1) {
        Some(port) => port
            .parse()
            .map_err(|_| format!("expected a port from 0 to 65535, got '{port}'"))?,
        None => 8090,
    };
    let fleet = fleet().await?;
    for wait in &fleet.live().look().report.waits {
        eprintln!("{} {}", wait.subject, wait.reason);
    }
    let data = web::Data::new(fleet.clone());
    let server = HttpServer::new(move || App::new().app_data(data.clone()).configure(routes));
    let server = server.bind(("127.0.0.1", port))?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    server.run().await?;
    fleet.stop().await;
    Ok(())
}

async fn fleet() -> Result<Impresario, Box<dyn Error>> {
    let iris = Name::new("iris")?;
    let first = VersionNumber::ONE;
    let second = VersionNumber::try_from(2)?;
    let pinned = Pipeline::new(Policy::Standalone {
        model: iris.clone(),
        version: VersionSelector::Number(first),
    });
    let started: Result<Impresario, StartError> = Impresario::builder()
        .register(iris.clone(), first, centroids::version)
        .register_onnx(iris, second, LINEAR)
        .pipeline(Name::new("baseline")?, pinned)
        .start()
        .await;
    Ok(started?)
}

fn routes(app: &mut web::ServiceConfig) {
    app.service(classify).service(baseline).service(health);
}

/// The newest version's verdict.
#[post("/classify")]
async fn classify(
    fleet: web::Data<Impresario>,
    flower: web::Json<Flower>,
) -> Result<web::Json<Verdict>, Trouble> {
    ask(&fleet, "iris", &flower).await
}

/// The first version's verdict, to compare with.
#[post("/classify/baseline")]
async fn baseline(
    fleet: web::Data<Impresario>,
    flower: web::Json<Flower>,
) -> Result<web::Json<Verdict>, Trouble> {
    ask(&fleet, "baseline", &flower).await
}

/// Whether somebody would answer now.
#[get("/health")]
async fn health(fleet: web::Data<Impresario>) -> Result<HttpResponse, Trouble> {
    fleet.serve().find("iris", None).map_err(Trouble)?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "ready": true })))
}

async fn ask(
    fleet: &Impresario,
    name: &str,
    flower: &Flower,
) -> Result<web::Json<Verdict>, Trouble> {
    let x = Tensor::of(vec![1, 4], flower.measurements.to_vec()).expect("one row of four");
    let answer = fleet.infer(name, [("X", x)]).await.map_err(Trouble)?;
    // Both versions give probabilities; what else a version gives, and in which order, is its own business.
    let place = answer.facts.contract.output("probabilities");
    let probabilities = place.and_then(|place| answer.outputs[place].as_slice::<f32>());
    let probabilities =
        probabilities.expect("both versions' contracts have it, and answers fit the contract");
    let ranked = SPECIES.iter().zip(probabilities);
    let (species, probability) = ranked
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .expect("there are three species");
    Ok(web::Json(Verdict {
        species: (*species).to_owned(),
        probability: *probability,
        version: answer.version.get(),
    }))
}

// === impl Trouble ===

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Faults inside are not the caller's business; the message says only that there was one.
        f.write_str(&self.0.message())
    }
}

impl ResponseError for Trouble {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code().http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

#[cfg(test)]
mod tests;
