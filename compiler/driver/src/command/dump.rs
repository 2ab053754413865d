//! `sglc dump`: prints a program as a stage sees it.

use crate::arguments::{DiagnosticFormat, DumpArguments};
use crate::{Outcome, compile, report};

/// Prints the stage's text form; a program that does not get that far is reported instead.
pub(super) fn run(arguments: &DumpArguments) -> Outcome {
    let compiled = match compile::from_disk(&arguments.file) {
        Ok(compiled) => compiled,
        Err(outcome) => return outcome,
    };
    let failed = report::diagnostics(&compiled.files, &compiled.diagnostics, DiagnosticFormat::Text);
    match compiled.dump(arguments.stage) {
        Some(text) => report::result(text.trim_end()),
        None => report::note("the program does not get as far as this stage"),
    }
    if failed { Outcome::Failed } else { Outcome::Fine }
}
