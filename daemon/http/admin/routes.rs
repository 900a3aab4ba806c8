//! Which handler answers which path and method. A method that a path does not have is told which ones it has.

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{
    FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, ResponseError, Route,
    guard,
};

use super::guard::gate;
use super::problem::{Code, Problem};
use super::{
    Admin, audit, backup, bandit, decisions, events, experiment, freeze, history, journal, load,
    logging, me, metrics, models, openapi, pipelines, reload, revisions, rollout, shadow, status,
    tokens,
};
use crate::http::console;

/// The largest body, in bytes: larger than any pipeline that people write.
const MAX_BODY: usize = 1 << 20;

/// Puts the admin plane into an application.
///
/// ```text
/// App::new().configure(admin::configure(Data::new(admin)))
/// ```
pub fn configure(admin: Data<Admin>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        // Before the gate: it is where a token is put in.
        config.configure(console::configure);
        let mut scope = web::scope("")
            .app_data(admin)
            .app_data(web::PayloadConfig::new(MAX_BODY))
            .app_data(web::QueryConfig::default().error_handler(|error, _| {
                Problem::new(Code::InvalidQuery, error.to_string()).into()
            }))
            .wrap(from_fn(gate));
        for endpoint in endpoints() {
            scope = scope.service(endpoint.resource());
        }
        config.service(scope.default_service(web::to(nothing)));
    }
}

async fn nothing(request: HttpRequest) -> HttpResponse {
    let path: String = request.path().chars().take(200).collect();
    let detail = format!("there is nothing at {path:?}; /admin/v1/openapi.json says what there is");
    Problem::new(Code::NotFound, detail).error_response()
}

/// A path and its methods.
pub(super) struct Endpoint {
    pub(super) path: &'static str,
    pub(super) methods: Vec<(Method, Route)>,
}

/// Every path.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        at("/admin/v1/status").get(status::status),
        at("/admin/v1/metrics").get(metrics::counters),
        at("/admin/v1/me").get(me::me),
        at("/admin/v1/log")
            .get(logging::show)
            .on(Method::PUT, logging::set),
        at("/admin/v1/models").get(models::list),
        at("/admin/v1/models/{model}").get(models::show),
        at("/admin/v1/models/{model}/load").post(load::load),
        at("/admin/v1/models/{model}/unload").post(load::unload),
        at("/admin/v1/models/{model}/versions/{version}").get(models::show_version),
        at("/admin/v1/models/{model}/versions/{version}/load").post(load::load_version),
        at("/admin/v1/models/{model}/versions/{version}/unload").post(load::unload_version),
        at("/admin/v1/pipelines").get(pipelines::list),
        at("/admin/v1/pipelines/{pipeline}")
            .get(pipelines::show)
            .on(Method::PUT, pipelines::put)
            .on(Method::DELETE, pipelines::delete),
        at("/admin/v1/pipelines/{pipeline}/revisions").get(revisions::list),
        at("/admin/v1/pipelines/{pipeline}/revisions/{revision}").get(revisions::show),
        at("/admin/v1/pipelines/{pipeline}/undo").post(revisions::undo),
        at("/admin/v1/pipelines/{pipeline}/journal").get(journal::list),
        at("/admin/v1/pipelines/{pipeline}/rollout")
            .get(rollout::show)
            .post(rollout::start),
        // Before the verbs, whose pattern it fits.
        at("/admin/v1/pipelines/{pipeline}/rollout/plan")
            .get(rollout::plan)
            .post(rollout::plan_ahead),
        at("/admin/v1/pipelines/{pipeline}/rollout/{verb}").post(rollout::steer),
        at("/admin/v1/pipelines/{pipeline}/experiment").get(experiment::show),
        at("/admin/v1/pipelines/{pipeline}/experiment/{verb}").post(experiment::steer),
        at("/admin/v1/pipelines/{pipeline}/bandit").get(bandit::show),
        at("/admin/v1/pipelines/{pipeline}/bandit/{verb}").post(bandit::steer),
        at("/admin/v1/pipelines/{pipeline}/shadow").get(shadow::show),
        at("/admin/v1/freeze").post(freeze::freeze),
        at("/admin/v1/unfreeze").post(freeze::unfreeze),
        at("/admin/v1/decisions/{request_id}").get(decisions::show),
        at("/admin/v1/events").get(events::events),
        at("/admin/v1/audit").get(audit::audit),
        at("/admin/v1/metrics/history").get(history::history),
        at("/admin/v1/reload").post(reload::reload),
        at("/admin/v1/tokens")
            .get(tokens::list)
            .post(tokens::create),
        at("/admin/v1/tokens/{id}").on(Method::DELETE, tokens::remove),
        at("/admin/v1/backup").get(backup::backup),
        at("/admin/v1/openapi.json").get(openapi::openapi),
        at("/metrics").get(metrics::metrics),
    ]
}

fn at(path: &'static str) -> Endpoint {
    let methods = Vec::new();
    Endpoint { path, methods }
}

// === impl Endpoint ===

impl Endpoint {
    /// GET, and with it HEAD, whose body the server leaves out.
    fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let get_or_head = guard::Any(guard::Get()).or(guard::Head());
        let route = web::route().guard(get_or_head).to(handler);
        self.methods.push((Method::GET, route));
        self
    }

    fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::POST, handler)
    }

    fn on<F, Args>(mut self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = web::method(method.clone()).to(handler);
        self.methods.push((method, route));
        self
    }

    fn resource(self) -> Resource {
        let mut allowed: Vec<_> = self
            .methods
            .iter()
            .map(|(method, _)| method.to_string())
            .collect();
        if self
            .methods
            .iter()
            .any(|(method, _)| *method == Method::GET)
        {
            allowed.push(Method::HEAD.to_string());
        }
        let allowed = allowed.join(", ");
        let mut resource = web::resource(self.path);
        for (_, route) in self.methods {
            resource = resource.route(route);
        }
        resource.default_service(web::to(move |request: HttpRequest| {
            std::future::ready(Problem::method(request.method(), &allowed).error_response())
        }))
    }
}
