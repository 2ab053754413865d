//! The `sglc` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    sglc::main(std::env::args_os().collect())
}
