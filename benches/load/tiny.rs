//! The tiny model in a closed loop: the daemon beside bare handlers and Python servers, one after the other, again and
//! again, so that a machine that changes its mind changes it for all of them.

use std::error::Error;
use std::io;
use std::time::Duration;

use impresario::clock;

use super::client::{Load, Request};
use super::plan::Plan;
use super::process::{self, Server};
use super::report::{self, Row};
use super::{grpc, peers, quickstart};

/// One flower, as an application posts it.
pub(crate) const BODY: &str =
    r#"{"inputs":[{"name":"X","shape":[1,4],"datatype":"FP32","data":[5.1,3.5,1.4,0.2]}]}"#;
/// The model's path; every server answers on the same one.
pub(crate) const PATH: &str = "/v2/models/iris-linear/infer";
/// The probability of the first class for that flower, by scikit-learn.
pub(crate) const EXPECTED: f64 = 0.981_557;
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// Before each point, so that no server pays in its figures for connections and caches.
pub(crate) const WARM_UP: Duration = Duration::from_millis(300);

/// Requests per second and latencies.
pub(crate) async fn closed(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let state = tempfile::tempdir()?;
    let (daemon, _) = Server::daemon(&quickstart(), state.path(), &plan.place)?;
    let mut servers = vec![
        ("impresario", daemon),
        ("bare with the model", Server::bare("model", &plan.place)?),
        ("bare without", Server::bare("answer", &plan.place)?),
    ];
    if plan.peers {
        for peer in peers::ALL {
            match peers::start(&peer, &plan.place).await {
                Ok(server) => servers.push((peer.name, server)),
                Err(missing) => println!("\n{} is left out: {missing}", peer.name),
            }
        }
    }
    for (name, server) in &servers {
        let answer = Request::post(server.address, PATH, BODY).ask().await?;
        check(&answer).map_err(|wrong| format!("{name}: {wrong}"))?;
    }
    report::load_header(plan);
    let own = || -> io::Result<Duration> {
        let ids = servers.iter().map(|(_, server)| server.id());
        ids.chain([std::process::id()]).map(process::cpu).sum()
    };
    let (begun, before) = (clock::instant(), (process::machine_cpu()?, own()?));
    for connections in CONNECTIONS {
        let mut rows: Vec<Vec<Row>> = servers.iter().map(|_| Vec::new()).collect();
        for _ in 0..plan.rounds {
            for ((_, server), rows) in servers.iter().zip(&mut rows) {
                let request = Request::post(server.address, PATH, BODY);
                rows.push(point(server, request, connections, plan.seconds).await?);
            }
        }
        let medians: Vec<Row> = rows.into_iter().map(Row::median).collect();
        for ((name, _), row) in servers.iter().zip(&medians) {
            report::load_row(name, connections, *row, medians[0]);
        }
        if let (_, daemon) = &servers[0]
            && let Some(address) = daemon.grpc
        {
            let mut rows = Vec::new();
            for _ in 0..plan.rounds {
                rows.push(grpc::point(daemon, address, connections, plan.seconds).await?);
            }
            let row = Row::median(rows);
            report::load_row("impresario over gRPC", connections, row, medians[0]);
        }
    }
    let machine = process::machine_cpu()?.saturating_sub(before.0);
    let others = machine.saturating_sub(own()?.saturating_sub(before.1));
    report::others(others, begun.elapsed());
    report::targets();
    Ok(())
}

/// One round of one server.
pub(crate) async fn point(
    server: &Server,
    request: Request,
    connections: usize,
    seconds: Duration,
) -> Result<Row, Box<dyn Error>> {
    let mut load = Load {
        request,
        connections,
        seconds: WARM_UP,
    };
    load.drive().await?;
    load.seconds = seconds;
    let before = (server.cpu()?, process::cpu(std::process::id())?);
    let point = load.drive().await?;
    let server_cpu = server.cpu()?.saturating_sub(before.0);
    let own_cpu = process::cpu(std::process::id())?.saturating_sub(before.1);
    Ok(Row::of(point, server_cpu, own_cpu))
}

/// Whether an answer says what scikit-learn says: a fast wrong answer is no figure.
pub(crate) fn check(answer: &str) -> Result<(), Box<dyn Error>> {
    let parsed: serde_json::Value = serde_json::from_str(answer)?;
    let outputs = parsed["outputs"].as_array().into_iter().flatten();
    let found = outputs
        .filter(|output| output["name"] == "probabilities")
        .find_map(|output| output["data"][0].as_f64());
    match found {
        Some(first) if (first - EXPECTED).abs() < 1e-4 => Ok(()),
        _ => Err(format!("expected a first probability of {EXPECTED}, got {answer}").into()),
    }
}
