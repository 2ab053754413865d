//! The `sglc` command.

use std::process::ExitCode;

/// Address space for the stack, in bytes: values of recursive types nest as deep as a program makes them, and what walks
/// them is recursive. Only what is used becomes memory.
const STACK_BYTES: usize = 512 << 20;

fn main() -> ExitCode {
    let run = || sglc::main(std::env::args_os().collect());
    match std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run) {
        // A panic has been printed by then.
        Ok(thread) => thread.join().unwrap_or(ExitCode::FAILURE),
        Err(_) => sglc::main(std::env::args_os().collect()),
    }
}
