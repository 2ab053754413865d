//! Text to tokens. Never fails: what can't be read is a token of its own, and a diagnostic.
//!
//! Modes nest: code, text, a splice or hole in it (code again), text in that. A newline becomes [`Token::End`] where a
//! statement can end: after a token that can end one, outside `(` and `[`, before a token that can't continue one.

use crate::text::{self, TextKind};
use crate::token::{CONTEXTUAL, KEYWORDS, Raw, SYMBOLS, Token};
use logos::Logos;
use sgl_source::{Code, Diagnostic, FileId, Span};

/// A token and its bytes.
pub type Placed = (usize, Token, usize);

/// What the lexer makes of a file.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// In order.
    pub tokens: Vec<Placed>,
    /// `//!` lines.
    pub file_doc: Vec<String>,
    /// The bytes of each comment, `//!` lines too, without the newline.
    pub comments: Vec<(usize, usize)>,
    /// What could not be read.
    pub diagnostics: Vec<Diagnostic>,
}

/// Lexes a whole file.
pub fn lex(file: FileId, source: &str) -> Tokens {
    let mut lexer = Lexer { file, source, at: 0, out: Tokens::default(), open: Vec::new(), newline: None };
    lexer.code();
    lexer.out
}

/// What is open around the place that is lexed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// `(` or `[`: newlines mean nothing.
    Bracket,
    /// `{`
    Brace,
    /// `${`, in a text of this kind that began at this byte.
    Splice(TextKind, usize),
    /// `$[`, the same.
    Hole(TextKind, usize),
}

pub(crate) struct Lexer<'a> {
    pub(crate) file: FileId,
    pub(crate) source: &'a str,
    pub(crate) at: usize,
    pub(crate) out: Tokens,
    open: Vec<Open>,
    newline: Option<usize>,
}

impl Lexer<'_> {
    pub(crate) fn report(
        &mut self,
        code: Code,
        message: impl Into<String>,
        range: (usize, usize),
        label: &str,
    ) -> &mut Diagnostic {
        let span = Span::new(self.file, range.0, range.1);
        self.out.diagnostics.push(Diagnostic::error(code, message, span, label));
        let last = self.out.diagnostics.len() - 1;
        &mut self.out.diagnostics[last]
    }

    pub(crate) fn push(&mut self, start: usize, token: Token, end: usize) {
        if let Some(at) = self.newline.take()
            && self.ends_statement(&token)
        {
            self.out.tokens.push((at, Token::End, at));
        }
        self.out.tokens.push((start, token, end));
    }

    /// Whether a newline between the last token and `next` ends a statement.
    fn ends_statement(&self, next: &Token) -> bool {
        let inside = matches!(self.open.last(), Some(Open::Bracket | Open::Splice(..) | Open::Hole(..)));
        let Some((_, last, _)) = self.out.tokens.last() else { return false };
        let can_end = match last {
            // These may also be names.
            Token::Keyword(word) if CONTEXTUAL.contains(word) => true,
            Token::Keyword(word) => {
                matches!(*word, "true" | "false" | "none" | "return" | "yield" | "break" | "continue" | "transcript")
            }
            Token::Symbol(symbol) => matches!(*symbol, ")" | "]" | "}" | "?" | ".."),
            Token::End | Token::Doc(_) | Token::TextStart | Token::SpliceStart | Token::HoleStart | Token::Chunk(_) => {
                false
            }
            _ => true,
        };
        let continues = match next {
            Token::Keyword(word) => matches!(*word, "else" | "join" | "and" | "or"),
            Token::Symbol(symbol) => matches!(*symbol, "." | "??" | "|"),
            _ => false,
        };
        !inside && can_end && !continues
    }

    fn code(&mut self) {
        while self.at < self.source.len() {
            let rest = &self.source[self.at..];
            let mut raw = Raw::lexer(rest);
            let Some(found) = raw.next() else { break };
            let (start, end) = (self.at + raw.span().start, self.at + raw.span().end);
            self.at = end;
            match found {
                Ok(token) => self.token(token, start, end),
                Err(()) => self.stray(start, end),
            }
        }
        self.at = self.source.len();
        let end = self.source.len();
        let kind = |open: &Open| match open {
            Open::Splice(_, quote) | Open::Hole(_, quote) => Some(*quote),
            Open::Bracket | Open::Brace => None,
        };
        if let Some(quote) = self.open.iter().find_map(kind) {
            self.report(Code::E0002, "text that is not closed", (quote, quote + 1), "it begins here");
            self.open.clear();
        }
        if self.out.tokens.last().is_some_and(|(_, token, _)| *token != Token::End) {
            self.out.tokens.push((end, Token::End, end));
        }
    }

    fn stray(&mut self, start: usize, end: usize) {
        let text = self.source[start..end].to_string();
        let help = match text.chars().next() {
            Some('\'') => Some("texts stand between double quotes: \"…\""),
            Some('#') => Some("comments begin with `//`"),
            Some('&') => Some("write `and`"),
            Some('“' | '”' | '„') => Some("use straight quotes: \""),
            _ => None,
        };
        self.report(
            Code::E0001,
            format!("`{text}` begins no token"),
            (start, end),
            "this character has no meaning here",
        )
        .help = help.map(str::to_string);
        self.push(start, Token::Error, end);
    }

    fn token(&mut self, raw: Raw, start: usize, end: usize) {
        let source = self.source;
        let text = &source[start..end];
        match raw {
            Raw::Newline => {
                self.newline.get_or_insert(start);
            }
            Raw::Comment | Raw::LongComment => self.out.comments.push((start, end)),
            Raw::FileDoc => {
                self.out.comments.push((start, end));
                self.out.file_doc.push(text[3..].trim_start_matches(' ').trim_end().to_string());
            }
            Raw::Doc => self.push(start, Token::Doc(text[3..].trim().to_string()), end),
            Raw::Word => self.push(start, word(text), end),
            Raw::Int => self.int(text, start, end),
            Raw::Float => {
                let clean = text.replace('_', "");
                match clean.parse::<f64>() {
                    Ok(value) if value.is_finite() => self.push(start, Token::Float(value, text.to_string()), end),
                    _ => {
                        self.report(
                            Code::E0004,
                            format!("the number `{text}` is too large"),
                            (start, end),
                            "it does not fit a `Float`",
                        );
                        self.push(start, Token::Float(0.0, text.to_string()), end);
                    }
                }
            }
            Raw::Duration => self.duration(text, start, end),
            Raw::Quote => text::lex(self, TextKind::Line, start),
            Raw::Block => text::lex(self, TextKind::Block, start),
            Raw::Verbatim => text::lex_raw(self, start, false),
            Raw::RegexQuote => text::lex_raw(self, start, true),
            Raw::Symbol => self.symbol(text, start, end),
        }
    }

    fn int(&mut self, text: &str, start: usize, end: usize) {
        let value = text.replace('_', "").parse::<i64>();
        if value.is_err() {
            self.report(
                Code::E0004,
                format!("the number `{text}` is too large"),
                (start, end),
                "it does not fit an `Int`",
            )
            .note = Some(format!("the greatest `Int` is {}", i64::MAX));
        }
        self.push(start, Token::Int(value.unwrap_or(0)), end);
    }

    fn duration(&mut self, text: &str, start: usize, end: usize) {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
        let scale = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            _ => 3_600_000,
        };
        let value = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(scale));
        if value.is_none() {
            self.report(Code::E0004, format!("the duration `{text}` is too long"), (start, end), "it does not fit");
        }
        self.push(start, Token::Duration(value.unwrap_or(0)), end);
    }

    fn symbol(&mut self, text: &str, start: usize, end: usize) {
        let symbol = SYMBOLS.iter().find(|s| **s == text).copied().unwrap_or("$");
        match symbol {
            "(" | "[" => {
                self.push(start, Token::Symbol(symbol), end);
                self.open.push(Open::Bracket);
            }
            "{" => {
                self.push(start, Token::Symbol(symbol), end);
                self.open.push(Open::Brace);
            }
            "]" if matches!(self.open.last(), Some(Open::Hole(..))) => self.resume(Token::HoleEnd, start, end),
            "}" if matches!(self.open.last(), Some(Open::Splice(..))) => self.resume(Token::SpliceEnd, start, end),
            ")" | "]" => {
                if self.open.last() == Some(&Open::Bracket) {
                    self.open.pop();
                    self.newline = None;
                }
                self.push(start, Token::Symbol(symbol), end);
            }
            "}" => {
                // A bracket that is still open here was forgotten; the parser says so.
                while self.open.last() == Some(&Open::Bracket) && self.open.contains(&Open::Brace) {
                    self.open.pop();
                }
                if self.open.last() == Some(&Open::Brace) {
                    self.open.pop();
                }
                self.push(start, Token::Symbol(symbol), end);
            }
            ";" => self.push(start, Token::End, end),
            "$" | "!" => self.stray(start, end),
            _ => self.push(start, Token::Symbol(symbol), end),
        }
    }

    /// A splice or hole begins in a text.
    pub(crate) fn enter(&mut self, hole: bool, kind: TextKind, quote: usize) {
        let at = self.at;
        self.push(at, if hole { Token::HoleStart } else { Token::SpliceStart }, at + 2);
        self.at += 2;
        self.open.push(if hole { Open::Hole(kind, quote) } else { Open::Splice(kind, quote) });
    }

    /// A splice or hole ends; its text goes on.
    fn resume(&mut self, token: Token, start: usize, end: usize) {
        self.newline = None;
        self.push(start, token, end);
        if let Some(Open::Splice(kind, quote) | Open::Hole(kind, quote)) = self.open.pop() {
            text::go_on(self, kind, quote);
        }
    }

    /// A line of text ended inside a splice or hole: forget that they are open.
    pub(crate) fn at_end(&self) -> bool {
        self.at >= self.source.len()
    }
}

/// A keyword or name.
fn word(text: &str) -> Token {
    if let Some(keyword) = KEYWORDS.iter().chain(CONTEXTUAL).find(|k| **k == text) {
        return Token::Keyword(keyword);
    }
    let mut letters = text.trim_start_matches('_').chars();
    let upper_first = letters.next().is_some_and(char::is_uppercase);
    let any_lower = text.chars().any(char::is_lowercase);
    if upper_first && any_lower { Token::Upper(text.into()) } else { Token::Lower(text.into()) }
}
