//! Elements between brackets: on one line, or each on its own.

use crate::cursor::Cursor;
use crate::document::{Document, LINE, SOFT, concat, group, group_that, nest, text};

/// The brackets of a sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brackets {
    open: &'static str,
    close: &'static str,
    /// Whether a lone element keeps its comma: `(a,)` is a tuple and `(a)` is not.
    lone_comma: bool,
    /// Whether a broken sequence puts as many elements on a line as fit.
    filled: bool,
}

/// `( … )`
pub(crate) const PARENTHESES: Brackets = Brackets { open: "(", close: ")", lone_comma: false, filled: false };
/// `( … )` of a tuple.
pub(crate) const TUPLE: Brackets = Brackets { open: "(", close: ")", lone_comma: true, filled: false };
/// `[ … ]`
pub(crate) const SQUARE: Brackets = Brackets { open: "[", close: "]", lone_comma: false, filled: false };
/// `[ … ]` of short literals.
pub(crate) const FILLED: Brackets = Brackets { open: "[", close: "]", lone_comma: false, filled: true };
/// `< … >`
pub(crate) const ANGLES: Brackets = Brackets { open: "<", close: ">", lone_comma: false, filled: false };

/// What separates elements between braces on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// Fields, variants, arms, branches.
    Comma,
    /// Statements: more than one are never on one line, but in texts.
    Semicolon,
}

impl<'a> Cursor<'a> {
    /// Elements between parentheses, brackets or angles: one line if they fit, and none of them ends in a comma in the source.
    pub(crate) fn sequence<T>(
        &mut self,
        brackets: Brackets,
        items: &[T],
        mut print: impl FnMut(&mut Self, &T) -> Document<'a>,
    ) -> Document<'a> {
        let opening = self.expect(brackets.open);
        let comments = self.comment;
        let mut breaks = false;
        let mut last_has_comma = false;
        let mut inner = vec![SOFT];
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                inner.push(if brackets.filled && !self.comment_waits() { group(LINE) } else { LINE });
            }
            self.comments_in(&mut inner, index == 0);
            inner.push(print(self, item));
            let (comma, suffix) = self.commas();
            let lone = brackets.lone_comma && items.len() == 1;
            last_has_comma = comma && !lone;
            inner.push(if index + 1 < items.len() || (lone && comma) {
                text(",")
            } else {
                Document::Choice { broken: if lone { "" } else { "," }, flat: "" }
            });
            inner.push(suffix);
        }
        if self.comment_waits() && !items.is_empty() {
            inner.push(LINE);
        }
        breaks |= self.comments_in(&mut inner, true);
        if breaks {
            // The last comment's own newline would be one too many before the closing bracket.
            inner.pop();
        }
        breaks |= self.comment > comments || (last_has_comma);
        let closing = self.expect(brackets.close);
        if items.is_empty() && !breaks {
            return concat([opening, closing]);
        }
        group_that(concat([opening, nest(concat(inner)), SOFT, closing]), breaks && self.texts == 0)
    }

    /// Comments on their own lines before an element. Whether there were any.
    fn comments_in(&mut self, out: &mut Vec<Document<'a>>, first: bool) -> bool {
        let comments = self.comments_above();
        let any = !comments.is_empty();
        for (index, (blank, comment)) in comments.into_iter().enumerate() {
            if blank && !(first && index == 0) {
                out.push(Document::Blank);
            }
            out.push(text(comment));
            out.push(Document::Newline);
        }
        if !any && !first && self.blank_before(self.start()) {
            out.push(Document::Blank);
        }
        any
    }

    /// Elements between braces, for a group around it: one line if the source has it so and they fit.
    pub(crate) fn braced<T>(
        &mut self,
        items: &[T],
        separator: Separator,
        mut print: impl FnMut(&mut Self, &T) -> Document<'a>,
    ) -> Document<'a> {
        let opening_end = self.pieces.get(self.at).map_or(0, |piece| piece.end);
        let opening = self.expect("{");
        let one_line = !self.source[opening_end.min(self.start())..self.start()].contains('\n');
        let comments = self.comment;
        let mut inner = vec![self.commas().1];
        for (index, item) in items.iter().enumerate() {
            self.line_start(&mut inner, index == 0, LINE);
            inner.push(print(self, item));
            let (_, suffix) = self.commas();
            if index + 1 < items.len() {
                let flat = if separator == Separator::Comma { "," } else { ";" };
                inner.push(Document::Choice { broken: "", flat });
            }
            inner.push(suffix);
        }
        let (_, suffix) = self.commas();
        inner.push(suffix);
        for (index, (blank, comment)) in self.comments_above().into_iter().enumerate() {
            inner.push(Document::Newline);
            if blank && !(items.is_empty() && index == 0) {
                inner.push(Document::Blank);
            }
            inner.push(text(comment));
        }
        let many = separator == Separator::Semicolon && items.len() > 1;
        let breaks = !one_line || many || self.comment > comments || inner.iter().any(Document::has_lines);
        let closing = self.expect("}");
        if items.is_empty() && self.comment == comments {
            return concat([opening, closing]);
        }
        let must = if breaks && self.texts == 0 { broken() } else { Document::Nil };
        concat([opening, must, nest(concat(inner)), LINE, closing])
    }

    /// The start of a line for an element that stands below its comments; `newline` comes before the first of them.
    pub(crate) fn line_start(&mut self, out: &mut Vec<Document<'a>>, first: bool, newline: Document<'a>) {
        let mut fresh = first;
        for (blank, comment) in self.comments_above() {
            out.push(Document::Newline);
            if blank && !fresh {
                out.push(Document::Blank);
            }
            out.push(text(comment));
            fresh = false;
        }
        out.push(newline);
        if !fresh && self.blank_before(self.start()) {
            out.push(Document::Blank);
        }
    }
}

/// A group that is broken and prints nothing: what is around it can't be flat.
fn broken<'a>() -> Document<'a> {
    group_that(Document::Nil, true)
}
