//! Where ONNX Runtime's shared library is: what `ORT_DYLIB_PATH` says, or the one that came with a peer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const VARIABLE: &str = "ORT_DYLIB_PATH";

/// Tells a program where the library is, unless it is told already or there is none.
pub(crate) fn tell(command: &mut Command) {
    if std::env::var_os(VARIABLE).is_none()
        && let Some(library) = installed()
    {
        command.env(VARIABLE, library);
    }
}

/// The library inside the wheel that FastAPI's environment has.
fn installed() -> Option<PathBuf> {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers/fastapi/lib");
    let pythons = fs::read_dir(environment).ok()?.flatten();
    let folders = pythons.map(|python| python.path().join("site-packages/onnxruntime/capi"));
    let files = folders.flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    files.map(|file| file.path()).find(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("libonnxruntime.so"))
    })
}
