//! Tables of texts, and random ones that must never panic.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

fn show(fields: &[Field]) -> String {
    let field = |f: &Field| match &f.value {
        Value::Text(text) => format!("{}@{}={text:?}", f.name, f.line),
        Value::Number(text) | Value::Word(text) => format!("{}@{}={text}", f.name, f.line),
        Value::Message(fields) => format!("{}@{}{{{}}}", f.name, f.line, show(fields)),
    };
    fields.iter().map(field).collect::<Vec<_>>().join(" ")
}

fn check(text: &str, expected: Expect) {
    let got = parse(text).map_or_else(|e| e.to_string(), |fields| show(&fields));
    expected.assert_eq(&got);
}

#[test]
fn the_grammar() {
    check("", expect![""]);
    check("# only a comment", expect![""]);
    check("a: 1\nb: 'x' # why\n", expect![[r#"a@1=1 b@2="x""#]]);
    check(
        "a: -1, b: 0x1F; c: 1.5e-3 d: .5f",
        expect!["a@1=-1 b@1=0x1F c@1=1.5e-3 d@1=.5f"],
    );
    check(
        "input [\n  { name: \"X\" dims: [ -1, 4 ] },\n  { name: \"Y\" dims: 1 dims: 2 }\n]",
        expect![[
            r#"input@1{name@2="X" dims@2=-1 dims@2=4} input@1{name@3="Y" dims@3=1 dims@3=2}"#
        ]],
    );
    check("p { latest < n: 2 > }", expect!["p@1{latest@1{n@1=2}}"]);
    check("p: { all: {} }", expect!["p@1{all@1{}}"]);
    check(
        "t: TYPE_FP32 u: true e: []",
        expect!["t@1=TYPE_FP32 u@1=true"],
    );
    check("[my.ext/x]: 3", expect!["[my.ext/x]@1=3"]);
    check(
        r#"s: "a" 'b"' "\n\t\\\x41\101\u00e9""#,
        expect![[r#"s@1="ab\"\n\t\\AAé""#]],
    );
    check("s: 'é\\303\\251'", expect![[r#"s@1="éé""#]]);
}

#[test]
fn errors_have_lines() {
    check(
        "a",
        expect!["line 1: expected ':' or '{', got the end of the file"],
    );
    check("a 1", expect!["line 1: expected ':' or '{', got '1'"]);
    check("\n\na: }", expect!["line 3: expected a value, got '}'"]);
    check(
        "a {\n b: 1",
        expect!["line 2: expected a field's name, got the end of the file"],
    );
    check(
        "a: 1 }",
        expect!["line 1: expected a field's name, got '}'"],
    );
    check("a: [1 2]", expect!["line 1: expected ',' or ']', got '2]'"]);
    check(
        "a: \"x\ny\"",
        expect!["line 1: expected a closing quote on the same line, got ''"],
    );
    check(
        "a: \"x",
        expect!["line 1: expected a closing quote on the same line, got the end of the file"],
    );
    check(
        "a: '\\q'",
        expect!["line 1: expected a known escape after the backslash, got '''"],
    );
    check(
        "a: '\\777'",
        expect!["line 1: expected an octal escape to \\377, got '''"],
    );
    check(
        "a: '\\xff'",
        expect!["line 1: expected UTF-8 text, got the end of the file"],
    );
    check(
        "a: '\\ud800'",
        expect!["line 1: expected a unicode escape, got '''"],
    );
    check("a: -", expect!["line 1: expected a number, got '-'"]);
    check(
        "é: 1",
        expect!["line 1: expected a field's name, got 'é: 1'"],
    );
    check(
        "[a\n]: 1",
        expect!["line 1: expected an extension's name in brackets, got '[a'"],
    );
    check(
        &"a{".repeat(1000),
        expect![
            "line 1: expected messages nested at most 32 deep, got 'a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{'"
        ],
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = parse(&text);
    }

    /// Texts made of the format's own pieces reach further than random ones.
    #[test]
    fn no_mixture_of_pieces_panics(pieces in prop::collection::vec(
        prop::sample::select(vec![
            "a", "name", ":", "{", "}", "[", "]", "<", ">", ",", ";", "\"", "'", "\\", "\\x4", "\\18", "\\u12",
            "\n", " ", "#", "-", "+", "1", "0x", ".5", "1e", "e-", "é", "\u{0}", "\"t\"",
        ]), 0..60)) {
        let text = pieces.concat();
        if let Err(error) = parse(&text) {
            prop_assert!(error.line <= text.lines().count() + 1);
        }
    }
}
