//! The program `impresario`: everything it can do is a command of [`impresario::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    impresario::cli::run()
}
