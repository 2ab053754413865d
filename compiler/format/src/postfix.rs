//! Calls, fields and indices: chains that break before their dots.

use crate::cursor::Cursor;
use crate::document::{Document, SOFT, concat, group_that, nest, text};
use crate::sequence::PARENTHESES;
use sgl_syntax::ast::{Argument, ClosureBody, Expression, ExpressionKind};

/// Calls of methods from which on a chain may break.
const CALLS_OF_A_CHAIN: usize = 2;

impl<'a> Cursor<'a> {
    /// `base.field(arguments)[index]@metadata…`
    pub(crate) fn chain(&mut self, e: &Expression) -> Document<'a> {
        let (base, links) = self.links(e);
        let is_call = |index: usize| {
            let follows = links.get(index + 1).map(|link| &link.kind);
            matches!(links[index].kind, ExpressionKind::Field(..)) && matches!(follows, Some(ExpressionKind::Call(..)))
        };
        let breakable = (0..links.len()).filter(|index| is_call(*index)).count() >= CALLS_OF_A_CHAIN;
        let calls: Vec<bool> = (0..links.len()).map(is_call).collect();
        let mut parts = vec![self.expression(base)];
        let mut rest = Vec::new();
        let comments = self.comment;
        let mut breaks = false;
        for (link, call) in links.into_iter().zip(calls) {
            let starts = call && breakable;
            breaks |= starts && self.comment > comments;
            let printed = self.link(link);
            if starts {
                rest.push(SOFT);
            }
            if rest.is_empty() { parts.push(printed) } else { rest.push(printed) }
        }
        parts.push(nest(concat(rest)));
        group_that(concat(parts), breaks)
    }

    /// What a chain starts with, and its links in order.
    fn links<'e>(&self, e: &'e Expression) -> (&'e Expression, Vec<&'e Expression>) {
        let mut links = Vec::new();
        let mut at = e;
        while let ExpressionKind::Field(inner, _)
        | ExpressionKind::Metadata(inner, _)
        | ExpressionKind::Index(inner, _)
        | ExpressionKind::Call(inner, _) = &at.kind
        {
            if !links.is_empty() && self.parentheses(at.span.end as usize, 0) > 0 {
                break;
            }
            links.push(at);
            at = inner;
        }
        links.reverse();
        (at, links)
    }

    fn link(&mut self, link: &Expression) -> Document<'a> {
        match &link.kind {
            ExpressionKind::Field(..) => concat([self.expect("."), self.token()]),
            ExpressionKind::Metadata(..) => concat([self.expect("@"), self.token()]),
            ExpressionKind::Index(_, index) => concat([self.expect("["), self.expression(index), self.expect("]")]),
            ExpressionKind::Call(_, arguments) => self.arguments(arguments),
            _ => self.give_up(),
        }
    }

    /// `(a, name: b)`. A last argument with brackets of its own opens them on the line of the call.
    pub(crate) fn arguments(&mut self, arguments: &[Argument]) -> Document<'a> {
        if !self.hugs(arguments) {
            return self.sequence(PARENTHESES, arguments, Self::argument);
        }
        let mut parts = vec![self.expect("(")];
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                parts.extend([self.expect(","), text(" ")]);
            }
            parts.push(self.argument(argument));
        }
        parts.push(self.expect(")"));
        concat(parts)
    }

    pub(crate) fn argument(&mut self, argument: &Argument) -> Document<'a> {
        let name = match argument.name {
            Some(_) => concat([self.token(), self.expect(":"), text(" ")]),
            None => Document::Nil,
        };
        concat([name, self.expression(&argument.value)])
    }

    fn hugs(&self, arguments: &[Argument]) -> bool {
        let Some(last) = arguments.last() else { return false };
        let start = last.name.as_ref().map_or(last.value.span, |name| name.span).start as usize;
        let close = self.pieces.get(self.at).map_or(usize::MAX, |piece| piece.partner);
        let trailing_comma = close < self.pieces.len() && self.characters(close - 1) == ",";
        let brackets = match &last.value.kind {
            ExpressionKind::Closure(_, body) => matches!(**body, ClosureBody::Block(_)),
            ExpressionKind::List(_)
            | ExpressionKind::Map(_)
            | ExpressionKind::Tuple(_)
            | ExpressionKind::Record(_)
            | ExpressionKind::Comprehension(_)
            | ExpressionKind::Text(_) => arguments.len() == 1,
            _ => false,
        };
        brackets && !trailing_comma && !self.comment_before(start)
    }
}
