//! Broken and hostile files: each is refused with an error that says what is wrong.

use super::{load, root, text};

/// What each refusal has to name.
const NAMED: [(&str, &[&str]); 17] = [
    ("cycle", &["model.onnx", "cycle"]),
    ("dangling-input", &["model.onnx", "'nothing'", "Add"]),
    ("empty-file", &["model.onnx", "empty"]),
    (
        "external-absolute",
        &[
            "model.onnx",
            "'W'",
            "/etc/passwd",
            "inside the version's folder",
        ],
    ),
    ("external-missing", &["model.onnx", "'W'", "nowhere.bin"]),
    (
        "external-parent",
        &[
            "model.onnx",
            "'W'",
            "../../../secret.bin",
            "inside the version's folder",
        ],
    ),
    ("huge-initializer", &["model.onnx", "'W'", "8 bytes"]),
    ("map-input-cast-map", &["'X'", "no tensor", "export"]),
    ("map-input-dict-vectorizer", &["'X'", "no tensor", "export"]),
    ("missing-output", &["model.onnx", "'Z'"]),
    ("no-graph", &["model.onnx", "graph"]),
    ("not-protobuf", &["model.onnx", "ONNX"]),
    ("short-initializer", &["model.onnx", "'W'", "8 bytes"]),
    ("truncated", &["model.onnx", "ONNX"]),
    ("unknown-domain", &["'Relu'", "'org.nowhere'", "export"]),
    ("unknown-operator", &["'Frobnicate'", "'ai.onnx'", "export"]),
    ("wrong-shape", &["tract", "Gemm"]),
];

#[test]
fn every_refusal_says_what_is_wrong() {
    let folder = root().join("tests/fixtures/onnx-refused");
    let mut failures = Vec::new();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let dir = entry.unwrap().path();
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        seen += 1;
        let Some((_, named)) = NAMED.iter().find(|(n, _)| *n == name) else {
            failures.push(format!("{name}: is not in the table"));
            continue;
        };
        match load(&dir) {
            Ok(_) => failures.push(format!("{name}: loads")),
            Err(error) => {
                let text = text(&error);
                let missing: Vec<_> = named.iter().filter(|n| !text.contains(**n)).collect();
                if !missing.is_empty() || text.contains('\n') {
                    failures.push(format!("{name}: does not name {missing:?}: {text}"));
                }
            }
        }
    }
    assert_eq!(seen, NAMED.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
