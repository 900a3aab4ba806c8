//! The middleware that counts requests in flight, and asks clients to close their connections once the daemon is
//! going down.

use std::future::{self, Ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{CONNECTION, HeaderValue};
use actix_web::web::Bytes;

use crate::actors::Live;
use crate::plane::{InFlight, Token};

/// Counts what passes.
pub struct Middleware {
    in_flight: InFlight,
    live: Live,
}

/// The middleware, around a service.
pub struct Counting<S> {
    service: S,
    in_flight: InFlight,
    live: Rc<Live>,
}

/// A request on its way through the service. Nothing is boxed for it: actix's own services are boxed inside, so
/// that their futures may be moved.
pub struct Passing<F> {
    inner: F,
    token: Option<Token>,
    live: Rc<Live>,
}

/// An answer's body that counts as in flight until it is written.
pub struct Body<B> {
    inner: B,
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
}

impl<S, B> Transform<S, ServiceRequest> for Middleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    S::Future: Unpin,
    B: MessageBody + Unpin,
{
    type Response = ServiceResponse<Body<B>>;
    type Error = actix_web::Error;
    type Transform = Counting<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        future::ready(Ok(Counting {
            service,
            in_flight: self.in_flight.clone(),
            live: Rc::new(self.live.clone()),
        }))
    }
}

impl<S, B> Service<ServiceRequest> for Counting<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    S::Future: Unpin,
    B: MessageBody + Unpin,
{
    type Response = ServiceResponse<Body<B>>;
    type Error = actix_web::Error;
    type Future = Passing<S::Future>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        Passing {
            token: Some(self.in_flight.enter()),
            inner: self.service.call(request),
            live: Rc::clone(&self.live),
        }
    }
}

impl<F, B> Future for Passing<F>
where
    F: Future<Output = Result<ServiceResponse<B>, actix_web::Error>> + Unpin,
{
    type Output = Result<ServiceResponse<Body<B>>, actix_web::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = ready!(Pin::new(&mut self.inner).poll(cx))?;
        let token = self.token.take().expect("a future that is ready ends");
        if !self.live.accepting() {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response.map_body(|_, inner| Body {
            inner,
            _token: token,
        })))
    }
}

impl<B: MessageBody + Unpin> MessageBody for Body<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().inner).poll_next(cx)
    }
}
