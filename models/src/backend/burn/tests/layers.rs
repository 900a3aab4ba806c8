//! Every layer type with its options, against what PyTorch answers.

use std::fs;

use super::{BACKENDS, cases, check, fixtures, load, on};

#[test]
fn every_layer_agrees_with_pytorch_on_both_backends() {
    let mut folders: Vec<_> = fs::read_dir(fixtures().join("torch-layers"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    assert!(folders.len() >= 40, "{}", folders.len());
    for folder in folders {
        let manifest = fs::read_to_string(folder.join("model.toml")).unwrap();
        for backend in BACKENDS {
            let what = format!("{} on {backend}", folder.display());
            let model = load(&folder.join("model.safetensors"), &on(backend, &manifest))
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            for case in cases(&folder) {
                check(&*model, &case, &what);
            }
        }
    }
}
