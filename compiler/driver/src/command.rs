//! One file per command.

mod check;
mod dump;
mod model;
mod run;

use crate::Outcome;
use crate::arguments::Command;

/// Runs a command.
pub fn run(command: Command) -> Outcome {
    match command {
        Command::Run { arguments } => run::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Dump(arguments) => dump::run(&arguments),
        Command::Model { command } => model::run(&command),
    }
}
