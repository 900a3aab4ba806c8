//! The console in a real browser: Chromium, driven by the scenes in `tests/browser` through `playwright-core`, with
//! `axe-core` looking at every page. The packages come from npm, pinned; the browser is the machine's own, or is installed
//! where the tests run as root on Debian or its kin.
//!
//! Without a browser these tests say so and check nothing: it is a program of hundreds of megabytes, which not everybody
//! who changes a model's loader has. Where `IMPRESARIO_BROWSER` names one, or must (`IMPRESARIO_BROWSER=required`), they
//! fail instead.

#![allow(
    clippy::print_stderr,
    reason = "that a test was skipped, and where its pictures are, is told to whoever runs it"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};

use crate::daemon::{Daemon, House, agent, copy, reply, root};
use crate::python::made;

/// What the scenes are written for. A new pin gets a new folder.
const MODULES: [&str; 2] = ["playwright-core@1.65.1", "axe-core@4.14.1"];

/// Where Chromium is, under the names that it has.
const BROWSERS: [&str; 5] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
    "/snap/bin/chromium",
];

#[test]
fn a_canary_is_started_watched_and_aborted_and_that_lasts() {
    let Some(stage) = stage() else { return };
    let house = house();
    let (daemon, tokens) = served(&house);
    stage.play("canary", &daemon, &tokens);
    // Whatever the page was told is durable.
    daemon.kill();
    let daemon = house.serve_config();
    stage.play("afterwards", &daemon, &tokens);
}

#[test]
fn the_stories_of_an_admin_are_found_from_the_overview() {
    let Some(stage) = stage() else { return };
    let house = house();
    let (daemon, tokens) = served(&house);
    stage.play("stories", &daemon, &tokens);
}

#[test]
fn charts_begin_with_history() {
    let Some(stage) = stage() else { return };
    let house = house();
    let (daemon, tokens) = served(&house);
    stage.play("history", &daemon, &tokens);
}

#[test]
fn roles_and_scripts_are_refused() {
    let Some(stage) = stage() else { return };
    let house = house();
    let (daemon, tokens) = served(&house);
    stage.play("refused", &daemon, &tokens);
}

#[test]
fn every_page_is_for_everybody() {
    let Some(stage) = stage() else { return };
    let house = house();
    let (daemon, tokens) = served(&house);
    stage.play("pictures", &daemon, &tokens);
    eprintln!("pictures of every page: {}", stage.pictures.display());
}

#[test]
fn five_hundred_pipelines_are_there_at_once() {
    let Some(stage) = stage() else { return };
    let house = House::new();
    house.fake("echo/1", "behaviour = \"echo\"\n");
    let mut file = "version = 1\n".to_owned();
    for n in 0..500 {
        let policy = "type = \"standalone\"\nmodel = \"echo\"\nversion = 1\n";
        write!(file, "[pipelines.p{n:03}.policy]\n{policy}").unwrap();
    }
    house.write("pipelines/many.toml", &file);
    house.write("impresario.toml", CONFIG);
    let daemon = house.serve_config();
    stage.play("many", &daemon, &json!({}));
}

/// What runs scenes.
struct Stage {
    /// The folder with `node_modules`.
    modules: PathBuf,
    browser: PathBuf,
    pictures: PathBuf,
}

const CONFIG: &str = "version = 1\n[pipelines]\nfiles = [\"pipelines/*.toml\"]\n";

// === impl Stage ===

impl Stage {
    /// Plays a scene with a daemon.
    fn play(&self, scene: &str, daemon: &Daemon, tokens: &Value) {
        // A browser has several processes of its own: one at a time leaves something for the daemons.
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut node = Command::new("node");
        node.arg(root().join("tests/browser/run.mjs")).arg(scene);
        node.env("ADMIN", &daemon.admin).env("HTTP", &daemon.http);
        node.env("TOKENS", tokens.to_string());
        node.env("MODULES", &self.modules);
        node.env("BROWSER", &self.browser);
        node.env("SHOTS", &self.pictures);
        let text = said(&mut node).unwrap_or_else(|text| panic!("{text}\n{}", daemon.log()));
        assert!(text.contains(&format!("ok {scene}")), "{text}");
        eprint!("{text}");
    }
}

// === the rest ===

/// The stage, or nothing where there is no browser, which is told.
fn stage() -> Option<Stage> {
    static BROWSER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let browser = match BROWSER.get_or_init(browser) {
        Ok(browser) => browser.clone(),
        Err(why) => {
            let required = std::env::var_os("IMPRESARIO_BROWSER").is_some();
            assert!(!required, "no browser: {why}");
            eprintln!("SKIPPED: the console was not looked at in a browser: {why}");
            return None;
        }
    };
    let modules = made(&MODULES.join(" "), |fresh| {
        fs::create_dir(fresh).unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
        let installed = said(npm.arg(fresh).args(MODULES));
        installed.unwrap_or_else(|text| panic!("these tests need npm and its registry: {text}"));
    });
    Some(Stage {
        modules,
        browser,
        pictures: Path::new(env!("CARGO_TARGET_TMPDIR")).join("console"),
    })
}

/// Where the browser is.
fn browser() -> Result<PathBuf, String> {
    said(Command::new("node").arg("--version"))
        .map_err(|text| format!("there is no node: {text}"))?;
    if let Some(named) = std::env::var_os("IMPRESARIO_BROWSER").filter(|name| name != "required") {
        let named = PathBuf::from(named);
        return match named.exists() {
            true => Ok(named),
            false => Err(format!(
                "IMPRESARIO_BROWSER: there is no {}",
                named.display()
            )),
        };
    }
    let there = || {
        BROWSERS
            .iter()
            .map(PathBuf::from)
            .find(|path| path.exists())
    };
    if let Some(found) = there() {
        return Ok(found);
    }
    let root = said(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root {
        return Err("Chromium is not installed".to_owned());
    }
    for arguments in [
        &["update", "-qq"][..],
        &["install", "-y", "-qq", "chromium"],
    ] {
        let mut apt = Command::new("apt-get");
        let done = said(apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"));
        done.map_err(|text| format!("Chromium is not installed, and was not to be had: {text}"))?;
    }
    there().ok_or_else(|| "Chromium was installed, and is not where it should be".to_owned())
}

/// What a command said; what went wrong, where it did not succeed.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    match output.status.success() {
        true => Ok(said),
        false => Err(said),
    }
}

/// Models that are as they should be, and such that are slow or fail now and then, with a pipeline of each policy.
fn house() -> House {
    let house = House::new();
    copy(&root().join("examples/canary/models"), &house.models());
    house.fake("fast/1", "behaviour = \"echo\"\n");
    house.fake("slow/1", "behaviour = \"slow\"\ndelay = \"40ms\"\n");
    house.fake("flaky/1", "behaviour = \"flaky\"\nevery = 5\n");
    house.write("impresario.toml", CONFIG);
    let pipelines = root().join("tests/browser/pipelines.toml");
    house.write(
        "pipelines/all.toml",
        &fs::read_to_string(pipelines).unwrap(),
    );
    house
}

/// The house's daemon, with a token for each role.
fn served(house: &House) -> (Daemon, Value) {
    let daemon = house.serve_config();
    let mut tokens = json!({});
    for (name, role) in [("anna", "admin"), ("olga", "operator"), ("vera", "viewer")] {
        let url = format!("http://{}/admin/v1/tokens", daemon.admin);
        let mut request = agent().post(url).content_type("application/json");
        if let Some(token) = tokens["admin"].as_str() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let made = reply(request.send(json!({ "name": name, "role": role }).to_string()));
        assert!(made.status < 300, "{made:?}");
        tokens[role] = made.body["token"].clone();
    }
    (daemon, tokens)
}
