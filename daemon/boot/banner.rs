//! What a person reads when the daemon is ready: what serves, where, and a request to paste.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use impresario_models::golden::Golden;
use impresario_models::{Name, Tensor, Values, VersionNumber, each_vec};
use impresario_pipelines::table;
use impresario_pipelines::table::Standing;
use serde_json::{Value, json};

use crate::actors::Snapshot;
use crate::config::{Engine, Settings};
use crate::embed::Impresario;

/// Lines of pipelines that are shown; the rest is counted.
const MAX_LINES: usize = 20;

/// The addresses that were bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) http: SocketAddr,
    /// Where there is one.
    pub(super) grpc: Option<SocketAddr>,
    pub(super) admin: SocketAddr,
}

impl Addresses {
    pub(super) fn of(
        http: &TcpListener,
        grpc: Option<&TcpListener>,
        admin: &TcpListener,
    ) -> io::Result<Self> {
        Ok(Self {
            http: http.local_addr()?,
            grpc: grpc.map(TcpListener::local_addr).transpose()?,
            admin: admin.local_addr()?,
        })
    }

    /// Writes `{"http":…,"grpc":…,"admin":…}`, wholly or not at all, so that a script that waits for the file never
    /// reads half of it.
    pub(super) fn write(self, path: &Path) -> io::Result<()> {
        let text = json!({
            "http": self.http.to_string(),
            "grpc": self.grpc.map(|grpc| grpc.to_string()),
            "admin": self.admin.to_string(),
        });
        let text = text.to_string();
        let mut beside = path.as_os_str().to_owned();
        beside.push(".part");
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    }
}

/// The whole text.
pub(super) fn ready(
    addresses: &Addresses,
    settings: &Settings,
    impresario: &Impresario,
    took: Duration,
) -> String {
    let snapshot = impresario.live().snapshot();
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = render(&mut text, addresses, settings, &snapshot, took);
    if let Some(line) = example(settings, &snapshot, addresses) {
        let _ = writeln!(text, "\ntry it:\n  {line}");
    }
    text
}

fn render(
    text: &mut String,
    addresses: &Addresses,
    settings: &Settings,
    snapshot: &Snapshot,
    took: Duration,
) -> std::fmt::Result {
    let version = env!("CARGO_PKG_VERSION");
    writeln!(
        text,
        "impresario {version} is ready after {:.1} s",
        took.as_secs_f64()
    )?;
    writeln!(text, "  requests  http://{}", addresses.http)?;
    if let Some(grpc) = addresses.grpc {
        writeln!(text, "  gRPC      {grpc}")?;
    }
    writeln!(text, "  admin     http://{}", addresses.admin)?;
    writeln!(text, "  console   http://{}/console", addresses.admin)?;
    writeln!(text, "  models    {}", settings.models.repository.display())?;
    match &settings.store.engine {
        Engine::Sled(path) => writeln!(
            text,
            "  state     {} (revision {})",
            path.display(),
            snapshot.fleet.routing.revision
        )?,
        Engine::Memory => writeln!(
            text,
            "  state     in memory: routing is lost when the daemon ends"
        )?,
    }
    writeln!(text)?;
    let mut routes: Vec<_> = snapshot.table.routes().collect();
    routes.sort_by(|a, b| a.name.cmp(&b.name));
    let width = routes
        .iter()
        .take(MAX_LINES)
        .map(|route| route.name.as_str().len())
        .max()
        .unwrap_or(0);
    for route in routes.iter().take(MAX_LINES) {
        let line = match route.main() {
            Ok(target) => {
                let target = snapshot.table.target(target);
                format!(
                    "{} version {}, {}",
                    target.model, target.version, target.facts.engine
                )
            }
            Err(why) => format!("nobody answers: {}", why.why),
        };
        writeln!(text, "  {:width$}  {line}", route.name.as_str())?;
    }
    match routes.len() {
        0 => writeln!(
            text,
            "  no model yet: put one at {}/NAME/1/model.onnx",
            settings.models.repository.display()
        )?,
        n if n > MAX_LINES => writeln!(
            text,
            "  and {} more: impresario pipelines list",
            n - MAX_LINES
        )?,
        _ => {}
    }
    Ok(())
}

/// A request to paste, with the inputs of a golden example where there is one.
fn example(settings: &Settings, snapshot: &Snapshot, addresses: &Addresses) -> Option<String> {
    let explicit = snapshot.fleet.routing.pipelines.keys();
    let mut names = explicit.chain(snapshot.fleet.observed.models.keys());
    names.find_map(|name| {
        let Standing::Serving { model, version } = table::standing(&snapshot.fleet, name) else {
            return None;
        };
        let inputs = golden(settings, snapshot, &model, version)?;
        let body = json!({ "inputs": inputs });
        Some(format!(
            "curl -s http://{}/v2/models/{name}/infer -d '{body}'",
            addresses.http
        ))
    })
}

fn golden(
    settings: &Settings,
    snapshot: &Snapshot,
    model: &Name,
    version: VersionNumber,
) -> Option<Vec<Value>> {
    let seen = snapshot.fleet.observed.version(model.as_str(), version)?;
    let contract = &seen.facts.as_ref()?.contract;
    let package =
        impresario_models::Package::open(&settings.models.repository, model, version).ok()?;
    let inputs = Golden::read(&package).ok()??.inputs(contract)?;
    let ports = contract.inputs.iter();
    ports
        .zip(&inputs)
        .map(|(port, tensor)| input(&port.name, tensor))
        .collect()
}

/// One input as the protocol's JSON; nothing for what JSON cannot hold, or what is too long to paste.
fn input(name: &str, tensor: &Tensor) -> Option<Value> {
    if tensor.values().len() > 64 {
        return None;
    }
    let data: Value = match tensor.values() {
        Values::Fp16(_) | Values::Bf16(_) => return None,
        Values::Bytes(texts) => {
            let texts: Option<Vec<_>> = texts.iter().map(|t| std::str::from_utf8(t).ok()).collect();
            let texts = texts?;
            // The line is pasted into single quotes.
            if texts.iter().any(|text| text.contains('\'')) {
                return None;
            }
            json!(texts)
        }
        // Through the shortest decimal of its own type: 5.1 and not 5.099999904632568.
        values => {
            each_vec!(values, v => serde_json::from_str(&serde_json::to_string(v).ok()?).ok()?)
        }
    };
    Some(json!({
        "name": name,
        "shape": tensor.shape(),
        "datatype": tensor.datatype().as_str(),
        "data": data,
    }))
}
