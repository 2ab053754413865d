//! Statements and blocks.

use crate::cursor::{Cursor, Kind};
use crate::document::{Document, concat, group, text};
use crate::sequence::{PARENTHESES, Separator};
use sgl_syntax::ast::{Block, Expression, If, MatchArm, Otherwise, RoleName, Statement, StatementKind};

impl<'a> Cursor<'a> {
    /// `{ … }`, for a group around it.
    pub(crate) fn block(&mut self, block: &Block) -> Document<'a> {
        self.braced(&block.statements, Separator::Semicolon, Self::statement)
    }

    pub(crate) fn statement(&mut self, statement: &Statement) -> Document<'a> {
        match &statement.kind {
            StatementKind::Let { pattern, ty, value } => {
                let head = concat([self.expect("let"), text(" "), self.pattern(pattern)]);
                self.binding(head, ty.as_ref(), value)
            }
            StatementKind::Var { ty, value, .. } => {
                let head = concat([self.expect("var"), text(" "), self.token()]);
                self.binding(head, ty.as_ref(), value)
            }
            StatementKind::Assign { target, value, .. } => {
                concat([self.expression(target), text(" "), self.token(), text(" "), self.expression(value)])
            }
            // What is a statement for itself may stand in parentheses that its own node does not know of.
            StatementKind::If(i) => self.bare(statement, |cursor| group(cursor.if_chain(i))),
            StatementKind::Match { value, arms } => self.bare(statement, |cursor| group(cursor.match_of(value, arms))),
            StatementKind::Text(text) => self.bare(statement, |cursor| cursor.text(text, false)),
            StatementKind::For { pattern, iterable, body } => {
                let head = concat([self.expect("for"), text(" "), self.pattern(pattern), text(" ")]);
                let of = concat([self.expect("in"), text(" "), self.expression(iterable), text(" ")]);
                concat([head, of, group(self.block(body))])
            }
            StatementKind::While { condition, body } => {
                let head = concat([self.expect("while"), text(" "), self.expression(condition), text(" ")]);
                concat([head, group(self.block(body))])
            }
            StatementKind::WhileLet { pattern, value, body } => {
                let head = concat([self.expect("while"), text(" "), self.expect("let"), text(" ")]);
                let pattern = concat([self.pattern(pattern), text(" "), self.expect("="), text(" ")]);
                concat([head, pattern, self.expression(value), text(" "), group(self.block(body))])
            }
            StatementKind::Return(e) | StatementKind::Yield(e) => match e {
                Some(e) => concat([self.token(), text(" "), self.expression(e)]),
                None => self.token(),
            },
            StatementKind::Emit(e) | StatementKind::Assert(e) => concat([self.token(), text(" "), self.expression(e)]),
            StatementKind::Break | StatementKind::Continue => self.token(),
            StatementKind::Role { role, body } => self.role(role, body),
            StatementKind::Raw(body) => concat([self.expect("raw"), text(" "), group(self.block(body))]),
            StatementKind::With { options, body } => concat([
                self.expect("with"),
                text(" "),
                self.sequence(PARENTHESES, options, Self::option),
                text(" "),
                group(self.block(body)),
            ]),
            StatementKind::Expression(e) => self.expression(e),
            StatementKind::Try { body, otherwise } => {
                let parts = [self.expect("try"), text(" "), self.block(body), self.otherwise(Some(otherwise))];
                group(concat(parts))
            }
            StatementKind::Retry { count, body } => {
                let head = concat([self.expect("retry"), text(" "), self.expression(count), text(" ")]);
                concat([head, group(self.block(body))])
            }
            StatementKind::Budget { limits, body, otherwise } => {
                let head = concat([self.expect("budget"), text(" ")]);
                let limits = concat([head, self.sequence(PARENTHESES, limits, Self::argument)]);
                let body = [self.block(body), self.otherwise(otherwise.as_ref())];
                concat([limits, text(" "), group(concat(body))])
            }
            StatementKind::Error => self.give_up(),
        }
    }

    fn bare(&mut self, statement: &Statement, print: impl FnOnce(&mut Self) -> Document<'a>) -> Document<'a> {
        self.parenthesised(statement.span.end as usize, 0, print)
    }

    fn binding(
        &mut self,
        head: Document<'a>,
        ty: Option<&sgl_syntax::ast::TypeExpression>,
        value: &Expression,
    ) -> Document<'a> {
        let ty = self.annotation(ty);
        concat([head, ty, text(" "), self.expect("="), text(" "), self.expression(value)])
    }

    /// ` else fault f { … }`
    fn otherwise(&mut self, otherwise: Option<&Otherwise>) -> Document<'a> {
        let Some(otherwise) = otherwise else { return Document::Nil };
        let mut parts = vec![text(" "), self.expect("else"), text(" ")];
        if otherwise.fault.is_some() {
            parts.extend([self.token(), text(" "), self.token(), text(" ")]);
        }
        parts.push(self.block(&otherwise.body));
        concat(parts)
    }

    fn role(&mut self, role: &RoleName, body: &Block) -> Document<'a> {
        let mut parts = vec![self.token()];
        if let RoleName::Other(name) = role {
            parts.extend([self.expect("("), self.expression(name), self.expect(")")]);
        }
        parts.push(text(" "));
        let lone_text = (self.kind() == Kind::TextStart).then(|| body.statements.first()).flatten();
        parts.push(match lone_text.map(|statement| &statement.kind) {
            Some(StatementKind::Text(text)) => self.text(text, true),
            _ => group(self.block(body)),
        });
        concat(parts)
    }

    /// `if c { … } else if … else { … }`, for one group around it all: its blocks are on one line together or not at all.
    pub(crate) fn if_chain(&mut self, i: &If) -> Document<'a> {
        let head = concat([self.expect("if"), text(" "), self.expression(&i.condition), text(" ")]);
        let then = self.block(&i.then);
        let Some(otherwise) = &i.otherwise else { return concat([head, then]) };
        let word = concat([text(" "), self.expect("else"), text(" ")]);
        let rest = match otherwise.statements.first().map(|statement| &statement.kind) {
            Some(StatementKind::If(inner)) if self.next_is("if") => self.if_chain(inner),
            _ => self.block(otherwise),
        };
        concat([head, then, word, rest])
    }

    /// `pattern if guard => body`
    pub(crate) fn arm(&mut self, arm: &MatchArm) -> Document<'a> {
        let mut parts = vec![self.pattern(&arm.pattern)];
        if let Some(guard) = &arm.guard {
            parts.extend([text(" "), self.expect("if"), text(" "), self.expression(guard)]);
        }
        parts.extend([text(" "), self.expect("=>"), text(" ")]);
        parts.push(match arm.body.statements.first() {
            Some(statement) if !self.next_is("{") => self.statement(statement),
            _ => group(self.block(&arm.body)),
        });
        concat(parts)
    }
}
