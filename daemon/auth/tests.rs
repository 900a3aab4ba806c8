//! The door, by tables.

use std::net::{IpAddr, SocketAddr};

use impresario_pipelines::fleet::Now;

use super::*;

const LOOPBACK: &str = "127.0.0.1";

fn door(bound: &str, configured: Vec<Token>) -> Door {
    Door::new(at(bound), configured, Strangers::Refused)
}

fn at(bound: &str) -> SocketAddr {
    format!("{bound}:8082").parse().unwrap()
}

fn now(seconds: u64) -> Now {
    Now {
        monotonic: seconds * 1_000,
        wall: 1_700_000_000_000 + seconds * 1_000,
    }
}

fn token(name: &str, role: Role) -> (Token, String) {
    let minted = mint().unwrap();
    let token = Token {
        id: minted.id,
        name: name.to_owned(),
        role,
        hash: minted.hash,
        created_at: 0,
        expires_at: None,
    };
    (token, format!("Bearer {}", minted.text))
}

fn bearing<'a>(header: &'a str, peer: &str) -> Asking<'a> {
    Asking {
        authorization: Some(header),
        peer: Some(peer.parse().unwrap()),
        ..Asking::default()
    }
}

#[test]
fn tokens_of_config_and_store_open_the_door_and_others_do_not() {
    let (first, first_text) = token("ops", Role::Operator);
    let (second, second_text) = token("board", Role::Viewer);
    let door = door("0.0.0.0", vec![first]);
    let stored = [second];
    let admit = |header: &str| door.admit(&bearing(header, "192.0.2.9"), &stored, now(0));
    for _ in 0..2 {
        // The second time from the cache.
        let who = admit(&first_text).unwrap();
        assert_eq!((who.name.as_str(), who.role), ("ops", Role::Operator));
        let who = admit(&second_text).unwrap();
        assert_eq!((who.name.as_str(), who.role), ("board", Role::Viewer));
    }
    let (_, stranger) = token("x", Role::Admin);
    let (most, last) = second_text.split_at(second_text.len() - 1);
    let other_secret = format!("{most}{}", if last == "0" { "1" } else { "0" });
    for (header, denied) in [
        (stranger.as_str(), Denied::Unknown),
        (&other_secret, Denied::Unknown),
        ("Bearer imp_", Denied::Unknown),
        ("Bearer imp_a_b_c", Denied::Unknown),
        ("Bearer ümlaut", Denied::Unknown),
        ("Bearer", Denied::Missing),
        ("Bearer  ", Denied::Missing),
        ("Basic dXNlcjpwdw==", Denied::Missing),
        ("", Denied::Missing),
    ] {
        assert_eq!(admit(header), Err(denied), "{header}");
    }
    let none = Asking::default();
    assert_eq!(door.admit(&none, &stored, now(0)), Err(Denied::Missing));
}

#[test]
fn what_was_verified_dies_with_the_token() {
    let (stored, text) = token("ci", Role::Admin);
    let door = door("0.0.0.0", Vec::new());
    let asking = bearing(&text, "192.0.2.9");
    let admitted = |tokens: &[Token], at: u64| door.admit(&asking, tokens, now(at));
    assert!(admitted(std::slice::from_ref(&stored), 0).is_ok());
    let (other, _) = token("other", Role::Admin);
    assert_eq!(
        admitted(std::slice::from_ref(&other), 0),
        Err(Denied::Unknown),
        "removed"
    );
    let replaced = Token {
        hash: other.hash,
        ..stored.clone()
    };
    assert_eq!(admitted(&[replaced], 0), Err(Denied::Unknown), "replaced");
    let expiring = Token {
        expires_at: Some(now(60).wall),
        ..stored
    };
    assert!(admitted(std::slice::from_ref(&expiring), 59).is_ok());
    let name = "ci".to_owned();
    assert_eq!(admitted(&[expiring], 60), Err(Denied::Expired { name }));
}

#[test]
fn wrong_tokens_are_slowed_and_right_ones_are_not() {
    let (stored, text) = token("ci", Role::Admin);
    let (late, late_text) = token("late", Role::Admin);
    let stored = [stored, late];
    let door = door("0.0.0.0", Vec::new());
    let admit = |header: &str, peer: &str, at| door.admit(&bearing(header, peer), &stored, now(at));
    assert!(admit(&text, "192.0.2.9", 0).is_ok());
    for _ in 0..10 {
        assert_eq!(
            admit("Bearer imp_a_b", "192.0.2.9", 0),
            Err(Denied::Unknown)
        );
    }
    let slowed = |result| matches!(result, Err(Denied::Slowed { .. }));
    assert!(slowed(admit("Bearer imp_a_b", "192.0.2.9", 0)));
    assert!(
        slowed(admit(&late_text, "192.0.2.9", 0)),
        "guessing goes no faster with a right id"
    );
    assert!(
        admit(&text, "192.0.2.9", 0).is_ok(),
        "verified before: never slowed"
    );
    assert!(admit(&late_text, "192.0.2.8", 0).is_ok(), "another peer");
    assert!(admit("Bearer imp_a_b", "192.0.2.9", 6).is_err_and(|e| e == Denied::Unknown));
}

#[test]
fn without_tokens_only_this_machine_is_admitted() {
    let admitted = |bound: &str, peer: &str, host: Option<&str>, origin: Option<&str>| {
        let asking = Asking {
            authorization: Some("Bearer imp_whatever_x"),
            peer: peer.parse::<IpAddr>().ok(),
            hosts: [host, None],
            origin,
            ..Asking::default()
        };
        door(bound, Vec::new()).admit(&asking, &[], now(0)).is_ok()
    };
    for (bound, peer, host, origin) in [
        (LOOPBACK, LOOPBACK, None, None),
        (LOOPBACK, LOOPBACK, Some("127.0.0.1:8082"), None),
        (
            LOOPBACK,
            LOOPBACK,
            Some("localhost:8082"),
            Some("http://localhost:8082"),
        ),
        (LOOPBACK, LOOPBACK, Some("LOCALHOST"), None),
        (
            "[::1]",
            "::1",
            Some("[::1]:8082"),
            Some("http://[::1]:8082"),
        ),
        (
            "127.0.0.2",
            "::ffff:127.0.0.1",
            Some("127.0.0.2:8082"),
            None,
        ),
    ] {
        assert!(
            admitted(bound, peer, host, origin),
            "{bound} {peer} {host:?} {origin:?}"
        );
    }
    for (bound, peer, host, origin) in [
        (LOOPBACK, "192.0.2.1", None, None),
        ("0.0.0.0", LOOPBACK, None, None),
        (LOOPBACK, "", None, None),
        (LOOPBACK, LOOPBACK, Some("evil.example:8082"), None),
        (LOOPBACK, LOOPBACK, Some("127.0.0.1.evil.example"), None),
        (LOOPBACK, LOOPBACK, Some("192.0.2.1:8082"), None),
        (LOOPBACK, LOOPBACK, Some(""), None),
        (LOOPBACK, LOOPBACK, Some("[::1"), Some("null")),
        (
            LOOPBACK,
            LOOPBACK,
            Some("localhost:8082"),
            Some("http://evil.example"),
        ),
        (
            LOOPBACK,
            LOOPBACK,
            Some("localhost:8082"),
            Some("http://localhost:3000"),
        ),
        (LOOPBACK, LOOPBACK, Some("localhost:8082"), Some("null")),
        (LOOPBACK, LOOPBACK, None, Some("http://localhost:8082")),
    ] {
        assert!(
            !admitted(bound, peer, host, origin),
            "{bound} {peer} {host:?} {origin:?}"
        );
    }
}

#[test]
fn secrets_are_long_fresh_and_never_printed() {
    let (one, two) = (mint().unwrap(), mint().unwrap());
    assert_ne!(one.text, two.text);
    assert_eq!(one.text.len(), "imp_".len() + 12 + 1 + 64);
    assert_eq!(
        one.text
            .strip_prefix(&format!("imp_{}_", one.id))
            .map(str::len),
        Some(64)
    );
    assert!(
        one.hash.starts_with("$argon2id$v=19$m=256,t=1,p=1$"),
        "{}",
        one.hash
    );
    let shown = format!("{one:?}");
    assert!(
        !shown.contains(&one.text) && !shown.contains("argon2"),
        "{shown}"
    );
}

#[test]
fn hashes_tell_whose_they_are_and_are_checked() {
    let minted = mint().unwrap();
    assert_eq!(id(&minted.hash), Ok(minted.id));
    let salted = "c29tZXNhbHRzb21lc2FsdA$J4moa2MM0/6uf3HbY2Tf5Fux8JIBTwIhmhxGRbsY14E";
    assert_eq!(
        id(&format!("$argon2id$v=19$m=19456,t=2,p=1${salted}")),
        Ok("736f6d657361".to_owned())
    );
    for (hash, expected) in [
        (String::new(), HashError::Form),
        ("hunter2".into(), HashError::Form),
        (
            format!("$argon2i$v=19$m=256,t=1,p=1${salted}"),
            HashError::Form,
        ),
        (
            "$argon2id$v=19$m=256,t=1,p=1$c29tZXNhbHRzb21lc2FsdA".into(),
            HashError::Form,
        ),
        (
            format!("$argon2id$v=19$m=4194304,t=1,p=1${salted}"),
            HashError::Costly {
                memory: 4_194_304,
                passes: 1,
            },
        ),
    ] {
        assert_eq!(id(&hash), Err(expected), "{hash}");
    }
}

#[test]
fn what_the_config_opens_is_open_but_not_to_pages_from_elsewhere() {
    let door = Door::new(at("0.0.0.0"), Vec::new(), Strangers::Admitted);
    let admit = |origin| {
        let asking = Asking {
            peer: Some("192.0.2.9".parse().unwrap()),
            hosts: [Some("board.example:8082"), None],
            origin,
            ..Asking::default()
        };
        door.admit(&asking, &[], now(0))
    };
    assert_eq!(admit(None).unwrap().name, ANYBODY);
    assert!(admit(Some("http://board.example:8082")).is_ok());
    assert!(admit(Some("http://evil.example")).is_err());
}

#[test]
fn what_a_page_from_elsewhere_only_looks_at_is_refused_too() {
    for (site, admitted) in [
        (None, true),
        (Some("none"), true),
        (Some("same-origin"), true),
        (Some("same-site"), false),
        (Some("cross-site"), false),
        (Some("whatever comes next"), false),
    ] {
        let asking = Asking {
            peer: Some(LOOPBACK.parse().unwrap()),
            hosts: [Some("127.0.0.1:8082"), None],
            site,
            ..Asking::default()
        };
        let answer = door(LOOPBACK, Vec::new()).admit(&asking, &[], now(0));
        assert_eq!(answer.is_ok(), admitted, "{site:?}");
    }
}

#[test]
fn names_of_tokens() {
    assert_eq!(check_name("ci-2"), Ok(()));
    assert_eq!(check_name("local"), Err(TokenNameError::Taken));
    assert!(check_name("a b").is_err());
    let (token, text) = token("ops", Role::Operator);
    let configured = configured("ops".into(), Role::Operator, token.hash).unwrap();
    let door = door("0.0.0.0", vec![configured]);
    assert_eq!(
        door.admit(&bearing(&text, "192.0.2.9"), &[], now(0))
            .unwrap()
            .name,
        "ops"
    );
}
