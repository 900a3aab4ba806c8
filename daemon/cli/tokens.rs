//! `impresario token …`

use serde_json::json;
use ureq::http::Method;

use super::args::{HashArgs, TokenCommand};
use super::output::{Output, cell, list, table};
use super::{Exit, Failure};
use crate::auth;
use crate::client::{Ask, Client, encoded};
use crate::http::admin::REASON;

pub(super) fn tokens(
    command: TokenCommand,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    match command {
        TokenCommand::Create {
            name,
            role,
            expires_in,
            why,
        } => {
            let body =
                json!({"name": name, "role": role, "expires_in": expires_in, "reason": why.reason});
            let reply = client.ask(Ask::post("/admin/v1/tokens").json(&body))?;
            out.show(&reply.body, |body| {
                format!(
                    "{}\n\nToken '{}' of role {}, id {}. It is shown this once: keep it, and give it as IMPRESARIO_TOKEN.",
                    cell(&body["token"]),
                    cell(&body["name"]),
                    cell(&body["role"]),
                    cell(&body["id"])
                )
            })
        }
        TokenCommand::List => {
            let reply = client.ask(Ask::get("/admin/v1/tokens"))?;
            out.show(&reply.body, |body| {
                let rows = list(&body["tokens"]).iter().map(|token| {
                    let expired = if token["expired"] == true {
                        " (expired)"
                    } else {
                        ""
                    };
                    [
                        cell(&token["id"]),
                        cell(&token["name"]),
                        cell(&token["role"]),
                        cell(&token["source"]),
                        cell(&token["created_at"]),
                        format!("{}{expired}", cell(&token["expires_at"])),
                    ]
                });
                table(
                    ["ID", "NAME", "ROLE", "KEPT IN", "CREATED", "EXPIRES"],
                    rows,
                )
            })
        }
        TokenCommand::Delete { id, why } => {
            let ask = Ask::new(Method::DELETE, format!("/admin/v1/tokens/{}", encoded(&id)));
            let reply = client.ask(ask.header(REASON, why.reason))?;
            out.show(&reply.body, |body| {
                format!(
                    "removed token '{}', id {}",
                    cell(&body["name"]),
                    cell(&body["id"])
                )
            })
        }
        TokenCommand::Hash(args) => hash(&args, out),
    }
}

/// Makes a token without a daemon.
pub(super) fn hash(args: &HashArgs, out: &mut Output) -> Result<(), Failure> {
    auth::check_name(&args.name).map_err(|error| Failure::usage(error.to_string()))?;
    let minted = auth::mint().map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let role = json!(args.role);
    let made = json!({"token": minted.text, "id": minted.id, "name": args.name, "role": role, "hash": minted.hash});
    out.show(&made, |made| {
        format!(
            "{}\n\nIt is shown this once. For the config:\n\n[[admin.tokens]]\nname = \"{}\"\nrole = \"{}\"\nhash = \"{}\"",
            cell(&made["token"]),
            cell(&made["name"]),
            cell(&made["role"]),
            cell(&made["hash"])
        )
    })
}
