//! Whether two texts are the same program: one tree, and the same comments.

use sgl_source::FileId;

/// An error says, as a sentence, how `after` differs from `before`.
pub(crate) fn same_program(file: FileId, before: &str, after: &str) -> Result<(), String> {
    let (old, new) = (sgl_syntax::parse(file, before), sgl_syntax::parse(file, after));
    if let Some(error) = new.diagnostics.iter().find(|d| crate::is_unread(d)) {
        return Err(format!("the formatted text would not parse: {}", error.message));
    }
    let (old, new) = (sgl_syntax::dump::module(&old.module), sgl_syntax::dump::module(&new.module));
    if old != new {
        let differ = old.lines().zip(new.lines()).find(|(a, b)| a != b).unwrap_or(("", ""));
        return Err(format!(
            "the formatted text would be another program: `{}` would become `{}`",
            differ.0.trim(),
            differ.1.trim()
        ));
    }
    if comments(file, before) != comments(file, after) {
        return Err("the formatted text would lose or change a comment".to_string());
    }
    Ok(())
}

/// The comments of a text, sorted: one that moves to the end of a line may pass another.
fn comments(file: FileId, source: &str) -> Vec<String> {
    let tokens = sgl_syntax::lexer::lex(file, source);
    let mut all: Vec<String> =
        tokens.comments.iter().map(|(start, end)| source[*start..*end].trim_end().to_string()).collect();
    all.sort();
    all
}
