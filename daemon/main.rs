//! The program `impresario`: everything it can do is a command of [`impresario::cli`].

use std::process::ExitCode;

/// A request is some fifty small pieces of memory, most of them freed on the thread that took them: what mimalloc is
/// made for. An application that embeds Impresario chooses for itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    impresario::cli::run()
}
