//! A real Prometheus that scrapes the daemon, in each of the formats that it asks for, and what it answers then; and
//! `promtool` on what is scraped.
//!
//! Both come with Debian's package `prometheus`. Where they are not installed, these tests say that they were skipped.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::daemon::{Daemon, House, PATIENCE, agent, reply};

/// Requests to the slow model.
const REQUESTS: usize = 60;

/// What the slow model takes.
const DELAY: f64 = 0.030;

/// A server that scrapes one daemon.
struct Prometheus {
    child: Child,
    url: String,
    log: PathBuf,
    _data: tempfile::TempDir,
}

#[test]
fn promtool_finds_nothing_to_say() {
    if !installed("promtool") {
        return;
    }
    let (_house, daemon, _) = busy();
    let said = |text: &str| {
        let mut promtool = Command::new("promtool");
        promtool.args(["check", "metrics"]).stdin(Stdio::piped());
        let mut child = promtool
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let text = daemon.metrics();
    assert!(text.contains("impresario_request_duration_seconds_bucket"));
    assert_eq!(said(&text), (true, String::new()), "{text}");
    // Triton's names are Triton's choice: the same tool has something to say of each of them, and of nothing else.
    let (_, told) = said(&scrape(&daemon, "/metrics?names=triton", "*/*").1);
    assert!(!told.is_empty());
    for line in told.lines() {
        assert!(line.starts_with("nv_"), "{line}");
    }
}

#[test]
fn native_histograms_are_scraped_and_answer_queries() {
    if !installed("prometheus") {
        return;
    }
    let (house, daemon, slowest) = busy();
    let mut prometheus = Prometheus::start(&house, &daemon, &["native-histograms"]);
    let of = "impresario_request_duration_seconds{pipeline=\"slow\"}";
    let count = prometheus.until(&format!("histogram_count({of})"), |count| {
        count == REQUESTS as f64
    });
    assert_eq!(count, REQUESTS as f64);
    let p99 = prometheus.value(&format!("histogram_quantile(0.99, sum({of}))"));
    // A bucket is 4.4 % wide.
    assert!(
        (DELAY / 1.045..=slowest * 1.045).contains(&p99),
        "{p99} s for a delay of {DELAY} s and {slowest} s at the most"
    );
    let sum = prometheus.value(&format!("histogram_sum({of})"));
    assert!((DELAY * 60.0..=slowest * 60.0).contains(&sum), "{sum}");
    prometheus.until_all_succeeded();
    // A pipeline was put.
    prometheus.until(
        "histogram_count(impresario_store_commit_duration_seconds)",
        |commits| commits > 0.0,
    );
    // Of what it counts in native histograms it keeps no classic ones.
    assert_eq!(
        prometheus.ask("impresario_request_duration_seconds_bucket"),
        json!([])
    );
}

#[test]
fn openmetrics_is_scraped_and_answers_queries() {
    if !installed("prometheus") {
        return;
    }
    let (house, daemon, slowest) = busy();
    let (content, text) = scrape(
        &daemon,
        "/metrics",
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
    );
    assert!(content.starts_with("application/openmetrics-text; version=1.0.0"));
    assert!(text.ends_with("# EOF\n"));
    let mut prometheus = Prometheus::start(&house, &daemon, &["exemplar-storage"]);
    let of = "impresario_request_duration_seconds";
    prometheus.until(&format!("{of}_count{{pipeline=\"slow\"}}"), |count| {
        count == REQUESTS as f64
    });
    prometheus.until_all_succeeded();
    let p99 = prometheus.value(&format!(
        "histogram_quantile(0.99, sum by (le) ({of}_bucket{{pipeline=\"slow\"}}))"
    ));
    // Classic buckets double.
    assert!((DELAY / 2.0..=slowest * 2.0).contains(&p99), "{p99}");
    let lost =
        "impresario_requests_total{pipeline=\"nobody\",version=\"\",outcome=\"unavailable\"}";
    prometheus.until(lost, |lost| lost == 1.0);
}

/// A daemon whose slow model was asked, one request after another; and what the slowest of them took its caller.
fn busy() -> (House, Daemon, f64) {
    let house = House::new();
    let slow = format!("behaviour = \"slow\"\ndelay = \"{}ms\"\n", DELAY * 1e3);
    house.fake("slow/1", &slow);
    house.fake("broken/1", "load = { outcome = \"fail\" }\n");
    let daemon = house.serve();
    let ready = |daemon: &Daemon| daemon.get("/v2/models/slow/ready");
    daemon.until(ready, |reply| reply.status == 200);
    let policy = json!({ "policy": { "type": "standalone", "model": "broken", "version": 1 } });
    let put = daemon.admin_put("/pipelines/nobody", &policy);
    assert!([200, 201].contains(&put.status), "{put:?}");
    let input = json!([{ "name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1.5] }]);
    let mut slowest = 0.0_f64;
    for _ in 0..REQUESTS {
        let begun = impresario::clock::instant();
        let answer = daemon.infer("slow", input.clone());
        assert_eq!(answer.status, 200, "{answer:?}");
        slowest = slowest.max(begun.elapsed().as_secs_f64());
    }
    assert_eq!(daemon.infer("nobody", input).status, 503);
    (house, daemon, slowest)
}

/// What a scraper gets, and its type.
fn scrape(daemon: &Daemon, path: &str, accept: &str) -> (String, String) {
    let request = agent().get(format!("http://{}{path}", daemon.admin));
    let reply = reply(request.header("accept", accept).call());
    assert_eq!(reply.status, 200, "{reply:?}");
    let content = reply.header("content-type").unwrap().to_owned();
    (content, reply.text)
}

/// Whether a program is there; what it is for is skipped otherwise.
fn installed(program: &str) -> bool {
    let version = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let there = version.is_ok_and(|status| status.success());
    if !there {
        eprintln!("skipped: there is no {program} (Debian: apt-get install prometheus)");
    }
    there
}

// === impl Prometheus ===

impl Prometheus {
    /// Scrapes the daemon every two seconds, with features of its own.
    fn start(house: &House, daemon: &Daemon, features: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = house.write(
            "prometheus.yml",
            &format!(
                "global: {{ scrape_interval: 2s, scrape_timeout: 2s }}\n\
                 scrape_configs:\n- job_name: impresario\n  static_configs:\n  - targets: ['{}']\n",
                daemon.admin
            ),
        );
        // It takes no port 0. Nobody else is likely to be given this one meanwhile; it would say so and end.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let log = house.path().join("prometheus.log");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.path().display()))
            .arg(format!("--web.listen-address={address}"))
            .arg(format!("--enable-feature={}", features.join(",")))
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut prometheus = Self {
            child,
            url: format!("http://{address}"),
            log,
            _data: data,
        };
        prometheus.until("up", |up| up == 1.0);
        prometheus
    }

    /// The vector that a query answers with; an empty one before it listens.
    fn ask(&self, query: &str) -> Value {
        let request = agent().get(format!("{}/api/v1/query", self.url));
        let Ok(answer) = request.query("query", query).call() else {
            return json!([]);
        };
        let answer = reply(Ok(answer));
        // While it starts, it answers that it is not ready.
        if answer.status == 503 {
            return json!([]);
        }
        assert_eq!(answer.body["status"], "success", "{query}: {answer:?}");
        answer.body["data"]["result"].clone()
    }

    /// The only value that a query answers with, when there is one.
    fn value(&mut self, query: &str) -> f64 {
        self.until(query, |value| !value.is_nan())
    }

    /// Asks until the value is as it should be: when it scrapes is its own business.
    fn until(&mut self, query: &str, right: impl Fn(f64) -> bool) -> f64 {
        let end = impresario::clock::instant() + PATIENCE;
        loop {
            let found = self.ask(query);
            match number(&found) {
                Some(value) if right(value) => return value,
                _ => {}
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                panic!("prometheus ended, {status}:\n{log}");
            }
            assert!(impresario::clock::instant() < end, "{query}: {found}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// Until every request to the slow model is counted as one that succeeded.
    fn until_all_succeeded(&mut self) {
        let query = "sum(impresario_requests_total{pipeline=\"slow\",outcome=\"success\"})";
        self.until(query, |count| count == REQUESTS as f64);
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn number(vector: &Value) -> Option<f64> {
    match vector.as_array()?.as_slice() {
        [one] => one["value"][1].as_str()?.parse().ok(),
        _ => None,
    }
}
