//! A file's tokens, cut into items, so that a fault in one does not harm the next.
//!
//! An item begins with a doc comment, `pub`, or an item keyword, at bracket depth 0. An item keyword at the first column
//! begins an item at any depth: then a bracket before it was not closed.

use crate::lexer::Placed;
use crate::token::Token;

/// Brackets that may be open at once: bounds the recursion of every stage that follows.
pub(crate) const DEPTH_MAX: usize = 128;

const ITEM_KEYWORDS: &[&str] =
    &["import", "const", "type", "struct", "enum", "fn", "prompt", "tool", "model", "test", "eval", "pub"];

/// The tokens of one item, and what is wrong with its brackets.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) tokens: Vec<Placed>,
    pub(crate) fault: Option<BracketFault>,
}

/// What is wrong with brackets; the place is a byte range.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BracketFault {
    /// Opened, never closed.
    Unclosed(usize, usize, &'static str),
    /// Closed, never opened.
    Unopened(usize, usize, &'static str),
    /// Closed by another kind: where it was opened, and where closed.
    Mismatched((usize, usize), (usize, usize), &'static str),
    /// More than [`DEPTH_MAX`] are open.
    TooDeep(usize, usize),
}

/// Cuts tokens into items.
pub(crate) fn split(source: &str, tokens: Vec<Placed>) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut chunk = Chunk::default();
    let mut open: Vec<(usize, usize, &'static str)> = Vec::new();
    let (mut begun, mut in_attribute) = (false, false);
    for (start, token, end) in tokens {
        let is_keyword = matches!(&token, Token::Keyword(word) if ITEM_KEYWORDS.contains(word));
        let first_column = start == 0 || source.as_bytes()[start - 1] == b'\n';
        let after_pub = matches!(chunk.tokens.last(), Some((_, Token::Keyword("pub"), _)));
        let apart = matches!(token, Token::Doc(_) | Token::Symbol("@"));
        let begins = (is_keyword && !after_pub) || (apart && first_column);
        if begins && begun && (open.is_empty() || (is_keyword && first_column)) {
            if let Some((s, e, bracket)) = open.first() {
                chunk.fault.get_or_insert(BracketFault::Unclosed(*s, *e, bracket));
            }
            open.clear();
            chunks.push(std::mem::take(&mut chunk));
            (begun, in_attribute) = (false, false);
        }
        // Attributes belong to the item after them.
        in_attribute |= !begun && token == Token::Symbol("@");
        in_attribute &= !is_keyword;
        begun |= !in_attribute && !matches!(token, Token::Doc(_) | Token::End);
        follow(&mut open, &mut chunk, (start, &token, end));
        if !(chunk.tokens.is_empty() && token == Token::End) {
            chunk.tokens.push((start, token, end));
        }
    }
    if let Some((start, end, bracket)) = open.last() {
        chunk.fault.get_or_insert(BracketFault::Unclosed(*start, *end, bracket));
    }
    chunks.push(chunk);
    chunks.retain(|chunk| chunk.tokens.iter().any(|(_, token, _)| *token != Token::End));
    chunks
}

/// Keeps track of open brackets.
fn follow(
    open: &mut Vec<(usize, usize, &'static str)>,
    chunk: &mut Chunk,
    (start, token, end): (usize, &Token, usize),
) {
    let opening = match token {
        Token::Symbol(bracket @ ("(" | "[" | "{")) => Some(*bracket),
        Token::SpliceStart => Some("${"),
        Token::HoleStart => Some("$["),
        _ => None,
    };
    let closing = match token {
        Token::Symbol(bracket @ (")" | "]" | "}")) => Some(*bracket),
        Token::SpliceEnd => Some("${"),
        Token::HoleEnd => Some("$["),
        _ => None,
    };
    if let Some(bracket) = opening {
        open.push((start, end, bracket));
        if open.len() > DEPTH_MAX {
            chunk.fault.get_or_insert(BracketFault::TooDeep(start, end));
        }
    }
    let Some(bracket) = closing else { return };
    let wanted = match bracket {
        ")" => "(",
        "]" => "[",
        "}" => "{",
        other => other,
    };
    match open.pop() {
        Some((_, _, found)) if found == wanted => {}
        Some((s, e, found)) => {
            chunk.fault.get_or_insert(BracketFault::Mismatched((s, e), (start, end), bracket));
            // `{ ( }`: the brace closes its own, and the parenthesis was forgotten.
            if open.last().is_some_and(|(_, _, outer)| *outer == wanted) {
                open.pop();
            } else {
                open.push((s, e, found));
            }
        }
        None => {
            chunk.fault.get_or_insert(BracketFault::Unopened(start, end, bracket));
        }
    }
}
