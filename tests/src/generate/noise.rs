//! Spoils a program's layout without changing what it means: spaces, newlines in brackets, empty lines, comments.

use crate::random::Random;
use sgl_source::FileId;
use sgl_syntax::Token;
use sgl_syntax::lexer::lex;

/// The program in another layout.
pub fn spoil(text: &str, seed: u64) -> String {
    let mut random = Random(seed);
    let lexed = lex(FileId(0), text);
    let mut out = String::new();
    let mut from = 0;
    // Brackets that are open, innermost last; `true` where newlines mean nothing.
    let mut open: Vec<bool> = Vec::new();
    let mut texts = 0_usize;
    for (start, token, end) in &lexed.tokens {
        let free = texts == 0;
        out.push_str(&text[from..*start]);
        from = *start;
        if free && *token != Token::End && *start > 0 && !matches!(token, Token::Symbol("." | "@" | "(" | "[")) {
            gap(&mut out, &mut random, open.last() == Some(&true));
        }
        if *token == Token::End && free && text[*start..].starts_with('\n') {
            match random.below(12) {
                0 => out.push_str(" // at the end"),
                1 => out.push_str("\n\n\n  // on its own"),
                2 => out.push_str("\n\n"),
                _ => {}
            }
        }
        out.push_str(&text[from..*end]);
        from = *end;
        match token {
            Token::Symbol("(" | "[") => open.push(true),
            Token::Symbol("{") => open.push(false),
            Token::Symbol(")" | "]" | "}") => {
                open.pop();
            }
            Token::TextStart => texts += 1,
            Token::TextEnd => texts -= 1,
            _ => {}
        }
    }
    out.push_str(&text[from..]);
    out
}

fn gap(out: &mut String, random: &mut Random, newlines: bool) {
    match random.below(if newlines { 30 } else { 15 }) {
        0 => out.push(' '),
        1 => out.push_str("   "),
        15 => out.push('\n'),
        16 => out.push_str("\n\n   "),
        17 => out.push_str("// in between\n"),
        18 => out.push_str("\n// above\n"),
        _ => {}
    }
}
