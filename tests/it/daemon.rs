//! A daemon under test: the binary in a folder of its own, and a client for it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The longest that anything here may take before the test is given up: far more than it needs, so that a slow
/// machine does not fail it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A folder with models, state and config, and daemons that run in it.
pub(crate) struct House {
    dir: TempDir,
}

/// A running daemon.
pub(crate) struct Daemon {
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: PathBuf,
    /// What it said when it was ready.
    pub(crate) banner: String,
    /// `127.0.0.1:PORT` of the data plane.
    pub(crate) http: String,
    /// `127.0.0.1:PORT` of gRPC.
    pub(crate) grpc: String,
    /// `127.0.0.1:PORT` of the admin plane.
    pub(crate) admin: String,
}

/// An answer over HTTP, whatever its status.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: u16,
    /// Headers of interest.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, as JSON where it is.
    pub(crate) body: Value,
    /// The body's text.
    pub(crate) text: String,
}

// === impl House ===

impl House {
    pub(crate) fn new() -> Self {
        let house = Self {
            dir: tempfile::tempdir().expect("a folder for the test"),
        };
        fs::create_dir_all(house.models()).unwrap();
        house
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn models(&self) -> PathBuf {
        self.path().join("models")
    }

    pub(crate) fn write(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path().join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A version whose files are in the quickstart.
    pub(crate) fn real(&self, from: &str, to: &str) {
        copy(
            &root().join("examples/quickstart/models").join(from),
            &self.models().join(to),
        );
    }

    /// A version that does what its `fake.toml` says.
    pub(crate) fn fake(&self, version: &str, text: &str) {
        self.write(&format!("models/{version}/fake.toml"), text);
    }

    /// The command that serves this house, with more arguments to come.
    pub(crate) fn command(&self) -> Command {
        let mut command = impresario();
        command.arg("serve");
        command.args(["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]);
        command.args(["--admin", "127.0.0.1:0"]);
        command
            .arg("--addresses-file")
            .arg(self.path().join("addresses.json"));
        command
    }

    /// Serves models and state of this house, without a config file.
    pub(crate) fn serve(&self) -> Daemon {
        self.serve_with(&[])
    }

    pub(crate) fn serve_with(&self, more: &[&str]) -> Daemon {
        let mut command = self.command();
        command
            .arg("--models")
            .arg(self.models())
            .arg("--state")
            .arg(self.path().join("state"));
        self.start(command.args(more))
    }

    /// Serves with the config file of this house.
    pub(crate) fn serve_config(&self) -> Daemon {
        let mut command = self.command();
        self.start(
            command
                .arg("--config")
                .arg(self.path().join("impresario.toml")),
        )
    }

    pub(crate) fn start(&self, command: &mut Command) -> Daemon {
        let log = self.path().join("log.jsonl");
        let addresses = self.path().join("addresses.json");
        // The file of an earlier daemon in this house must not be taken for this one's.
        let _gone = fs::remove_file(&addresses);
        let errors = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("start the daemon");
        let mut stdout = BufReader::new(child.stdout.take().expect("its standard output"));
        let mut banner = String::new();
        // The daemon says that it is ready, and ends its text with a line to paste or with its pipelines.
        while !banner.contains("is ready after") {
            let read = stdout.read_line(&mut banner).unwrap();
            assert!(
                read > 0,
                "the daemon ended before it was ready: {}",
                fs::read_to_string(&log).unwrap()
            );
        }
        let text = fs::read_to_string(&addresses)
            .expect("the addresses file is there when the daemon is ready");
        let addresses: Value = serde_json::from_str(&text).unwrap();
        let address = |key: &str| addresses[key].as_str().expect("an address").to_owned();
        Daemon {
            http: address("http"),
            grpc: addresses["grpc"].as_str().unwrap_or_default().to_owned(),
            admin: address("admin"),
            child,
            stdout,
            log,
            banner,
        }
    }

    /// Runs a daemon that is expected to refuse to start, and gives what it said.
    pub(crate) fn refused(&self, command: &mut Command) -> (ExitStatus, String) {
        let said = self.path().join("said");
        let file = fs::File::create(&said).unwrap();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .expect("run the daemon");
        // Its standard output ends with the process, or says that it serves after all.
        let mut stdout = BufReader::new(child.stdout.take().expect("its standard output"));
        let mut line = String::new();
        while stdout.read_line(&mut line).unwrap() > 0 {
            if line.contains("is ready after") {
                child.kill().unwrap();
                panic!("it should not have served: {line}");
            }
        }
        let status = child.wait().unwrap();
        let text = fs::read_to_string(&said).unwrap();
        assert!(!status.success(), "it should not have ended well: {text}");
        (status, text)
    }
}

// === impl Daemon ===

impl Daemon {
    pub(crate) fn get(&self, path: &str) -> Reply {
        reply(agent().get(format!("http://{}{path}", self.http)).call())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_text(path, &body.to_string())
    }

    pub(crate) fn post_text(&self, path: &str, body: &str) -> Reply {
        reply(
            agent()
                .post(format!("http://{}{path}", self.http))
                .send(body),
        )
    }

    pub(crate) fn infer(&self, name: &str, inputs: Value) -> Reply {
        self.post(
            &format!("/v2/models/{name}/infer"),
            &json!({ "inputs": inputs }),
        )
    }

    pub(crate) fn admin_get(&self, path: &str) -> Reply {
        reply(
            agent()
                .get(format!("http://{}/admin/v1{path}", self.admin))
                .call(),
        )
    }

    pub(crate) fn metrics(&self) -> String {
        reply(agent().get(format!("http://{}/metrics", self.admin)).call()).text
    }

    /// The same, under Triton's names as well.
    pub(crate) fn triton_metrics(&self) -> String {
        reply(
            agent()
                .get(format!("http://{}/metrics?names=triton", self.admin))
                .call(),
        )
        .text
    }

    /// Waits until so many instances of a model's first version compute.
    pub(crate) fn until_busy(&self, model: &str, n: usize) {
        self.until_shown(&format!(
            "impresario_version_busy_instances{{model=\"{model}\",version=\"1\"}} {n}"
        ));
    }

    /// Waits until so many requests wait for a model's first version.
    pub(crate) fn until_waiting(&self, model: &str, n: usize) {
        self.until_shown(&format!(
            "impresario_version_queue_length{{model=\"{model}\",version=\"1\"}} {n}"
        ));
    }

    fn until_shown(&self, line: &str) {
        let ask = |daemon: &Self| {
            reply(
                agent()
                    .get(format!("http://{}/metrics", daemon.admin))
                    .call(),
            )
        };
        self.until(ask, |shown| shown.text.lines().any(|shown| shown == line));
    }

    pub(crate) fn admin_put(&self, path: &str, body: &Value) -> Reply {
        let request = agent().put(format!("http://{}/admin/v1{path}", self.admin));
        reply(
            request
                .content_type("application/json")
                .send(body.to_string()),
        )
    }

    pub(crate) fn admin_post(&self, path: &str, body: &Value) -> Reply {
        let request = agent().post(format!("http://{}/admin/v1{path}", self.admin));
        reply(
            request
                .content_type("application/json")
                .send(body.to_string()),
        )
    }

    /// Asks until the answer is as it should be. What is awaited comes from the daemon's own timers, so asking
    /// again is the only way to see it.
    pub(crate) fn until(
        &self,
        ask: impl Fn(&Self) -> Reply,
        right: impl Fn(&Reply) -> bool,
    ) -> Reply {
        let end = impresario::clock::instant() + PATIENCE;
        loop {
            let reply = ask(self);
            if right(&reply) {
                return reply;
            }
            assert!(
                impresario::clock::instant() < end,
                "never came: {reply:?}\n{}",
                self.log()
            );
            // The daemon needs the processor more than this loop does.
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    pub(crate) fn version(&self, model: &str, version: u64) -> Reply {
        self.admin_get(&format!("/models/{model}/versions/{version}"))
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(status.expect("run kill").success());
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> ExitStatus {
        let status = self.child.wait().expect("wait for the daemon");
        let mut rest = String::new();
        let _rest = self.stdout.read_to_string(&mut rest);
        status
    }

    /// Ends it without giving it a chance.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("kill the daemon");
        self.child.wait().expect("wait for the daemon");
    }

    /// The rest of what it said on standard output, up to a line that holds `until`.
    pub(crate) fn read_banner(&mut self, until: &str) -> String {
        while !self.banner.contains(until) {
            let read = self.stdout.read_line(&mut self.banner).unwrap();
            assert!(read > 0, "the daemon ended: {}", self.banner);
        }
        self.banner.clone()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // A test that failed leaves no daemon behind; one that ended is ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

// === impl Reply ===

impl Reply {
    pub(crate) fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// The numbers of an output.
    pub(crate) fn output(&self, name: &str) -> Vec<f64> {
        let outputs = self.body["outputs"]
            .as_array()
            .unwrap_or_else(|| panic!("no outputs: {self:?}"));
        let output = outputs
            .iter()
            .find(|o| o["name"] == name)
            .unwrap_or_else(|| panic!("no {name}: {self:?}"));
        let data = output["data"].as_array().expect("data");
        data.iter().map(|v| v.as_f64().expect("a number")).collect()
    }
}

// === the rest ===

/// One iris as the `X` of the iris models.
pub(crate) fn iris(row: &[f64]) -> Value {
    json!([{ "name": "X", "shape": [1, 4], "datatype": "FP32", "data": row }])
}

pub(crate) fn impresario() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_impresario"));
    // Settings of the machine that the tests run on are not theirs.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("IMPRESARIO") {
            command.env_remove(name);
        }
    }
    // Nor are its engines: the tests that are about them say so.
    command.env("IMPRESARIO__ENGINES__ONNXRUNTIME", "off");
    command
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder();
    config
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .into()
}

pub(crate) fn reply(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Reply {
    let mut response = result.expect("an answer");
    let headers = response.headers().iter();
    let headers = headers
        .map(|(n, v)| (n.to_string(), v.to_str().unwrap_or_default().to_owned()))
        .collect();
    let text = response.body_mut().read_to_string().expect("a text");
    Reply {
        status: response.status().as_u16(),
        headers,
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    }
}
