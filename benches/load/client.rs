//! The load generator: keep-alive connections that each send the next request when the answer has come.
//!
//! It reads of HTTP/1.1 what these servers answer with: a status line and `Content-Length`. Being a closed loop, it
//! asks a slow server less often; latencies are to be read together with the rate.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use impresario::clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What one server is asked, by how many, for how long.
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'static str,
    pub(crate) body: &'static str,
    pub(crate) connections: usize,
    pub(crate) seconds: Duration,
}

/// What came of it.
pub(crate) struct Point {
    pub(crate) elapsed: Duration,
    /// Of every answered request, in nanoseconds, in order of size.
    pub(crate) latencies: Vec<u32>,
}

/// One request on a connection of its own; its answer's body.
///
/// # Errors
/// An answer that is not 200 is one.
pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> io::Result<String> {
    let mut connection = Connection::open(address).await?;
    let request = request(address, method, path, body);
    let length = connection.exchange(&request).await?;
    let body = &connection.buffer[connection.filled - length..connection.filled];
    Ok(String::from_utf8_lossy(body).into_owned())
}

// === impl Load ===

impl Load {
    /// Asks until the time is over.
    ///
    /// # Errors
    /// The first failure of any connection: a figure with errors in it is none.
    pub(crate) async fn drive(&self) -> io::Result<Point> {
        let request: std::sync::Arc<[u8]> =
            request(self.address, "POST", self.path, self.body).into();
        let mut connections = JoinSet::new();
        let begun = clock::instant();
        for _ in 0..self.connections {
            let (address, request, seconds) = (self.address, request.clone(), self.seconds);
            connections.spawn(async move {
                let mut connection = Connection::open(address).await?;
                let mut latencies = Vec::new();
                let mut at = begun.elapsed();
                while at < seconds {
                    connection.exchange(&request).await?;
                    let after = begun.elapsed();
                    let nanos = (after - at).as_nanos();
                    latencies.push(u32::try_from(nanos).unwrap_or(u32::MAX));
                    at = after;
                }
                io::Result::Ok(latencies)
            });
        }
        let mut latencies = Vec::new();
        while let Some(connection) = connections.join_next().await {
            latencies.extend(connection.map_err(io::Error::other)??);
        }
        let elapsed = begun.elapsed();
        latencies.sort_unstable();
        Ok(Point { elapsed, latencies })
    }
}

// === the connection ===

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 16 << 10],
            filled: 0,
        })
    }

    /// Sends a request and reads its whole answer; the length of the answer's body.
    async fn exchange(&mut self, request: &[u8]) -> io::Result<usize> {
        self.stream.write_all(request).await?;
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

fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
