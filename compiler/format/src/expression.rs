//! Expressions. Parentheses stay where they were written.

use crate::cursor::Cursor;
use crate::document::{Document, LINE, SOFT, concat, group, group_that, nest, text};
use crate::sequence::{FILLED, PARENTHESES, SQUARE, Separator, TUPLE};
use sgl_syntax::ast::{
    BinaryOp, ClosureBody, Expression, ExpressionKind, ForkExpression, ForkHeader, Hole, HoleOption, Join, MatchArm,
    NamedBranch, TextPart, TypeExpression, UnaryOp,
};

/// Short literals from which on a list that does not fit is filled line by line.
const FILLED_MIN: usize = 4;
/// Bytes of a short literal.
const SHORT_MAX: usize = 24;

/// What stands between the parentheses of `gen` and `select`.
enum Part<'t> {
    Type(&'t TypeExpression),
    Value(&'t Expression),
    Option(&'t HoleOption),
}

impl<'a> Cursor<'a> {
    pub(crate) fn expression(&mut self, e: &Expression) -> Document<'a> {
        let own = usize::from(matches!(e.kind, ExpressionKind::Tuple(_) | ExpressionKind::Record(_)));
        self.parenthesised(e.span.end as usize, own, |cursor| cursor.inside(e))
    }

    fn inside(&mut self, e: &Expression) -> Document<'a> {
        match &e.kind {
            ExpressionKind::Int(_)
            | ExpressionKind::Float(..)
            | ExpressionKind::Bool(_)
            | ExpressionKind::None
            | ExpressionKind::Regex(_)
            | ExpressionKind::Duration(_)
            | ExpressionKind::Name(_)
            | ExpressionKind::Transcript => self.token(),
            ExpressionKind::Text(text) => self.text(text, true),
            ExpressionKind::List(items) => {
                let filled = items.len() >= FILLED_MIN && items.iter().all(is_short);
                self.sequence(if filled { FILLED } else { SQUARE }, items, Self::expression)
            }
            ExpressionKind::Map(pairs) if pairs.is_empty() => {
                concat([self.expect("["), self.expect(":"), self.expect("]")])
            }
            ExpressionKind::Map(pairs) => self.sequence(SQUARE, pairs, |cursor, (key, value)| {
                concat([cursor.expression(key), cursor.expect(":"), text(" "), cursor.expression(value)])
            }),
            ExpressionKind::Tuple(items) => self.sequence(TUPLE, items, Self::expression),
            ExpressionKind::Record(fields) => self.sequence(PARENTHESES, fields, |cursor, (_, value)| {
                concat([cursor.token(), cursor.expect(":"), text(" "), cursor.expression(value)])
            }),
            ExpressionKind::Range { start, end, .. } => {
                let start = start.as_ref().map_or(Document::Nil, |e| self.expression(e));
                let dots = self.token();
                concat([start, dots, end.as_ref().map_or(Document::Nil, |e| self.expression(e))])
            }
            ExpressionKind::Field(..)
            | ExpressionKind::Metadata(..)
            | ExpressionKind::Index(..)
            | ExpressionKind::Call(..) => self.chain(e),
            ExpressionKind::Inline(e) | ExpressionKind::ScratchCall(e) => {
                concat([self.token(), text(" "), self.expression(e)])
            }
            ExpressionKind::Scratch(block) => concat([self.expect("scratch"), text(" "), group(self.block(block))]),
            ExpressionKind::Fork(fork) => self.fork(fork),
            ExpressionKind::On(of, block) => {
                concat([self.expect("on"), text(" "), self.expression(of), text(" "), group(self.block(block))])
            }
            ExpressionKind::Gen(hole) => self.gen_call(hole),
            ExpressionKind::Select(of, options) => {
                let parts =
                    std::iter::once(Part::Value(of)).chain(options.iter().map(Part::Option)).collect::<Vec<_>>();
                self.ask(&parts)
            }
            ExpressionKind::Unary(_, of) => {
                let space = if self.next_is("not") { " " } else { "" };
                concat([self.token(), text(space), self.expression(of)])
            }
            ExpressionKind::Binary(..) => self.binary(e),
            ExpressionKind::If(i) => group(self.if_chain(i)),
            ExpressionKind::Match(of, arms) => group(self.match_of(of, arms)),
            ExpressionKind::Closure(_, body) => self.closure(body),
            ExpressionKind::Comprehension(c) => {
                let comments = self.comment;
                let mut parts = vec![self.expect("["), SOFT, self.expression(&c.element)];
                parts.extend([LINE, self.expect("for"), text(" "), self.pattern(&c.pattern), text(" ")]);
                parts.extend([self.expect("in"), text(" "), self.expression(&c.iterable)]);
                if let Some(condition) = &c.condition {
                    parts.extend([LINE, self.expect("if"), text(" "), self.expression(condition)]);
                }
                let opening = parts.remove(0);
                let breaks = self.comment > comments || self.comment_waits();
                group_that(concat([opening, nest(concat(parts)), SOFT, self.expect("]")]), breaks)
            }
            ExpressionKind::Error => self.give_up(),
        }
    }

    fn gen_call(&mut self, hole: &Hole) -> Document<'a> {
        let parts: Vec<_> = hole.ty.iter().map(Part::Type).chain(hole.options.iter().map(Part::Option)).collect();
        self.ask(&parts)
    }

    /// `gen(T, options)`, `select(xs, options)`
    fn ask(&mut self, parts: &[Part<'_>]) -> Document<'a> {
        let word = self.token();
        let inside = self.sequence(PARENTHESES, parts, |cursor, part| match part {
            Part::Type(ty) => cursor.ty(ty),
            Part::Value(e) => cursor.expression(e),
            Part::Option(option) => cursor.option(option),
        });
        concat([word, inside])
    }

    /// `name: value`
    pub(crate) fn option(&mut self, option: &HoleOption) -> Document<'a> {
        concat([self.token(), self.expect(":"), text(" "), self.expression(&option.value)])
    }

    /// Operands of one precedence, a line of each if they don't fit; a line ends with its operator, because a newline
    /// before one would end the statement.
    fn binary(&mut self, e: &Expression) -> Document<'a> {
        let mut operands = Vec::new();
        let mut at = e;
        let level = level(e);
        while let ExpressionKind::Binary(_, left, right) = &at.kind
            && self::level(at) == level
            && (operands.is_empty() || self.parentheses(at.span.end as usize, 0) == 0)
        {
            operands.push(&**right);
            at = left;
        }
        let comments = self.comment;
        let first = self.expression(at);
        let mut rest = Vec::new();
        let mut breaks = false;
        for operand in operands.into_iter().rev() {
            rest.extend([text(" "), self.token(), LINE]);
            for (_, comment) in self.comments_above() {
                rest.extend([text(comment), Document::Newline]);
            }
            breaks |= self.comment > comments;
            rest.push(self.expression(operand));
        }
        group_that(concat([first, nest(concat(rest))]), breaks)
    }

    fn closure(&mut self, body: &ClosureBody) -> Document<'a> {
        let mut arrow = self.at;
        while arrow < self.pieces.len() && self.characters(arrow) != "=>" {
            arrow += 1;
        }
        let parameters = self.loose_pattern(arrow);
        let arrow = self.expect("=>");
        let body = match body {
            ClosureBody::Expression(e) => self.expression(e),
            ClosureBody::Block(block) => group(self.block(block)),
        };
        concat([parameters, text(" "), arrow, text(" "), body])
    }

    fn fork(&mut self, fork: &ForkExpression) -> Document<'a> {
        let mut parts = vec![self.expect("fork"), text(" ")];
        match &fork.header {
            ForkHeader::Each(_, list, block) => {
                let brace = self.pieces.partition_point(|piece| piece.start < block.span.start as usize);
                let header_end = brace.checked_sub(1).map_or(0, |last| self.pieces[last].end);
                parts.push(self.parenthesised(header_end, 0, |cursor| {
                    let mut word = cursor.at;
                    while word < cursor.pieces.len() && cursor.characters(word) != "in" {
                        word += 1;
                    }
                    let pattern = cursor.loose_pattern(word);
                    concat([pattern, text(" "), cursor.expect("in"), text(" "), cursor.expression(list)])
                }));
                parts.extend([text(" "), group(self.block(block))]);
            }
            ForkHeader::Count(count, block) => {
                parts.extend([self.expression(count), text(" "), group(self.block(block))]);
            }
            ForkHeader::Named(branches) => {
                parts.push(group(self.braced(branches, Separator::Comma, Self::branch)));
            }
        }
        if let Some(join) = &fork.join {
            parts.extend([text(" "), self.join(join)]);
        }
        concat(parts)
    }

    fn branch(&mut self, branch: &NamedBranch) -> Document<'a> {
        concat([self.token(), text(" "), self.expect("=>"), text(" "), group(self.block(&branch.body))])
    }

    fn join(&mut self, join: &Join) -> Document<'a> {
        let policy = concat([self.expect("join"), text(" "), self.token()]);
        if self.next_is("(") { concat([policy, self.arguments(&join.arguments)]) } else { policy }
    }

    /// `match e { … }`, for a group around it.
    pub(crate) fn match_of(&mut self, of: &Expression, arms: &[MatchArm]) -> Document<'a> {
        let head = concat([self.expect("match"), text(" "), self.expression(of), text(" ")]);
        concat([head, self.braced(arms, Separator::Comma, Self::arm)])
    }
}

/// Whether an element is so plain that several on a line read well.
fn is_short(e: &Expression) -> bool {
    let literal = match &e.kind {
        ExpressionKind::Int(_) | ExpressionKind::Float(..) | ExpressionKind::Bool(_) => true,
        ExpressionKind::Text(text) => text.parts.iter().all(|part| matches!(part, TextPart::Literal(_))),
        ExpressionKind::Unary(UnaryOp::Negate, of) => return is_short(of),
        _ => false,
    };
    literal && e.span.range().len() <= SHORT_MAX
}

/// How tightly an operator binds; operands of `??` group to the right and are never one chain.
fn level(e: &Expression) -> u32 {
    let ExpressionKind::Binary(op, ..) = &e.kind else { return 0 };
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::Equal
        | BinaryOp::NotEqual
        | BinaryOp::Less
        | BinaryOp::LessEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterEqual
        | BinaryOp::In => 3,
        BinaryOp::Coalesce => 4,
        BinaryOp::Add | BinaryOp::Subtract => 5,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => 6,
    }
}
