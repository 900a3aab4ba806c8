//! Texts that have no tree, in each format; and that no text makes a parser panic.

use expect_test::expect;
use proptest::prelude::*;

use super::*;

#[test]
fn what_is_no_file_of_ours_is_refused_with_its_place() {
    for (file, text, expected) in [
        (
            "empty.toml",
            "",
            expect![[r#"
            empty.toml:1:1: error[missing-field]: the field 'version' is missing (hint: begin the file with version = 1 (YAML: version: 1))
        "#]],
        ),
        (
            "empty.yaml",
            "# nothing\n",
            expect![[r#"
            empty.yaml:1:1: error[missing-field]: the field 'version' is missing (hint: begin the file with version = 1 (YAML: version: 1))
        "#]],
        ),
        (
            "only.toml",
            "version = 1",
            expect![[r#"
            only.toml:1:1: warning[no-pipelines]: the file defines no pipeline
        "#]],
        ),
        (
            "list.json",
            "[1]",
            expect![[r#"
            list.json:1:1: error[wrong-type]: expected a table, got a list of 1
        "#]],
        ),
        (
            "word.yaml",
            "hello",
            expect![[r#"
            word.yaml:1:1: error[wrong-type]: expected a table, got "hello"
        "#]],
        ),
        (
            "text.toml",
            "version = \"1\"\npipelines = 3",
            expect![[r#"
            text.toml:1:11: error[wrong-type] version: expected a whole number, got "1"
        "#]],
        ),
        (
            "float.json",
            "{\"version\": 1.5}",
            expect![[r#"
            float.json:1:13: error[out-of-range] version: expected a whole number from 0, got the number 1.5
        "#]],
        ),
        (
            "date.toml",
            "version = 1979-05-27\nx = inf\ny = 99999999999999999999",
            expect![[r#"
                date.toml:1:11: error[wrong-type]: no setting is a date or a time, got 1979-05-27 (hint: put text in quotes)
                date.toml:2:5: error[out-of-range]: expected a finite number of at most 64 bits, got inf
                date.toml:3:5: error[out-of-range]: expected a finite number of at most 64 bits, got 99999999999999999999
            "#]],
        ),
        (
            "broken.toml",
            "version = \n[x",
            expect![[r#"
                broken.toml:1:11: error[syntax]: not TOML: string values must be quoted, expected literal string
                broken.toml:2:3: error[syntax]: not TOML: unclosed table, expected `]`
            "#]],
        ),
        (
            "broken.yaml",
            "version: 1\n  x: [",
            expect![[r#"
            broken.yaml:2:4: error[syntax]: not YAML: mapping values are not allowed in this context
        "#]],
        ),
        (
            "broken.json",
            "{\"version\": 1,\n \"x\": tru}",
            expect![[r#"
                broken.json:2:10: error[syntax]: not JSON: expected ident
            "#]],
        ),
        (
            "surrogate.json",
            "{\"a\": \"\\ud800\", \"version\": 1}",
            expect![[r#"
                surrogate.json:1:7: error[syntax]: not JSON: unexpected end of hex escape
            "#]],
        ),
        (
            "large.json",
            "{\"a\": 1e999}",
            expect![[r#"
            large.json:1:7: error[syntax]: not JSON: number out of range
        "#]],
        ),
    ] {
        check(file, text, &expected);
    }
}

#[test]
fn a_key_twice_is_refused_in_every_format() {
    let yaml = "version: 1\npipelines:\n  a: {policy: {type: x, type: y}}\n  a: 1\n";
    check(
        "twice.yaml",
        yaml,
        &expect![[r#"
        twice.yaml:3:25: error[duplicate-key] pipelines.a.policy.type: the key 'type' stands here twice, first at 3:16
        twice.yaml:4:3: error[duplicate-key] pipelines.a: the key 'a' stands here twice, first at 3:3
    "#]],
    );
    let json = "{\"version\": 1,\n \"version\": 1}";
    check(
        "twice.json",
        json,
        &expect![[r#"
        twice.json:2:2: error[duplicate-key] version: the key 'version' stands here twice, first at 1:2
    "#]],
    );
    check(
        "twice.toml",
        "version = 1\nversion = 1\n[a]\n[a]\n",
        &expect![[r#"
            twice.toml:2:1: error[syntax]: not TOML: duplicate key
            twice.toml:4:2: error[syntax]: not TOML: duplicate key
        "#]],
    );
}

#[test]
fn yaml_has_no_back_doors() {
    let shared = "version: 1
pipelines:
  a: &a
    policy: { type: standalone, model: x }
  b: *a
";
    check(
        "shared.yaml",
        shared,
        &expect![[r#"
        a shared.yaml:3:3 {"policy":{"type":"standalone","model":"x","version":"latest"}}
        b shared.yaml:5:3 {"policy":{"type":"standalone","model":"x","version":"latest"}}
    "#]],
    );
    let mut bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
    for i in 1..30 {
        let alias = format!("*a{}", i - 1);
        bomb += &format!("a{i}: &a{i} [{}]\n", [alias.as_str(); 9].join(", "));
    }
    check(
        "bomb.yaml",
        &bomb,
        &expect![[r#"
        bomb.yaml:5:5: error[too-large]: more than 100000 values
    "#]],
    );
    for (text, expected) in [
        (
            "a: &a [*a]",
            expect![[r#"
            odd.yaml:1:8: error[alias]: the alias names no list, table or value that has ended before it
        "#]],
        ),
        (
            "? [1, 2]\n: 3",
            expect![[r#"
            odd.yaml:1:3: error[syntax]: a key must be text, got a list or a table
        "#]],
        ),
        (
            "a: !exec rm",
            expect![[r#"
            odd.yaml:1:4: error[tag]: the tag !exec has no meaning here
        "#]],
        ),
        (
            "a: !!int x",
            expect![[r#"
            odd.yaml:1:4: error[wrong-type]: the value "x" is not what its tag says
        "#]],
        ),
        (
            "a: .nan",
            expect![[r#"
            odd.yaml:1:4: error[out-of-range]: expected a finite number of at most 64 bits, got .nan
        "#]],
        ),
        (
            "a: 1\n---\nb: 2",
            expect![[r#"
            odd.yaml:2:1: error[syntax]: expected one YAML document, got a second one
        "#]],
        ),
    ] {
        check("odd.yaml", text, &expected);
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = |open: &str, close: &str, n: usize| open.repeat(n) + "1" + &close.repeat(n);
    check(
        "deep.json",
        &deep("[", "]", 33),
        &expect![[r#"
        deep.json:1:33: error[too-deep]: nested deeper than 32 levels
    "#]],
    );
    check(
        "deep.json",
        &deep("{\"a\":", "}", 5_000),
        &expect![[r#"
        deep.json:1:161: error[too-deep]: nested deeper than 32 levels
    "#]],
    );
    check(
        "deep.yaml",
        &deep("[", "]", 5_000),
        &expect![[r#"
        deep.yaml:1:256: error[syntax]: not YAML: recursion limit exceeded
    "#]],
    );
    check(
        "deep.toml",
        &format!("a = {}", deep("[", "]", 33)),
        &expect![[r#"
            deep.toml:1:37: error[too-deep]: nested deeper than 32 levels
        "#]],
    );
    check(
        "deep.toml",
        &format!("a = {}", deep("[", "]", 5_000)),
        &expect![[r#"
            deep.toml:1:69: error[too-deep]: nested deeper than 32 levels
        "#]],
    );
    // Every bracket and every dotted key is within the parser's own limit; their product is not.
    let key = ["a"; 79].join(".") + " = ";
    let product = format!("{key}{}", deep(&format!("{{{key}"), "}", 79));
    check(
        "product.toml",
        &product,
        &expect![[r#"
        product.toml:1:130: error[too-deep]: nested deeper than 32 levels
    "#]],
    );
    check(
        "header.toml",
        &format!("[{}]\n", ["a"; 79].join(".")),
        &expect![[r#"
            header.toml:1:131: error[too-deep]: nested deeper than 32 levels
        "#]],
    );
    let many = format!("a: [{}]", "1,".repeat(Document::MAX_NODES));
    check(
        "many.yaml",
        &many,
        &expect![[r#"
        many.yaml:1:199999: error[too-large]: more than 100000 values
    "#]],
    );
    let long = format!("{{{:?}: [{}1]}}", "k".repeat(1 << 20), "1,".repeat(1_000));
    check(
        "long.json",
        &long,
        &expect![[r#"
            long.json:1:1048611: error[too-large]: the keys are too long for what lies below them
        "#]],
    );
    check(
        "large.toml",
        &"#".repeat(Document::MAX_BYTES + 1),
        &expect![[r#"
            large.toml: error[too-large]: expected at most 4194304 bytes, got 4194305
        "#]],
    );
}

/// Text that looks like configuration, so that parsers come further than the first byte.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop::sample::select(vec![
        "version",
        "pipelines",
        "policy",
        "type",
        "standalone",
        "model",
        "a",
        "1",
        "0x1f",
        "1e5",
        "1.5",
        "-1",
        "true",
        "null",
        "~",
        " = ",
        ": ",
        ",",
        ".",
        "[",
        "]",
        "{",
        "}",
        "[[",
        "]]",
        "\n",
        "\n  ",
        "- ",
        "? ",
        "&a ",
        "*a",
        "!t ",
        "!!int ",
        "---\n",
        "|\n",
        ">-\n",
        "#",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "\\",
        "\\u00e9",
        "\\ud800",
        "é",
        "\u{feff}",
        "\t",
        "\r\n",
        "\0",
        "%YAML 1.2\n",
        "1979-05-27",
        "<<: ",
    ]);
    prop::collection::vec(scrap, 0..40).prop_map(|scraps| scraps.concat())
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in prop_oneof![scraps(), any::<String>()]) {
        for format in [Format::Toml, Format::Yaml, Format::Json] {
            let source = Source { file: "x".to_owned(), text: &text, format };
            if let Err(problems) = compile(&[source]) {
                prop_assert!(!problems.is_empty());
            }
        }
        let _ = parse_pipeline(&Name::new("x").unwrap(), &text);
    }

    #[test]
    fn a_json_text_gives_the_tree_that_serde_json_gives(text in json()) {
        let parsed = Document::parse(&Source { file: "x".to_owned(), text: &text, format: Format::Json });
        let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
        let ours = parsed.unwrap();
        prop_assert_eq!(ours.root(), &theirs);
    }
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<f64>()
            .prop_filter("finite", |f| f.is_finite())
            .prop_map(|f| format!("{f:e}")),
        any::<i64>().prop_map(|i| i.to_string()),
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let entries = prop::collection::btree_map(any::<String>(), inner.clone(), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(|v| format!("[ {}\t]", v.join(" ,\n"))),
            entries.prop_map(|entries| {
                let entry = |(k, v)| format!("{}\n:{v}", serde_json::to_string(&k).unwrap());
                let entries: Vec<String> = entries.into_iter().map(entry).collect();
                format!("{{\r\n{}}}", entries.join(","))
            }),
        ]
    })
}
