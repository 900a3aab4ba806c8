//! The servers as processes: started on free ports, ended when dropped, and read through `/proc`.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use impresario::clock;

use super::plan::Place;

/// A clock tick of `/proc/PID/stat`; Linux shows all programs hundredths of a second (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Where it answers over gRPC, if it does.
    pub(crate) grpc: Option<SocketAddr>,
    child: Child,
    // Kept so that the server may go on writing.
    _said: Option<BufReader<ChildStdout>>,
}

// === impl Server ===

impl Server {
    /// The daemon over a folder of models, and how long it took from its start to being ready: it says so on its
    /// standard output when, and not before, every model is ready or has failed.
    pub(crate) fn daemon(
        models: &Path,
        state: &Path,
        place: &Place,
    ) -> Result<(Self, Duration), Box<dyn Error>> {
        Self::daemon_prepared(models, state, place, |_| {})
    }

    /// As [`Self::daemon`], with something more said to its command.
    pub(crate) fn daemon_prepared(
        models: &Path,
        state: &Path,
        place: &Place,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<(Self, Duration), Box<dyn Error>> {
        let addresses = state.join("addresses.json");
        let mut command = place.command(env!("CARGO_BIN_EXE_impresario"));
        command
            .arg("serve")
            .args([
                "--http",
                "127.0.0.1:0",
                "--grpc",
                "127.0.0.1:0",
                "--admin",
                "127.0.0.1:0",
            ])
            .arg("--models")
            .arg(models)
            .arg("--state")
            .arg(state.join("state"))
            .arg("--addresses-file")
            .arg(&addresses)
            .env("IMPRESARIO__SERVER__WORKERS", place.workers.to_string())
            .args(["--log-level", "warn"]);
        prepare(&mut command);
        let begun = clock::instant();
        let (child, said, _) = start(command)?;
        let ready = begun.elapsed();
        let bound: serde_json::Value = serde_json::from_str(&fs::read_to_string(addresses)?)?;
        let http = bound["http"]
            .as_str()
            .ok_or("the addresses file names no http")?;
        let grpc = bound["grpc"].as_str();
        let grpc = grpc.map(|address| address.trim_start_matches("http://").parse());
        let server = Self {
            address: http.trim_start_matches("http://").parse()?,
            grpc: grpc.transpose()?,
            child,
            _said: Some(said),
        };
        Ok((server, ready))
    }

    /// One of the bare servers: this program again.
    pub(crate) fn bare(kind: &str, place: &Place) -> Result<Self, Box<dyn Error>> {
        let mut command = place.command(&std::env::current_exe()?.to_string_lossy());
        command.args([super::bare::FLAG, kind, &place.workers.to_string()]);
        let (child, said, line) = start(command)?;
        Ok(Self {
            address: line.trim().parse()?,
            grpc: None,
            child,
            _said: Some(said),
        })
    }

    /// A server that says nothing of itself and will listen on an address that it was told.
    pub(crate) fn spawned(mut command: Command, address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            address,
            grpc: None,
            child: command.spawn()?,
            _said: None,
        })
    }

    /// Whether it has ended by itself.
    pub(crate) fn ended(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Processor time that it has used so far, with the processes that it started.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        // One that has just ended has used nothing more.
        let children = children(self.id());
        let used: Duration = children.into_iter().filter_map(|id| cpu(id).ok()).sum();
        Ok(cpu(self.id())? + used)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Python servers of several processes leave them behind when they are killed.
        for child in children(self.id()) {
            let _gone = Command::new("kill")
                .args(["-KILL", &child.to_string()])
                .status();
        }
        // It may have ended by itself; either way it is gone afterwards.
        let _gone = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Starts a server and waits for its first line.
fn start(mut command: Command) -> Result<(Child, BufReader<ChildStdout>, String), Box<dyn Error>> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    if said.read_line(&mut line)? == 0 {
        return Err(format!("{command:?} ended before it served: {}", child.wait()?).into());
    }
    Ok((child, said, line))
}

// === /proc ===

/// The processes that a process has started.
fn children(id: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    list.split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}

/// Processor time that a process has used so far, in user and kernel mode, all threads.
///
/// # Errors
/// Where there is no `/proc`.
pub(crate) fn cpu(id: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name, second and in parentheses, may hold anything; utime and stime are the 14th and 15th field.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u32 = ticks.filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
    Ok(TICK * ticks)
}

/// Processor time that the whole machine has used so far, all cores, what a hypervisor took away included.
///
/// # Errors
/// Where there is no `/proc`.
pub(crate) fn machine_cpu() -> io::Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let ticks = line.split_whitespace().skip(1).enumerate();
    // user nice system idle iowait irq softirq steal: guests, behind them, are in user already.
    let busy = ticks.filter(|(at, _)| *at < 8 && ![3, 4].contains(at));
    let ticks: u32 = busy
        .filter_map(|(_, ticks)| ticks.parse::<u32>().ok())
        .sum();
    Ok(TICK * ticks)
}

/// Resident memory of a process in KiB.
///
/// # Errors
/// Where there is no `/proc`.
pub(crate) fn resident(id: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.ok_or_else(|| io::Error::other("no VmRSS in /proc/PID/status"))
}
