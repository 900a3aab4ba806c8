//! `/console`: the web console's files, which are a part of the binary.
//!
//! What it shows and changes goes through the admin API, behind its gate; the files themselves hold no data and are given
//! to everybody who reaches the address, so that there is a page to put a token into. Nothing here reads the disk.

use std::sync::LazyLock;

use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH,
    LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use sha2::{Digest, Sha256};

/// Only the console's own files run and are asked for, and no other page may show it in a frame. It holds for what a
/// browser would otherwise be talked into as well: a script in a model's name, a form that posts a token elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What every answer bears. A copy is asked for again each time, which costs a 304: a new daemon never meets old scripts.
const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-cache"),
];

/// The page.
const INDEX: &str = "index.html";

/// A file of the console.
struct File {
    /// Below `/console/`.
    path: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        [$(File { path: $path, bytes: include_bytes!(concat!("../console/", $path)) }),+]
    };
}

/// Every file.
static FILES: [File; 30] = files![
    "index.html",
    "icon.svg",
    "style.css",
    "app.js",
    "api.js",
    "ask.js",
    "dom.js",
    "draw.js",
    "history.js",
    "live.js",
    "pages/audit.js",
    "pages/bandit.js",
    "pages/decision.js",
    "pages/events.js",
    "pages/experiment.js",
    "pages/graph.js",
    "pages/models.js",
    "pages/overview.js",
    "pages/pipeline.js",
    "pages/rollout.js",
    "pages/shadow.js",
    "pages/start.js",
    "pages/steer.js",
    "pages/traffic.js",
    "pages/weights.js",
    "vendor/dagre/LICENSE",
    "vendor/dagre/dagre.esm.js",
    "vendor/uplot/LICENSE",
    "vendor/uplot/uPlot.iife.min.js",
    "vendor/uplot/uPlot.min.css",
];

/// Their entity tags, in the same order.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| FILES.iter().map(File::tag).collect());

/// Puts the console into an application.
pub(in crate::http) fn configure(config: &mut ServiceConfig) {
    config
        .route("/console", web::to(home))
        .route("/console/{file:.*}", web::to(file));
}

/// The page's address ends with a slash, so that what it refers to is found below it, behind a proxy's prefix too.
async fn home(request: HttpRequest) -> HttpResponse {
    if let Some(refusal) = refused(&request) {
        return refusal;
    }
    answer(StatusCode::PERMANENT_REDIRECT)
        .insert_header((LOCATION, "console/"))
        .finish()
}

async fn file(request: HttpRequest) -> HttpResponse {
    if let Some(refusal) = refused(&request) {
        return refusal;
    }
    let path = match request.match_info().query("file") {
        "" => INDEX,
        path => path,
    };
    let Some(at) = FILES.iter().position(|file| file.path == path) else {
        return answer(StatusCode::NOT_FOUND)
            .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
            .body("the console has no such file\n");
    };
    let (file, tag) = (&FILES[at], &*TAGS[at]);
    if known(&request, tag) {
        return answer(StatusCode::NOT_MODIFIED)
            .insert_header((ETAG, tag))
            .finish();
    }
    answer(StatusCode::OK)
        .insert_header((ETAG, tag))
        .insert_header((CONTENT_TYPE, file.content()))
        .body(file.bytes)
}

/// A refusal of what does more than read.
fn refused(request: &HttpRequest) -> Option<HttpResponse> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    (!reads).then(|| {
        answer(StatusCode::METHOD_NOT_ALLOWED)
            .insert_header((ALLOW, "GET, HEAD"))
            .finish()
    })
}

fn answer(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    for header in HEADERS {
        answer.insert_header(header);
    }
    answer
}

/// Whether the asker has the file already.
fn known(request: &HttpRequest, tag: &str) -> bool {
    let lists = request.headers().get_all(IF_NONE_MATCH);
    let mut tags = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim);
    tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

// === impl File ===

impl File {
    /// Its entity tag: the beginning of its digest.
    fn tag(&self) -> String {
        let digest = Sha256::digest(self.bytes);
        let hex: String = digest.iter().take(12).map(|b| format!("{b:02x}")).collect();
        format!("\"{hex}\"")
    }

    /// What it is, told by its name.
    fn content(&self) -> &'static str {
        match self.path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        }
    }
}

#[cfg(test)]
mod tests;
