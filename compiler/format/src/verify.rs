//! Whether two texts are the same program: one tree, and the same comments.

use sgl_source::FileId;
use sgl_syntax::ast::Module;

/// An error says, as a sentence, how `after` differs from `before`.
pub(crate) fn same_program(file: FileId, before: &str, after: &str) -> Result<(), String> {
    let (old, new) = (sgl_syntax::parse(file, before), sgl_syntax::parse(file, after));
    if let Some(error) = new.diagnostics.iter().find(|d| crate::is_unread(d)) {
        return Err(format!("the formatted text would not parse: {}", error.message));
    }
    if without_places(&old.module) != without_places(&new.module) {
        let (old, new) = (sgl_syntax::dump::module(&old.module), sgl_syntax::dump::module(&new.module));
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

/// The tree on one line, without its places. `dump` is the readable form; this one takes a fiftieth of its time.
fn without_places(module: &Module) -> String {
    const PLACE: &str = "Span { file: FileId(";
    let full = format!("{module:?}");
    let mut out = String::with_capacity(full.len() / 2);
    let mut rest = full.as_str();
    while let Some(start) = rest.find(PLACE) {
        out.push_str(&rest[..start]);
        let place = &rest[start..];
        rest = place.find(" }").map_or("", |end| &place[end + 2..]);
    }
    out.push_str(rest);
    out
}

/// The comments of a text, sorted: one that moves to the end of a line may pass another.
fn comments(file: FileId, source: &str) -> Vec<String> {
    let tokens = sgl_syntax::lexer::lex(file, source);
    let mut all: Vec<String> =
        tokens.comments.iter().map(|(start, end)| source[*start..*end].trim_end().to_string()).collect();
    all.sort();
    all
}
