//! `GET /admin/v1/backup`: the whole store as one file, written while it is sent.
//!
//! A backup that breaks off has no checksum at its end: `restore` refuses it, and so does the connection, which
//! is cut instead of closed in order.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Bytes, Data};
use tokio::sync::mpsc;

use super::Admin;
use super::guard::{Administrator, Caller};
use super::openapi::Refusals;
use super::problem::Problem;
use crate::clock;

/// Bytes written at a time.
const CHUNK: usize = 64 << 10;
/// Chunks on their way.
const CHUNKS: usize = 4;

/// A backup of the store, for `impresario restore`. It holds the tokens' hashes: keep it as you keep the store.
#[utoipa::path(
    get,
    path = "/admin/v1/backup",
    tag = "daemon",
    operation_id = "backup",
    responses((status = 200, description = "JSON lines with a checksum at the end.", body = String,
        content_type = "application/x-ndjson"), Refusals)
)]
pub(super) async fn backup(
    caller: Caller<Administrator>,
    admin: Data<Admin>,
) -> Result<HttpResponse, Problem> {
    let store = Arc::clone(admin.impresario.store());
    admin
        .impresario
        .control()
        .note("store.backup".to_owned(), caller.by(None)?)
        .await?;
    let (sender, mut chunks) = mpsc::channel(CHUNKS);
    let write = move || {
        let mut out = Chunks {
            full: Vec::with_capacity(CHUNK),
            sender: sender.clone(),
        };
        if let Err(error) = store.backup(clock::wall_ms(), &mut out) {
            // A receiver that is gone needs no word.
            let _ = sender.blocking_send(Err(Problem::store(&error)));
        }
    };
    let spawned = thread::Builder::new()
        .name("backup".to_owned())
        .spawn(write);
    spawned.map_err(|error| Problem::internal(&error))?;
    // The first chunk tells whether the store can be read at all.
    let first = chunks
        .recv()
        .await
        .ok_or_else(|| Problem::internal(&"the backup is empty"))??;
    let name = "attachment; filename=\"impresario.backup\"";
    let answer = HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((CONTENT_DISPOSITION, name))
        .body(Streamed {
            first: Some(first),
            chunks,
        });
    Ok(answer)
}

/// The writing end.
struct Chunks {
    full: Vec<u8>,
    sender: mpsc::Sender<Result<Bytes, Problem>>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.full.extend_from_slice(bytes);
        if self.full.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.full.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.full, Vec::with_capacity(CHUNK));
        let sent = self.sender.blocking_send(Ok(chunk.into()));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the caller left"))
    }
}

/// The sending end.
struct Streamed {
    first: Option<Bytes>,
    chunks: mpsc::Receiver<Result<Bytes, Problem>>,
}

impl MessageBody for Streamed {
    type Error = Problem;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Problem>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        self.chunks.poll_recv(cx)
    }
}
