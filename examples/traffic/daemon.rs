//! The daemon as an operator has it: the real binary, its state in a folder that is gone afterwards, its admin API.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::Failure;

/// The longest that a request to the admin API may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The file that says where it serves.
const ADDRESSES: &str = "addresses.json";

/// A running daemon.
pub(crate) struct Daemon {
    folder: TempDir,
    config: PathBuf,
    child: Child,
    // Kept so that the daemon may go on writing.
    said: BufReader<ChildStdout>,
    /// `127.0.0.1:PORT` of the data plane.
    pub(crate) http: String,
    /// `127.0.0.1:PORT` of the admin plane.
    pub(crate) admin: String,
    agent: ureq::Agent,
}

// === impl Daemon ===

impl Daemon {
    /// Starts the daemon of an example's folder, on free ports.
    ///
    /// # Errors
    /// Where the binary is not built, or does not come to serve.
    pub(crate) fn start(example: &str) -> Result<Self, Failure> {
        let config = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(example);
        let config = config.join("impresario.toml");
        let folder = tempfile::tempdir()?;
        let free = "127.0.0.1:0";
        let (child, said) = launch(&config, folder.path(), [free, free])?;
        let addresses = fs::read_to_string(folder.path().join(ADDRESSES))?;
        let addresses: Value = serde_json::from_str(&addresses)?;
        let address = |plane: &str| addresses[plane].as_str().unwrap_or_default().to_owned();
        let agent = ureq::Agent::config_builder().http_status_as_error(false);
        Ok(Self {
            folder,
            config,
            child,
            said,
            http: address("http"),
            admin: address("admin"),
            agent: agent.timeout_global(Some(PATIENCE)).build().into(),
        })
    }

    /// Ends it as a power cut would: `kill -9`.
    ///
    /// # Errors
    /// Where it could not be ended.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again, on the same state and the same ports.
    ///
    /// # Errors
    /// Where it does not come to serve.
    pub(crate) fn restart(&mut self) -> Result<(), Failure> {
        let addresses = [&*self.http, &*self.admin];
        (self.child, self.said) = launch(&self.config, self.folder.path(), addresses)?;
        Ok(())
    }

    /// Asks the admin API.
    ///
    /// # Errors
    /// Any answer but a success, with what it says.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        let url = format!("http://{}/admin/v1{path}", self.admin);
        read("GET", path, self.agent.get(url).call())
    }

    /// Tells the admin API something.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let url = format!("http://{}/admin/v1{path}", self.admin);
        let request = self.agent.post(url).content_type("application/json");
        read("POST", path, request.send(body.to_string()))
    }

    /// Puts something through the admin API.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let url = format!("http://{}/admin/v1{path}", self.admin);
        let request = self.agent.put(url).content_type("application/json");
        read("PUT", path, request.send(body.to_string()))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // An example that failed leaves no daemon behind; one that was killed is gone already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

// === the rest ===

fn read(
    method: &str,
    path: &str,
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Value, Failure> {
    let mut answer = answer.map_err(|error| format!("{method} {path}: {error}"))?;
    let text = answer.body_mut().read_to_string()?;
    match answer.status().is_success() {
        true => Ok(serde_json::from_str(&text)?),
        false => Err(format!("{method} {path}: {}: {text}", answer.status()).into()),
    }
}

/// The binary that was built in the same profile as this program.
fn binary() -> Result<PathBuf, Failure> {
    let me = std::env::current_exe()?;
    // target/PROFILE/examples/NAME: the binary lies one folder up.
    let folders = me.ancestors().skip(1).take(2);
    let binary = folders
        .map(|folder| {
            folder
                .join("impresario")
                .with_extension(std::env::consts::EXE_EXTENSION)
        })
        .find(|path| path.is_file());
    binary.ok_or_else(|| {
        let release = if cfg!(debug_assertions) {
            ""
        } else {
            " --release"
        };
        format!("the daemon is not built: run `cargo build{release}` first").into()
    })
}

/// Starts the daemon and waits until it serves.
fn launch(
    config: &Path,
    folder: &Path,
    [http, admin]: [&str; 2],
) -> Result<(Child, BufReader<ChildStdout>), Failure> {
    let log = folder.join("log.jsonl");
    let errors = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&log)?;
    let mut command = Command::new(binary()?);
    for (name, _) in std::env::vars_os() {
        // Settings for other daemons on this machine are not this one's.
        if name.to_string_lossy().starts_with("IMPRESARIO") {
            command.env_remove(name);
        }
    }
    command.arg("serve").arg("--config").arg(config);
    command.args(["--http", http, "--grpc", "none", "--admin", admin]);
    command.arg("--state").arg(folder.join("state"));
    command.arg("--addresses-file").arg(folder.join(ADDRESSES));
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors);
    let mut child = command.spawn()?;
    let stdout = child
        .stdout
        .take()
        .ok_or("the daemon has no standard output")?;
    let mut said = BufReader::new(stdout);
    let mut line = String::new();
    while !line.contains("is ready after") {
        line.clear();
        if said.read_line(&mut line)? == 0 {
            let _ended = child.wait();
            let log = fs::read_to_string(log).unwrap_or_default();
            return Err(format!("the daemon did not come to serve:\n{log}").into());
        }
    }
    Ok((child, said))
}
