//! `sglc check`: says what is wrong.

use crate::arguments::{CheckArguments, DiagnosticFormat};
use crate::sources::Disk;
use crate::{Outcome, compile, report};

/// Checks each file on its own.
pub(super) fn run(arguments: &CheckArguments) -> Outcome {
    let mut outcome = Outcome::Fine;
    for file in &arguments.files {
        let compiled = match compile::compile(&Disk, file) {
            Ok(compiled) => compiled,
            Err(message) => {
                report::error(&message);
                outcome = Outcome::Failed;
                continue;
            }
        };
        if report::diagnostics(&compiled.files, &compiled.diagnostics, arguments.format) {
            outcome = Outcome::Failed;
        } else if arguments.format == DiagnosticFormat::Text {
            report::note(&format!("{file}: fine"));
        }
    }
    outcome
}
