//! Tables of settings and what becomes of them.

mod notify;
mod otlp;
mod payload;

use std::net::SocketAddr;
use std::time::Duration;

use expect_test::{Expect, expect};
use tempfile::TempDir;

use super::*;
use crate::store::Role;

/// A configuration in a folder of its own.
struct Case {
    folder: TempDir,
    file: PathBuf,
    environment: Vec<(String, String)>,
    overrides: Overrides,
}

impl Case {
    fn new(name: &str, text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        Self {
            folder,
            file,
            environment: Vec::new(),
            overrides: Overrides::default(),
        }
    }

    fn toml(text: &str) -> Self {
        Self::new("impresario.toml", &format!("version = 1\n{text}"))
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn load(&self) -> Result<(Settings, Vec<Problem>), Vec<Problem>> {
        Settings::load(Some(&self.file), self.environment.clone(), &self.overrides)
    }

    fn settings(&self) -> Settings {
        let (settings, warnings) = self.load().unwrap();
        assert_eq!(warnings, []);
        settings
    }

    /// Problems with paths relative to the case's folder.
    fn show(&self, problems: &[Problem]) -> String {
        let root = format!("{}/", self.folder.path().display());
        let lines: String = problems.iter().map(|p| format!("{p}\n")).collect();
        lines.replace(&root, "")
    }

    fn refused(&self, expected: &Expect) {
        expected.assert_eq(&self.show(&self.load().unwrap_err()));
    }
}

fn refused(text: &str, expected: &Expect) {
    Case::toml(text).refused(expected);
}

const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$J1N0iKd0T3BRZE8Wx2Y2lPp2Wc5yD0n9kz3Qm1mS0xA";

#[test]
fn the_defaults_are_the_documented_ones() {
    let settings = Settings::default();
    assert_eq!(
        settings.server.http,
        SocketAddr::from(([127, 0, 0, 1], 8080))
    );
    assert_eq!(
        settings.server.admin,
        SocketAddr::from(([127, 0, 0, 1], 8082))
    );
    assert_eq!(
        settings.server.grpc,
        Some(SocketAddr::from(([127, 0, 0, 1], 8081)))
    );
    let off = Case::toml("[server]\ngrpc = 'none'").settings();
    assert_eq!(off.server.grpc, None);
    assert_eq!(settings.server.workers, None);
    assert_eq!(settings.server.limits.max_body, 64 << 20);
    assert_eq!(settings.models.repository, Path::new("models"));
    assert_eq!(settings.models.poll, Some(Duration::from_secs(2)));
    assert_eq!(settings.models.max_load_memory, None);
    assert_eq!(settings.models.loaders, None);
    assert_eq!(settings.models.memory_budget, None);
    assert_eq!(settings.models.cache, Some(64 << 20));
    assert_eq!(settings.models.restart.max, Duration::from_secs(30));
    assert_eq!(settings.store.engine, Engine::Sled("state".into()));
    assert_eq!(settings.pipelines, [], "without a file, none is looked for");
    assert_eq!(Case::toml("").settings().pipelines.len(), 1);
}

#[test]
fn later_layers_win_and_paths_are_relative_to_who_wrote_them() {
    let mut case = Case::toml(
        "[server]\nhttp = 'localhost:1'\nadmin = '127.0.0.1:2'\ngrace = '3s'\n[models]\nrepository = 'm'\npoll = '0s'",
    )
    .variable("IMPRESARIO__SERVER__ADMIN", "[::1]:3")
    .variable("IMPRESARIO__SERVER__GRACE", "4s")
    .variable("IMPRESARIO__SERVER__WORKERS", "5")
    .variable("IMPRESARIO__STORE__PATH", "s")
    .variable("IMPRESARIO__PIPELINES__FILES", r#"["x/*.yaml"]"#)
    .variable("IMPRESARIO__ADMIN__INSECURE_REMOTE", "true")
    .variable("IMPRESARIO_PORT", "tcp://10.0.0.1");
    case.overrides.grace = Some("5s".to_owned());
    case.overrides.log_level = Some("info,impresario::actors=debug".to_owned());
    let settings = case.settings();
    assert_eq!(settings.server.http, SocketAddr::from(([127, 0, 0, 1], 1)));
    assert_eq!(settings.server.admin, "[::1]:3".parse().unwrap());
    assert_eq!(settings.server.grace, Duration::from_secs(5));
    assert_eq!(settings.server.workers.unwrap().get(), 5);
    assert_eq!(settings.models.repository, case.folder.path().join("m"));
    assert_eq!(settings.models.poll, None);
    assert_eq!(settings.store.engine, Engine::Sled("s".into()));
    assert_eq!(settings.pipelines[0].pattern(), "x/*.yaml");
    assert!(settings.admin.insecure_remote);
    assert_eq!(settings.log.level, "info,impresario::actors=debug");
}

#[test]
fn yaml_and_json_say_the_same_as_toml() {
    let toml =
        Case::toml("[server.limits]\nmax_body = '1MiB'\n[store]\nengine = 'memory'\n").settings();
    let yaml = "version: 1\nserver:\n  limits: {max_body: 1MiB}\nstore: {engine: memory}\nlog:\n";
    let json = r#"{"version": 1, "server": {"limits": {"max_body": 1048576}}, "store": {"engine": "memory"}}"#;
    for (name, text) in [("impresario.yaml", yaml), ("impresario.json", json)] {
        let settings = Case::new(name, text).settings();
        assert_eq!(settings.server, toml.server, "{name}");
        assert_eq!(settings.store, toml.store, "{name}");
    }
}

#[test]
fn every_problem_is_told_at_once_with_its_place() {
    refused(
        "
sever = 1
[server]
http = ':8080'
admin = 'nowhere'
workers = 2000
grace = 30
grase = '1s'
[server.limits]
max_body = '64MB'
max_inflated = '1kB'
max_inputs = 0
max_string = '1 parsec'
[models]
poll = '1ms'
loaders = 1.5
max_load_memory = 'some'
memory_budget = '0'
waiting = 0
cache = 'on'
restart = { initial = '1m', max = '1s', crashes = 'five' }
[pipelines]
files = ['[', 3]
[store]
engine = 'sledd'
retain_revisions = 10
retain_audit = 9
[admin]
insecure_remote = 'yes'
[log]
level = 'inof'
format = 'xml'
",
        &expect![[r#"
            impresario.toml:3:1: error[unknown-field] sever: unknown field 'sever' (hint: did you mean 'server'?)
            impresario.toml:5:8: error[invalid-address] server.http: expected an IP address and a port such as "127.0.0.1:8080", got ":8080" (hint: write "127.0.0.1:8080" for this machine only, "0.0.0.0:8080" for all of its addresses)
            impresario.toml:6:9: error[invalid-address] server.admin: expected an IP address and a port such as "127.0.0.1:8080", got "nowhere"
            impresario.toml:7:11: error[out-of-range] server.workers: expected a whole number from 0 to 1024, got the number 2000
            impresario.toml:8:9: error[wrong-type] server.grace: expected a duration with its unit, got 30 (hint: write "30s" for seconds or "30ms" for milliseconds)
            impresario.toml:9:1: error[unknown-field] server.grase: unknown field 'grase' (hint: did you mean 'grace'?)
            impresario.toml:12:16: error[out-of-range] server.limits.max_inflated: expected at least max_body, 64000000 bytes, got 1000
            impresario.toml:13:14: error[out-of-range] server.limits.max_inputs: expected a whole number from 1 to 1048576, got the number 0
            impresario.toml:14:14: error[invalid-size] server.limits.max_string: expected a size such as "64MiB" or a number of bytes, got "1 parsec"
            impresario.toml:16:8: error[out-of-range] models.poll: expected a duration from 100ms to 1day, got "1ms"
            impresario.toml:17:11: error[out-of-range] models.loaders: expected a whole number from 0 to 256, got the number 1.5
            impresario.toml:18:19: error[invalid-size] models.max_load_memory: expected a size such as "64MiB" or a number of bytes, got "some"
            impresario.toml:19:17: error[out-of-range] models.memory_budget: expected a size from 1 to 18446744073709551615 bytes, got 0
            impresario.toml:20:11: error[out-of-range] models.waiting: expected a whole number from 1 to 1048576, got the number 0
            impresario.toml:21:9: error[invalid-size] models.cache: expected a size such as "64MiB" or a number of bytes, got "on"
            impresario.toml:22:35: error[out-of-range] models.restart.max: expected a duration from 1m to 1day, got "1s"
            impresario.toml:22:51: error[wrong-type] models.restart.crashes: expected a whole number, got "five"
            impresario.toml:24:10: error[invalid-glob] pipelines.files[0]: expected a glob, got "[": Pattern syntax error near position 0: invalid range pattern
            impresario.toml:24:15: error[wrong-type] pipelines.files[1]: expected a string, got the number 3
            impresario.toml:26:10: error[unknown-value] store.engine: expected sled, memory, got "sledd" (hint: did you mean 'sled'?)
            impresario.toml:28:16: error[out-of-range] store.retain_audit: expected a whole number from 10 to 10000000, got the number 9
            impresario.toml:30:19: error[wrong-type] admin.insecure_remote: expected true or false, got "yes"
            impresario.toml:32:9: error[unknown-value] log.level: expected one of off, error, warn, info, debug, trace, got 'inof' (hint: did you mean 'info'?)
            impresario.toml:33:10: error[unknown-value] log.format: expected auto, text, json, ecs, got "xml"
        "#]],
    );
}

#[test]
fn variables_and_flags_are_named() {
    let mut case = Case::toml("")
        .variable("IMPRESARIO__SERVER__HTTTP", "127.0.0.1:1")
        .variable("IMPRESARIO__SEVER__HTTP", "127.0.0.1:1")
        .variable("IMPRESARIO__SERVER__WORKERS", "many")
        .variable("IMPRESARIO__LOG", "info")
        .variable(
            "IMPRESARIO__ADMIN__TOKENS",
            r#"[{"name": "x", "role": "boss", "hash": "secret"}]"#,
        );
    case.overrides.http = Some("8080".to_owned());
    case.refused(&expect![[r#"
        environment variable IMPRESARIO__ADMIN__TOKENS: error[unknown-value] admin.tokens[0].role: expected viewer, operator, admin, got "boss"
        environment variable IMPRESARIO__ADMIN__TOKENS: error[invalid-hash] admin.tokens[0].hash: expected an Argon2id hash in the PHC format, $argon2id$v=19$m=... (hint: `impresario token hash NAME --role ROLE` makes a token and prints its hash)
        environment variable IMPRESARIO__LOG: error[wrong-type] log: expected a table, got "info"
        environment variable IMPRESARIO__SERVER__HTTTP: error[unknown-field] server.htttp: unknown field 'htttp' (hint: did you mean 'http'?)
        environment variable IMPRESARIO__SERVER__WORKERS: error[out-of-range] server.workers: expected a whole number from 0 to 1024, got "many"
        environment variable IMPRESARIO__SEVER__HTTP: error[unknown-field] sever: unknown field 'sever' (hint: did you mean 'server'?)
        flag --http: error[invalid-address] server.http: expected an IP address and a port such as "127.0.0.1:8080", got "8080" (hint: write "127.0.0.1:8080" for this machine only, "0.0.0.0:8080" for all of its addresses)
    "#]]);
    let case = Case::toml("")
        .variable("IMPRESARIO__", "1")
        .variable("IMPRESARIO__SERVER____HTTP", "1")
        .variable("IMPRESARIO__PIPELINES__FILES", "[1, ]");
    case.refused(&expect![[r#"
        environment variable IMPRESARIO__: error[unknown-field]: the name is no setting's (hint: IMPRESARIO__SERVER__HTTP is server.http)
        environment variable IMPRESARIO__PIPELINES__FILES:1:5: error[syntax]: not JSON: expected value
        environment variable IMPRESARIO__SERVER____HTTP: error[unknown-field]: the name is no setting's (hint: IMPRESARIO__SERVER__HTTP is server.http)
    "#]]);
}

#[test]
fn listeners_must_differ_and_not_be_open_to_all() {
    refused(
        "[server]\nhttp = '0.0.0.0:8082'\n[admin]\ninsecure_remote = true",
        &expect![[r#"
            impresario.toml: error[same-address] server.admin: the admin plane cannot share 127.0.0.1:8082 with the data plane on 0.0.0.0:8082 (hint: give it another port)
        "#]],
    );
    refused(
        "[server]\nhttp = '0.0.0.0:80'\nadmin = '[2001:db8::1]:81'",
        &expect![[r#"
            impresario.toml:3:8: error[exposed] server.http: 0.0.0.0:80 can be reached from beyond this machine, and there is no token (hint: make a token with `impresario token hash NAME --role admin` and put its hash under [admin] tokens, or bind 127.0.0.1, or set admin.insecure_remote = true where a network policy or a proxy guards it)
            impresario.toml:4:9: error[exposed] server.admin: [2001:db8::1]:81 can be reached from beyond this machine, and there is no token (hint: make a token with `impresario token hash NAME --role admin` and put its hash under [admin] tokens, or bind 127.0.0.1, or set admin.insecure_remote = true where a network policy or a proxy guards it)
        "#]],
    );
    refused(
        "[server]\ngrpc = '0.0.0.0:8082'",
        &expect![[r#"
            impresario.toml:3:8: error[same-address] server.grpc: gRPC cannot share 0.0.0.0:8082 with 127.0.0.1:8082 (hint: give it another port, or "none")
            impresario.toml:3:8: error[exposed] server.grpc: 0.0.0.0:8082 can be reached from beyond this machine, and there is no token (hint: make a token with `impresario token hash NAME --role admin` and put its hash under [admin] tokens, or bind 127.0.0.1, or set admin.insecure_remote = true where a network policy or a proxy guards it)
        "#]],
    );
    let token = format!(
        "[server]\nhttp = '0.0.0.0:80'\n[admin]\ntokens = [{{ name = 'ci', role = 'admin', hash = '{HASH}' }}]"
    );
    let settings = Case::toml(&token).settings();
    assert_eq!(settings.admin.tokens[0].role, Role::Admin);
    let both = "[server]\nhttp = '127.0.0.1:0'\nadmin = '127.0.0.1:0'";
    assert_eq!(Case::toml(both).settings().server.http.port(), 0);
}

#[test]
fn a_secret_is_never_printed() {
    let text = "[admin]\ntokens = [{ name = 'ci', role = 'admin', hash = 'imp_hunter2' }]";
    let case = Case::toml(text);
    case.refused(&expect![[r#"
        impresario.toml:3:49: error[invalid-hash] admin.tokens[0].hash: expected an Argon2id hash in the PHC format, $argon2id$v=19$m=... (hint: `impresario token hash NAME --role ROLE` makes a token and prints its hash)
    "#]]);
    let text = format!("[admin]\ntokens = [{{ name = 'ci', role = 'viewer', hash = '{HASH}' }}]");
    let debug = format!("{:?}", Case::toml(&text).settings());
    assert!(debug.contains("Viewer"), "{debug}");
    assert!(!debug.contains("argon2"), "{debug}");
}

#[test]
fn what_is_no_configuration_is_refused() {
    for (name, text, expected) in [
        (
            "impresario.toml",
            "",
            expect![[r#"
            impresario.toml:1:1: error[missing-field]: the field 'version' is missing (hint: begin the file with version = 1 (YAML: version: 1))
        "#]],
        ),
        (
            "impresario.toml",
            "version = 2\nfuture = true",
            expect![[r#"
                impresario.toml:1:11: error[unknown-version] version: version 2 is not known to this release, which reads version 1
            "#]],
        ),
        (
            "impresario.toml",
            "version = 1\n'server.http' = 'x'",
            expect![[r#"
                impresario.toml:2:1: error[unknown-field] "server.http": unknown field 'server.http'
            "#]],
        ),
        (
            "impresario.toml",
            "version = 1\nserver = 5",
            expect![[r#"
            impresario.toml:2:10: error[wrong-type] server: expected a table, got the number 5
        "#]],
        ),
        (
            "impresario.yaml",
            "- 1",
            expect![[r#"
            impresario.yaml:1:1: error[wrong-type]: expected a table, got a list of 1
        "#]],
        ),
        (
            "impresario.json",
            "{\"version\": 1,}",
            expect![[r#"
            impresario.json:1:15: error[syntax]: not JSON: key must be a string
        "#]],
        ),
        (
            "impresario.ini",
            "version = 1",
            expect![[r#"
            impresario.ini: error[unknown-format]: expected a file named .toml, .yaml, .yml or .json
        "#]],
        ),
    ] {
        Case::new(name, text).refused(&expected);
    }
    let mut case = Case::toml("");
    case.file = case.folder.path().join("absent.toml");
    case.refused(&expect![[r#"
        absent.toml: error[unreadable]: read the file: No such file or directory (os error 2)
    "#]]);
    std::fs::write(case.folder.path().join("bytes.toml"), b"version = 1 # \xff").unwrap();
    case.file = case.folder.path().join("bytes.toml");
    case.refused(&expect![[r#"
        bytes.toml: error[not-utf8]: expected UTF-8, got another byte at offset 14
    "#]]);
}

#[test]
fn pipeline_files_are_found_beside_the_settings() {
    let case = Case::toml("[pipelines]\nfiles = ['p/*.toml', 'p/a.*', 'absent/*.toml']");
    let folder = case.folder.path().join("p");
    std::fs::create_dir_all(folder.join("folder.toml")).unwrap();
    let pipeline = |name: &str| {
        format!("version = 1\n[pipelines.{name}.policy]\ntype = 'standalone'\nmodel = 'm'\n")
    };
    std::fs::write(folder.join("a.toml"), pipeline("a")).unwrap();
    std::fs::write(folder.join("b.toml"), pipeline("b")).unwrap();
    let compiled = case.settings().read_pipelines().unwrap();
    let names: Vec<&str> = compiled
        .pipelines()
        .keys()
        .map(|name| name.as_str())
        .collect();
    assert_eq!(names, ["a", "b"]);
    expect![[r#"
        impresario.toml:3:31: warning[no-match] pipelines.files[2]: no file matches absent/*.toml
    "#]]
    .assert_eq(&case.show(compiled.warnings()));

    std::fs::write(folder.join("a.txt"), pipeline("c")).unwrap();
    std::fs::write(folder.join("b.toml"), pipeline("a")).unwrap();
    let problems = case.settings().read_pipelines().unwrap_err();
    expect![[r#"
        impresario.toml:3:31: warning[no-match] pipelines.files[2]: no file matches absent/*.toml
        p/a.txt: error[unknown-format]: expected a file named .toml, .yaml, .yml or .json
        p/b.toml:2:12: error[duplicate-pipeline] pipelines.a: the pipeline 'a' is defined twice, first at p/a.toml:2:12 (hint: keep one of the two)
    "#]].assert_eq(&case.show(&problems));
}
