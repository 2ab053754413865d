//! `sglc schema`: what of a JSON Schema can be enforced.

use crate::arguments::{SchemaArguments, SchemaCommand};
use crate::{Outcome, report};
use anyhow::{Context, Result};
use sgl_constrain::schema::{SchemaOptions, problems};
use std::io::Read;

/// Runs the command.
pub(super) fn run(command: &SchemaCommand) -> Outcome {
    let SchemaCommand::Check(arguments) = command;
    let mut outcome = Outcome::Fine;
    for file in &arguments.files {
        match check(file, arguments) {
            Ok(true) => report::note(&format!("{file}: every keyword is enforced")),
            Ok(false) => outcome = Outcome::Failed,
            Err(error) => {
                report::failure(&error);
                outcome = Outcome::Failed;
            }
        }
    }
    outcome
}

/// Reports what stands in the way; whether nothing does.
fn check(file: &str, arguments: &SchemaArguments) -> Result<bool> {
    let text = if file == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("the standard input can't be read")?;
        text
    } else {
        std::fs::read_to_string(file).with_context(|| format!("{file} can't be read"))?
    };
    let schema = serde_json::from_str(&text).with_context(|| format!("{file} is no JSON"))?;
    let options = SchemaOptions { lenient: arguments.lenient, ..SchemaOptions::default() };
    let found = problems(&schema, options);
    for problem in &found {
        report::error(&format!("{file}{problem}"));
    }
    Ok(found.is_empty())
}
