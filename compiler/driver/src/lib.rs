//! The binary `sglc`: the only place where everything meets.
//!
//! [`compile`] is text to image, [`execute`] is image to text; `command/` has one file per command. Only [`report`]
//! prints, only [`sources`], [`models`] and `arguments` know files and the environment.
//!
//! Exit codes: 0 fine, 1 the program is wrong or failed, 2 the command line is wrong.

mod admission;
pub mod arguments;
pub mod command;
pub mod compile;
mod constraints;
pub mod demand;
pub mod differences;
mod engines;
mod evaluating;
pub mod execute;
pub mod flags;
pub mod grants;
pub mod models;
mod packaged;
pub mod pictures;
pub mod project;
pub mod report;
pub mod scripted;
pub mod scripted_tools;
pub mod sources;
pub mod stats;
pub mod testing;
pub mod together;
pub mod tokens;
pub mod toolhost;
pub mod trace;
pub mod transcript;

use std::ffi::OsString;
use std::process::ExitCode;

/// What a command comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Fine,
    /// The program is wrong, or its run failed; it has been said why.
    Failed,
    /// The command line is wrong; it has been said why.
    Usage,
}

/// Runs a command line and says how it went.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let outcome = match arguments::parse(arguments) {
        Ok(command) => command::run(command),
        Err(outcome) => outcome,
    };
    ExitCode::from(match outcome {
        Outcome::Fine => 0,
        Outcome::Failed => 1,
        Outcome::Usage => 2,
    })
}
