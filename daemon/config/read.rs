//! Reading the sections: each field typed and within its range, and the rules between fields.

use std::net::SocketAddr;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use impresario_models::backend::{Engines, Use};
use impresario_pipelines::spec::document::Path;
use impresario_pipelines::spec::read::{Field, Part, Reader};
use impresario_pipelines::spec::{Problem, Severity, nearest, version_is_ours};
use serde_json::Value;
use tracing_subscriber::EnvFilter;

use crate::store::Role;

use super::field::{HOUR, MILLISECOND, address, count, fits, path, size};
use super::layers::Layers;
use super::notify::notify;
use super::{
    Admin, Engine, Glob, Limits, Log, LogFormat, Metrics, Models, Restart, Server, Settings, Store,
    Token, VersionDefaults,
};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// A tebibyte: more than a request or a text may have anywhere.
const TEBIBYTE: u64 = 1 << 40;

/// Reads all sections.
pub(super) fn read(layers: &Layers) -> Result<(Settings, Vec<Problem>), Vec<Problem>> {
    let mut reader = Reader::new(layers);
    let settings = settings(layers, &mut reader);
    let mut problems = reader.into_problems();
    problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    match settings {
        Some(settings) if problems.iter().all(|p| p.severity == Severity::Warning) => {
            Ok((settings, problems))
        }
        _ => Err(problems),
    }
}

/// A section's fields are all read before any is missed, so that all problems are told.
fn settings(layers: &Layers, r: &mut Reader<'_>) -> Option<Settings> {
    if let Some((_, _, document)) = &layers.file {
        // The defaults have a version too; a file must say its own.
        let mut t = Field::root(document.root()).table(r)?;
        if !version_is_ours(t.get("version").as_ref(), r) {
            return None;
        }
    }
    let mut t = Field::root(&layers.root).table(r)?;
    t.get("version");
    let server = t.need("server", r).and_then(|f| server(&f, r));
    let models = t.need("models", r).and_then(|f| models(&f, r, layers));
    let engines = t.need("engines", r).and_then(|f| engines(&f, r, layers));
    let pipelines = t
        .need("pipelines", r)
        .and_then(|f| pipelines(&f, r, layers));
    let store = t.need("store", r).and_then(|f| store(&f, r, layers));
    let admin = t.need("admin", r).and_then(|f| admin(&f, r));
    let notify = t.need("notify", r).and_then(|f| notify(&f, r, layers));
    let metrics = t.need("metrics", r).and_then(|f| metrics(&f, r));
    let log = t.need("log", r).and_then(|f| log(&f, r));
    t.finish(r);
    if let (Some(server), Some(admin)) = (&server, &admin) {
        exposure(server, admin, r);
    }
    Some(Settings {
        file: layers.file.as_ref().map(|(path, _, _)| path.clone()),
        server: server?,
        models: models?,
        engines: engines?,
        pipelines: pipelines?,
        store: store?,
        admin: admin?,
        notify: notify?,
        metrics: metrics?,
        log: log?,
    })
}

fn server(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Server> {
    let mut t = field.table(r)?;
    let http = t.need("http", r).and_then(|f| address(&f, r));
    let grpc_field = t.need("grpc", r);
    let grpc = grpc_field.as_ref().and_then(|f| address_or_none(f, r));
    let admin_field = t.need("admin", r);
    let admin = admin_field.as_ref().and_then(|f| address(f, r));
    let workers = t.need("workers", r).and_then(|f| f.whole(r, 0..=1_024));
    let grace = t
        .need("grace", r)
        .and_then(|f| f.duration(r, Duration::ZERO..=HOUR));
    let header_timeout = t
        .need("header_timeout", r)
        .and_then(|f| f.duration(r, MILLISECOND..=HOUR));
    let request_timeout = t
        .need("request_timeout", r)
        .and_then(|f| f.duration(r, MILLISECOND..=HOUR));
    let keep_alive = t
        .need("keep_alive", r)
        .and_then(|f| f.duration(r, Duration::ZERO..=HOUR));
    let limits = t.need("limits", r).and_then(|f| limits(&f, r));
    t.finish(r);
    if let (Some(http), Some(admin), Some(field)) = (http, admin, &admin_field)
        && overlap(http, admin)
    {
        let message = format!("the admin plane cannot share {admin} with the data plane on {http}");
        let problem = field.problem(r, "same-address", message);
        r.push(problem.hint("give it another port"));
    }
    if let (Some(Some(grpc)), Some(http), Some(admin), Some(field)) =
        (grpc, http, admin, &grpc_field)
        && let Some(other) = [http, admin]
            .into_iter()
            .find(|other| overlap(grpc, *other))
    {
        let message = format!("gRPC cannot share {grpc} with {other}");
        let problem = field.problem(r, "same-address", message);
        r.push(problem.hint("give it another port, or \"none\""));
    }
    Some(Server {
        http: http?,
        grpc: grpc?,
        admin: admin?,
        workers: std::num::NonZeroUsize::new(fits(workers?)),
        grace: grace?,
        header_timeout: header_timeout?,
        request_timeout: request_timeout?,
        keep_alive: keep_alive?,
        limits: limits?,
    })
}

fn address_or_none(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Option<SocketAddr>> {
    match field.value() {
        Value::String(text) if text == "none" => Some(None),
        _ => address(field, r).map(Some),
    }
}

/// Whether two listeners would meet; port 0 takes a free port each time.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let any = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && (any || a.ip() == b.ip())
}

/// Nobody without a token may change what a daemon does that others can reach.
fn exposure(server: &Server, admin: &Admin, r: &mut Reader<'_>) {
    if admin.insecure_remote || !admin.tokens.is_empty() {
        return;
    }
    let addresses = [
        ("http", Some(server.http)),
        ("grpc", server.grpc),
        ("admin", Some(server.admin)),
    ];
    let given = addresses
        .into_iter()
        .filter_map(|(key, address)| Some((key, address?)));
    for (key, address) in given {
        if address.ip().to_canonical().is_loopback() {
            continue;
        }
        let path = Path::default().key("server").key(key);
        let message =
            format!("{address} can be reached from beyond this machine, and there is no token");
        let problem = r.problem(&path, Part::Value, "exposed", message);
        r.push(problem.hint(
            "make a token with `impresario token hash NAME --role admin` and put its hash under [admin] tokens, or bind \
             127.0.0.1, or set admin.insecure_remote = true where a network policy or a proxy guards it",
        ));
    }
}

fn limits(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Limits> {
    let mut t = field.table(r)?;
    let max_body = t
        .need("max_body", r)
        .and_then(|f| size(&f, r, 1..=TEBIBYTE));
    let inflated_field = t.need("max_inflated", r);
    let max_inflated = inflated_field
        .as_ref()
        .and_then(|f| size(f, r, 1..=TEBIBYTE));
    let max_inputs = t
        .need("max_inputs", r)
        .and_then(|f| f.whole(r, 1..=1 << 20));
    let max_elements = t
        .need("max_elements", r)
        .and_then(|f| f.whole(r, 1..=TEBIBYTE));
    let max_string = t
        .need("max_string", r)
        .and_then(|f| size(&f, r, 1..=TEBIBYTE));
    let max_connections = t
        .need("max_connections", r)
        .and_then(|f| f.whole(r, 1..=1 << 24));
    let max_concurrent = t
        .need("max_concurrent", r)
        .and_then(|f| f.whole(r, 1..=1 << 16));
    t.finish(r);
    if let (Some(body), Some(inflated), Some(field)) = (max_body, max_inflated, &inflated_field)
        && inflated < body
    {
        let message = format!("expected at least max_body, {body} bytes, got {inflated}");
        r.error(field, "out-of-range", message);
    }
    Some(Limits {
        max_body: fits(max_body?),
        max_inflated: fits(max_inflated?),
        max_inputs: fits(max_inputs?),
        max_elements: fits(max_elements?),
        max_string: fits(max_string?),
        max_connections: fits(max_connections?),
        max_concurrent: u32::try_from(max_concurrent?).unwrap_or(u32::MAX),
    })
}

fn models(field: &Field<'_>, r: &mut Reader<'_>, layers: &Layers) -> Option<Models> {
    let mut t = field.table(r)?;
    let repository = t.need("repository", r).and_then(|f| path(&f, r, layers));
    let poll = t.need("poll", r).and_then(|f| poll(&f, r));
    let settle = t
        .need("settle", r)
        .and_then(|f| f.duration(r, Duration::ZERO..=HOUR));
    let load_timeout = t
        .need("load_timeout", r)
        .and_then(|f| f.duration(r, MILLISECOND..=DAY));
    let loaders = t.need("loaders", r).and_then(|f| f.whole(r, 0..=256));
    let max_load_memory = t.need("max_load_memory", r).and_then(|f| memory(&f, r));
    let memory_budget = t.need("memory_budget", r).and_then(|f| memory(&f, r));
    let waiting = t.need("waiting", r).and_then(|f| count(&f, r, 1 << 20));
    let cache = t.need("cache", r).and_then(|f| memory(&f, r));
    let defaults = t.need("defaults", r).and_then(|f| version_defaults(&f, r));
    let restart = t.need("restart", r).and_then(|f| restart(&f, r));
    t.finish(r);
    Some(Models {
        repository: repository?,
        poll: poll?,
        settle: settle?,
        load_timeout: load_timeout?,
        loaders: std::num::NonZeroUsize::new(fits(loaders?)),
        max_load_memory: max_load_memory?,
        memory_budget: memory_budget?,
        waiting: waiting?,
        cache: cache?,
        defaults: defaults?,
        restart: restart?,
    })
}

/// `"0s"` is never; less than 100 ms would keep a disk busy for nothing.
fn poll(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Option<Duration>> {
    let poll = field.duration(r, Duration::ZERO..=DAY)?;
    if poll.is_zero() {
        return Some(None);
    }
    field.duration(r, 100 * MILLISECOND..=DAY).map(Some)
}

fn memory(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Option<u64>> {
    match field.value() {
        Value::String(text) if text == "none" => Some(None),
        _ => size(field, r, 1..=u64::MAX).map(Some),
    }
}

fn engines(field: &Field<'_>, r: &mut Reader<'_>, layers: &Layers) -> Option<Engines> {
    let uses = [
        ("auto", Use::Auto),
        ("off", Use::Off),
        ("require", Use::Require),
    ];
    let mut t = field.table(r)?;
    let onnxruntime = t.need("onnxruntime", r).and_then(|f| f.choice(r, &uses));
    let library = t
        .need("onnxruntime_library", r)
        .and_then(|f| match f.value() {
            Value::String(text) if text == "none" => Some(None),
            _ => path(&f, r, layers).map(Some),
        });
    t.finish(r);
    Some(Engines {
        onnxruntime: onnxruntime?,
        library: library?,
    })
}

fn version_defaults(field: &Field<'_>, r: &mut Reader<'_>) -> Option<VersionDefaults> {
    let mut t = field.table(r)?;
    let timeout = t
        .need("timeout", r)
        .and_then(|f| f.duration(r, MILLISECOND..=HOUR));
    let queue = t.need("queue", r).and_then(|f| count(&f, r, 1 << 20));
    let instances = t.need("instances", r).and_then(|f| f.whole(r, 0..=1_024));
    let join = t.need("join", r).and_then(|f| count(&f, r, 1 << 20));
    let max_delay = t
        .need("max_delay", r)
        .and_then(|f| f.duration(r, Duration::ZERO..=Duration::from_secs(1)));
    let inline = t.need("inline", r).and_then(|f| f.flag(r));
    t.finish(r);
    Some(VersionDefaults {
        timeout: timeout?,
        queue: queue?,
        instances: std::num::NonZeroUsize::new(fits(instances?)),
        join: join?,
        max_delay: max_delay?,
        inline: inline?,
    })
}

fn restart(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Restart> {
    let mut t = field.table(r)?;
    let initial = t
        .need("initial", r)
        .and_then(|f| f.duration(r, MILLISECOND..=HOUR));
    let floor = initial.unwrap_or(MILLISECOND);
    let max = t.need("max", r).and_then(|f| f.duration(r, floor..=DAY));
    let crashes = t.need("crashes", r).and_then(|f| count(&f, r, 1_000));
    let within = t
        .need("within", r)
        .and_then(|f| f.duration(r, MILLISECOND..=DAY));
    t.finish(r);
    Some(Restart {
        initial: initial?,
        max: max?,
        crashes: crashes?,
        within: within?,
    })
}

fn pipelines(field: &Field<'_>, r: &mut Reader<'_>, layers: &Layers) -> Option<Vec<Glob>> {
    let mut t = field.table(r)?;
    let files = t.need("files", r);
    t.finish(r);
    let files = files?;
    if layers.file.is_none() && layers.is_default(files.path()) {
        // Without a configuration file, what lies in the current folder was not meant.
        return Some(Vec::new());
    }
    let globs = files.list(r)?;
    let globs: Vec<Option<Glob>> = globs.iter().map(|f| Glob::read(f, r, layers)).collect();
    globs.into_iter().collect()
}

fn store(field: &Field<'_>, r: &mut Reader<'_>, layers: &Layers) -> Option<Store> {
    let mut t = field.table(r)?;
    let sled = t
        .need("engine", r)
        .and_then(|f| f.choice(r, &[("sled", true), ("memory", false)]));
    let path = t.need("path", r).and_then(|f| path(&f, r, layers));
    let max = 10_000_000;
    let revisions = t
        .need("retain_revisions", r)
        .and_then(|f| f.whole(r, 1..=max));
    let least = revisions.unwrap_or(1);
    let audit = t
        .need("retain_audit", r)
        .and_then(|f| f.whole(r, least..=max));
    t.finish(r);
    let path = path?;
    Some(Store {
        engine: if sled? {
            Engine::Sled(path)
        } else {
            Engine::Memory
        },
        retain_revisions: revisions?,
        retain_audit: audit?,
    })
}

fn admin(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Admin> {
    let mut t = field.table(r)?;
    let insecure_remote = t.need("insecure_remote", r).and_then(|f| f.flag(r));
    let tokens = t.need("tokens", r).and_then(|f| f.list(r));
    t.finish(r);
    let mut names = Vec::new();
    let read: Vec<Option<Token>> = tokens?
        .iter()
        .map(|field| {
            let token = token(field, r)?;
            if names.contains(&token.name) {
                let message = format!("two tokens are named '{}'", token.name.escape_debug());
                r.error(field, "duplicate-name", message);
            }
            names.push(token.name.clone());
            Some(token)
        })
        .collect();
    Some(Admin {
        tokens: read.into_iter().collect::<Option<_>>()?,
        insecure_remote: insecure_remote?,
    })
}

fn token(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Token> {
    let roles = [
        ("viewer", Role::Viewer),
        ("operator", Role::Operator),
        ("admin", Role::Admin),
    ];
    let mut t = field.table(r)?;
    let name = t.need("name", r).and_then(|f| token_name(&f, r));
    let role = t.need("role", r).and_then(|f| f.choice(r, &roles));
    let hash = t.need("hash", r).and_then(|f| hash(&f, r));
    t.finish(r);
    Some(Token {
        name: name?,
        role: role?,
        hash: hash?,
    })
}

fn token_name(field: &Field<'_>, r: &mut Reader<'_>) -> Option<String> {
    let text = field.text(r)?;
    if let Err(error) = crate::auth::check_name(text) {
        r.error(field, "invalid-name", error.to_string());
        return None;
    }
    Some(text.to_owned())
}

/// What is written is never repeated: someone may have put the token itself here.
fn hash(field: &Field<'_>, r: &mut Reader<'_>) -> Option<String> {
    let text = field.value().as_str().unwrap_or_default();
    let good = text.starts_with("$argon2id$")
        && PasswordHash::new(text).is_ok_and(|hash| hash.salt.is_some() && hash.hash.is_some());
    if !good {
        let message =
            "expected an Argon2id hash in the PHC format, $argon2id$v=19$m=...".to_owned();
        let problem = field.problem(r, "invalid-hash", message);
        r.push(
            problem
                .hint("`impresario token hash NAME --role ROLE` makes a token and prints its hash"),
        );
        return None;
    }
    Some(text.to_owned())
}

fn metrics(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Metrics> {
    let mut t = field.table(r)?;
    let history = t.need("history", r).and_then(|f| f.flag(r));
    let series = t.need("history_series", r);
    let history_series = series.and_then(|f| count(&f, r, 100_000));
    t.finish(r);
    Some(Metrics {
        history: history?,
        history_series: history_series?,
    })
}

fn log(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Log> {
    let formats = [
        ("auto", LogFormat::Auto),
        ("text", LogFormat::Text),
        ("json", LogFormat::Json),
    ];
    let mut t = field.table(r)?;
    let level = t.need("level", r).and_then(|f| level(&f, r));
    let format = t.need("format", r).and_then(|f| f.choice(r, &formats));
    t.finish(r);
    Some(Log {
        level: level?,
        format: format?,
    })
}

/// A level, or a list of `target=level`. `EnvFilter` takes a mistyped level for a target, so it is caught here.
fn level(field: &Field<'_>, r: &mut Reader<'_>) -> Option<String> {
    let text = field.text(r)?;
    let bare = |part: &&str| !part.contains('=') && !LEVELS.contains(part);
    if let Some(word) = text.split(',').map(str::trim).find(bare) {
        let message = format!(
            "expected one of {}, got '{}'",
            LEVELS.join(", "),
            word.escape_debug()
        );
        let problem = field.problem(r, "unknown-value", message);
        r.push(match nearest(word, LEVELS) {
            Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
            None => problem.hint("for one target, write target=level"),
        });
        return None;
    }
    if let Err(error) = EnvFilter::try_new(text) {
        r.error(
            field,
            "invalid-filter",
            format!("expected a log filter: {error}"),
        );
        return None;
    }
    Some(text.to_owned())
}
