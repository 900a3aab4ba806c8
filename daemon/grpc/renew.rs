//! The code in `gen/` is what `proto/` says: made again here, in pure Rust, and compared. It is committed so that
//! a build needs nothing but cargo.

use std::fs;
use std::path::{Path, PathBuf};

use protox::Compiler;

/// A run with this variable writes the files instead of comparing them, as for crate `expect-test`.
const RENEW: &str = "UPDATE_EXPECT";

#[test]
fn generated_code_is_what_the_protocol_says() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("daemon/grpc");
    let mut compiler = Compiler::new([here.join("proto")]).unwrap();
    compiler
        .include_imports(true)
        .open_files([
            here.join("proto/model_config.proto"),
            here.join("proto/inference.proto"),
        ])
        .unwrap();
    let made = tempfile::tempdir().unwrap();
    // Comments become documentation.
    let described = compiler.include_source_info(true).file_descriptor_set();
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .codec_path("crate::grpc::Codec")
        // Slices of the message as it arrived, and tensors as they leave: neither is copied on the way.
        .bytes(".inference.ModelInferRequest.raw_input_contents")
        .bytes(".inference.ModelInferResponse.raw_output_contents")
        .btree_map(".")
        .out_dir(made.path())
        .compile_fds(described)
        .unwrap();
    let code = fs::read(made.path().join("inference.rs")).unwrap();
    // What reflection serves has no need of the comments.
    let schema = compiler
        .include_source_info(false)
        .encode_file_descriptor_set();
    compare(here.join("gen/inference.rs"), &code);
    compare(here.join("gen/inference.bin"), &schema);
}

fn compare(path: PathBuf, made: &[u8]) {
    if std::env::var_os(RENEW).is_some() {
        return fs::write(&path, made).unwrap();
    }
    let kept = fs::read(&path).unwrap_or_default();
    assert!(
        kept == made,
        "{} is not what proto/ says now: renew it with `{RENEW}=1 cargo test --lib grpc::renew`, and commit it",
        path.display()
    );
}
