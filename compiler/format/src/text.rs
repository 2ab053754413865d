//! Texts: every byte of a prompt stays; blocks move with their indentation; code in splices and holes is on one line.

use crate::cursor::{Cursor, Kind};
use crate::document::{Document, concat, nest, text};
use sgl_syntax::ast::{Hole, Text, TextPart};

impl<'a> Cursor<'a> {
    /// A text without splices and holes, which the tree keeps as a string.
    pub(crate) fn plain_text(&mut self) -> Document<'a> {
        self.text_of(&[], true)
    }

    /// A text; the lines of a block stand one step to the right if `nested`.
    pub(crate) fn text(&mut self, text: &Text, nested: bool) -> Document<'a> {
        self.text_of(&text.parts, nested)
    }

    fn text_of(&mut self, parts: &[TextPart], nested: bool) -> Document<'a> {
        if self.kind() != Kind::TextStart {
            return self.give_up();
        }
        let quotes = self.characters(self.at);
        if quotes.starts_with('r') {
            return self.raw_text();
        }
        let start = self.start();
        let dedent = (quotes == "\"\"\"").then(|| self.dedent(start)).flatten();
        let opening = self.token();
        let mut out = vec![opening];
        let mut from = self.pieces[self.at - 1].end;
        if let Some(columns) = dedent {
            // What stands between the opening quotes and the end of their line is blank, and no part of the text.
            out.push(Document::TextNewline);
            from += self.source[from..].find('\n').map_or(0, |newline| newline + 1);
            from += blanks(&self.source[from..], columns);
        }
        for part in parts {
            let is_splice = match part {
                TextPart::Literal(_) => continue,
                TextPart::Splice(_) => true,
                TextPart::Hole(_) => false,
            };
            self.characters_of_text(&mut out, from, dedent);
            let opening = self.at;
            let closing = self.pieces.get(opening).map_or(usize::MAX, |piece| piece.partner);
            let Some(end) = self.pieces.get(closing).map(|piece| piece.end) else { return self.give_up() };
            let whole = &self.source[self.start()..end];
            from = end;
            if whole.contains('\n') {
                out.push(Document::Verbatim(whole));
                self.jump(closing + 1);
                continue;
            }
            self.texts += 1;
            out.push(self.token());
            let inner = match part {
                TextPart::Hole(hole) => self.hole(hole),
                TextPart::Splice(e) => self.expression(e),
                TextPart::Literal(_) => Document::Nil,
            };
            out.push(Document::Flat(Box::new(inner)));
            let closes = if is_splice { Kind::SpliceEnd } else { Kind::HoleEnd };
            if self.kind() != closes {
                self.lose();
            }
            self.texts -= 1;
            out.push(self.token());
        }
        if self.kind() != Kind::TextEnd {
            return self.give_up();
        }
        self.characters_of_text(&mut out, from, dedent);
        out.push(self.token());
        if nested { nest(concat(out)) } else { concat(out) }
    }

    /// The indentation that a block's lines lose, if its opening and closing quotes both stand apart from its text.
    fn dedent(&self, quote: usize) -> Option<usize> {
        let columns = sgl_syntax::block_indentation(self.source, quote);
        let first = self.source[quote + 3..].trim_start_matches([' ', '\t', '\r']);
        // The quotes that close the block; those of texts in its splices have a partner bracket between.
        let mut index = self.at + 1;
        while self.pieces.get(index).is_some_and(|piece| piece.kind != Kind::TextEnd) {
            let partner = self.pieces[index].partner;
            index = if partner == usize::MAX { index + 1 } else { partner + 1 };
        }
        let close = self.pieces.get(index)?.start;
        let line = self.source[..close].rfind('\n').map_or(0, |newline| newline + 1);
        let before = &self.source[line..close];
        let apart = first.starts_with('\n') && line > quote && before.trim().is_empty() && before.len() == columns;
        apart.then_some(columns)
    }

    /// The characters from `from` to the next token, as they are; of a block without its indentation.
    fn characters_of_text(&self, out: &mut Vec<Document<'a>>, from: usize, dedent: Option<usize>) {
        let raw = &self.source[from..self.start()];
        let Some(columns) = dedent else {
            out.push(Document::Verbatim(raw));
            return;
        };
        for (index, line) in raw.split('\n').enumerate() {
            if index > 0 {
                out.push(Document::TextNewline);
            }
            let skipped = if index == 0 { 0 } else { blanks(line, columns) };
            let last = index == raw.matches('\n').count();
            let line = &line[skipped..];
            out.push(text(if last { line } else { line.strip_suffix('\r').unwrap_or(line) }));
        }
    }

    /// `r"…"`, as it is.
    fn raw_text(&mut self) -> Document<'a> {
        let start = self.start();
        let before = self.drop_token();
        if self.kind() != Kind::TextEnd {
            return self.give_up();
        }
        let whole = &self.source[start..self.pieces[self.at].end];
        concat([before, text(whole), self.drop_token()])
    }

    /// What stands between the brackets of a hole.
    fn hole(&mut self, hole: &Hole) -> Document<'a> {
        let name = self.token();
        let ty = self.annotation(hole.ty.as_ref());
        let mut parts = vec![name, ty];
        for option in &hole.options {
            parts.extend([self.expect(","), text(" "), self.option(option)]);
        }
        parts.push(self.commas().1);
        concat(parts)
    }
}

/// The blank bytes at the start, at most `columns`.
fn blanks(line: &str, columns: usize) -> usize {
    line.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count().min(columns)
}
