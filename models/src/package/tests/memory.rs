//! What a model's files say about staying in memory, and about keeping answers.

use super::*;

#[test]
fn pin_and_cache_are_read() {
    let show: fn(&Package) -> String =
        |p| format!("{:?} {:?}", p.manifest.residence, p.manifest.cache);
    let said = |model: &str, version: &str, expected: Expect| {
        let files = [
            ("1/model.onnx", "x"),
            ("model.toml", model),
            ("1/model.toml", version),
        ];
        check(&files, show, expected);
    };
    said("", "", expect!["Parkable None"]);
    said(
        "pin = true\n[cache]",
        "",
        expect!["Pinned Some(Caching { ttl: None })"],
    );
    said(
        "[cache]\nttl = '10m'",
        "[cache]\nenabled = true",
        expect!["Parkable Some(Caching { ttl: Some(600s) })"],
    );
    said(
        "[cache]",
        "[cache]\nenabled = false",
        expect!["Parkable None"],
    );
    said(
        "",
        "pin = true",
        expect![
            "ROOT/m/1/model.toml: line 1: pin holds for all of a model's versions: write it in ROOT/m/model.toml"
        ],
    );
    said(
        "pin = 1",
        "",
        expect!["ROOT/m/model.toml: line 1: pin: invalid type: integer `1`, expected a boolean"],
    );
    said(
        "[cache]\nttl = 10",
        "",
        expect![[
            r#"ROOT/m/model.toml: line 2: cache.ttl: expected a duration above zero, such as "500ms" or "2s", got 10"#
        ]],
    );
    let root = repository(&[("model.toml", "pin = true")]);
    let wishes = Manifest::wishes(root.path(), &Name::new("m").unwrap()).unwrap();
    assert_eq!(wishes.residence, Residence::Pinned);
}
