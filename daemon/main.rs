//! The program `impresario`: everything it can do is a command of [`impresario::cli`].

use std::process::ExitCode;

/// A request is some fifty small pieces of memory, most of them freed on the thread that took them: what mimalloc is
/// made for. An application that embeds Impresario chooses for itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Memory that is free goes back to the system at once: otherwise what the thread of a load took stays with the
/// process after its version is unloaded (measured: 555 MB of three versions instead of 31).
const PURGE: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "0");

fn main() -> ExitCode {
    give_memory_back();
    impresario::cli::run()
}

/// The allocator reads its options from the environment, once, before `main`: so the program begins again with them
/// there, in the same process. Whoever sets the variable decides; where this does not work, memory is given back later.
#[cfg(unix)]
fn give_memory_back() {
    use std::os::unix::process::CommandExt;

    let (name, value) = PURGE;
    if std::env::var_os(name).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut again = std::process::Command::new(program);
    let mut arguments = std::env::args_os();
    if let Some(called) = arguments.next() {
        again.arg0(called);
    }
    // It returns only where it failed.
    let _error = again.args(arguments).env(name, value).exec();
}

#[cfg(not(unix))]
fn give_memory_back() {}
