//! Syntax tree to text in the one style, which `docs/style.md` describes.
//!
//! ```text
//! text --parse--> ast::Module --Printer--> Document --render--> text --parse--> the same tree, or it is refused
//! ```
//!
//! The tree gives the layout, the tokens give the characters: each is copied from the source, in order, so that a number, a
//! string or a prompt comes out as it was written, and comments find their place by position. Nothing is trusted: the
//! result is parsed again, and must be the same tree with the same comments.

mod cursor;
mod document;
mod expression;
mod item;
mod pattern;
mod postfix;
mod sequence;
mod statement;
mod text;
mod types;
mod verify;

use cursor::Cursor;
use sgl_source::{Code, Diagnostic, FileId};

/// Passes until the text stands still; a comment in an odd place may move twice.
const PASSES_MAX: usize = 4;

/// Why a text is not formatted.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// It has errors of syntax.
    Syntax(Vec<Diagnostic>),
    /// A fault of ours, as a sentence: the result would not be the same program.
    Unsafe(String),
}

/// The text in the one style, or why it stays as it is. Formatting what this returns changes nothing.
pub fn format(file: FileId, source: &str) -> Result<String, Refusal> {
    let mut text = pass(file, source)?;
    for _ in 1..PASSES_MAX {
        let next = pass(file, &text)?;
        if next == text {
            break;
        }
        text = next;
    }
    verify::same_program(file, source, &text).map_err(Refusal::Unsafe)?;
    Ok(text)
}

fn pass(file: FileId, source: &str) -> Result<String, Refusal> {
    let parsed = sgl_syntax::parse(file, source);
    if parsed.diagnostics.iter().any(is_unread) {
        return Err(Refusal::Syntax(errors(parsed.diagnostics)));
    }
    let tokens = sgl_syntax::lexer::lex(file, source);
    let mut cursor = Cursor::new(source, &tokens);
    let document = cursor.module(&parsed.module);
    match cursor.lost() {
        // What is not built yet may have no tree.
        Some(_) if parsed.diagnostics.iter().any(Diagnostic::is_error) => {
            Err(Refusal::Syntax(errors(parsed.diagnostics)))
        }
        Some(line) => Err(Refusal::Unsafe(format!("the formatter lost its place on line {line}"))),
        None => Ok(document::render(&document)),
    }
}

fn errors(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.into_iter().filter(Diagnostic::is_error).collect()
}

/// Whether this says that a part of the text could not be read; judgements on what was read don't hinder formatting.
fn is_unread(diagnostic: &Diagnostic) -> bool {
    diagnostic.is_error() && !matches!(diagnostic.code, Code::E0103 | Code::E0104)
}
