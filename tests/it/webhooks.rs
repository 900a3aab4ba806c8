//! Webhooks of the real binary: what becomes of pipelines arrives, signed, and `kill -9` loses none of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::daemon::House;

const SECRET: &str = "a secret of the end-to-end tests";

/// A request that waits for its answer.
struct Delivery {
    connection: TcpStream,
    head: Vec<String>,
    body: String,
}

impl Delivery {
    /// Waits for the next one. A test that waits for ever is given up by whoever runs it.
    fn next(socket: &TcpListener) -> Self {
        let (connection, _) = socket.accept().unwrap();
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let mut delivery = Self {
            connection,
            head,
            body: String::new(),
        };
        let mut body = vec![0; delivery.header("content-length").parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        delivery.body = String::from_utf8(body).unwrap();
        delivery
    }

    fn header(&self, name: &str) -> &str {
        let mut lines = self.head.iter().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(n, _)| n.eq_ignore_ascii_case(name));
        found
            .unwrap_or_else(|| panic!("no {name}: {:?}", self.head))
            .1
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn is_signed(&self) -> bool {
        let signature = self.header("x-impresario-signature");
        let (time, code) = signature.split_once(",v1=").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        let time = time.strip_prefix("t=").unwrap();
        mac.update(format!("{time}.{}", self.body).as_bytes());
        let wanted = mac.finalize().into_bytes();
        let wanted: String = wanted.iter().map(|byte| format!("{byte:02x}")).collect();
        wanted == code
    }

    fn answer(mut self, status: &str) {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        self.connection.write_all(head.as_bytes()).unwrap();
    }
}

#[test]
fn what_becomes_of_a_pipeline_is_posted_and_kill_9_loses_none_of_it() {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap();
    let house = House::new();
    house.real("iris/1", "iris/1");
    house.write("webhook.secret", &format!("{SECRET}\n"));
    house.write(
        "impresario.toml",
        &format!(
            "version = 1\n[notify]\nwebhooks = [{{ url = \"http://{address}/T0/B0\", secret_file = \"webhook.secret\", events = [\"pipeline.*\"] }}]\n"
        ),
    );
    let put =
        |model: &str| json!({ "policy": { "type": "standalone", "model": model, "version": 1 } });

    let daemon = house.serve_config();
    assert_eq!(
        daemon.admin_put("/pipelines/flowers", &put("iris")).status,
        201
    );
    let first = Delivery::next(&receiver);
    assert_eq!(first.header("x-impresario-event"), "pipeline.put");
    assert!(first.is_signed(), "{:?}", first.head);
    let body = first.json();
    assert_eq!(body["pipeline"], "flowers");
    assert_eq!(body["actor"], "local");
    assert_eq!(body["changes"][0]["policy"]["after"], "standalone");
    first.answer("200 OK");

    // It dies with one in a stranger's hands and one in its own.
    for pipeline in ["weeds", "trees"] {
        let path = format!("/pipelines/{pipeline}");
        assert_eq!(daemon.admin_put(&path, &put("iris")).status, 201);
    }
    let second = Delivery::next(&receiver);
    let id = second.header("x-impresario-delivery").to_owned();
    assert_eq!(second.json()["pipeline"], "weeds");
    daemon.kill();
    drop(second);

    let daemon = house.serve_config();
    let again = Delivery::next(&receiver);
    assert_eq!(again.header("x-impresario-delivery"), id);
    again.answer("500 Internal Server Error");
    let shown = daemon.until(
        |d| d.admin_get("/status"),
        |r| r.body["webhooks"][0]["trouble"].is_string(),
    );
    let webhook = &shown.body["webhooks"][0];
    assert_eq!(webhook["to"], format!("http://{address}"));
    assert_eq!(webhook["waiting"], 2);
    assert_eq!(webhook["trouble"], "it answered 500 Internal Server Error");
    let again = Delivery::next(&receiver);
    assert_eq!(again.header("x-impresario-delivery"), id);
    again.answer("204 No Content");
    let last = Delivery::next(&receiver);
    assert_eq!(last.json()["pipeline"], "trees");
    last.answer("204 No Content");
    let metric = |outcome: &str, count: u32| {
        format!(
            "impresario_webhook_deliveries_total{{webhook=\"0\",outcome=\"{outcome}\"}} {count}\n"
        )
    };
    daemon.until(
        |d| d.admin_get("/status"),
        |r| r.body["webhooks"][0]["waiting"] == 0,
    );
    let metrics = daemon.metrics();
    assert!(metrics.contains(&metric("delivered", 2)), "{metrics}");
    assert!(metrics.contains(&metric("failed", 0)), "{metrics}");
    for text in [&shown.text, &metrics, &daemon.log()] {
        assert!(!text.contains(SECRET) && !text.contains("T0/B0"), "{text}");
    }
}
