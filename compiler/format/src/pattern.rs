//! What a value may look like.

use crate::cursor::Cursor;
use crate::document::{Document, concat, text};
use crate::sequence::{PARENTHESES, TUPLE};
use sgl_syntax::ast::{ExpressionKind, Name, Pattern, PatternKind};

impl<'a> Cursor<'a> {
    pub(crate) fn pattern(&mut self, pattern: &Pattern) -> Document<'a> {
        match &pattern.kind {
            PatternKind::Wildcard | PatternKind::Bind(_) => self.token(),
            PatternKind::Literal(e) => match &e.kind {
                ExpressionKind::Text(text) => self.text(text, true),
                _ => self.number(),
            },
            PatternKind::Variant { path, fields } => {
                let path = self.path(path);
                match fields {
                    Some(fields) => concat([path, self.sequence(PARENTHESES, fields, Self::pattern_field)]),
                    None => path,
                }
            }
            PatternKind::Typed(_, ty) => concat([self.token(), self.annotation(Some(ty))]),
            PatternKind::Tuple(items) => self.sequence(TUPLE, items, Self::pattern),
            PatternKind::Or(all) => self.alternatives(all, Self::pattern),
            PatternKind::Error => self.give_up(),
        }
    }

    fn pattern_field(&mut self, (name, pattern): &(Option<Name>, Pattern)) -> Document<'a> {
        match name {
            Some(_) => concat([self.token(), self.expect(":"), text(" "), self.pattern(pattern)]),
            None => self.pattern(pattern),
        }
    }

    /// Names and parentheses up to the token at `end`: parameters of a closure, what a fork binds. They were read as an
    /// expression, so that the tree does not tell all their parentheses.
    pub(crate) fn loose_pattern(&mut self, end: usize) -> Document<'a> {
        let mut parts = Vec::new();
        while self.at < end.min(self.pieces.len()) {
            let comma = self.next_is(",");
            parts.push(self.token());
            if comma && !self.next_is(")") {
                parts.push(text(" "));
            }
        }
        concat(parts)
    }
}
