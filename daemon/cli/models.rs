//! `impresario models …`

use std::time::Duration;

use serde_json::Value;

use super::Failure;
use super::args::{LoadArgs, ModelsCommand};
use super::output::{Output, bytes, cell, cut, list, table};
use crate::client::{Ask, Client, encoded};
use crate::http::admin::REASON;

pub(super) fn models(
    command: ModelsCommand,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    match command {
        ModelsCommand::List => {
            let reply = client.ask(Ask::get("/admin/v1/models"))?;
            out.show(&reply.body, |body| rows(list(&body["models"])))
        }
        ModelsCommand::Show {
            model,
            version: None,
        } => {
            let reply = client.ask(Ask::get(path(&model, None, "")))?;
            out.show(&reply.body, |body| {
                let policy = format!("versions to load: {}", cell(&body["version_policy"]));
                let intent = match &body["intent"] {
                    Value::Null => String::new(),
                    intent => format!(", and as admins said {intent}"),
                };
                format!("{}\n\n{policy}{intent}", rows(std::slice::from_ref(body)))
            })
        }
        ModelsCommand::Show { model, version } => {
            let reply = client.ask(Ask::get(path(&model, version, "")))?;
            out.show(&reply.body, version_shown)
        }
        ModelsCommand::Load(args) => change(args, "/load", client, out),
        ModelsCommand::Unload(args) => change(args, "/unload", client, out),
    }
}

fn change(args: LoadArgs, verb: &str, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let wait = args.wait.min(Duration::from_secs(600));
    let ask = Ask::post(path(&args.model, args.version, verb))
        .query("wait", Some(humantime::format_duration(wait)))
        .header(REASON, args.why.reason)
        .wait(wait);
    let reply = client.ask(ask)?;
    let accepted = reply.status == 202;
    out.show(&reply.body, |body| {
        let model = serde_json::json!({"name": body["model"], "versions": body["versions"]});
        let rows = rows(&[model]);
        match accepted {
            true => format!(
                "{rows}\n\nnot done yet; it goes on: see `impresario models show {}`",
                args.model
            ),
            false => rows,
        }
    })
}

fn path(model: &str, version: Option<u64>, verb: &str) -> String {
    let version = version
        .map(|version| format!("/versions/{version}"))
        .unwrap_or_default();
    format!("/admin/v1/models/{}{version}{verb}", encoded(model))
}

/// A line a version.
pub(super) fn rows(models: &[Value]) -> String {
    let headings = [
        "MODEL", "VERSION", "PHASE", "ENGINE", "DIGEST", "MEMORY", "QUEUE", "CRASHES", "REASON",
    ];
    let rows = models.iter().flat_map(|model| {
        list(&model["versions"]).iter().map(|version| {
            [
                cell(&model["name"]),
                cell(&version["version"]),
                phase(version),
                cell(&version["engine"]),
                cell(&version["digest"]).chars().take(12).collect(),
                bytes(&version["memory"]),
                cell(&version["queue"]),
                cell(&version["crashes"]),
                cut(&cell(&version["reason"]), 120),
            ]
        })
    });
    table(headings, rows)
}

fn phase(version: &Value) -> String {
    let mut phase = cell(&version["phase"]);
    for (field, word) in [
        ("reloading", "reloading"),
        ("files_changed", "files changed"),
    ] {
        if version[field] == true {
            phase.push_str(&format!(" ({word})"));
        }
    }
    if version["present"] == false {
        phase.push_str(" (files gone)");
    }
    phase
}

fn version_shown(version: &Value) -> String {
    let mut lines = Vec::new();
    for name in [
        "model",
        "version",
        "phase",
        "engine",
        "digest",
        "instances",
        "queue",
        "crashes",
        "load_ms",
        "golden",
        "reason",
    ] {
        let value = cell(&version[name]);
        if !value.is_empty() {
            lines.push(format!("{name:<10} {value}"));
        }
    }
    let memory = bytes(&version["memory"]);
    if !memory.is_empty() {
        lines.push(format!("{:<10} {memory}", "memory"));
    }
    let contract = &version["contract"];
    let ports = |side: &str| {
        let ports = list(&contract[side]).iter().map(|port| {
            let allowed = match (&port["range"], &port["categories"]) {
                (Value::Null, Value::Null) => String::new(),
                (range, Value::Null) => format!("in {range}"),
                (_, categories) => format!("one of {categories}"),
            };
            let labels = list(&port["labels"])
                .iter()
                .map(cell)
                .collect::<Vec<_>>()
                .join(", ");
            [
                cell(&port["name"]),
                cell(&port["datatype"]),
                cell(&port["shape"]),
                cut(&allowed, 80),
                cut(&labels, 80),
            ]
        });
        table(
            [
                &side.to_uppercase(),
                "DATATYPE",
                "SHAPE",
                "ALLOWED",
                "LABELS",
            ],
            ports,
        )
    };
    if !contract.is_null() {
        lines.push(format!("\n{}\n\n{}", ports("inputs"), ports("outputs")));
    }
    lines.join("\n")
}
