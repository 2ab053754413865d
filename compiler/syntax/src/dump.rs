//! Tokens and trees as text, for people and tests.

use crate::ast::Module;
use crate::lexer;
use sgl_source::FileId;

/// One token per line: its bytes, and what it is.
pub fn tokens(text: &str) -> String {
    let lexed = lexer::lex(FileId(0), text);
    lexed.tokens.iter().map(|(start, token, end)| format!("{start}..{end} {token:?}\n")).collect()
}

/// The tree, one node per line, children indented, without places.
pub fn module(module: &Module) -> String {
    // The derived form with every place removed: `span: Span { … }` says nothing to a reader.
    let full = format!("{module:#?}");
    let mut out = String::new();
    let mut skip_until: Option<usize> = None;
    for line in full.lines() {
        let indent = line.len() - line.trim_start().len();
        if let Some(depth) = skip_until {
            if indent == depth {
                skip_until = None;
            }
            continue;
        }
        if line.trim_start().starts_with("span: Span {") {
            if !line.trim_end().ends_with("},") {
                skip_until = Some(indent);
            }
            continue;
        }
        out.push_str(&line.replacen("    ", "  ", indent / 4));
        out.push('\n');
    }
    out
}
