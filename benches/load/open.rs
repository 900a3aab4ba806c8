//! The open loop: requests leave at a constant rate whatever the server does, and each one's latency counts from when
//! it was meant to leave. A server that stalls pays for all that it kept waiting (no coordinated omission).

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use impresario::clock;
use tokio::sync::Mutex;
use tokio::task::{JoinSet, yield_now};

use super::client::{Connection, Load, Point, Request, nanos};
use super::plan::Plan;
use super::process::Server;
use super::report::{self, Row};
use super::tiny::{BODY, PATH};
use super::{process, tiny};

/// Requests may be in flight on so many connections at once; the next waits for one, and its latency runs.
const CONNECTIONS: usize = 64;

/// The bare handler with the model and the daemon at half of the lesser's maximum, and what the daemon adds.
pub(crate) async fn at_half(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let state = tempfile::tempdir()?;
    let servers = [
        ("bare with the model", Server::bare("model", &plan.place)?),
        (
            "impresario",
            Server::daemon(&super::quickstart(), state.path(), &plan.place)?.0,
        ),
    ];
    let mut most = Vec::new();
    for (_, server) in &servers {
        let request = Request::post(server.address, PATH, BODY);
        tiny::check(&request.ask().await?)?;
        let load = Load {
            request,
            connections: CONNECTIONS,
            seconds: plan.seconds,
        };
        most.push(load.drive().await?.per_second());
    }
    let rate = most.iter().copied().fold(f64::INFINITY, f64::min) / 2.0;
    report::open_header(rate, plan);
    let mut rows = [Vec::new(), Vec::new()];
    for _ in 0..plan.rounds {
        for ((_, server), rows) in servers.iter().zip(&mut rows) {
            let request = Request::post(server.address, PATH, BODY);
            let before = (
                process::cpu(server.id())?,
                process::cpu(std::process::id())?,
            );
            let point = steady(&request, rate, plan.seconds).await?;
            let server_cpu = process::cpu(server.id())?.saturating_sub(before.0);
            let own_cpu = process::cpu(std::process::id())?.saturating_sub(before.1);
            rows.push(Row::of(point, server_cpu, own_cpu));
        }
    }
    let medians = rows.map(Row::median);
    for ((name, _), row) in servers.iter().zip(medians) {
        report::open_row(name, row);
    }
    report::added(medians[0], medians[1]);
    Ok(())
}

/// Sends at a constant rate for so long.
///
/// # Errors
/// The first failure of any connection.
async fn steady(request: &Request, rate: f64, seconds: Duration) -> io::Result<Point> {
    let count = (rate * seconds.as_secs_f64()) as u64;
    let begun = clock::instant();
    // Whoever holds the turn waits for its request's time; the others are in flight, or wait for the turn.
    let turn = Arc::new(Mutex::new(0u64));
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (request, turn) = (request.clone(), Arc::clone(&turn));
        connections.spawn(async move {
            let mut connection = Connection::open(&request).await?;
            let mut latencies = Vec::new();
            while let Some(meant) = next(&turn, begun, rate, count).await {
                connection.exchange().await?;
                latencies.push(nanos(begun.elapsed().saturating_sub(meant)));
            }
            io::Result::Ok(latencies)
        });
    }
    Point::of(connections, begun).await
}

/// When the next request is meant to leave, as soon as that time has come.
async fn next(turn: &Mutex<u64>, begun: Instant, rate: f64, count: u64) -> Option<Duration> {
    let mut turn = turn.lock().await;
    if *turn == count {
        return None;
    }
    let meant = Duration::from_secs_f64(*turn as f64 / rate);
    *turn += 1;
    // Timers are a thousand times too coarse; giving way lets the other connections read and write meanwhile.
    while begun.elapsed() < meant {
        yield_now().await;
    }
    Some(meant)
}
