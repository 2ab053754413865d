//! Diagnostics as people see them, through ariadne; as JSON lines for tools; as annotations of a pull request.

use crate::{Applicability, Diagnostic, FileId, Files, Severity, Span, lines};
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
        "fixes": diagnostic.fixes.iter().map(|fix| serde_json::json!({
            "title": fix.title,
            "applicability": match fix.applicability { Applicability::Safe => "safe", Applicability::Probable => "probable" },
            "edits": fix.edits.iter().map(|edit| serde_json::json!({
                "at": place(edit.span), "replacement": edit.replacement,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

/// One diagnostic as a workflow command of GitHub, which shows it beside the line in a pull request.
///
/// The form `::error file=…,line=…,title=…::message`: in the message `%`, `\r` and `\n` are escaped, in a property `:` and
/// `,` too (GitHub, "Workflow commands for GitHub Actions").
pub fn github(files: &Files, diagnostic: &Diagnostic) -> String {
    let kind = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let span = diagnostic.span();
    let text = files.text(span.file);
    let (start, end) = (lines::position(text, span.start as usize), lines::position(text, span.end as usize));
    let mut message = format!("{}: {}", diagnostic.message, diagnostic.labels[0].text);
    for extra in [&diagnostic.help, &diagnostic.note].into_iter().flatten() {
        message.push_str(&format!("\n{extra}"));
    }
    // Columns mean something to GitHub on one line only.
    let columns =
        if start.line == end.line { format!(",col={},endColumn={}", start.column, end.column) } else { String::new() };
    format!(
        "::{kind} file={},line={},endLine={}{columns},title={}::{}",
        property(files.name(span.file)),
        start.line,
        end.line,
        property(&format!("{} {}", diagnostic.code, diagnostic.code.title())),
        data(&message),
    )
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn a_workflow_command_escapes_what_would_end_it() {
        let mut files = Files::default();
        let file = files.add("a,b.sgl", "let x = 1\n".to_string());
        let found = Diagnostic::warning(Code::W0201, "100% of `x`", Span::new(file, 4, 5), "unread")
            .with_help("remove it\nor not");
        assert_eq!(
            github(&files, &found),
            "::warning file=a%2Cb.sgl,line=1,endLine=1,col=5,endColumn=6,title=W0201 value that nobody reads::\
             100%25 of `x`: unread%0Aremove it%0Aor not"
        );
    }
}
