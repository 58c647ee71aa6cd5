//! The program: runs the command line and hands its exit code to the shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    waldur_usage::cli::main()
}
