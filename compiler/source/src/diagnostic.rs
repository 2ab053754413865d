//! One thing that a person should know about a program.

use crate::{Code, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The program does not run.
    Error,
    /// The program runs, and probably not as meant.
    Warning,
}

/// A place, and what is to be said there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What: a phrase, lower case, no full stop.
    pub text: String,
}

/// An edit that would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub replacement: String,
}

/// A diagnostic: data until it is rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Its code, which `sglc explain` knows.
    pub code: Code,
    /// What is wrong: a sentence without a full stop, names in backticks.
    pub message: String,
    /// The place that is at fault, first, and places that explain it.
    pub labels: Vec<Label>,
    /// What to type instead.
    pub help: Option<String>,
    /// Something true that helps to understand it.
    pub note: Option<String>,
    /// The edit that `help` describes, where it is safe to apply.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// An error at `span`; `label` says what is there.
    pub fn error(code: Code, message: impl Into<String>, span: Span, label: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            labels: vec![Label { span, text: label.into() }],
            help: None,
            note: None,
            fix: None,
        }
    }

    /// A warning at `span`; `label` says what is there.
    pub fn warning(code: Code, message: impl Into<String>, span: Span, label: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message, span, label) }
    }

    /// Adds a place that explains it.
    #[must_use]
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds what to type instead.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds help if there is any.
    #[must_use]
    pub fn with_help_if(mut self, help: Option<String>) -> Self {
        self.help = self.help.or(help);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Adds an edit that is safe to apply.
    #[must_use]
    pub fn with_fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.fix = Some(Fix { span, replacement: replacement.into() });
        self
    }

    /// Whether the program can't run because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The place at fault.
    pub fn span(&self) -> Span {
        self.labels[0].span
    }
}

/// Sorts by place and drops exact repetitions.
pub fn tidy(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| (a.span(), a.severity, &a.message).cmp(&(b.span(), b.severity, &b.message)));
    diagnostics.dedup();
}
