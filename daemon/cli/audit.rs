//! `impresario audit`

use super::Failure;
use super::args::AuditArgs;
use super::output::{Output, cell, list, table};
use super::pipelines::changes;
use crate::client::{Ask, Client};

pub(super) fn audit(args: AuditArgs, client: &Client, out: &mut Output) -> Result<(), Failure> {
    let ask = Ask::get("/admin/v1/audit")
        .query("actor", args.actor)
        .query("action", args.action)
        .query("name", args.name)
        .query("limit", Some(args.limit))
        .query("before", args.before);
    let reply = client.ask(ask)?;
    out.show(&reply.body, |body| {
        let rows = list(&body["records"]).iter().map(|record| {
            [
                cell(&record["seq"]),
                cell(&record["at"]),
                cell(&record["actor"]),
                cell(&record["source"]),
                cell(&record["action"]),
                cell(&record["revision"]),
                changes(list(&record["changes"])),
                cell(&record["reason"]),
            ]
        });
        let headings = [
            "SEQ", "AT", "ACTOR", "SOURCE", "ACTION", "REVISION", "CHANGES", "REASON",
        ];
        let shown = table(headings, rows);
        match &body["next"] {
            serde_json::Value::Null => shown,
            next => format!("{shown}\n\nolder ones: --before {next}"),
        }
    })
}
