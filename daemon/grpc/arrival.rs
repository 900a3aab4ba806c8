//! What is known of a call before its message: when it came, from whom, how long it may take, and its id.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use tonic::codegen::http::Request;
use tonic::codegen::http::uri::Authority;
use tonic::metadata::MetadataMap;
use tonic::transport::server::TcpConnectInfo;

use super::status::REQUEST_ID;
use crate::auth::Asking;
use crate::clock;
use crate::codec::{Refusal, clip};
use crate::plane::{Denied, acceptable, fresh};
use crate::serve::Terms;

/// Limits of more digits are refused (gRPC over HTTP/2, "Timeout").
const MAX_DIGITS: usize = 8;

/// A call that has arrived.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    /// When its headers were read.
    pub(super) at: Instant,
    /// How long it may take in all, as `grpc-timeout` says.
    pub(super) limit: Option<Duration>,
    /// The caller's own id, or a new one.
    pub(super) id: String,
    authority: Option<Authority>,
    /// The other end of the connection.
    pub(super) peer: Option<IpAddr>,
}

// === impl Arrival ===

impl Arrival {
    /// Reads a call's headers.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a `grpc-timeout` that is none. The arrival is there all the same.
    pub(super) fn of<B>(request: &Request<B>) -> (Self, Result<(), Refusal>) {
        let headers = request.headers();
        let own = headers.get(REQUEST_ID).filter(|v| acceptable(v.as_bytes()));
        let own = own.and_then(|value| value.to_str().ok());
        let limit = headers.get("grpc-timeout").map(|v| limit(v.as_bytes()));
        let (limit, read) = match limit.transpose() {
            Ok(limit) => (limit, Ok(())),
            Err(refusal) => (None, Err(refusal)),
        };
        let connection = request.extensions().get::<TcpConnectInfo>();
        let arrival = Self {
            at: clock::instant(),
            limit,
            id: own.map_or_else(fresh, str::to_owned),
            authority: request.uri().authority().cloned(),
            peer: connection
                .and_then(TcpConnectInfo::remote_addr)
                .map(|peer| peer.ip()),
        };
        (arrival, read)
    }

    /// The terms of a call that is one request.
    pub(super) fn terms(&self) -> Terms {
        let mut terms = Terms::since(self.at);
        terms.at_most(self.limit);
        terms
    }

    /// When its time is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.limit.and_then(|limit| self.at.checked_add(limit))
    }

    /// What the call says of its sender.
    ///
    /// # Errors
    /// [`Denied::Unknown`] where that cannot be read.
    pub(super) fn asking<'a>(&'a self, metadata: &'a MetadataMap) -> Result<Asking<'a>, Denied> {
        Ok(Asking {
            authorization: text(metadata, "authorization")?,
            peer: self.peer,
            hosts: [
                text(metadata, "host")?,
                self.authority.as_ref().map(Authority::as_str),
            ],
            origin: text(metadata, "origin")?,
            site: text(metadata, "sec-fetch-site")?,
        })
    }
}

fn text<'a>(metadata: &'a MetadataMap, name: &'static str) -> Result<Option<&'a str>, Denied> {
    let mut values = metadata.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Denied::Unknown(format!(
            "the metadata {name} is given twice"
        )));
    }
    let unreadable = |_| Denied::Unknown(format!("the metadata {name} is not text"));
    value
        .map(|value| value.to_str().map_err(unreadable))
        .transpose()
}

/// A number of at most eight digits and its unit. A limit of zero is over at once, so that it is the shortest that
/// there is.
fn limit(value: &[u8]) -> Result<Duration, Refusal> {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let read = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let digits = number.len() <= MAX_DIGITS && number.bytes().all(|b| b.is_ascii_digit());
        let number = number.parse::<u64>().ok().filter(|_| digits)?;
        Some(match unit {
            "H" => Duration::from_secs(number * 3_600),
            "M" => Duration::from_secs(number * 60),
            "S" => Duration::from_secs(number),
            "m" => Duration::from_millis(number),
            "u" => Duration::from_micros(number),
            "n" => Duration::from_nanos(number),
            _ => return None,
        })
    };
    let limit = read().ok_or_else(|| {
        let got = format!("'{}'", clip(&String::from_utf8_lossy(value)));
        Refusal::invalid(
            "header grpc-timeout",
            "a number and its unit, such as 250m",
            got,
        )
    })?;
    Ok(limit.max(Duration::from_nanos(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_a_unit() {
        for (text, limit_of) in [
            ("250m", Some(Duration::from_millis(250))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3_600))),
            ("2M", Some(Duration::from_secs(120))),
            ("2S", Some(Duration::from_secs(2))),
            ("7u", Some(Duration::from_micros(7))),
            ("0n", Some(Duration::from_nanos(1))),
            ("", None),
            ("5", None),
            ("m", None),
            ("+5m", None),
            ("-5m", None),
            ("123456789m", None),
            ("5é", None),
        ] {
            assert_eq!(limit(text.as_bytes()).ok(), limit_of, "{text}");
        }
    }
}
