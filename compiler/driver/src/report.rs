//! Everything that is printed. Results go to the standard output, all else to the standard error stream.

use crate::arguments::DiagnosticFormat;
use sgl_source::render::{self, Colour};
use sgl_source::{Diagnostic, Files, Severity, did_you_mean};
use std::io::{IsTerminal, Write};

/// Whether the standard error stream shows colour: a terminal, and `NO_COLOR` is not set.
pub fn colour() -> Colour {
    let wanted = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    if wanted { Colour::On } else { Colour::Off }
}

/// A line of result.
pub fn result(text: &str) {
    // Whoever closed the pipe has read enough: `sglc dump … | head`.
    writeln!(std::io::stdout().lock(), "{text}").ok();
}

/// A result that brings its own newlines.
pub fn result_exactly(text: &str) {
    write!(std::io::stdout().lock(), "{text}").ok();
}

/// A line for the person at the terminal.
pub fn note(text: &str) {
    piece(&format!("{text}\n"));
}

/// A mistake that is not of a program's text.
pub fn error(text: &str) {
    match colour() {
        Colour::On => note(&format!("\u{1b}[31merror:\u{1b}[0m {text}")),
        Colour::Off => note(&format!("error: {text}")),
    }
}

/// A failure with its causes, each once: many messages repeat what their cause says.
pub fn failure(error: &anyhow::Error) {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&cause);
        }
    }
    self::error(&text);
}

/// `; did you mean …?` for a word that is none of `names`, or nothing.
pub fn hint<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    did_you_mean(word, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// A piece of transcript, at once.
pub fn piece(text: &str) {
    let mut stream = std::io::stderr().lock();
    // A transcript that can't be shown (a closed pipe) does not harm the run.
    stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).ok();
}

/// Diagnostics, and a line that counts them. Says whether there is an error among them.
pub fn diagnostics(files: &Files, found: &[Diagnostic], format: DiagnosticFormat) -> bool {
    for diagnostic in found {
        match format {
            DiagnosticFormat::Text => piece(&render::text(files, diagnostic, colour())),
            DiagnosticFormat::Json => result(&render::json(files, diagnostic).to_string()),
            DiagnosticFormat::Github => result(&render::github(files, diagnostic)),
        }
    }
    let errors = found.iter().filter(|d| d.severity == Severity::Error).count();
    let warnings = found.len() - errors;
    if !found.is_empty() && format == DiagnosticFormat::Text {
        note(&count(errors, warnings));
    }
    errors > 0
}

fn count(errors: usize, warnings: usize) -> String {
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (errors, warnings) {
        (e, 0) => plural(e, "error"),
        (0, w) => plural(w, "warning"),
        (e, w) => format!("{}, {}", plural(e, "error"), plural(w, "warning")),
    }
}
