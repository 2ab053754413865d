//! `sglc diff A B`: what an edit changes of what a program sends and can cost.

use crate::arguments::{DiagnosticFormat, DiffArguments};
use crate::differences::{described, sides, text};
use crate::tokens::Tokens;
use crate::{Outcome, compile, report};
use sgl_plan::diff::diff;

/// Prints what changed; nothing if nothing did.
pub(super) fn run(arguments: &DiffArguments) -> Outcome {
    let tokens = match Tokens::of(&arguments.model) {
        Ok(tokens) => tokens,
        Err(error) => {
            report::failure(&error);
            return Outcome::Failed;
        }
    };
    let side = |program: &str| {
        let (file, entry) = match program.split_once("::") {
            Some((file, entry)) => (file, Some(entry)),
            None => (program, None),
        };
        let compiled = compile::from_disk(file)?;
        if report::diagnostics(&compiled.files, &compiled.diagnostics, DiagnosticFormat::Text) {
            return Err(Outcome::Failed);
        }
        sides(&compiled, entry, &tokens).map_err(|message| {
            report::error(&format!("{file}: {message}"));
            Outcome::Failed
        })
    };
    let (before, after) = match (side(&arguments.before), side(&arguments.after)) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(outcome), _) | (_, Err(outcome)) => return outcome,
    };
    let found = diff(&before, &after, &tokens);
    let shown = if arguments.json { described(&found) } else { text(&found) };
    if !shown.is_empty() {
        report::result(shown.trim_end());
    }
    Outcome::Fine
}
