//! What can be asked, and how commands end.

use clap::{CommandFactory, Parser};

use super::args::{
    Cli, Command, ExperimentCommand, Form, ModelsCommand, PipelinesCommand, TokenCommand,
};
use super::*;
use crate::client;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("impresario").chain(line.split_whitespace()))
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn commands_are_understood() {
    let cli =
        parse("pipelines put front --model iris --version 2 --if-match 3 --dry-run --output json")
            .unwrap();
    assert_eq!(cli.output, Form::Json);
    let Command::Pipelines(PipelinesCommand::Put(put)) = cli.command else {
        panic!("not a put")
    };
    assert_eq!(
        (
            put.model.as_deref(),
            put.version.as_str(),
            put.change.if_match
        ),
        (Some("iris"), "2", Some(3))
    );
    assert!(put.change.dry_run && put.file.is_none());
    let cli = parse("--admin-url http://h:1 models load iris -v 2 --wait 0s --reason why").unwrap();
    assert_eq!(cli.admin_url, "http://h:1");
    let Command::Models(ModelsCommand::Load(load)) = cli.command else {
        panic!("not a load")
    };
    assert_eq!(
        (
            load.version,
            load.wait.is_zero(),
            load.why.reason.as_deref()
        ),
        (Some(2), true, Some("why"))
    );
    let cli = parse("token create ci --role operator --expires-in 30d").unwrap();
    assert!(matches!(
        cli.command,
        Command::Token(TokenCommand::Create { .. })
    ));
    for line in [
        "serve --config x.toml --models m --state s --http 127.0.0.1:0 --admin 127.0.0.1:0 --addresses-file f \
         --grace 3s --log-level debug",
        "check --config x.toml",
        "check --run --models m",
        "graph front",
        "graph front@3 --config x.toml --format mermaid",
        "status",
        "models list",
        "models show iris -v 1",
        "pipelines put front pipeline.json",
        "pipelines put front pipeline.json --force --reason agreed",
        "rollout start front --canary 4",
        "rollout start front --canary 4 --stable 3 --file steps.yaml --force --reason agreed --dry-run",
        "rollout start front --file canary.toml",
        "rollout status front",
        "rollout watch front --output json",
        "rollout explain front",
        "rollout plan front",
        "rollout plan front --canary 4 --per-second 50 --errors 0.01",
        "rollout pause front --reason lunch",
        "rollout resume front --if-match 3",
        "rollout promote front",
        "rollout promote front --full --force --reason agreed",
        "rollout promote front --to-step 3",
        "rollout skip front",
        "rollout approve front",
        "rollout reject front --reason labels",
        "rollout abort front --reason labels",
        "rollout retry front",
        "rollout undo front",
        "rollout set-weight front 12.5",
        "rollout freeze front --until 2h",
        "rollout unfreeze front",
        "experiment report front",
        "experiment stop front --reason over",
        "experiment ship front new",
        "experiment set-weights front old=80 new=20%",
        "experiment pause front",
        "experiment resume front",
        "bandit report front",
        "bandit freeze front --as best",
        "bandit pause front",
        "bandit resume front",
        "bandit remove-arm front new --reason labels",
        "bandit restore-arm front new",
        "shadow report front",
        "explain 0190-abc",
        "events",
        "events --follow --pipeline front --limit 0",
        "freeze --until 2030-01-31T08:00:00Z --reason holiday",
        "unfreeze",
        "pipelines put front -",
        "pipelines revisions front 3",
        "pipelines undo front --to 3 --if-match 5",
        "infer iris --input x=[[1,2]] --input y=[1]",
        "infer iris --file -",
        "audit --actor ci --limit 5 --before 9",
        "token hash ci --role admin",
        "reload --reason edited",
        "backup - --force",
        "restore b --state s --force",
        "version",
        "completions zsh",
    ] {
        assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
    }
}

#[test]
fn commands_that_cannot_be_meant_are_refused_with_code_2() {
    for line in [
        "frobnicate",
        "pipelines put front",
        "pipelines put front f.json --model iris",
        "pipelines put front --version 2",
        "infer iris",
        "infer iris --file f --input x=1",
        "models load",
        "models load iris --wait soon",
        "pipelines put front f.json --force",
        "rollout",
        "rollout start front",
        "rollout start front --stable 3",
        "rollout start front --canary 4 --force",
        "rollout promote front --full --to-step 3",
        "rollout promote front --full --force",
        "rollout set-weight front",
        "rollout set-weight front much",
        "experiment set-weights front",
        "experiment set-weights front old",
        "experiment set-weights front old=much",
        "bandit freeze front --as ice",
        "explain",
        "models show iris --version new",
        "token create ci",
        "token create ci --role god",
        "restore b",
        "--output xml status",
    ] {
        let error = parse(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}: {error}");
    }
}

#[test]
fn a_refusal_s_status_is_the_exit_code() {
    let failure = |status: u16| {
        let document = serde_json::json!({"code": "x", "detail": "no", "status": status});
        Failure::from(client::Error::Refused(Box::new(client::Refusal {
            status,
            document,
        })))
    };
    for (status, exit) in [
        (400, Exit::Failed),
        (401, Exit::Forbidden),
        (403, Exit::Forbidden),
        (404, Exit::NotFound),
        (409, Exit::Conflict),
        (412, Exit::Conflict),
        (422, Exit::Failed),
        (503, Exit::Failed),
    ] {
        assert_eq!(failure(status).exit, exit, "{status}");
    }
    assert!(failure(401).message.contains("IMPRESARIO_TOKEN"));
    let closed = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
    assert_eq!(Failure::from(closed).exit, Exit::Done);
}

#[test]
fn tables_are_plain() {
    let rows = [
        ["iris".to_owned(), String::new()],
        ["b".to_owned(), "2".to_owned()],
    ];
    assert_eq!(
        output::table(["NAME", "V"], rows),
        "NAME  V\niris  -\nb     2"
    );
    assert_eq!(output::cut("a\nbcdef", 4), "a b…");
    assert_eq!(output::bytes(&serde_json::json!(1_536)), "1.5 KiB");
    assert_eq!(output::bytes(&serde_json::json!(12)), "12 B");
}

#[test]
fn weights_are_read_by_their_arms() {
    let cli = parse("experiment set-weights front old=80 new=20%").unwrap();
    let Command::Experiment(ExperimentCommand::SetWeights { weights, .. }) = cli.command else {
        panic!("not weights")
    };
    assert_eq!(
        weights,
        [("old".to_owned(), 80.0), ("new".to_owned(), 20.0)]
    );
}

#[test]
fn numbers_are_for_people() {
    for (number, shown) in [
        (serde_json::json!(0.0), "0"),
        (serde_json::json!(12), "12"),
        (serde_json::json!(1.25), "1.25"),
        (serde_json::json!(0.01234), "0.0123"),
        (serde_json::json!(0.00001234), "1.2e-5"),
        (serde_json::json!(1_234.5), "1234"),
        (serde_json::json!(20_200), "20.2 k"),
        (serde_json::json!(3_400_000), "3.4 M"),
        (serde_json::Value::Null, ""),
    ] {
        assert_eq!(course::number(&number), shown, "{number}");
    }
    assert_eq!(course::percent(&serde_json::json!(0.0123)), "1.23 %");
    assert_eq!(course::span(&serde_json::json!(3_661.2)), "1h 1m 1s");
    assert_eq!(
        (course::bar(0.5), course::bar(7.0)),
        ("[#####.....]".to_owned(), "[##########]".to_owned())
    );
}
