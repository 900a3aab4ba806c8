//! `impresario status` and `impresario reload`.

use serde_json::{Value, json};

use super::Failure;
use super::args::{FreezeArgs, ReasonArgs};
use super::models::rows as model_rows;
use super::output::{Output, cell, list, table};
use super::pipelines::rows as pipeline_rows;
use crate::client::{Ask, Client};
use crate::http::admin::REASON;

pub(super) fn status(client: &Client, out: &mut Output) -> Result<(), Failure> {
    let reply = client.ask(Ask::get("/admin/v1/status"))?;
    out.show(&reply.body, shown)
}

pub(super) fn reload(args: ReasonArgs, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let reply = client.ask(Ask::post("/admin/v1/reload").header(REASON, args.reason))?;
    out.show(&reply.body, |body| {
        let what = if body["changed"] == true {
            "changed"
        } else {
            "nothing changed"
        };
        let warnings = list(&body["warnings"])
            .iter()
            .map(|warning| format!("\n{}", cell(warning)));
        format!(
            "{what}, revision {}{}",
            body["revision"],
            warnings.collect::<String>()
        )
    })
}

pub(super) fn freeze(args: FreezeArgs, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let body = args
        .until
        .map_or_else(|| json!({}), |until| json!({"until": until}));
    let ask = Ask::post("/admin/v1/freeze").json(&body);
    let reply = client.ask(ask.header(REASON, args.why.reason))?;
    out.show(&reply.body, |body| frozen(&body["freeze"]))
}

pub(super) fn unfreeze(args: ReasonArgs, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let reply = client.ask(Ask::post("/admin/v1/unfreeze").header(REASON, args.reason))?;
    out.show(&reply.body, |body| match body["changed"] == true {
        true => "rollouts advance again".to_owned(),
        false => "nothing was frozen".to_owned(),
    })
}

/// Why no rollout advances.
fn frozen(freeze: &Value) -> String {
    let until = match &freeze["until"] {
        Value::Null => String::new(),
        until => format!(" until {}", cell(until)),
    };
    let reason = match &freeze["reason"] {
        Value::Null => "no reason was given".to_owned(),
        reason => cell(reason),
    };
    format!(
        "no rollout advances{until}: {} ({reason})",
        cell(&freeze["actor"])
    )
}

fn shown(status: &Value) -> String {
    let ready = if status["ready"] == true {
        "ready"
    } else {
        "not ready"
    };
    let up = std::time::Duration::from_secs(status["uptime"].as_f64().unwrap_or_default() as u64);
    let mut text = format!(
        "impresario {}, {ready}, up {}, revision {}\n\n",
        cell(&status["version"]),
        humantime::format_duration(up),
        status["revision"]
    );
    if !status["freeze"].is_null() {
        text.push_str(&format!("{}\n\n", frozen(&status["freeze"])));
    }
    text.push_str(&model_rows(list(&status["models"])));
    text.push_str("\n\n");
    text.push_str(&pipeline_rows(list(&status["pipelines"])));
    let waits = list(&status["waits"]);
    if !waits.is_empty() {
        text.push_str("\n\n");
        text.push_str(&waiting(waits));
    }
    let webhooks = list(&status["webhooks"]);
    if !webhooks.is_empty() {
        text.push_str("\n\n");
        text.push_str(&posted(webhooks));
    }
    if !status["payload_log"].is_null() {
        text.push_str("\n\n");
        text.push_str(&kept(&status["payload_log"]));
    }
    let exports = list(&status["exports"]);
    if !exports.is_empty() {
        text.push_str("\n\n");
        text.push_str(&exported(exports));
    }
    text
}

/// What became of the deliveries of webhooks.
fn posted(webhooks: &[Value]) -> String {
    let columns = ["waiting", "delivered", "failed", "dropped", "trouble"];
    let row = |webhook: &Value| {
        let [waiting, delivered, failed, dropped, trouble] =
            columns.map(|column| cell(&webhook[column]));
        // Several may be of one host, whose paths are not told.
        let to = format!("{} {}", webhook["webhook"], cell(&webhook["to"]));
        [to, waiting, delivered, failed, dropped, trouble]
    };
    table(
        [
            "WEBHOOK",
            "WAITING",
            "DELIVERED",
            "FAILED",
            "DROPPED",
            "TROUBLE",
        ],
        webhooks.iter().map(row),
    )
}

/// What became of the records of the payload log.
fn kept(log: &Value) -> String {
    let columns = ["waiting", "written", "shed", "dropped", "failed", "trouble"];
    let [waiting, written, shed, dropped, failed, trouble] =
        columns.map(|column| cell(&log[column]));
    let path = cell(&log["path"]);
    table(
        [
            "PAYLOAD LOG",
            "WAITING",
            "WRITTEN",
            "SHED",
            "DROPPED",
            "FAILED",
            "TROUBLE",
        ],
        [[path, waiting, written, shed, dropped, failed, trouble]],
    )
}

/// What became of what is exported.
fn exported(exports: &[Value]) -> String {
    let columns = [
        "signal", "waiting", "exported", "rejected", "failed", "dropped", "trouble",
    ];
    let row = |export: &Value| columns.map(|column| cell(&export[column]));
    table(
        [
            "EXPORT", "WAITING", "EXPORTED", "REJECTED", "FAILED", "DROPPED", "TROUBLE",
        ],
        exports.iter().map(row),
    )
}

/// What is not as desired, and why.
pub(super) fn waiting(waits: &[Value]) -> String {
    table(
        ["WAITS", "WHY"],
        waits
            .iter()
            .map(|wait| [cell(&wait["subject"]), cell(&wait["why"])]),
    )
}
