//! Rate limits: how many requests each client of a pipeline may send.
//!
//! Limits are kept per pipeline and per client as the pipeline's `key` tells them apart. They live as long as the
//! daemon: a change of the limit begins it anew, a change of anything else does not. A client that was not heard of
//! for as long as its limit remembers is forgotten.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use impresario_models::Name;
use impresario_pipelines::spec::key::{Key, Source, cookie};
use impresario_pipelines::spec::{RateLimit, Service};

use crate::error::Error;

/// Clients that a limit tells apart; more of them share the allowance of one.
const MAX_CLIENTS: usize = 100_000;

/// Every so many requests the clients that were not heard of are forgotten.
const FORGET_EVERY: usize = 10_000;

/// The longest key of a client, in bytes; the rest of a longer one is not looked at.
const MAX_KEY: usize = 256;

/// Whom a request comes from, as its door sees it.
pub trait Caller {
    /// The text of a header, named in lower case; the last one where there are several.
    fn header(&self, name: &str) -> Option<Cow<'_, str>>;

    /// All cookies, as one header has them.
    fn cookies(&self) -> Option<Cow<'_, str>>;

    /// The address that it comes from, where that is known.
    fn address(&self) -> Option<IpAddr>;
}

/// Headers of cookies as one: HTTP/2 may send each cookie in its own (RFC 9113, §8.2.3).
pub fn join_cookies<'h>(mut headers: impl Iterator<Item = Cow<'h, str>>) -> Option<Cow<'h, str>> {
    let first = headers.next()?;
    Some(headers.fold(first, |all, more| format!("{all}; {more}").into()))
}

/// The limits of all pipelines. Cloning shares them.
#[derive(Clone, Default)]
pub(super) struct Limits(Arc<Mutex<HashMap<Name, Arc<Limit>>>>);

/// The limit of one pipeline.
struct Limit {
    rate: RateLimit,
    clients: DefaultKeyedRateLimiter<Box<str>>,
    requests: AtomicUsize,
}

// === impl Limits ===

impl Limits {
    /// Takes one request off what its client may send.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when there is nothing left, with the time until there is.
    pub(super) fn admit(
        &self,
        pipeline: &Name,
        service: &Service,
        caller: &dyn Caller,
    ) -> Result<(), Error> {
        let Some(rate) = service.rate_limit else {
            return Ok(());
        };
        let limit = self.of(pipeline, rate);
        limit
            .admit(&client(&service.key, caller))
            .map_err(|retry_after| {
                let RateLimit { requests, per, .. } = rate;
                Error::RateLimited {
                    pipeline: pipeline.clone(),
                    requests: requests.get(),
                    per,
                    retry_after,
                }
            })
    }

    /// Only requests to pipelines with a limit come here, and each stays for a look into a small map.
    fn of(&self, pipeline: &Name, rate: RateLimit) -> Arc<Limit> {
        let mut limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limit) = limits.get(pipeline)
            && limit.rate == rate
        {
            return Arc::clone(limit);
        }
        let limit = Arc::new(Limit::new(rate));
        limits.insert(pipeline.clone(), Arc::clone(&limit));
        limit
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}

// === impl Limit ===

impl Limit {
    fn new(rate: RateLimit) -> Self {
        // A request every so often: at least a nanosecond, as there is no shorter time.
        let every = (rate.per / rate.requests.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(every).expect("the period is not zero");
        Self {
            rate,
            clients: RateLimiter::keyed(quota.allow_burst(rate.burst)),
            requests: AtomicUsize::new(0),
        }
    }

    fn admit(&self, client: &str) -> Result<(), Duration> {
        if self.requests.fetch_add(1, Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.clients.retain_recent();
        }
        let client = if self.clients.len() < MAX_CLIENTS {
            client
        } else {
            ""
        };
        let checked = self.clients.check_key(&Box::from(client));
        checked.map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }
}

/// What a client is known by. A request that has nothing where its key is looked for is known by its address, so that
/// leaving it out is no way around the limit; the two kinds never meet.
fn client(key: &Key, caller: &dyn Caller) -> String {
    let known = key.sources().iter().find_map(|source| {
        let text = match source {
            Source::Header(name) => caller.header(name)?,
            Source::Cookie(name) => Cow::Owned(cookie(&caller.cookies()?, name)?.to_owned()),
            // These stand in the body, which was not read yet: a pipeline with a limit has no such key.
            Source::Parameter(_) | Source::Pointer(_) => return None,
        };
        (!text.is_empty()).then_some(text)
    });
    match known {
        Some(text) => {
            let known = text.char_indices().take_while(|(at, _)| *at < MAX_KEY);
            format!("={}", known.map(|(_, c)| c).collect::<String>())
        }
        None => caller
            .address()
            .map(|address| address.to_canonical().to_string())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    struct Asked(Option<&'static str>, [u8; 4]);

    impl Caller for Asked {
        fn header(&self, name: &str) -> Option<Cow<'_, str>> {
            assert_eq!(name, "x-user");
            self.0.map(Cow::Borrowed)
        }
        fn cookies(&self) -> Option<Cow<'_, str>> {
            self.0.map(|user| format!("a=b; uid={user}").into())
        }
        fn address(&self) -> Option<IpAddr> {
            Some(self.1.into())
        }
    }

    fn service(requests: u32, burst: u32) -> Service {
        Service {
            key: Key::new(vec![Source::Header("x-user".into())]),
            rate_limit: Some(RateLimit {
                requests: NonZeroU32::new(requests).unwrap(),
                per: Duration::from_secs(3_600),
                burst: NonZeroU32::new(burst).unwrap(),
            }),
            ..Service::default()
        }
    }

    #[test]
    fn each_client_has_its_own_allowance() {
        let (limits, name) = (Limits::default(), Name::new("p").unwrap());
        let two = service(2, 2);
        let ask = |service: &Service, user, address| {
            limits
                .admit(&name, service, &Asked(user, address))
                .map_err(|error| error.retry_after())
        };
        for user in [Some("ann"), Some("bob"), None] {
            assert_eq!(ask(&two, user, [1, 1, 1, 1]), Ok(()));
            assert_eq!(ask(&two, user, [1, 1, 1, 1]), Ok(()));
            let refused = ask(&two, user, [1, 1, 1, 1]).unwrap_err().unwrap();
            let half = Duration::from_secs(1_800);
            assert!(refused <= half && refused > half / 2, "{refused:?}");
        }
        assert!(
            ask(&two, Some("ann"), [2, 2, 2, 2]).is_err(),
            "the address is no part of a named client"
        );
        assert_eq!(ask(&two, None, [2, 2, 2, 2]), Ok(()));
        assert_eq!(
            ask(&service(3, 1), Some("ann"), [1, 1, 1, 1]),
            Ok(()),
            "another limit begins anew"
        );
        assert_eq!(ask(&Service::default(), Some("ann"), [1, 1, 1, 1]), Ok(()));
    }

    #[test]
    fn the_first_source_with_something_names_the_client() {
        let sources = [
            Source::Header("x-user".into()),
            Source::Cookie("uid".into()),
        ];
        let known = |sources: &[Source], user| {
            client(&Key::new(sources.to_vec()), &Asked(user, [1, 1, 1, 1]))
        };
        assert_eq!(known(&sources, Some("ann")), "=ann");
        assert_eq!(known(&sources[1..], Some("bob")), "=bob");
        for (sources, user) in [
            (&sources[..], None),
            (&sources[..], Some("")),
            (&[], Some("ann")),
        ] {
            assert_eq!(known(sources, user), "1.1.1.1");
        }
        let elsewhere = Source::Cookie("other".into());
        assert_eq!(known(&[elsewhere], Some("ann")), "1.1.1.1");
    }
}
