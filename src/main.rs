//! The program: runs the command line and hands its exit code to the shell.

use std::process::ExitCode;

/// Files of millions of rows are lists that grow and go again, which the system's own allocator gives back
/// page by page.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    waldur_usage::cli::main()
}
