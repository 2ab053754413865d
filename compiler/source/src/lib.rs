//! Where things are in source text, and how we say what is wrong there.
//!
//! A [`Files`] holds every text that was read, a [`Span`] is a byte range in one of them, a [`Diagnostic`] is one
//! thing that a person should know about it. [`render`] is the only place that knows ariadne. Codes live in one table,
//! [`code`]; each has a page under `docs/diagnostics`, which `sglc explain` prints. [`edits`] applies fixes.
//!
//! Invariants: spans are in bytes and lie on character boundaries; a diagnostic is data until it is rendered.

pub mod code;
pub mod diagnostic;
pub mod edits;
pub mod file;
pub mod lines;
pub mod render;
pub mod similar;
pub mod span;

pub use code::Code;
pub use diagnostic::{Applicability, Diagnostic, Edit, Fix, Label, Severity};
pub use file::{FileId, Files};
pub use similar::did_you_mean;
pub use span::{Span, Spanned};
