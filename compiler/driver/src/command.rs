//! One file per command.

mod build;
mod check;
mod diff;
mod doctor;
mod dump;
mod explain;
mod fix;
mod fmt;
mod inspect;
mod mask;
mod model;
mod new;
mod plan;
mod run;
mod schema;

use crate::Outcome;
use crate::arguments::Command;

/// Runs a command.
pub fn run(command: Command) -> Outcome {
    match command {
        Command::Run { arguments } => run::run(&arguments),
        Command::Test(arguments) => crate::testing::test(&arguments),
        Command::Eval(arguments) => crate::evaluating::eval(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Fix(arguments) => fix::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Dump(arguments) => dump::run(&arguments),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Doctor => doctor::run(),
        Command::Mask(arguments) => mask::run(&arguments),
        Command::Model { command } => model::run(&command),
        Command::Schema { command } => schema::run(&command),
    }
}
