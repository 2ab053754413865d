//! Diagnostics as people see them, through ariadne; and as JSON lines for tools.

use crate::{Diagnostic, FileId, Files, Severity, Span, lines};
use ariadne::{CharSet, Config, IndexType, Label, Report, ReportKind, Source};

/// Whether to use colour, and no others: the layout is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// For terminals.
    On,
    /// For files and tests.
    Off,
}

/// One diagnostic, as several lines of text that end in a newline.
pub fn text(files: &Files, diagnostic: &Diagnostic, colour: Colour) -> String {
    let kind = match diagnostic.severity {
        Severity::Error => ReportKind::Error,
        Severity::Warning => ReportKind::Warning,
    };
    let config = Config::default()
        .with_color(colour == Colour::On)
        .with_char_set(CharSet::Unicode)
        .with_index_type(IndexType::Byte);
    let at = |span: Span| (span.file, clamp(files, span));
    let mut report = Report::build(kind, at(diagnostic.span()))
        .with_config(config)
        .with_code(diagnostic.code.to_string())
        .with_message(&diagnostic.message);
    // In the order of the text: a label before the one that came first would open a second picture of the same file.
    let mut labels: Vec<_> = diagnostic.labels.iter().enumerate().collect();
    labels.sort_by_key(|(_, label)| (label.span.file != diagnostic.span().file, label.span));
    for (index, label) in labels {
        let color = if index == 0 { ariadne::Color::Red } else { ariadne::Color::Blue };
        report = report.with_label(Label::new(at(label.span)).with_message(&label.text).with_color(color));
    }
    if let Some(help) = &diagnostic.help {
        report = report.with_help(help);
    }
    if let Some(note) = &diagnostic.note {
        report = report.with_note(note);
    }
    let mut out = Vec::new();
    let written = report.finish().write(Cache::new(files), &mut out);
    written.expect("writing to memory can't fail, and the cache knows every file");
    let text = String::from_utf8_lossy(&out);
    let mut lines: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    if !lines.ends_with('\n') {
        lines.push('\n');
    }
    lines
}

/// One diagnostic as a JSON object: severity, code, message, place, help and fix.
pub fn json(files: &Files, diagnostic: &Diagnostic) -> serde_json::Value {
    let place = |span: Span| {
        let text = files.text(span.file);
        let start = lines::position(text, span.start as usize);
        let end = lines::position(text, span.end as usize);
        serde_json::json!({
            "file": files.name(span.file), "line": start.line, "column": start.column,
            "end_line": end.line, "end_column": end.column, "byte_start": span.start, "byte_end": span.end,
        })
    };
    let labels: Vec<_> = diagnostic
        .labels
        .iter()
        .map(|label| serde_json::json!({ "at": place(label.span), "text": label.text }))
        .collect();
    serde_json::json!({
        "severity": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "code": diagnostic.code.to_string(),
        "message": diagnostic.message,
        "labels": labels,
        "help": diagnostic.help,
        "note": diagnostic.note,
        "fix": diagnostic.fix.as_ref().map(|fix| serde_json::json!({
            "at": place(fix.span), "replacement": fix.replacement,
        })),
    })
}

/// The span's bytes, moved to character boundaries: ariadne panics on any other.
fn clamp(files: &Files, span: Span) -> std::ops::Range<usize> {
    let text = files.text(span.file);
    let start = text.floor_char_boundary((span.start as usize).min(text.len()));
    let end = text.ceil_char_boundary((span.end as usize).min(text.len()));
    start..end.max(start)
}

/// Gives ariadne the texts it asks for.
struct Cache<'a> {
    files: &'a Files,
    sources: Vec<Source<std::sync::Arc<str>>>,
}

impl<'a> Cache<'a> {
    fn new(files: &'a Files) -> Self {
        let sources = files.ids().map(|id| Source::from(files.text(id).clone())).collect();
        Self { files, sources }
    }
}

impl ariadne::Cache<FileId> for Cache<'_> {
    type Storage = std::sync::Arc<str>;

    fn fetch(&mut self, id: &FileId) -> Result<&Source<Self::Storage>, impl std::fmt::Debug> {
        self.sources.get(id.0 as usize).ok_or("unknown file")
    }

    fn display<'b>(&self, id: &'b FileId) -> Option<impl std::fmt::Display + 'b> {
        Some(self.files.name(*id).to_string())
    }
}
