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

/// Whether a fix may be applied by a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Applicability {
    /// The program does the same after it, or what was plainly meant: `sglc fix` applies it.
    Safe,
    /// Probably what was meant; a person decides.
    Probable,
}

/// A change of one range of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub replacement: String,
}

/// Edits that together would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What they do: an order, lower case, no full stop.
    pub title: String,
    /// Whether they may be applied by a machine.
    pub applicability: Applicability,
    /// The edits; no two overlap.
    pub edits: Vec<Edit>,
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
    /// What would mend it, best first.
    pub fixes: Vec<Fix>,
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
            fixes: Vec::new(),
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

    /// Adds one edit that is safe to apply.
    #[must_use]
    pub fn with_fix(self, title: impl Into<String>, span: Span, replacement: impl Into<String>) -> Self {
        self.with_edits(title, Applicability::Safe, vec![Edit { span, replacement: replacement.into() }])
    }

    /// Adds one edit that a person should look at.
    #[must_use]
    pub fn with_probable_fix(self, title: impl Into<String>, span: Span, replacement: impl Into<String>) -> Self {
        self.with_edits(title, Applicability::Probable, vec![Edit { span, replacement: replacement.into() }])
    }

    /// Adds edits that go together.
    #[must_use]
    pub fn with_edits(mut self, title: impl Into<String>, applicability: Applicability, edits: Vec<Edit>) -> Self {
        self.fixes.push(Fix { title: title.into(), applicability, edits });
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
