//! Assignment.

use super::{Body, Frame};
use crate::program::{Expression, ExpressionKind, LocalId, Place, StatementKind};
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{self};

impl Body<'_, '_> {
    pub(super) fn assign(
        &mut self,
        target: &ast::Expression,
        op: Option<ast::BinaryOp>,
        value: &ast::Expression,
    ) -> Option<StatementKind> {
        let mut steps = Vec::new();
        let mut at = target;
        loop {
            match &at.kind {
                ast::ExpressionKind::Field(of, name) => {
                    steps.push((Some(name), None, of));
                    at = of;
                }
                ast::ExpressionKind::Index(of, index) => {
                    steps.push((None, Some(index), of));
                    at = of;
                }
                _ => break,
            }
        }
        let root = match &at.kind {
            ast::ExpressionKind::Name(name) => self.find(name),
            _ => None,
        };
        let Some(local) = root else {
            let found = self.expression(target, None);
            if found.ty != Type::Error {
                self.report(
                    Diagnostic::error(Code::E0312, "this can't be assigned to", target.span, "not a variable")
                        .with_help("only a `var`, or a place in one, can change"),
                );
            }
            self.expression(value, None);
            return None;
        };
        self.check_assignable(local, at.span);
        steps.reverse();
        let mut ty = self.locals[local.index()].ty.clone();
        let mut current = Expression { kind: ExpressionKind::Local(local), ty: ty.clone(), span: at.span };
        let mut places = Vec::new();
        for (field, index, _) in &steps {
            if let Some(name) = field {
                let found = self.field(current, name);
                let ExpressionKind::Field(_, number) = &found.kind else { return None };
                places.push(Place::Field(*number));
                current = found;
            } else if let Some(index) = index {
                let span = current.span.to(index.span);
                let found = self.index(current, index, span);
                let ExpressionKind::Index(_, at) = &found.kind else { return None };
                places.push(Place::Index(at.as_ref().clone()));
                current = found;
            }
            ty = current.ty.clone();
        }
        let value = match op {
            None => self.expect(value, &ty),
            Some(op) => {
                self.read(local);
                let right = self.expression(value, Some(&ty));
                let span = target.span.to(value.span);
                let sum = self.binary_of(op, current, right, span);
                self.coerce(sum, &ty)
            }
        };
        Some(StatementKind::Assign(local, places, value))
    }

    pub(super) fn check_assignable(&mut self, local: LocalId, span: Span) {
        let (mutable, name, bound) = {
            let l = &self.locals[local.index()];
            (l.mutable, l.name.clone(), l.span)
        };
        if !mutable {
            self.report(
                Diagnostic::error(Code::E0312, format!("`{name}` can't be assigned to"), span, "it does not change")
                    .with_label(bound, "bound here")
                    .with_help(format!("declare it with `var {name} = …`")),
            );
        }
        let outer = self.frames.iter().rev().find_map(|frame| match frame {
            Frame::Branch { first_local, .. } => Some(*first_local),
            Frame::Closure { .. } => None,
        });
        let in_closure = self.frames.iter().any(|f| matches!(f, Frame::Closure { .. }));
        if mutable && (outer.is_some_and(|first| local.index() < first) || in_closure) {
            let what = if in_closure { "a closure" } else { "a branch" };
            self.report(
                Diagnostic::error(
                    Code::E0406,
                    format!("{what} can't change `{name}`"),
                    span,
                    "it belongs to the code around",
                )
                .with_label(bound, "declared outside")
                .with_help("give the value back instead: with `yield`, and use the result of the `fork`"),
            );
        }
    }
}
