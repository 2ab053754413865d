//! The seam: text in, tree and diagnostics out.

use crate::actions::Faults;
use crate::ast::{Item, ItemKind, Module};
use crate::grammar::ItemParser;
use crate::lexer::{Placed, lex};
use crate::split::{BracketFault, Chunk, DEPTH_MAX, split};
use crate::token::Token;
use crate::{expected, validate};
use sgl_source::{Code, Diagnostic, FileId, Span, Spanned};

/// What parsing comes to.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The tree; `Error` nodes stand where something was given up.
    pub module: Module,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses a file. Never fails: faults are diagnostics, and what is right is in the tree.
pub fn parse(file: FileId, text: &str) -> Parsed {
    let lexed = lex(file, text);
    let mut parser = Parser { file, diagnostics: lexed.diagnostics, lost: Vec::new() };
    let items = split(text, lexed.tokens).into_iter().map(|chunk| parser.item(&chunk)).collect();
    let module = Module { doc: lexed.file_doc.join("\n"), items, lost: parser.lost };
    let mut diagnostics = parser.diagnostics;
    validate::module(&module, &mut diagnostics);
    Parsed { module, diagnostics }
}

struct Parser {
    file: FileId,
    diagnostics: Vec<Diagnostic>,
    lost: Vec<Spanned<String>>,
}

impl Parser {
    fn item(&mut self, chunk: &Chunk) -> Item {
        let item = self.item_or_error(chunk);
        if item.kind == ItemKind::Error {
            self.lost.extend(name(self.file, &chunk.tokens));
        }
        item
    }

    fn item_or_error(&mut self, chunk: &Chunk) -> Item {
        let first = chunk.tokens.first().map_or(0, |(start, ..)| *start);
        let last = chunk.tokens.last().map_or(first, |(.., end)| *end);
        let span = Span::new(self.file, first, last);
        if let Some(unbuilt) = unbuilt(self.file, &chunk.tokens) {
            return Item { doc: String::new(), exported: false, kind: unbuilt, span };
        }
        let error = Item { doc: String::new(), exported: false, kind: ItemKind::Error, span };
        if self.unreadable(&chunk.tokens) {
            return error;
        }
        if let Some(fault) = &chunk.fault {
            self.bracket(fault);
            return error;
        }
        let mut faults = Faults::new();
        let tokens = chunk.tokens.clone();
        let parsed = ItemParser::new().parse(self.file, &mut faults, tokens.into_iter().map(Ok));
        for fault in faults {
            self.diagnostics.push(expected::diagnostic(self.file, fault, &chunk.tokens));
        }
        match parsed {
            Ok(item) => item,
            Err(fault) => {
                self.diagnostics.push(expected::diagnostic(self.file, fault, &chunk.tokens));
                error
            }
        }
    }

    /// Whether the lexer has reported something in these tokens that the parser would only report again.
    fn unreadable(&self, tokens: &[Placed]) -> bool {
        let range = match (tokens.first(), tokens.last()) {
            (Some((start, ..)), Some((.., end))) => *start..*end,
            _ => return true,
        };
        let broken_text =
            self.diagnostics.iter().any(|d| d.code == Code::E0002 && range.contains(&(d.span().start as usize)));
        broken_text || tokens.iter().any(|(_, token, _)| *token == Token::Error)
    }

    fn bracket(&mut self, fault: &BracketFault) {
        let span = |(start, end): (usize, usize)| Span::new(self.file, start, end);
        let diagnostic = match fault {
            BracketFault::Unclosed(start, end, bracket) => Diagnostic::error(
                Code::E0102,
                format!("`{bracket}` is not closed"),
                span((*start, *end)),
                "opened here, and never closed",
            ),
            BracketFault::Unopened(start, end, bracket) => Diagnostic::error(
                Code::E0102,
                format!("`{bracket}` closes nothing"),
                span((*start, *end)),
                "there is no open bracket for it",
            )
            .with_help("remove it, or open one before it"),
            BracketFault::Mismatched(open, close, bracket) => Diagnostic::error(
                Code::E0102,
                format!("`{bracket}` closes a bracket of another kind"),
                span(*close),
                "this does not match",
            )
            .with_label(span(*open), "the bracket that is open here"),
            BracketFault::TooDeep(start, end) => Diagnostic::error(
                Code::E0107,
                format!("more than {DEPTH_MAX} brackets are open at once"),
                span((*start, *end)),
                "this one is too many",
            )
            .with_help("give an inner part a name with `let`, or make it a function"),
        };
        self.diagnostics.push(diagnostic);
    }
}

/// The name of the item that these tokens define, as far as they tell.
fn name(file: FileId, tokens: &[Placed]) -> Option<Spanned<String>> {
    let at = tokens.iter().position(|(_, token, _)| {
        matches!(token, Token::Keyword("const" | "enum" | "fn" | "prompt" | "struct" | "tool" | "type"))
    })?;
    match tokens.get(at + 1)? {
        (start, Token::Lower(name) | Token::Upper(name), end) => {
            Some(Spanned::new(name.clone(), Span::new(file, *start, *end)))
        }
        _ => None,
    }
}

/// Items that are not built yet: their first words tell.
fn unbuilt(file: FileId, tokens: &[Placed]) -> Option<ItemKind> {
    let (start, token, end) =
        tokens.iter().find(|(_, token, _)| !matches!(token, Token::Doc(_) | Token::Keyword("pub") | Token::End))?;
    match token {
        Token::Keyword(word @ ("tool" | "model" | "eval")) => {
            Some(ItemKind::Unbuilt(Spanned::new(word, Span::new(file, *start, *end))))
        }
        _ => None,
    }
}
