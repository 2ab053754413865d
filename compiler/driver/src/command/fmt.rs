//! `sglc fmt`: programs in the one style.

use crate::arguments::{DiagnosticFormat, FormatArguments};
use crate::sources::{Disk, STANDARD_INPUT, Sources, programs_under};
use crate::{Outcome, report, sources};
use sgl_format::Refusal;
use sgl_source::Files;
use similar::TextDiff;

/// Formats files in place, folders with all programs in them, and the standard input to the standard output.
///
/// A file with errors stays as it is. With `--check` nothing is written, and what would change is shown.
pub(super) fn run(arguments: &FormatArguments) -> Outcome {
    let mut outcome = Outcome::Fine;
    let mut changed = 0_usize;
    for name in &arguments.files {
        let programs = match programs_under(name) {
            Ok(programs) => programs,
            Err(message) => {
                report::error(&message);
                outcome = Outcome::Failed;
                continue;
            }
        };
        if programs.is_empty() {
            report::note(&format!("{name}: no programs (*.sgl) in this folder"));
        }
        for program in programs {
            match file(&program, arguments) {
                Some(true) => changed += 1,
                Some(false) => {}
                None => outcome = Outcome::Failed,
            }
        }
    }
    if arguments.check && changed > 0 {
        let these = if changed == 1 { "1 file is" } else { &format!("{changed} files are") };
        report::note(&format!("{these} not formatted; `sglc fmt` without `--check` does it"));
        return Outcome::Failed;
    }
    outcome
}

/// Formats one file. Whether that changes it; `None` if it can't be done, which has been said.
fn file(name: &str, arguments: &FormatArguments) -> Option<bool> {
    let is_input = name == STANDARD_INPUT;
    let shown = arguments.stdin_path.as_deref().filter(|_| is_input).unwrap_or(name);
    let text = Disk.read(name).map_err(|message| report::error(&message)).ok()?;
    let mut files = Files::default();
    let id = files.add(shown, text.clone());
    let formatted = match sgl_format::format(id, &text) {
        Ok(formatted) => formatted,
        Err(Refusal::Syntax(found)) => {
            report::diagnostics(&files, &found, DiagnosticFormat::Text);
            report::error(&format!("{shown} has errors and stays as it is"));
            return None;
        }
        Err(Refusal::Unsafe(reason)) => {
            report::error(&format!("{shown} stays as it is: {reason}; this is a fault of sglc, please report it"));
            return None;
        }
    };
    let changed = formatted != text;
    if arguments.check {
        if changed {
            let diff = TextDiff::from_lines(&text, &formatted);
            report::result(diff.unified_diff().header(shown, "formatted").to_string().trim_end());
        }
    } else if is_input {
        report::result_exactly(&formatted);
    } else if changed {
        sources::write(name, &formatted).map_err(|message| report::error(&message)).ok()?;
        report::note(&format!("{name}: formatted"));
    }
    Some(changed)
}
