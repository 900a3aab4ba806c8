//! What users would pick instead: Python servers, installed from PyPI into environments of their own below `target/`.
//!
//! What they run stands in `peers/`, versions pinned. Without Python, or without a registry to install from, the
//! bench says so and goes on without them.

use std::error::Error;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use impresario::clock;
use serde_json::{Value, json};

use super::client::Request;
use super::plan::Place;
use super::process::Server;
use super::tiny::{BODY, PATH};

/// A server to compare with.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Its folder in `peers/`.
    folder: &'static str,
    run: Run,
}

/// The command that serves on the first of these ports; the others are for what it serves beside HTTP.
type Run = fn(&Environment, &Place, [u16; 3]) -> Result<Command, Box<dyn Error>>;

/// Every peer.
pub(crate) const ALL: [Peer; 3] = [
    Peer {
        name: "FastAPI + onnxruntime, tuned",
        folder: "fastapi",
        run: fastapi,
    },
    Peer {
        name: "MLServer + onnxruntime, tuned",
        folder: "mlserver",
        run: |environment, place, ports| {
            // With one worker the model is computed in the server's own process, which is its fastest way.
            let workers = if place.workers > 1 { place.workers } else { 0 };
            let settings = json!({"parallel_workers": workers, "debug": false});
            mlserver(environment, place, ports, "tuned", settings)
        },
    },
    Peer {
        name: "MLServer + onnxruntime, as it comes",
        folder: "mlserver",
        run: |environment, place, ports| {
            mlserver(environment, place, ports, "as-it-comes", json!({}))
        },
    },
];

/// Python servers import for seconds before they listen.
const PATIENCE: Duration = Duration::from_secs(90);

/// An installed peer.
struct Environment {
    /// Where it is installed, with room for its files.
    root: PathBuf,
    /// What it runs.
    source: PathBuf,
}

/// Installs a peer where that was not done yet, and starts it.
///
/// # Errors
/// What is missing.
pub(crate) async fn start(peer: &Peer, place: &Place) -> Result<Server, Box<dyn Error>> {
    let environment = Environment::install(peer.folder)?;
    let ports: [u16; 3] = free_ports()?;
    let [port, ..] = ports;
    let mut command = (peer.run)(&environment, place, ports)?;
    let log = environment
        .root
        .join(format!("{}.log", peer.name.replace(' ', "-")));
    let said = File::create(&log)?;
    command
        .stdin(Stdio::null())
        .stderr(said.try_clone()?)
        .stdout(said);
    let mut server = Server::spawned(command, ([127, 0, 0, 1], port).into())?;
    let request = Request::post(server.address, PATH, BODY);
    let begun = clock::instant();
    while let Err(error) = request.ask().await {
        let ended = server.ended()?;
        if ended || begun.elapsed() > PATIENCE {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<_> = said.lines().rev().take(5).collect();
            let what = if ended { "it ended" } else { "no answer" };
            return Err(format!("{what} ({error}): {}", lines.join(" / ")).into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(server)
}

/// One process per worker: uvicorn's own way.
fn fastapi(
    environment: &Environment,
    place: &Place,
    [port, ..]: [u16; 3],
) -> Result<Command, Box<dyn Error>> {
    let mut command = place.command(&environment.program("python"));
    command
        .arg(environment.source.join("server.py"))
        .args([port.to_string(), place.workers.to_string()])
        .arg(model())
        .arg("iris-linear");
    Ok(command)
}

/// Its own runtime class over the same file, with `settings` beside where it listens, from a folder of that name.
fn mlserver(
    environment: &Environment,
    place: &Place,
    [http, grpc, metrics]: [u16; 3],
    served: &str,
    mut settings: Value,
) -> Result<Command, Box<dyn Error>> {
    let folder = environment.root.join(served);
    let model_folder = folder.join("iris-linear");
    fs::create_dir_all(&model_folder)?;
    let runtime = model_folder.join("runtime.py");
    fs::copy(environment.source.join("runtime.py"), runtime)?;
    settings["host"] = json!("127.0.0.1");
    settings["http_port"] = json!(http);
    settings["grpc_port"] = json!(grpc);
    settings["metrics_port"] = json!(metrics);
    fs::write(folder.join("settings.json"), settings.to_string())?;
    let settings = json!({"name": "iris-linear", "implementation": "runtime.Onnx"});
    fs::write(
        model_folder.join("model-settings.json"),
        settings.to_string(),
    )?;
    let mut command = place.command(&environment.program("mlserver"));
    command.arg("start").arg(&folder).current_dir(&folder);
    command.env("PEER_MODEL", model());
    Ok(command)
}

/// So many different ones. They are freed again at once: nobody else on this machine asks for ports meanwhile, or the
/// server says so.
fn free_ports<const N: usize>() -> Result<[u16; N], Box<dyn Error>> {
    let mut taken = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        taken.push(listener);
    }
    Ok(ports)
}

fn model() -> PathBuf {
    super::quickstart().join("iris-linear/1/model.onnx")
}

// === impl Environment ===

impl Environment {
    /// A virtual environment with exactly what `requirements.txt` says; made once, and again when that changes.
    fn install(folder: &str) -> Result<Self, Box<dyn Error>> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("benches/load/peers")
            .join(folder);
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("peers")
            .join(folder);
        let environment = Self { root, source };
        let wanted = fs::read_to_string(environment.source.join("requirements.txt"))?;
        let installed = environment.root.join("installed.txt");
        if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
            return Ok(environment);
        }
        fs::create_dir_all(&environment.root)?;
        eprintln!("installing {folder} from PyPI …");
        let mut python = Command::new("python3");
        python
            .args(["-m", "venv", "--clear"])
            .arg(&environment.root);
        done(python).map_err(|error| format!("no Python environment: {error}"))?;
        let mut pip = Command::new(environment.program("python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ])
        .arg(environment.source.join("requirements.txt"));
        done(pip).map_err(|error| format!("not installed from the package index: {error}"))?;
        fs::write(installed, wanted)?;
        Ok(environment)
    }

    fn program(&self, name: &str) -> String {
        self.root
            .join("bin")
            .join(name)
            .to_string_lossy()
            .into_owned()
    }
}

/// Runs a program to its end; the last lines of what it said where it failed.
fn done(mut command: Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = said.lines().rev().take(3).collect();
    Err(lines.join(" / "))
}
