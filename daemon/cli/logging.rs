//! `impresario log`

use serde_json::json;
use ureq::http::Method;

use super::Failure;
use super::args::LogArgs;
use super::output::{Output, cell};
use crate::client::{Ask, Client};
use crate::http::admin::REASON;

pub(super) fn log(args: LogArgs, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let ask = match args.level {
        None => Ask::get("/admin/v1/log"),
        Some(level) => Ask::new(Method::PUT, "/admin/v1/log")
            .json(&json!({"level": level}))
            .header(REASON, args.why.reason),
    };
    let reply = client.ask(ask)?;
    out.show(&reply.body, |body| {
        let level = cell(&body["level"]);
        let until = match body["level"] == body["configured"] {
            true => String::new(),
            false => format!(", until the next start; then {}", cell(&body["configured"])),
        };
        match &body["before"] {
            serde_json::Value::Null => format!("{level}{until}"),
            before => format!("{level}, before {}{until}", cell(before)),
        }
    })
}
