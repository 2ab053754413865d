//! Text between quotes: escapes, splices, holes, blocks.

use crate::lexer::Lexer;
use crate::token::Token;
use sgl_source::Code;

/// Which quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextKind {
    /// `"…"`
    Line,
    /// `"""…"""`; the bytes of indentation that each line loses are found when it begins.
    Block,
}

/// Lexes a text from its opening quotes on, which have been passed.
pub(crate) fn lex(lexer: &mut Lexer<'_>, kind: TextKind, quote: usize) {
    let at = lexer.at;
    lexer.push(quote, Token::TextStart, at);
    if kind == TextKind::Block {
        let rest = &lexer.source[lexer.at..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
        if rest[blank..].starts_with('\n') {
            lexer.at += blank + 1;
            skip_indentation(lexer, indentation(lexer.source, quote));
        }
    }
    go_on(lexer, kind, quote);
}

/// The bytes of indentation that each line of the block text whose quotes open at `quote` loses: those before the closing
/// quotes, if they stand alone on a line.
pub fn indentation(source: &str, quote: usize) -> usize {
    let mut from = quote + 3;
    while let Some(found) = source[from..].find("\"\"\"") {
        let at = from + found;
        let escaped = source[..at].bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1;
        if !escaped {
            let line = source[..at].rfind('\n').map_or(0, |n| n + 1);
            let before = &source[line..at];
            return if before.trim().is_empty() && line > quote { before.len() } else { 0 };
        }
        from = at + 3;
    }
    0
}

fn skip_indentation(lexer: &mut Lexer<'_>, columns: usize) {
    let rest = &lexer.source[lexer.at..];
    let blank = rest.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let empty = rest[blank..].starts_with('\n') || rest[blank..].starts_with("\r\n");
    if blank < columns && !empty && !rest[blank..].is_empty() {
        let at = lexer.at;
        lexer
            .report(
                Code::E0005,
                "this line stands left of the closing quotes of its block",
                (at, at + blank.max(1)),
                "it is indented less than the closing quotes",
            )
            .help = Some("indent it at least as far as the closing `\"\"\"`, or move those to the left".into());
    }
    lexer.at += blank.min(columns);
}

/// Lexes text up to the next splice, hole, or the closing quotes.
pub(crate) fn go_on(lexer: &mut Lexer<'_>, kind: TextKind, quote: usize) {
    let columns = if kind == TextKind::Block { indentation(lexer.source, quote) } else { 0 };
    let close = if kind == TextKind::Block { "\"\"\"" } else { "\"" };
    let mut chunk = String::new();
    let mut start = lexer.at;
    loop {
        let rest = &lexer.source[lexer.at..];
        if rest.starts_with(close) {
            if kind == TextKind::Block && columns_follow(&chunk) {
                chunk.truncate(chunk.rfind('\n').unwrap_or(chunk.len()));
            }
            flush(lexer, &mut chunk, start);
            let at = lexer.at;
            lexer.push(at, Token::TextEnd, at + close.len());
            lexer.at += close.len();
            return;
        }
        if rest.starts_with("${") || rest.starts_with("$[") {
            flush(lexer, &mut chunk, start);
            lexer.enter(rest.starts_with("$["), kind, quote);
            return;
        }
        match rest.chars().next() {
            None => return unclosed(lexer, &mut chunk, start, kind, quote),
            Some('\n') if kind == TextKind::Line => {
                return unclosed(lexer, &mut chunk, start, kind, quote);
            }
            Some('\n') => {
                chunk.push('\n');
                lexer.at += 1;
                if !lexer.at_end() {
                    skip_indentation(lexer, columns);
                }
            }
            Some('\r') if rest.starts_with("\r\n") => lexer.at += 1,
            Some('\\') => escape(lexer, &mut chunk),
            Some(other) => {
                chunk.push(other);
                lexer.at += other.len_utf8();
            }
        }
        if chunk.is_empty() {
            start = lexer.at;
        }
    }
}

/// Whether the last line of the chunk is blank, so that the closing quotes stand alone.
fn columns_follow(chunk: &str) -> bool {
    chunk.rfind('\n').is_some_and(|at| chunk[at + 1..].trim().is_empty())
}

fn flush(lexer: &mut Lexer<'_>, chunk: &mut String, start: usize) {
    if !chunk.is_empty() {
        let at = lexer.at;
        lexer.push(start, Token::Chunk(std::mem::take(chunk)), at);
    }
}

fn unclosed(lexer: &mut Lexer<'_>, chunk: &mut String, start: usize, kind: TextKind, quote: usize) {
    let width = if kind == TextKind::Block { 3 } else { 1 };
    let help = match kind {
        TextKind::Line => "close it with `\"` on the same line; text of several lines stands between `\"\"\"`",
        TextKind::Block => "close it with `\"\"\"`",
    };
    lexer.report(Code::E0002, "text that is not closed", (quote, quote + width), "it begins here").help =
        Some(help.into());
    flush(lexer, chunk, start);
    let at = lexer.at;
    lexer.push(at, Token::TextEnd, at);
}

fn escape(lexer: &mut Lexer<'_>, chunk: &mut String) {
    let start = lexer.at;
    let rest = &lexer.source[start + 1..];
    let simple = match rest.chars().next() {
        Some('n') => Some('\n'),
        Some('t') => Some('\t'),
        Some('r') => Some('\r'),
        Some('0') => Some('\0'),
        Some(same @ ('\\' | '"' | '$')) => Some(same),
        _ => None,
    };
    if let Some(resolved) = simple {
        chunk.push(resolved);
        lexer.at += 2;
        return;
    }
    if rest.starts_with("u{")
        && let Some(end) = rest.find('}')
        && let Some(resolved) = u32::from_str_radix(&rest[2..end], 16).ok().and_then(char::from_u32)
    {
        chunk.push(resolved);
        lexer.at += end + 2;
        return;
    }
    let width = 1 + rest.chars().next().map_or(0, char::len_utf8);
    let text = lexer.source[start..start + width].to_string();
    lexer
        .report(Code::E0003, format!("`{}` is no escape", text.trim_end()), (start, start + width), "unknown escape")
        .help = Some("escapes are \\n \\t \\r \\0 \\\\ \\\" \\$ and \\u{1F600}; a backslash itself is `\\\\`".into());
    lexer.at += width;
    if !text.ends_with('\n') {
        chunk.push_str(&text[1..]);
    } else {
        lexer.at -= 1;
    }
}

/// Lexes `r"…"` or `re"…"`, whose quotes have been passed: nothing is an escape; in a regular expression `\"` is kept whole.
pub(crate) fn lex_raw(lexer: &mut Lexer<'_>, start: usize, regex: bool) {
    let from = lexer.at;
    let rest = &lexer.source[from..];
    let mut end = None;
    let mut escaped = false;
    for (offset, c) in rest.char_indices() {
        match c {
            '\n' => break,
            '"' if !(regex && escaped) => {
                end = Some(offset);
                break;
            }
            _ => escaped = c == '\\' && !escaped,
        }
    }
    let length = end.unwrap_or_else(|| rest.find('\n').unwrap_or(rest.len()));
    let text = rest[..length].to_string();
    lexer.at = from + length + usize::from(end.is_some());
    if end.is_none() {
        lexer.report(Code::E0002, "text that is not closed", (start, from), "it begins here").help =
            Some("close it with `\"` on the same line".into());
    }
    let at = lexer.at;
    if regex {
        lexer.push(start, Token::Regex(text.replace("\\\"", "\"")), at);
        return;
    }
    lexer.push(start, Token::TextStart, from);
    if !text.is_empty() {
        lexer.push(from, Token::Chunk(text), from + length);
    }
    lexer.push(at, Token::TextEnd, at);
}
