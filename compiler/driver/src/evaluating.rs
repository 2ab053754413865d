//! `sglc eval`: a program over rows of data, several times each, and whether it is good enough.
//!
//! ```text
//! rows x seeds --journal--> what is left --run, side by side--> metrics per row --> means with intervals --> gates
//! ```
//!
//! What is finished stands in a journal beside the source, by a hash of the program, the model, the row and the seed, so
//! that an interrupted eval goes on where it was. A complete one removes it.

mod answers;
mod csv;
mod data;
mod interrupt;
mod journal;
mod run;
mod show;
mod statistics;

use crate::arguments::{DiagnosticFormat, EvalArguments};
use crate::{Outcome, compile, report};
use sgl_vm::image::Eval;

/// Runs the evals that a command line asks for.
pub(crate) fn eval(arguments: &EvalArguments) -> Outcome {
    let (file, wanted) = match arguments.program.split_once("::") {
        Some((file, name)) => (file, Some(name)),
        None => (arguments.program.as_str(), None),
    };
    let compiled = match compile::from_disk(file) {
        Ok(compiled) => compiled,
        Err(outcome) => return outcome,
    };
    let errors: Vec<_> = compiled.diagnostics.iter().filter(|d| d.is_error()).cloned().collect();
    if report::diagnostics(&compiled.files, &errors, DiagnosticFormat::Text) {
        return Outcome::Failed;
    }
    let Some(image) = &compiled.image else { return Outcome::Failed };
    let evals: Vec<&Eval> = image.evals.iter().filter(|eval| wanted.is_none_or(|name| eval.name == name)).collect();
    if evals.is_empty() {
        let names: Vec<&str> = image.evals.iter().map(|eval| eval.name.as_str()).collect();
        report::error(&match wanted {
            Some(name) => format!("{file} has no eval `{name}`{}", report::hint(name, names)),
            None => format!("{file} has no eval"),
        });
        return Outcome::Usage;
    }
    let mut passed = true;
    for eval in evals {
        match run::run(&compiled, image, file, eval, arguments) {
            Ok(summary) => passed &= show::summary(&summary, arguments.json),
            Err(error) => {
                report::failure(&error);
                return Outcome::Failed;
            }
        }
    }
    if passed { Outcome::Fine } else { Outcome::Failed }
}
