//! Counts the requests in flight, so that going down can wait for them, and asks clients to close their
//! connections once the daemon is going down.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{CONNECTION, HeaderValue};
use actix_web::web::Bytes;
use tokio::sync::Notify;

use crate::actors::Live;

/// The number of requests in flight. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    requests: AtomicUsize,
    idle: Notify,
}

/// Counts what passes.
pub struct Middleware {
    in_flight: InFlight,
    live: Live,
}

/// The middleware, around a service.
pub struct Counting<S> {
    service: Rc<S>,
    in_flight: InFlight,
    live: Live,
}

/// One request in flight, until its answer is written or given up.
struct Token(InFlight);

/// An answer's body that counts as in flight until it is written.
pub struct Body<B> {
    inner: Pin<Box<B>>,
    _token: Token,
}

impl InFlight {
    /// Counts what passes; once `live` accepts no more, answers ask to close the connection.
    #[must_use]
    pub fn middleware(&self, live: Live) -> Middleware {
        Middleware {
            in_flight: self.clone(),
            live,
        }
    }

    /// Waits until no request is in flight.
    pub async fn none(&self) {
        while self.0.requests.load(Ordering::Acquire) > 0 {
            // A notice from an earlier moment of idleness is kept for us: hence the loop.
            self.0.idle.notified().await;
        }
    }

    fn enter(&self) -> Token {
        self.0.requests.fetch_add(1, Ordering::AcqRel);
        Token(self.clone())
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let Count { requests, idle } = &*self.0.0;
        if requests.fetch_sub(1, Ordering::AcqRel) == 1 {
            idle.notify_one();
        }
    }
}

impl<S, B> Transform<S, ServiceRequest> for Middleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<Body<B>>;
    type Error = actix_web::Error;
    type Transform = Counting<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Counting {
            service: Rc::new(service),
            in_flight: self.in_flight.clone(),
            live: self.live.clone(),
        }))
    }
}

impl<S, B> Service<ServiceRequest> for Counting<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<Body<B>>;
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let token = self.in_flight.enter();
        let (service, live) = (Rc::clone(&self.service), self.live.clone());
        Box::pin(async move {
            let mut response = service.call(request).await?;
            if !live.accepting() {
                response
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map_body(|_, inner| Body {
                inner: Box::pin(inner),
                _token: token,
            }))
        })
    }
}

impl<B: MessageBody> MessageBody for Body<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.get_mut().inner.as_mut().poll_next(cx)
    }
}
