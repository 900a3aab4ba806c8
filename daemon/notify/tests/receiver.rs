//! A receiver: a socket that takes requests one after the other and answers what the test says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Far more than anything here needs, so that a slow machine fails no test.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct Receiver {
    pub(super) url: String,
    requests: mpsc::Receiver<Request>,
}

/// A request that waits for its answer.
pub(super) struct Request {
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
    connection: TcpStream,
    answered: mpsc::Sender<()>,
}

// === impl Receiver ===

impl Receiver {
    pub(super) fn new() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook/secret-path", socket.local_addr().unwrap());
        let (told, requests) = mpsc::channel();
        thread::spawn(move || {
            for connection in socket.incoming() {
                let (answered, wait) = mpsc::channel();
                let Some(request) = read(connection.unwrap(), answered) else {
                    continue;
                };
                if told.send(request).is_err() {
                    return;
                }
                // The next is not taken before this one is answered, or dropped.
                let _dropped = wait.recv();
            }
        });
        Self { url, requests }
    }

    pub(super) fn next(&self) -> Request {
        let request = self.requests.recv_timeout(PATIENCE);
        request.expect("a request comes")
    }

    /// Takes so many, and gives their numbers.
    pub(super) fn take(&self, count: usize) -> Vec<u64> {
        let take = |_| {
            let request = self.next();
            let seq = request.seq();
            request.answer("204 No Content", "");
            seq
        };
        (0..count).map(take).collect()
    }

    /// Whether nothing came that was not looked at.
    pub(super) fn is_quiet(&self) -> bool {
        self.requests.try_recv().is_err()
    }
}

fn read(connection: TcpStream, answered: mpsc::Sender<()>) -> Option<Request> {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    assert_eq!(line, "POST /hook/secret-path HTTP/1.1\r\n");
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        headers,
        body: String::from_utf8(body).unwrap(),
        connection,
        answered,
    })
}

// === impl Request ===

impl Request {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn seq(&self) -> u64 {
        self.json()["id"].as_u64().unwrap()
    }

    /// Answers with a status and a header line.
    pub(super) fn answer(mut self, status: &str, header: &str) {
        let header = match header {
            "" => String::new(),
            header => format!("{header}\r\n"),
        };
        let head =
            format!("HTTP/1.1 {status}\r\n{header}connection: close\r\ncontent-length: 0\r\n\r\n");
        self.connection.write_all(head.as_bytes()).unwrap();
        let _gone = self.answered.send(());
    }

    /// Breaks the connection.
    pub(super) fn hang_up(self) {
        drop(self);
    }
}
