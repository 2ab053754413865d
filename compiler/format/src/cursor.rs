//! A place in the source's tokens, which moves on as they are printed, and the comments between them.
//!
//! A comment on the line of the token before it goes to the end of whatever line that token lands on. A comment on its own
//! line stays above what it stands above, where elements begin (items, statements, fields, arms, list elements); in any
//! other place it becomes the end of a line too.

use crate::document::{Document, concat, text};
use sgl_syntax::Token;
use sgl_syntax::lexer::Tokens;

/// What a token is to the printer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A `///` line.
    Doc,
    TextStart,
    SpliceStart,
    SpliceEnd,
    HoleStart,
    HoleEnd,
    TextEnd,
    /// Anything else: its characters say it all.
    Plain,
}

/// A token by its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Kind,
    /// Index of the bracket that closes this one.
    pub(crate) partner: usize,
}

pub(crate) struct Cursor<'a> {
    pub(crate) source: &'a str,
    /// Without ends of statements and characters of texts.
    pub(crate) pieces: Vec<Piece>,
    /// The next token.
    pub(crate) at: usize,
    comments: &'a [(usize, usize)],
    /// The next comment.
    pub(crate) comment: usize,
    /// Texts that the cursor is inside of: no line may break there.
    pub(crate) texts: usize,
    lost: Option<usize>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(source: &'a str, tokens: &'a Tokens) -> Self {
        let kind = |token: &Token| match token {
            Token::End | Token::Chunk(_) => None,
            Token::Doc(_) => Some(Kind::Doc),
            Token::TextStart => Some(Kind::TextStart),
            Token::SpliceStart => Some(Kind::SpliceStart),
            Token::SpliceEnd => Some(Kind::SpliceEnd),
            Token::HoleStart => Some(Kind::HoleStart),
            Token::HoleEnd => Some(Kind::HoleEnd),
            Token::TextEnd => Some(Kind::TextEnd),
            _ => Some(Kind::Plain),
        };
        let pieces = tokens.tokens.iter().filter_map(|(start, token, end)| {
            Some(Piece { start: *start, end: *end, kind: kind(token)?, partner: usize::MAX })
        });
        let mut pieces: Vec<Piece> = pieces.collect();
        let mut open = Vec::new();
        for index in 0..pieces.len() {
            match (pieces[index].kind, &source[pieces[index].start..pieces[index].end]) {
                (Kind::SpliceStart | Kind::HoleStart, _) | (Kind::Plain, "(" | "[" | "{") => open.push(index),
                (Kind::SpliceEnd | Kind::HoleEnd, _) | (Kind::Plain, ")" | "]" | "}") => {
                    if let Some(opening) = open.pop() {
                        pieces[opening].partner = index;
                    }
                }
                _ => {}
            }
        }
        Self { source, pieces, at: 0, comments: &tokens.comments, comment: 0, texts: 0, lost: None }
    }

    /// The line where tree and tokens no longer agreed, if that happened.
    pub(crate) fn lost(&self) -> Option<usize> {
        let end = if self.at < self.pieces.len() { Some(self.start()) } else { None };
        self.lost.or(end).map(|at| 1 + self.source[..at].matches('\n').count())
    }

    pub(crate) fn lose(&mut self) {
        let start = self.start();
        self.lost.get_or_insert(start);
    }

    /// Where the next token starts, or the end of the source.
    pub(crate) fn start(&self) -> usize {
        self.pieces.get(self.at).map_or(self.source.len(), |piece| piece.start)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.pieces.get(self.at).map_or(Kind::Plain, |piece| piece.kind)
    }

    /// The characters of the token at this index.
    pub(crate) fn characters(&self, index: usize) -> &'a str {
        self.pieces.get(index).map_or("", |piece| &self.source[piece.start..piece.end])
    }

    /// Whether the next token is this one.
    pub(crate) fn next_is(&self, characters: &str) -> bool {
        self.characters(self.at) == characters && matches!(self.kind(), Kind::Plain)
    }

    /// The next token, whatever it is.
    pub(crate) fn token(&mut self) -> Document<'a> {
        let Some(piece) = self.pieces.get(self.at).copied() else {
            self.lose();
            return Document::Nil;
        };
        let mut parts = self.suffixes_before(piece.start);
        parts.push(text(self.source[piece.start..piece.end].trim_end()));
        self.at += 1;
        parts.extend(self.suffixes_after(piece.end));
        if parts.len() == 1 { parts.swap_remove(0) } else { concat(parts) }
    }

    /// The next token, which must be this one.
    pub(crate) fn expect(&mut self, characters: &str) -> Document<'a> {
        if !self.next_is(characters) {
            self.lose();
        }
        self.token()
    }

    /// Passes over the next token; only comments around it are left.
    pub(crate) fn drop_token(&mut self) -> Document<'a> {
        let Some(piece) = self.pieces.get(self.at).copied() else { return Document::Nil };
        let mut parts = self.suffixes_before(piece.start);
        self.at += 1;
        parts.extend(self.suffixes_after(piece.end));
        concat(parts)
    }

    /// Passes over the commas that come next. Whether there were any, and the comments around them.
    pub(crate) fn commas(&mut self) -> (bool, Document<'a>) {
        let mut parts = Vec::new();
        while self.next_is(",") {
            parts.push(self.drop_token());
        }
        (!parts.is_empty(), concat(parts))
    }

    /// Passes over everything up to the token at `index`.
    pub(crate) fn jump(&mut self, index: usize) {
        self.at = index;
        while self.comments.get(self.comment).is_some_and(|(start, _)| *start < self.start()) {
            self.comment += 1;
        }
    }

    fn suffixes_before(&mut self, start: usize) -> Vec<Document<'a>> {
        let mut parts = Vec::new();
        while let Some((from, to)) = self.comments.get(self.comment).copied()
            && from < start
        {
            parts.push(Document::Suffix(self.source[from..to].trim_end()));
            self.comment += 1;
        }
        parts
    }

    fn suffixes_after(&mut self, end: usize) -> Option<Document<'a>> {
        let (from, to) = self.comments.get(self.comment).copied()?;
        if from >= self.start() || self.source[end..from].contains('\n') {
            return None;
        }
        self.comment += 1;
        Some(Document::Suffix(self.source[from..to].trim_end()))
    }

    /// The comments on their own lines before the next token, each with whether an empty line stands before it.
    pub(crate) fn comments_above(&mut self) -> Vec<(bool, &'a str)> {
        let mut found = Vec::new();
        while let Some((from, to)) = self.comments.get(self.comment).copied()
            && from < self.start()
        {
            found.push((self.blank_before(from), self.source[from..to].trim_end()));
            self.comment += 1;
        }
        found
    }

    /// Whether a comment waits before the next token.
    pub(crate) fn comment_waits(&self) -> bool {
        self.comment_before(self.start())
    }

    /// Whether a comment stands before this byte that was not printed yet.
    pub(crate) fn comment_before(&self, at: usize) -> bool {
        self.comments.get(self.comment).is_some_and(|(start, _)| *start < at)
    }

    /// Whether an empty line stands before this byte.
    pub(crate) fn blank_before(&self, at: usize) -> bool {
        let before = &self.source[..at];
        let blank = &before[before.trim_end_matches([' ', '\t', '\r', '\n', '\u{c}']).len()..];
        blank.matches('\n').count() > 1
    }

    /// Pairs of parentheses around exactly the bytes up to `end`, from the next token on, that the tree does not show.
    /// `own` pairs belong to the node.
    pub(crate) fn parentheses(&self, end: usize, own: usize) -> usize {
        let mut count = 0;
        let mut inside = usize::MAX;
        while self.characters(self.at + count) == "(" {
            let partner = self.pieces[self.at + count].partner;
            let closes = if count == 0 {
                self.pieces.get(partner).is_some_and(|piece| piece.end == end)
            } else {
                partner.checked_add(1) == Some(inside)
            };
            if !closes {
                break;
            }
            inside = partner;
            count += 1;
        }
        count.saturating_sub(own)
    }

    /// `inner` with the parentheses that the source has around it.
    pub(crate) fn parenthesised(
        &mut self,
        end: usize,
        own: usize,
        inner: impl FnOnce(&mut Self) -> Document<'a>,
    ) -> Document<'a> {
        let count = self.parentheses(end, own);
        if count == 0 {
            return inner(self);
        }
        let mut parts: Vec<_> = (0..count).map(|_| self.expect("(")).collect();
        parts.push(inner(self));
        parts.extend((0..count).map(|_| self.expect(")")));
        concat(parts)
    }
}
