//! Keys as they are written, both ways, and those that are refused.

use super::*;

#[test]
fn every_source_is_read_and_written() {
    let text = r#"
version = 1
pipelines.a = { key = "address", policy = { type = "standalone", model = "m" } }
pipelines.b = { key = { header = "X-User-Id" }, policy = { type = "standalone", model = "m" } }
pipelines.c = { key = [{ cookie = "Uid" }], policy = { type = "standalone", model = "m" } }
pipelines.d = { key = { parameter = "user" }, policy = { type = "standalone", model = "m" } }
pipelines.e = { key = { pointer = "/inputs/0/data/0" }, policy = { type = "standalone", model = "m" } }
[pipelines.f]
key = [{ header = "x-user-id" }, { cookie = "uid" }, { parameter = "nutzer größe" }, { pointer = "/a~1b" }]
policy = { type = "standalone", model = "m" }
[pipelines.g]
key = [{ header = "x-user-id" }, { cookie = "uid" }]
rate_limit = { requests = 1 }
policy = { type = "standalone", model = "m" }
"#;
    check(
        "a.toml",
        text,
        &expect![[r#"
        a a.toml:3:11 {"policy":{"type":"standalone","model":"m","version":"latest"}}
        b a.toml:4:11 {"key":{"header":"x-user-id"},"policy":{"type":"standalone","model":"m","version":"latest"}}
        c a.toml:5:11 {"key":{"cookie":"Uid"},"policy":{"type":"standalone","model":"m","version":"latest"}}
        d a.toml:6:11 {"key":{"parameter":"user"},"policy":{"type":"standalone","model":"m","version":"latest"}}
        e a.toml:7:11 {"key":{"pointer":"/inputs/0/data/0"},"policy":{"type":"standalone","model":"m","version":"latest"}}
        f a.toml:8:12 {"key":[{"header":"x-user-id"},{"cookie":"uid"},{"parameter":"nutzer größe"},{"pointer":"/a~1b"}],"policy":{"type":"standalone","model":"m","version":"latest"}}
        g a.toml:11:12 {"key":[{"header":"x-user-id"},{"cookie":"uid"}],"rate_limit":{"requests":1,"per":"1s","burst":1},"policy":{"type":"standalone","model":"m","version":"latest"}}
    "#]],
    );
    let compiled = compile(&[source("a.toml", text)]).unwrap();
    for definition in compiled.pipelines().values() {
        let json = serde_json::to_string(definition.pipeline()).unwrap();
        let again: Pipeline = serde_json::from_str(&json).unwrap();
        assert_eq!(&again, definition.pipeline());
    }
}

#[test]
fn keys_that_mean_nothing_are_refused() {
    let text = r#"
version = 1
pipelines.a = { key = "adress", policy = { type = "standalone", model = "m" } }
pipelines.b = { key = 7, policy = { type = "standalone", model = "m" } }
pipelines.c = { key = {}, policy = { type = "standalone", model = "m" } }
pipelines.d = { key = { heder = "x" }, policy = { type = "standalone", model = "m" } }
pipelines.e = { key = { header = "x", cookie = "y" }, policy = { type = "standalone", model = "m" } }
pipelines.f = { key = { header = "x y" }, policy = { type = "standalone", model = "m" } }
pipelines.g = { key = { cookie = "a;b" }, policy = { type = "standalone", model = "m" } }
pipelines.h = { key = { parameter = "" }, policy = { type = "standalone", model = "m" } }
pipelines.i = { key = { pointer = "inputs/0" }, policy = { type = "standalone", model = "m" } }
pipelines.j = { key = { pointer = "/a~2" }, policy = { type = "standalone", model = "m" } }
pipelines.k = { key = [], policy = { type = "standalone", model = "m" } }
pipelines.l = { key = ["address", { cookie = 3 }, {}], policy = { type = "standalone", model = "m" } }
[pipelines.m]
key = [{ header = "x" }, { parameter = "user" }]
rate_limit = { requests = 0 }
policy = { type = "standalone", model = "m" }
"#;
    check(
        "a.toml",
        text,
        &expect![[r#"
        a.toml:3:23: error[unknown-value] pipelines.a.key: expected address, got "adress" (hint: did you mean 'address'?)
        a.toml:4:23: error[wrong-type] pipelines.b.key: expected a table, got the number 7
        a.toml:5:23: error[missing-field] pipelines.c.key: expected one of header, cookie, parameter, pointer, got none
        a.toml:6:25: error[unknown-field] pipelines.d.key.heder: unknown field 'heder' (hint: did you mean 'header'?)
        a.toml:7:23: error[several-sources] pipelines.e.key: expected one of header, cookie, parameter, pointer, got 2 of them (hint: write a list; the first that a request has something at counts: [{ header = "x-user-id" }, { cookie = "uid" }])
        a.toml:8:34: error[invalid-header] pipelines.f.key.header: expected the name of a header, at most 64 characters, got "x y"
        a.toml:9:34: error[invalid-cookie] pipelines.g.key.cookie: expected the name of a cookie, at most 64 characters, got "a;b"
        a.toml:10:37: error[invalid-parameter] pipelines.h.key.parameter: expected the name of a parameter, at most 64 characters, got ""
        a.toml:11:35: error[invalid-pointer] pipelines.i.key.pointer: a pointer begins with '/', got "inputs/0" (hint: such as "/parameters/user" or "/inputs/0/data/0")
        a.toml:12:35: error[invalid-pointer] pipelines.j.key.pointer: in a pointer '~' is written '~0' and '/' within a name '~1', got "/a~2" (hint: such as "/parameters/user" or "/inputs/0/data/0")
        a.toml:13:23: error[out-of-range] pipelines.k.key: expected 1 to 8 sources, got 0
        a.toml:14:24: error[wrong-type] pipelines.l.key[0]: expected a table, got "address"
        a.toml:14:46: error[wrong-type] pipelines.l.key[1].cookie: expected a string, got the number 3
        a.toml:14:51: error[missing-field] pipelines.l.key[2]: expected one of header, cookie, parameter, pointer, got none
        a.toml:16:7: error[key-in-body] pipelines.m.key: a rate limit is kept before the request's body is read, so a parameter or a pointer cannot tell its clients apart (hint: use a header or a cookie, or leave 'rate_limit' out)
        a.toml:17:27: error[out-of-range] pipelines.m.rate_limit.requests: expected a whole number from 1 to 1000000, got the number 0
    "#]],
    );
    // Null counts as absent.
    let json = r#"{"version": 1, "pipelines": {"n": {"key": {"header": null}, "policy": {"type": "standalone", "model": "m"}}}}"#;
    check(
        "a.json",
        json,
        &expect![[r#"
        a.json:1:43: error[missing-field] pipelines.n.key: expected one of header, cookie, parameter, pointer, got none
    "#]],
    );
}
