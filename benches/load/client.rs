//! The load generator's connections, and the closed loop: each sends the next request when the answer has come.
//!
//! It reads of HTTP/1.1 what these servers answer with: a status line and `Content-Length`. A closed loop asks a slow
//! server less often; latencies are to be read together with the rate. The constant rate is in `open`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use impresario::clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// A request as it is sent, again and again.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) address: SocketAddr,
    bytes: Arc<[u8]>,
}

/// A request, asked by how many, for how long.
pub(crate) struct Load {
    pub(crate) request: Request,
    pub(crate) connections: usize,
    pub(crate) seconds: Duration,
}

/// What came of it.
pub(crate) struct Point {
    pub(crate) elapsed: Duration,
    /// Of every answered request, in nanoseconds, in order of size.
    pub(crate) latencies: Vec<u32>,
}

// === impl Request ===

impl Request {
    /// A body posted as JSON.
    pub(crate) fn post(address: SocketAddr, path: &str, body: &str) -> Self {
        let head = "Content-Type: application/json\r\n";
        Self::new(address, "POST", path, head, body.as_bytes())
    }

    pub(crate) fn get(address: SocketAddr, path: &str) -> Self {
        Self::new(address, "GET", path, "", b"")
    }

    /// A body of JSON with binary tensors behind it.
    pub(crate) fn binary(address: SocketAddr, path: &str, json: &str, tensors: &[u8]) -> Self {
        let length = json.len();
        let head = format!("Inference-Header-Content-Length: {length}\r\n");
        let body = [json.as_bytes(), tensors].concat();
        Self::new(address, "POST", path, &head, &body)
    }

    fn new(address: SocketAddr, method: &str, path: &str, head: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{head}Content-Length: {length}\r\n\r\n"
        );
        Self {
            address,
            bytes: [head.as_bytes(), body].concat().into(),
        }
    }

    /// Asks once, on a connection of its own; the answer's body.
    ///
    /// # Errors
    /// An answer that is not 200 is one.
    pub(crate) async fn ask(&self) -> io::Result<String> {
        let mut connection = Connection::open(self).await?;
        let length = connection.exchange().await?;
        let body = &connection.buffer[connection.filled - length..connection.filled];
        Ok(String::from_utf8_lossy(body).into_owned())
    }
}

// === impl Load ===

impl Load {
    /// Asks until the time is over.
    ///
    /// # Errors
    /// The first failure of any connection: a figure with errors in it is none.
    pub(crate) async fn drive(&self) -> io::Result<Point> {
        let mut connections = JoinSet::new();
        let begun = clock::instant();
        for _ in 0..self.connections {
            let (request, seconds) = (self.request.clone(), self.seconds);
            connections.spawn(async move {
                let mut connection = Connection::open(&request).await?;
                let mut latencies = Vec::new();
                let mut at = begun.elapsed();
                while at < seconds {
                    connection.exchange().await?;
                    let after = begun.elapsed();
                    latencies.push(nanos(after - at));
                    at = after;
                }
                io::Result::Ok(latencies)
            });
        }
        Point::of(connections, begun).await
    }
}

// === impl Point ===

impl Point {
    /// What all connections saw, once they are done.
    pub(crate) async fn of(
        mut connections: JoinSet<io::Result<Vec<u32>>>,
        begun: std::time::Instant,
    ) -> io::Result<Self> {
        let mut latencies = Vec::new();
        while let Some(connection) = connections.join_next().await {
            latencies.extend(connection.map_err(io::Error::other)??);
        }
        let elapsed = begun.elapsed();
        latencies.sort_unstable();
        Ok(Self { elapsed, latencies })
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }
}

pub(crate) fn nanos(latency: Duration) -> u32 {
    u32::try_from(latency.as_nanos()).unwrap_or(u32::MAX)
}

// === the connection ===

pub(crate) struct Connection {
    stream: TcpStream,
    request: Arc<[u8]>,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    pub(crate) async fn open(request: &Request) -> io::Result<Self> {
        let stream = TcpStream::connect(request.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            request: Arc::clone(&request.bytes),
            buffer: vec![0; 16 << 10],
            filled: 0,
        })
    }

    /// Sends the request and reads its whole answer; the length of the answer's body.
    pub(crate) async fn exchange(&mut self) -> io::Result<usize> {
        self.stream.write_all(&self.request).await?;
        self.filled = 0;
        let mut whole = None;
        loop {
            let room = self.buffer.len();
            if self.filled == room {
                self.buffer.resize(room * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[self.filled..]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.filled += read;
            if whole.is_none() {
                whole = head(&self.buffer[..self.filled])?;
            }
            if let Some((head, body)) = whole
                && self.filled >= head + body
            {
                return Ok(body);
            }
        }
    }
}

/// The lengths of an answer's head and body, once the head has come.
fn head(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let odd = || {
        let shown = String::from_utf8_lossy(bytes);
        io::Error::other(format!("expected 200 with a Content-Length, got {shown}"))
    };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| odd())?;
    let mut lines = text.split("\r\n");
    if !lines
        .next()
        .is_some_and(|status| status.starts_with("HTTP/1.1 200"))
    {
        return Err(odd());
    }
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let found = name.eq_ignore_ascii_case("content-length");
        found.then(|| value.trim().parse().ok()).flatten()
    });
    Ok(Some((end + 4, length.ok_or_else(odd)?)))
}
