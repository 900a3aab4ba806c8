//! A real collector, and what it says that it got.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::daemon::PATIENCE;
use crate::python;

/// A collector that writes down all that it gets.
pub(super) struct Collector {
    child: Child,
    grpc: String,
    http: String,
    folder: TempDir,
}

/// A span or a record as it was written down.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) trace: String,
    pub(super) parent: String,
    pub(super) id: String,
    pub(super) name: String,
    lines: Vec<String>,
}

/// Two addresses that nobody listens at.
pub(super) fn ports() -> (String, String) {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (first, second) = (free(), free());
    let text = |socket: &TcpListener| socket.local_addr().unwrap().to_string();
    (text(&first), text(&second))
}

/// The program, out of the package that brings it.
fn program() -> PathBuf {
    let python = python::environment(&["rotel==0.0.1a15"]);
    let mut where_is = Command::new(python);
    where_is.args([
        "-c",
        "import rotel, os; print(os.path.dirname(rotel.__file__))",
    ]);
    PathBuf::from(python::said(&mut where_is).trim()).join("rotel-agent")
}

// === impl Collector ===

impl Collector {
    pub(super) fn start() -> Self {
        let (grpc, http) = ports();
        Self::at(&grpc, &http)
    }

    pub(super) fn at(grpc: &str, http: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let said = File::create(folder.path().join("said")).unwrap();
        let mut command = Command::new(program());
        command.args([
            "start",
            "--exporter",
            "blackhole",
            "--batch-timeout",
            "10ms",
        ]);
        command.args(["--otlp-grpc-endpoint", grpc, "--otlp-http-endpoint", http]);
        for signal in ["traces", "metrics", "logs"] {
            command.args(["--debug-log", signal]);
        }
        command.args(["--debug-log-verbosity", "detailed"]);
        command.arg("--pid-file").arg(folder.path().join("pid"));
        command.arg("--log-file").arg(folder.path().join("log"));
        let errors = said.try_clone().unwrap();
        let child = command
            .stdout(Stdio::from(said))
            .stderr(Stdio::from(errors));
        let collector = Self {
            child: child.spawn().expect("start the collector"),
            grpc: grpc.to_owned(),
            http: http.to_owned(),
            folder,
        };
        let end = impresario::clock::instant() + PATIENCE;
        while [grpc, http]
            .iter()
            .any(|address| TcpStream::connect(address).is_err())
        {
            assert!(
                impresario::clock::instant() < end,
                "the collector never came: {}",
                collector.read()
            );
            std::thread::park_timeout(std::time::Duration::from_millis(10));
        }
        collector
    }

    pub(super) fn endpoint(&self, protocol: &str) -> String {
        match protocol {
            "grpc" => format!("http://{}", self.grpc),
            _ => format!("http://{}", self.http),
        }
    }

    fn read(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }

    /// All that it said, after it was told to go down.
    pub(super) fn said(mut self) -> String {
        let killed = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(killed.unwrap().success());
        self.child.wait().unwrap();
        self.read()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

// === impl Told ===

impl Told {
    pub(super) fn says(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }
}

/// All spans.
pub(super) fn spans(said: &str) -> Vec<Told> {
    told(said, "Span #")
}

/// All log records.
pub(super) fn records(said: &str) -> Vec<Told> {
    told(said, "LogRecord #")
}

fn told(said: &str, begins: &str) -> Vec<Told> {
    let mut all: Vec<Told> = Vec::new();
    let mut inside = false;
    for line in said.lines() {
        if line.starts_with(begins) {
            all.push(Told::default());
            inside = true;
            continue;
        }
        // Another thing begins.
        if line.contains(" #") && !line.starts_with(' ') {
            inside = false;
        }
        let Some(told) = all.last_mut().filter(|_| inside) else {
            continue;
        };
        if let Some((key, value)) = line.split_once(": ") {
            let value = value.trim().to_owned();
            match key.trim() {
                "Trace ID" => told.trace = value,
                "Parent ID" => told.parent = value,
                "ID" => told.id = value,
                "Name" => told.name = value,
                _ => {}
            }
        }
        told.lines.push(line.to_owned());
    }
    all
}
