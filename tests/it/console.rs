//! The console as a browser loads it from the real binary: all that its files refer to is there, nothing is inline, and
//! nothing comes from elsewhere.

use std::collections::{BTreeSet, VecDeque};

use crate::daemon::{Daemon, House, agent};

fn fetch(daemon: &Daemon, path: &str) -> (String, String, String) {
    let url = format!("http://{}{path}", daemon.admin);
    let mut answer = agent().get(&url).call().unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let header = |name: &str| {
        let value = answer.headers().get(name).unwrap();
        value.to_str().unwrap().to_owned()
    };
    let (kind, policy) = (header("content-type"), header("content-security-policy"));
    (kind, policy, answer.body_mut().read_to_string().unwrap())
}

/// The places that a file refers to: what a page's tags name, and what a script's imports do. Vendored libraries refer to
/// nothing.
fn references(path: &str, text: &str) -> Vec<String> {
    let quoted = |part: &str| part.split('"').next().map(str::to_owned);
    if path.ends_with(".js") {
        assert!(!text.contains("import("), "{path} imports as it goes");
        let imports = text.lines().filter(|line| line.starts_with("import "));
        let places = imports.filter_map(|line| line.split_once(" from \""));
        return places.filter_map(|(_, place)| quoted(place)).collect();
    }
    let signs = ["src=\"", "href=\"", "url(\""];
    let after = |sign: &&str| {
        text.split(*sign)
            .skip(1)
            .filter_map(quoted)
            .collect::<Vec<_>>()
    };
    signs.iter().flat_map(after).collect()
}

/// A place as seen from a file.
fn resolve(from: &str, place: &str) -> String {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in place.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn all_that_the_console_refers_to_is_in_the_binary() {
    let house = House::new();
    let daemon = house.serve();
    let mut seen = BTreeSet::new();
    let mut ahead = VecDeque::from(["/console/index.html".to_owned()]);
    while let Some(path) = ahead.pop_front() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let (kind, policy, text) = fetch(&daemon, &path);
        let expected = match path.rsplit_once('.').map(|(_, end)| end) {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        };
        assert_eq!(kind, expected, "{path}");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        for needed in [
            "script-src 'self';",
            "style-src 'self';",
            "connect-src 'self';",
            "base-uri 'none';",
            "form-action 'none';",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(needed), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        if path.contains("/vendor/") {
            continue;
        }
        for place in references(&path, &text) {
            // A page of the console, or a link out of it that is followed and not loaded.
            if place.starts_with('#') {
                continue;
            }
            assert!(!place.contains("://"), "{path} refers to {place}");
            let place = resolve(&path, &place);
            assert!(place.starts_with("/console/"), "{path} refers to {place}");
            ahead.push_back(place);
        }
        // What would put a text in as markup, or run it.
        for banned in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "localStorage",
        ] {
            assert!(!text.contains(banned), "{path} says {banned}");
        }
    }
    let scripts = seen.iter().filter(|path| path.ends_with(".js")).count();
    assert!(scripts > 10, "{seen:?}");
    assert!(seen.contains("/console/pages/rollout.js"), "{seen:?}");
    assert!(seen.contains("/console/vendor/uplot/uPlot.iife.min.js"));
    assert!(seen.contains("/console/vendor/dagre/dagre.esm.js"));
}

#[test]
fn the_page_has_nothing_inline() {
    let house = House::new();
    let daemon = house.serve();
    let (_, _, page) = fetch(&daemon, "/console");
    assert!(page.starts_with("<!doctype html>"), "{page}");
    for tag in page.split('<').skip(1) {
        let (tag, inside) = tag.split_once('>').unwrap();
        assert!(!tag.starts_with("style"), "{tag}");
        assert!(!tag.contains("style="), "{tag}");
        assert!(!tag.contains(" on"), "{tag}");
        assert!(!tag.contains("javascript:"), "{tag}");
        if tag.starts_with("script") {
            assert!(tag.contains("src=") && inside.trim().is_empty(), "{tag}");
        }
    }
}
