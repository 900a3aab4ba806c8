//! Tables of folders: what is found in them, and what is said of what is wrong.

use std::fs;

use expect_test::{Expect, expect};
use tempfile::TempDir;

use super::*;

mod memory;

/// A repository with one model `m`; files are given by their path below `m/`.
fn repository(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("m/1")).unwrap();
    for (path, text) in files {
        let path = root.path().join("m").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn open(root: &TempDir) -> Result<Package, LoadError> {
    Package::open(root.path(), &Name::new("m").unwrap(), VersionNumber::ONE)
}

/// The error and its causes, with the folder's own name taken out.
fn message(root: &TempDir, error: &LoadError) -> String {
    let cause = std::error::Error::source(error).map_or(String::new(), |e| format!(": {e}"));
    let canonical = root.path().canonicalize().unwrap();
    format!("{error}{cause}").replace(&*canonical.to_string_lossy(), "ROOT")
}

fn check(files: &[(&str, &str)], show: fn(&Package) -> String, expected: Expect) {
    let root = repository(files);
    expected.assert_eq(&match open(&root) {
        Ok(package) => show(&package),
        Err(error) => message(&root, &error),
    });
}

fn check_artifact(files: &[(&str, &str)], expected: Expect) {
    let show = |p: &Package| {
        let name = p.artifact.path().file_name().unwrap().to_string_lossy();
        format!("{:?} {name}", p.artifact.kind())
    };
    check(files, show, expected);
}

const BURN: &str = "version = 1\n[burn]\nbackend = \"flex\"\n";

#[test]
fn the_artifact_is_found() {
    check_artifact(&[("1/model.onnx", "")], expect!["Onnx model.onnx"]);
    check_artifact(
        &[
            ("1/model.onnx", ""),
            ("1/w/model.safetensors", ""),
            ("1/golden.json", ""),
        ],
        expect!["Onnx model.onnx"],
    );
    check_artifact(
        &[("1/state.pt", ""), ("1/model.toml", BURN)],
        expect!["Burn state.pt"],
    );
    let named = "[burn]\nweights = \"net/w.bin\"\n";
    check_artifact(
        &[
            ("1/net/w.bin", ""),
            ("1/model.pt", ""),
            ("1/model.toml", named),
        ],
        expect!["Burn w.bin"],
    );
    check_artifact(
        &[("1/model.mpk", ""), ("model.toml", BURN)],
        expect!["Burn model.mpk"],
    );
}

#[test]
fn a_folder_without_one_artifact_is_refused() {
    check_artifact(
        &[],
        expect![
            "ROOT/m/1: expected model.onnx, or weights (model.safetensors, model.pt, state.pt, model.mpk, model.bpk) with a [burn] table in model.toml; found no files"
        ],
    );
    check_artifact(
        &[
            ("1/iris.onnx", ""),
            ("1/.model.onnx.x", ""),
            ("1/model.onnx.part", ""),
        ],
        expect![
            "ROOT/m/1: expected model.onnx, or weights (model.safetensors, model.pt, state.pt, model.mpk, model.bpk) with a [burn] table in model.toml; found iris.onnx; is iris.onnx the model? rename it to model.onnx"
        ],
    );
    check_artifact(
        &[("1/model.onnx", ""), ("1/model.pt", "")],
        expect![
            "ROOT/m/1: expected one model file, found model.onnx and model.pt: a version is one model, so move the others to versions of their own"
        ],
    );
    let named = "[burn]\nweights = \"model.bin\"\n";
    check_artifact(
        &[("1/model.pt", ""), ("1/model.toml", named)],
        expect![
            "ROOT/m/1: expected model.onnx, or model.bin, the weights that model.toml names; found model.pt, model.toml"
        ],
    );
    check_artifact(
        &[
            ("1/model.onnx", ""),
            ("1/model.bin", ""),
            ("1/model.toml", named),
        ],
        expect![
            "ROOT/m/1: expected one model file, found model.bin and model.onnx: a version is one model, so move the others to versions of their own"
        ],
    );
    check_artifact(
        &[("1/model.pt", "")],
        expect![
            "ROOT/m/1: found the weights model.pt, but neither this folder nor the model's has a model.toml with a [burn] table, which declares the architecture they belong to"
        ],
    );
    check_artifact(
        &[("1/model.onnx/x", "")],
        expect![
            "ROOT/m/1: expected model.onnx, or weights (model.safetensors, model.pt, state.pt, model.mpk, model.bpk) with a [burn] table in model.toml; found model.onnx/x"
        ],
    );
}

#[test]
fn a_missing_version_and_a_file_in_its_place_are_told_apart() {
    let root = repository(&[]);
    fs::remove_dir(root.path().join("m/1")).unwrap();
    expect!["read ROOT/m/1: No such file or directory (os error 2)"]
        .assert_eq(&message(&root, &open(&root).unwrap_err()));
    fs::write(root.path().join("m/1"), "").unwrap();
    expect!["ROOT/m/1: expected a version's folder, found a file"]
        .assert_eq(&message(&root, &open(&root).unwrap_err()));
}

#[cfg(unix)]
#[test]
fn no_link_leaves_the_repository() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("model.onnx"), "secret").unwrap();
    for (link, target) in [
        ("m/1/model.onnx", outside.path().join("model.onnx")),
        ("m/1/data", outside.path().to_owned()),
        ("m/1", outside.path().to_owned()),
        ("m/model.toml", outside.path().join("model.onnx")),
        ("m/1/loop", "../1".into()),
        ("m/1/gone", "nowhere".into()),
    ] {
        let root = repository(&[]);
        fs::remove_dir(root.path().join("m/1")).unwrap();
        if link != "m/1" {
            fs::create_dir(root.path().join("m/1")).unwrap();
        }
        symlink(&target, root.path().join(link)).unwrap();
        if link != "m/1/model.onnx" && link != "m/1" {
            fs::write(root.path().join("m/1/model.onnx"), "").unwrap();
        }
        let error = message(&root, &open(&root).unwrap_err());
        assert!(error.starts_with(&format!("ROOT/{link}: ")), "{error}");
        assert!(
            !error.contains(&*outside.path().to_string_lossy()),
            "{error}"
        );
    }
    // A link inside the repository is fine: that is how mounted volumes and shared weights look.
    let root = repository(&[("shared/model.onnx", "")]);
    symlink("../shared/model.onnx", root.path().join("m/1/model.onnx")).unwrap();
    open(&root).unwrap();
}

#[test]
fn relative_paths_stay_inside() {
    let root = repository(&[
        ("1/model.onnx", ""),
        ("1/data/w.bin", ""),
        ("1/.hidden", ""),
    ]);
    let package = open(&root).unwrap();
    assert!(package.resolve("data/w.bin").is_ok());
    assert!(package.resolve("./model.onnx").is_ok());
    for bad in [
        "",
        "../1/model.onnx",
        "data/../../x",
        "/etc/passwd",
        ".hidden",
        "absent",
        "a\0b",
    ] {
        assert!(package.resolve(bad).is_err(), "{bad:?} must be refused");
    }
}

#[test]
fn the_versions_file_lies_over_the_models() {
    let files = [
        ("1/model.pt", ""),
        (
            "model.toml",
            "version = 1\n[limits]\ntimeout = \"1s\"\nqueue = 8\n[versions]\nlist = [1, 3]\n[contract.inputs.x]\nrange = [0, 1]\nnon_finite = \"forbid\"\n[burn]\nbackend = \"flex\"\nnet = { depth = 2, width = 8 }\n",
        ),
        (
            "1/model.toml",
            "version = 1\n[limits]\nqueue = 16\nmax_batch = 4\n[warmup]\nruns = 0\n[contract.inputs.x]\nrange = [-1, 1]\n[burn]\nnet = { depth = 3 }\n",
        ),
    ];
    let show = |p: &Package| {
        let m = &p.manifest;
        let x = &m.inputs["x"];
        format!(
            "{:?}\n{:?} {:?}\n{:?} {:?}\n{}",
            m.limits,
            m.versions,
            m.warmup,
            x.range,
            x.non_finite,
            m.burn.as_ref().unwrap()
        )
    };
    check(
        &files,
        show,
        expect![[r#"
            Limits { timeout: 1s, queue: 16, instances: 1, max_batch: Some(4), join: Join { rows: 4, stated: false, max_delay: 0ns, target_latency: None }, inline: true }
            List({1, 3}) Warmup { runs: 0 }
            Some((-1.0, 1.0)) Some(Forbidden)
            backend = "flex"

            [net]
            depth = 3
            width = 8
        "#]],
    );
}

fn check_toml(text: &str, expected: Expect) {
    check(
        &[("1/model.onnx", ""), ("1/model.toml", text)],
        |p| format!("{:?}", p.manifest.limits),
        expected,
    );
}

#[test]
fn errors_have_file_line_key_expected_and_got() {
    check_toml(
        "version = 1\n",
        expect![
            "Limits { timeout: 30s, queue: 256, instances: 1, max_batch: None, join: Join { rows: 64, stated: false, max_delay: 0ns, target_latency: None }, inline: true }"
        ],
    );
    check_toml(
        "",
        expect![
            "Limits { timeout: 30s, queue: 256, instances: 1, max_batch: None, join: Join { rows: 64, stated: false, max_delay: 0ns, target_latency: None }, inline: true }"
        ],
    );
    check_toml(
        "version = 2",
        expect![
            "ROOT/m/1/model.toml: line 1: version: expected 1, the only format there is, got 2"
        ],
    );
    check_toml(
        "version = 1\nlimit = 1",
        expect![
            "ROOT/m/1/model.toml: line 2: limit: unknown field `limit`, expected one of `version`, `pin`, `limits`, `versions`, `contract`, `warmup`, `cache`, `onnx`, `burn`"
        ],
    );
    check_toml(
        "version = 1\n[onnx]\nengine = \"auto\"\nthreads = 0",
        expect![
            "ROOT/m/1/model.toml: line 4: onnx.threads: expected a whole number from 1 to 1024, got 0"
        ],
    );
    check_toml(
        "version = 1\n[onnx]\nengine = \"torch\"",
        expect![[
            r#"ROOT/m/1/model.toml: line 3: onnx.engine: unknown variant `torch`, expected one of `auto`, `tract`, `onnxruntime`"#
        ]],
    );
    check_toml(
        "version = 1\n[limits]\nqeue = 1",
        expect![
            "ROOT/m/1/model.toml: line 3: limits.qeue: unknown field `qeue`, expected one of `timeout`, `queue`, `instances`, `max_batch`, `join`, `max_delay`, `target_latency`, `inline`"
        ],
    );
    check_toml(
        "version = 1\n[limits]\nqueue = 0",
        expect!["ROOT/m/1/model.toml: line 3: limits.queue: expected a whole number from 1, got 0"],
    );
    check_toml(
        "version = 1\n[limits]\nqueue = -1",
        expect![
            "ROOT/m/1/model.toml: line 3: limits.queue: expected a whole number from 1, got -1"
        ],
    );
    check_toml(
        "version = 1\n[limits]\n\ntimeout = \"fast\"",
        expect![[
            r#"ROOT/m/1/model.toml: line 4: limits.timeout: expected a duration above zero, such as "500ms" or "2s", got "fast""#
        ]],
    );
    check_toml(
        "version = 1\n[limits]\ntimeout = \"0s\"",
        expect![[
            r#"ROOT/m/1/model.toml: line 3: limits.timeout: expected a duration above zero, such as "500ms" or "2s", got "0s""#
        ]],
    );
    check_toml(
        "version = 1\n[contract.inputs.x]\nrange = [2, 1]",
        expect![
            "ROOT/m/1/model.toml: line 3: contract.inputs.x.range: expected two numbers [low, high] with low at most high, got [2, 1]"
        ],
    );
    check_toml(
        "version = 1\n[contract.outputs.x]\nnon_finite = \"no\"",
        expect![
            "ROOT/m/1/model.toml: line 3: contract.outputs.x.non_finite: unknown variant `no`, expected `allow` or `forbid`"
        ],
    );
    check_toml(
        "version = 1\n[contract.inputs.x]\ncategories = [1.5]",
        expect![
            "ROOT/m/1/model.toml: line 3: contract.inputs.x.categories[0]: expected a text or a whole number, got 1.5"
        ],
    );
    check_toml(
        "version = 1\n[versions]\npolicy = \"all\"",
        expect![
            "ROOT/m/1/model.toml: line 2: [versions] says which versions of the model are served: write it in ROOT/m/model.toml"
        ],
    );
    check_toml(
        "version = 1\n[warmup]\nruns = 1001",
        expect![
            "ROOT/m/1/model.toml: line 3: warmup.runs: expected a whole number from 0 to 1000, got 1001"
        ],
    );
    check_toml(
        "version = 1\nversion = 1",
        expect!["ROOT/m/1/model.toml: line 2: duplicate key"],
    );
    check_toml(
        "version = \n",
        expect![
            "ROOT/m/1/model.toml: line 1: string values must be quoted, expected literal string"
        ],
    );
    check_toml(
        "version = 1\n[burn]\nweights = \"../2/model.pt\"",
        expect![
            "ROOT/m/1/model.toml: burn.weights: expected a path inside the version's folder, got '../2/model.pt'"
        ],
    );
    check_toml(
        "version = 1\n[burn]\nlayers = [{ file = \"/etc/passwd\" }]",
        expect![
            "ROOT/m/1/model.toml: burn.layers.file: expected a path inside the version's folder, got '/etc/passwd'"
        ],
    );
    check_toml(
        "version = 1\nburn = 3",
        expect!["ROOT/m/1/model.toml: line 2: burn: invalid type: integer `3`, expected a map"],
    );
}

#[test]
fn version_policies() {
    let check = |text: &str, expected: Expect| {
        let text = format!("version = 1\n[versions]\n{text}");
        let root = repository(&[("model.toml", &text)]);
        let wishes = Manifest::wishes(root.path(), &Name::new("m").unwrap());
        expected.assert_eq(
            &wishes.map_or_else(|e| message(&root, &e), |w| format!("{:?}", w.versions)),
        );
    };
    check("policy = \"latest\"", expect!["Latest(1)"]);
    check("policy = \"latest\"\nn = 3", expect!["Latest(3)"]);
    check("policy = \"all\"", expect!["All"]);
    check("list = [3, 1, 3]", expect!["List({1, 3})"]);
    check("policy = \"list\"\nlist = [2]", expect!["List({2})"]);
    check(
        "",
        expect![[
            r#"ROOT/m/model.toml: line 2: versions: expected policy = "latest", policy = "all" or list = [1, 3]"#
        ]],
    );
    check(
        "n = 2",
        expect![[
            r#"ROOT/m/model.toml: line 2: versions: expected policy = "latest", policy = "all" or list = [1, 3]"#
        ]],
    );
    check(
        "list = []",
        expect![
            "ROOT/m/model.toml: line 2: versions: expected a list of at least one version, got []"
        ],
    );
    check(
        "list = [0]",
        expect![
            "ROOT/m/model.toml: line 3: versions.list[0]: expected a version number from 1, got 0"
        ],
    );
    check(
        "policy = \"all\"\nn = 1",
        expect![[r#"ROOT/m/model.toml: line 2: versions: n goes with policy = "latest" only"#]],
    );
    check(
        "policy = \"latest\"\nlist = [1]",
        expect!["ROOT/m/model.toml: line 2: versions: list goes with no other policy"],
    );
    check(
        "policy = \"list\"",
        expect![[r#"ROOT/m/model.toml: line 2: versions: policy "list" needs list = [1, 3]"#]],
    );
    check(
        "policy = \"newest\"",
        expect![
            "ROOT/m/model.toml: line 3: versions.policy: unknown variant `newest`, expected one of `latest`, `all`, `list`"
        ],
    );
}

#[test]
fn a_policy_selects() {
    let versions = || [3, 1, 7].into_iter().filter_map(VersionNumber::new);
    let select = |policy: VersionPolicy| format!("{:?}", policy.select(versions()));
    expect!["{7}"].assert_eq(&select(VersionPolicy::default()));
    expect!["{3, 7}"].assert_eq(&select(VersionPolicy::Latest(2.try_into().unwrap())));
    expect!["{1, 3, 7}"].assert_eq(&select(VersionPolicy::All));
    let list = [1, 2].into_iter().filter_map(VersionNumber::new).collect();
    expect!["{1}"].assert_eq(&select(VersionPolicy::List(list)));
}

#[test]
fn digests_differ_when_folders_do() {
    let digest = |files: &[(&str, &str)]| open(&repository(files)).unwrap().digest().unwrap();
    let one = digest(&[("1/model.onnx", "ab"), ("1/x", "c")]);
    assert_eq!(
        one,
        digest(&[
            ("1/x", "c"),
            ("1/model.onnx", "ab"),
            ("1/.hidden", "!"),
            ("README", "")
        ])
    );
    let others = [
        digest(&[("1/model.onnx", "a"), ("1/x", "bc")]),
        digest(&[("1/model.onnx", "ab"), ("1/y", "c")]),
        digest(&[("1/model.onnx", "ab"), ("1/x/x", "c")]),
        digest(&[("1/model.onnx", "ab"), ("1/x", "c"), ("1/z", "")]),
        digest(&[("1/model.onnx", "abxc")]),
    ];
    for (i, other) in others.iter().enumerate() {
        assert_ne!(one, *other, "{i}");
        assert!(!others[..i].contains(other), "{i}");
    }
    // The documented bytes, hashed by hand: sha256(u64le(10) ‖ "model.onnx" ‖ sha256("")).
    let text = digest(&[("1/model.onnx", "")]).to_string();
    expect!["776b3a53168cbf6a00268f2b24639f88cd1d35c67dde9b31a04706ed04af225e"].assert_eq(&text);
    assert_eq!(Digest::try_from(text.clone()).unwrap().to_string(), text);
    for bad in [
        "",
        "0",
        &text[1..],
        &text.to_uppercase(),
        &format!("{}é", &text[2..]),
    ] {
        assert!(Digest::try_from(bad.to_owned()).is_err(), "{bad:?}");
    }
}
