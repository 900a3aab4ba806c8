//! Bodies as they travel: read and inflated within limits, and answers compressed for who asks.
//!
//! What the bytes mean is the codec's business. Work on large bodies leaves the HTTP worker's thread.

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::pin::Pin;

use actix_web::HttpRequest;
use actix_web::body::{BodyStream, MessageBody};
use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use actix_web::web::{Bytes, Payload, block};
use flate2::Compression;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

use super::codec::{Limits, Refusal};
use super::respond::Fault;
use crate::error::Error;

/// Bodies of fewer bytes are inflated where they are read: the way to another thread costs more.
const INFLATE_APART_BYTES: usize = 16 << 10;

/// Answers of fewer bytes are not compressed: the time costs more than the network.
const COMPRESS_FROM_BYTES: usize = 64 << 10;

/// The most memory that a body's announced length alone reserves.
const JOIN_BYTES: usize = 1 << 20;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Not at all.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// deflate: the zlib format (RFC 1950), and from clients also bare deflate (RFC 1951).
    Deflate,
}

/// Reads a request's whole body, inflated.
///
/// # Errors
/// [`Fault`] when it is over a limit, broken, or compressed in another way.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limits: &Limits,
) -> Result<Bytes, Fault> {
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let coding = Coding::of_request(header(CONTENT_ENCODING))?;
    let announced = header(CONTENT_LENGTH)
        .and_then(|value| std::str::from_utf8(value).ok())
        .and_then(|text| text.parse::<usize>().ok());
    if let Some(bytes) = announced.filter(|&bytes| bytes > limits.max_body) {
        return Err(too_large(limits, bytes.to_string()).into());
    }
    let body = collect(payload, announced.unwrap_or(0), limits).await?;
    if coding == Coding::Identity {
        return Ok(body);
    }
    let limit = limits.max_inflated;
    if body.len() < INFLATE_APART_BYTES {
        return Ok(inflate(coding, &body, limit)?);
    }
    Ok(apart(move || inflate(coding, &body, limit)).await??)
}

/// All pieces of a body of about `announced` bytes. What comes in one piece, as small bodies do, is not copied;
/// several are joined in memory that grows with what has come, not with what was announced.
async fn collect(payload: Payload, announced: usize, limits: &Limits) -> Result<Bytes, Fault> {
    let mut pieces = BodyStream::new(payload);
    let mut first = Bytes::new();
    let mut joined = Vec::new();
    while let Some(piece) = poll_fn(|cx| Pin::new(&mut pieces).poll_next(cx)).await {
        let piece =
            piece.map_err(|broken| Refusal::invalid("body", "all of it", broken.to_string()))?;
        let so_far = joined.len().max(first.len());
        if piece.len() > limits.max_body.saturating_sub(so_far) {
            return Err(too_large(limits, "more".to_owned()).into());
        }
        if so_far == 0 {
            first = piece;
            continue;
        }
        if joined.is_empty() {
            joined.reserve_exact(announced.min(JOIN_BYTES).max(so_far + piece.len()));
            joined.extend_from_slice(&first);
        } else if joined.capacity() - joined.len() < piece.len() {
            let missing = announced.saturating_sub(so_far).min(so_far * 3);
            joined.reserve(missing.max(piece.len()));
        }
        joined.extend_from_slice(&piece);
    }
    Ok(if joined.is_empty() {
        first
    } else {
        joined.into()
    })
}

/// Does work that takes long on another thread, so that the other requests of this one do not wait for it.
///
/// # Errors
/// [`Error::Unavailable`] when there are no other threads any more.
pub(crate) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    block(work).await.map_err(|_| Error::Unavailable {
        why: "the daemon is going down".to_owned(),
        retry_after: None,
    })
}

/// Compresses an answer where that is asked for and worth it; the coding to name in `Content-Encoding`.
pub(crate) async fn compress(request: &HttpRequest, body: Bytes) -> (Bytes, Coding) {
    let accepted = request.headers().get(ACCEPT_ENCODING);
    let coding = accepted.map_or(Coding::Identity, |value| {
        Coding::accepted(value.to_str().unwrap_or_default())
    });
    if coding == Coding::Identity || body.len() < COMPRESS_FROM_BYTES {
        return (body, Coding::Identity);
    }
    let plain = body.clone();
    match block(move || deflate(coding, &plain)).await {
        Ok(Ok(smaller)) => (smaller, coding),
        _ => (body, Coding::Identity),
    }
}

/// Inflates a body of at most `limit` bytes; no more than that is ever held.
pub(crate) fn inflate(coding: Coding, body: &[u8], limit: usize) -> Result<Bytes, Refusal> {
    // One byte more than allowed tells a body of just the limit from one beyond it.
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = |reader: &mut dyn Read| -> io::Result<Vec<u8>> {
        let mut inflated = Vec::with_capacity(body.len().saturating_mul(3).min(limit));
        reader.take(most).read_to_end(&mut inflated)?;
        Ok(inflated)
    };
    let inflated = match coding {
        Coding::Identity => Ok(body.to_vec()),
        Coding::Gzip => read(&mut MultiGzDecoder::new(body)),
        Coding::Deflate if is_zlib(body) => read(&mut ZlibDecoder::new(body)),
        Coding::Deflate => read(&mut DeflateDecoder::new(body)),
    };
    let inflated = inflated.map_err(|broken| {
        let expected = format!("{} data", coding.as_str());
        Refusal::invalid("body", expected, broken.to_string())
    })?;
    if inflated.len() > limit {
        return Err(Refusal::TooLarge {
            what: "inflated body".to_owned(),
            unit: "bytes",
            limit,
            got: "more".to_owned(),
            key: "max_inflated",
        });
    }
    Ok(inflated.into())
}

fn deflate(coding: Coding, body: &[u8]) -> io::Result<Bytes> {
    let room = Vec::with_capacity(body.len() / 2);
    let smaller = match coding {
        Coding::Identity => body.to_vec(),
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(room, Compression::fast());
            encoder.write_all(body)?;
            encoder.finish()?
        }
        Coding::Deflate => {
            let mut encoder = ZlibEncoder::new(room, Compression::fast());
            encoder.write_all(body)?;
            encoder.finish()?
        }
    };
    Ok(smaller.into())
}

/// Whether the first two bytes are a zlib header: method 8, and a check that divides by 31 (RFC 1950 §2.2).
fn is_zlib(body: &[u8]) -> bool {
    let &[first, second, ..] = body else {
        return false;
    };
    first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

fn too_large(limits: &Limits, got: String) -> Refusal {
    Refusal::TooLarge {
        what: "body".to_owned(),
        unit: "bytes",
        limit: limits.max_body,
        got,
        key: "max_body",
    }
}

// === impl Coding ===

impl Coding {
    /// The name in `Content-Encoding`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    fn of_request(header: Option<&[u8]>) -> Result<Self, Refusal> {
        let Some(header) = header else {
            return Ok(Self::Identity);
        };
        let text = String::from_utf8_lossy(header);
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            _ => Err(Refusal::Encoding {
                got: super::codec::clip(&text),
            }),
        }
    }

    /// The first coding of `Accept-Encoding` that is known here and not ruled out by `q=0`.
    fn accepted(header: &str) -> Self {
        let mut offers = header.split(',').map(|offer| {
            let (name, weight) = offer.split_once(';').unwrap_or((offer, ""));
            let weight = weight.trim().trim_start_matches("q=").parse::<f32>();
            (name.trim().to_ascii_lowercase(), weight != Ok(0.0))
        });
        offers
            .find_map(|(name, wanted)| match name.as_str() {
                "gzip" if wanted => Some(Self::Gzip),
                "deflate" if wanted => Some(Self::Deflate),
                _ => None,
            })
            .unwrap_or(Self::Identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"the same bytes, the same bytes, the same bytes";

    #[test]
    fn what_was_compressed_is_inflated() {
        for coding in [Coding::Identity, Coding::Gzip, Coding::Deflate] {
            let body = deflate(coding, TEXT).unwrap();
            assert_eq!(inflate(coding, &body, TEXT.len()).unwrap(), TEXT);
        }
        let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(TEXT).unwrap();
        let bare = bare.finish().unwrap();
        assert_eq!(inflate(Coding::Deflate, &bare, 1000).unwrap(), TEXT);
    }

    #[test]
    fn bombs_stop_at_the_limit() {
        let bomb = deflate(Coding::Gzip, &vec![0; 1 << 20]).unwrap();
        assert!(
            bomb.len() < (1 << 20) / 50,
            "{} bytes are no bomb",
            bomb.len()
        );
        let refused = inflate(Coding::Gzip, &bomb, 1000).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "inflated body: expected at most 1000 bytes, got more; the limit is 'max_inflated' under [server.limits]"
        );
        let body = deflate(Coding::Gzip, TEXT).unwrap();
        assert!(inflate(Coding::Gzip, &body, TEXT.len() - 1).is_err());
    }

    #[test]
    fn broken_streams_are_refused() {
        for coding in [Coding::Gzip, Coding::Deflate] {
            let body = deflate(coding, TEXT).unwrap();
            for broken in [&body[..body.len() - 3], b"", b"not compressed at all"] {
                let refused = inflate(coding, broken, 1000);
                assert!(
                    matches!(refused, Err(Refusal::Invalid { .. })),
                    "{refused:?}"
                );
            }
        }
    }

    #[test]
    fn codings_are_read_from_headers() {
        assert_eq!(Coding::of_request(None), Ok(Coding::Identity));
        assert_eq!(Coding::of_request(Some(b" GZip ")), Ok(Coding::Gzip));
        for odd in [&b"br"[..], b"gzip, deflate", b"\xff"] {
            assert!(Coding::of_request(Some(odd)).is_err());
        }
        for (header, coding) in [
            ("", Coding::Identity),
            ("br, gzip;q=0.5, deflate", Coding::Gzip),
            ("gzip;q=0, deflate", Coding::Deflate),
            ("*", Coding::Identity),
        ] {
            assert_eq!(Coding::accepted(header), coding, "{header}");
        }
    }
}
