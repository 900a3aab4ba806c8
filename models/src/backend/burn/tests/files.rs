//! Weights files that are broken or hostile: an error that says so, never a panic, a large allocation or a
//! command that runs.

use std::fs;
use std::path::Path;

use super::{fixtures, load, package, refusal, safetensors, written};
use crate::backend::burn::BurnLoader;
use crate::error::LoadError;
use crate::loader::Loader;

const FC: &str = "[burn]\ninput = { shape = [4] }\nlayers = [{ type = \"linear\", name = \"fc\" }]";

fn refused_bytes(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    refusal(&path, FC)
}

fn framed(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn hostile_safetensors_are_refused() {
    let mut endless = u64::MAX.to_le_bytes().to_vec();
    endless.extend(b"{\"fc.weight\":{}}");
    refused_bytes("model.safetensors", &endless);
    for header in [
        r#"{"fc.weight":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,16]}}"#,
        r#"{"fc.weight":{"dtype":"F32","shape":[2,4],"data_offsets":[0,99999999999]}}"#,
        r#"{"fc.weight":{"dtype":"F32","shape":[2,4],"data_offsets":[32,0]}}"#,
        r#"{"fc.weight":{"dtype":"X9","shape":[2,4],"data_offsets":[0,32]}}"#,
        r#"{"fc.weight":{"dtype":"I32","shape":[2,4],"data_offsets":[0,32]}}"#,
        r#"{"fc.weight":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]}"#,
        "{}",
    ] {
        let message = refused_bytes("model.safetensors", &framed(header, &[0; 32]));
        assert!(message.starts_with("model.safetensors: "), "{message}");
    }
    refused_bytes("model.safetensors", b"");
    refused_bytes("model.safetensors", b"\x05");
    let text = refused_bytes(
        "model.safetensors",
        b"version https://git-lfs.github.com/spec/v1",
    );
    assert!(
        text.contains("expected safetensors, a PyTorch state dict or a Burn record"),
        "{text}"
    );
    let old = refused_bytes("model.mpk", b"\x82\xa8metadata");
    assert!(
        old.contains("save the module again with Burn 0.22"),
        "{old}"
    );
}

/// Loads a file that was cut or changed; what comes out does not matter, that it comes out does.
fn survives(path: &Path, bytes: &[u8], manifest: &str) -> bool {
    fs::write(path, bytes).unwrap();
    let result = load(path, manifest);
    if let Err(LoadError::Engine { what, .. }) = &result {
        panic!("{} bytes: {what}", bytes.len());
    }
    result.is_ok()
}

#[test]
fn cut_and_flipped_files_are_errors() {
    let manifest = r#"
        [burn]
        extra_weights = "ignore"
        input = { shape = [6] }
        layers = [{ type = "linear", name = "fc1" }, { type = "layer_norm", name = "norm" }]"#;
    let torch = fixtures().join("torch/layernorm");
    let folder = tempfile::tempdir().unwrap();
    for name in ["state.pt", "model.safetensors"] {
        let bytes = fs::read(torch.join(name)).unwrap();
        let path = folder.path().join(name);
        assert!(survives(&path, &bytes, manifest));
        for cut in (0..bytes.len()).step_by(61) {
            assert!(
                !survives(&path, &bytes[..cut], manifest),
                "{name} cut to {cut}"
            );
        }
        for at in (0..bytes.len()).step_by(37) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x55;
            survives(&path, &bytes, manifest);
        }
    }
}

#[test]
fn cut_and_flipped_records_are_errors() {
    use burn::module::Module;
    use burn::nn::{Linear, LinearConfig};

    #[derive(Module, Debug)]
    struct Net {
        fc: Linear,
    }
    let net = Net {
        fc: LinearConfig::new(4, 3).init(&burn::tensor::Device::flex()),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bpk");
    net.into_record().save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert!(survives(&path, &bytes, FC));
    for cut in 0..bytes.len() {
        assert!(!survives(&path, &bytes[..cut], FC), "cut to {cut}");
    }
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0xff;
        survives(&path, &bytes, FC);
    }
}

#[test]
fn a_pickle_is_data_and_never_runs() {
    let folder = tempfile::tempdir().unwrap();
    let witness = folder.path().join("witness");
    let pickle = format!("cos\nsystem\n(S'touch {}'\ntR.", witness.display());
    for name in ["state.pt", "model.safetensors"] {
        let path = folder.path().join(name);
        fs::write(&path, &pickle).unwrap();
        assert!(load(&path, FC).is_err());
    }
    assert!(!witness.exists());
}

#[test]
fn tensors_that_claim_more_than_their_file_holds_are_not_read() {
    let refused = fixtures().join("torch-refused");
    let wide =
        "[burn]\ninput = { shape = [4096] }\nlayers = [{ type = \"linear\", name = \"fc\" }]";
    let message = refusal(&refused.join("expanded/state.pt"), wide);
    assert!(
        message.contains("tensor 'fc.weight' claims 4294967296 bytes, but the file has"),
        "{message}"
    );
    let layers = (0..1000).map(|i| format!("{{ type = \"linear\", name = \"layers.{i}\" }}, "));
    let deep = format!(
        "[burn]\ninput = {{ shape = [64] }}\nlayers = [{}]",
        layers.collect::<String>()
    );
    let message = refusal(&refused.join("shared/state.pt"), &deep);
    assert!(
        message.contains("the tensors up to it claim 196608 bytes, but the file has"),
        "{message}"
    );
}

#[test]
fn the_estimate_is_the_size_of_the_weights() {
    let (_folder, path) = written(&[("fc.weight", &[2, 4])]);
    let size = safetensors(&[("fc.weight", &[2, 4])]).len() as u64;
    let estimate = BurnLoader.estimate(&package(&path, FC)).unwrap();
    assert_eq!(estimate.memory, size);
    fs::remove_file(&path).unwrap();
    let gone = BurnLoader.estimate(&package(&path, FC));
    assert!(matches!(gone, Err(LoadError::Read { .. })));
    assert!(matches!(load(&path, FC), Err(LoadError::Read { .. })));
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_repository_is_not_followed() {
    let (_elsewhere, target) = written(&[("fc.weight", &[2, 4])]);
    let repository = tempfile::tempdir().unwrap();
    let version = repository.path().join("net/1");
    fs::create_dir_all(&version).unwrap();
    let link = version.join("model.safetensors");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let manifest = FC.replacen("[burn]", "[burn]\nweights = \"model.safetensors\"", 1);
    assert!(load(&link, &manifest).is_err());
    fs::remove_file(&link).unwrap();
    fs::copy(&target, &link).unwrap();
    assert!(load(&link, &manifest).is_ok());
}
