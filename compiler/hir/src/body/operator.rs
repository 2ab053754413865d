//! Operators.

use super::{Body, decided};
use crate::assign;
use crate::program::{BinaryOp, Expression, ExpressionKind};
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{self, BinaryOp as Tree, UnaryOp};

impl Body<'_, '_> {
    pub(super) fn unary(
        &mut self,
        op: UnaryOp,
        inner: &ast::Expression,
        wanted: Option<&Type>,
        span: Span,
    ) -> Expression {
        match op {
            UnaryOp::Not => {
                let inner = self.condition(inner);
                Expression { kind: ExpressionKind::Not(Box::new(inner)), ty: Type::Bool, span }
            }
            UnaryOp::Negate => {
                let inner = self.expression(inner, None);
                let ty = match (self.variables.resolve(&inner.ty), &inner.kind) {
                    (Type::Int { .. }, ExpressionKind::Int(n)) => {
                        let value = n.wrapping_neg();
                        let ty = self.literal_int(value, wanted);
                        return Expression { kind: ExpressionKind::Int(value), ty, span };
                    }
                    (Type::Int { .. }, _) => Type::int(),
                    (Type::Float { .. }, _) => Type::float(),
                    (Type::Error, _) => Type::Error,
                    (other, _) => {
                        let shown = self.show(&other);
                        self.report(Diagnostic::error(
                            Code::E0304,
                            format!("`-` needs a number, not `{shown}`"),
                            inner.span,
                            format!("this is `{shown}`"),
                        ));
                        Type::Error
                    }
                };
                Expression { kind: ExpressionKind::Negate(Box::new(inner)), ty, span }
            }
        }
    }

    /// The type of an integer literal: the range that is wanted, if the number is in it.
    pub(super) fn literal_int(&self, n: i64, wanted: Option<&Type>) -> Type {
        let inside = wanted.map(|wanted| self.variables.resolve(wanted)).map(|wanted| match wanted {
            Type::Optional(of) => *of,
            other => other,
        });
        match inside {
            Some(Type::Int { min, max }) if min.is_none_or(|m| n >= m) && max.is_none_or(|m| n <= m) => {
                Type::Int { min, max }
            }
            _ => Type::int(),
        }
    }

    pub(super) fn binary(
        &mut self,
        op: Tree,
        left: &ast::Expression,
        right: &ast::Expression,
        wanted: Option<&Type>,
        span: Span,
    ) -> Expression {
        match op {
            Tree::And | Tree::Or => {
                let (left, right) = (Box::new(self.condition(left)), Box::new(self.condition(right)));
                let kind =
                    if op == Tree::And { ExpressionKind::And(left, right) } else { ExpressionKind::Or(left, right) };
                Expression { kind, ty: Type::Bool, span }
            }
            Tree::Coalesce => self.coalesce(left, right, wanted, span),
            Tree::Add => {
                // What is wanted of the sum is wanted of its parts, but a part that may be `none` can't be added. A list
                // literal beside a list of known type takes its type.
                let wanted = wanted.map(|wanted| match self.variables.resolve(wanted) {
                    Type::Optional(of) => *of,
                    other => other,
                });
                let left = self.expression(left, wanted.as_ref());
                let hint = self.variables.resolve(&left.ty);
                let hint = matches!(hint, Type::List { .. }).then(|| match hint {
                    Type::List { item, .. } => Type::list(*item),
                    other => other,
                });
                let right = self.expression(right, hint.as_ref());
                self.binary_of(op, left, right, span)
            }
            _ => {
                let left = self.expression(left, None);
                let right = self.expression(right, None);
                self.binary_of(op, left, right, span)
            }
        }
    }

    fn coalesce(
        &mut self,
        left: &ast::Expression,
        right: &ast::Expression,
        wanted: Option<&Type>,
        span: Span,
    ) -> Expression {
        let left = self.expression(left, None);
        let inner = match self.variables.resolve(&left.ty) {
            Type::Optional(of) => *of,
            Type::None => self.variables.fresh(),
            Type::Error => Type::Error,
            other => {
                let shown = self.show(&other);
                self.report(
                    Diagnostic::error(
                        Code::E0304,
                        format!("`??` needs a value that may be `none`, not `{shown}`"),
                        left.span,
                        "this is never `none`",
                    )
                    .with_help("remove the `??` and what follows"),
                );
                Type::Error
            }
        };
        let hint = wanted.cloned().unwrap_or_else(|| inner.clone());
        let right = self.expression(right, Some(&hint));
        let ty = match self.variables.resolve(&right.ty) {
            Type::Optional(of) => self.join_types(&[inner, *of], span, None).optional(),
            other => self.join_types(&[inner, other], span, None),
        };
        Expression { kind: ExpressionKind::Coalesce(Box::new(left), Box::new(right)), ty, span }
    }

    /// An operator on two values.
    pub(super) fn binary_of(&mut self, op: Tree, left: Expression, right: Expression, span: Span) -> Expression {
        let (a, b) = (self.variables.resolve(&left.ty), self.variables.resolve(&right.ty));
        if let Some(value) = decided::by_type(op, (&left, &a), (&right, &b)) {
            self.report(
                Diagnostic::warning(
                    Code::W0303,
                    format!("this comparison is always {value}"),
                    span,
                    format!("`{}` {} `{}`", self.show(&a), op.symbol(), self.show(&b)),
                )
                .with_help("compare with a value that the type has"),
            );
        }
        if a == Type::Error || b == Type::Error {
            return Self::error_expression(span);
        }
        let comparison = matches!(
            op,
            Tree::Equal | Tree::NotEqual | Tree::Less | Tree::LessEqual | Tree::Greater | Tree::GreaterEqual
        );
        let kind = binary_op(op);
        let (wa, wb) = (assign::widen(&a), assign::widen(&b));
        let numeric = |ty: &Type| matches!(ty, Type::Int { .. } | Type::Float { .. });
        let (left, right, ty) = match op {
            Tree::In => return self.contains(left, right, span),
            Tree::Equal | Tree::NotEqual if self.comparable(&a, &b) => {
                let (left, right) = self.same_number(left, right, &wa, &wb);
                (left, right, Type::Bool)
            }
            _ if numeric(&wa) && numeric(&wb) && op != Tree::Equal && op != Tree::NotEqual => {
                let (left, right) = self.same_number(left, right, &wa, &wb);
                let ty = if comparison {
                    Type::Bool
                } else if wa == wb {
                    wa
                } else {
                    Type::float()
                };
                (left, right, ty)
            }
            Tree::Add | Tree::Less | Tree::LessEqual | Tree::Greater | Tree::GreaterEqual
                if is_text(&wa) && is_text(&wb) =>
            {
                (left, right, if comparison { Type::Bool } else { Type::text() })
            }
            Tree::Add
                if matches!((&a, &b), (Type::List { .. }, Type::List { .. }))
                    && self.variables.fits(&self.context.program, &b, &wa) =>
            {
                let item = match a {
                    Type::List { item, .. } => *item,
                    other => other,
                };
                (left, right, Type::list(item))
            }
            _ if matches!(a, Type::Variable(_)) || matches!(b, Type::Variable(_)) => {
                return self.with_variable(op, left, right, span);
            }
            _ => {
                self.no_operator(op, &left, &right, &a, &b, span);
                return Self::error_expression(span);
            }
        };
        Expression { kind: ExpressionKind::Binary(kind, Box::new(left), Box::new(right)), ty, span }
    }

    /// One side's type is not known: it is that of the other.
    fn with_variable(&mut self, op: Tree, left: Expression, right: Expression, span: Span) -> Expression {
        let (a, b) = (assign::widen(&left.ty), assign::widen(&right.ty));
        let known = if matches!(self.variables.resolve(&a), Type::Variable(_)) { b } else { a };
        self.variables.fits(&self.context.program, &left.ty, &known);
        self.variables.fits(&self.context.program, &right.ty, &known);
        if matches!(self.variables.resolve(&known), Type::Variable(_)) {
            self.report(
                Diagnostic::error(Code::E0311, "the type of these values can't be inferred", span, "what are they?")
                    .with_help("write the type where they are bound"),
            );
            return Self::error_expression(span);
        }
        self.binary_of(op, left, right, span)
    }

    /// An `Int` beside a `Float` becomes one.
    fn same_number(&mut self, left: Expression, right: Expression, a: &Type, b: &Type) -> (Expression, Expression) {
        let float = |e: Expression| {
            let span = e.span;
            Expression { kind: ExpressionKind::ToFloat(Box::new(e)), ty: Type::float(), span }
        };
        match (a, b) {
            (Type::Int { .. }, Type::Float { .. }) => (float(left), right),
            (Type::Float { .. }, Type::Int { .. }) => (left, float(right)),
            _ => (left, right),
        }
    }

    fn comparable(&mut self, a: &Type, b: &Type) -> bool {
        let (wa, wb) = (assign::widen(a), assign::widen(b));
        let numbers =
            matches!((&wa, &wb), (Type::Int { .. } | Type::Float { .. }, Type::Int { .. } | Type::Float { .. }));
        let functions = matches!(wa, Type::Function(..) | Type::Prompt);
        !functions
            && (numbers
                || self.variables.fits(&self.context.program, &wa, &wb)
                || self.variables.fits(&self.context.program, &wb, &wa))
    }

    fn contains(&mut self, left: Expression, right: Expression, span: Span) -> Expression {
        let item = match self.variables.resolve(&right.ty) {
            Type::List { item, .. } => Some(assign::widen(&item)),
            Type::Range => Some(Type::int()),
            Type::Map(key, _) => Some(*key),
            Type::Str(_) | Type::Literal(_) => Some(Type::text()),
            _ => None,
        };
        let (a, b) = (self.variables.resolve(&left.ty), self.variables.resolve(&right.ty));
        let fits = item.is_some_and(|item| self.variables.fits(&self.context.program, &assign::widen(&a), &item));
        if !fits {
            self.no_operator(Tree::In, &left, &right, &a, &b, span);
            return Self::error_expression(span);
        }
        Expression { kind: ExpressionKind::Binary(BinaryOp::In, Box::new(left), Box::new(right)), ty: Type::Bool, span }
    }

    fn no_operator(&mut self, op: Tree, left: &Expression, right: &Expression, a: &Type, b: &Type, span: Span) {
        let (shown_a, shown_b) = (self.context.show(a), self.context.show(b));
        let text = |ty: &Type| is_text(&assign::widen(ty));
        let help = match op {
            Tree::Add if text(a) || text(b) => Some("put it into a text: \"${…}\""),
            Tree::Equal | Tree::NotEqual => Some("values of different types are never equal"),
            _ if matches!(a, Type::Optional(_)) || matches!(b, Type::Optional(_)) => {
                Some("say what stands for `none`: `(… ?? default)`")
            }
            _ => None,
        };
        self.report(
            Diagnostic::error(
                Code::E0304,
                format!("`{shown_a}` {} `{shown_b}` has no meaning", op.symbol()),
                span,
                format!("no `{}` for these", op.symbol()),
            )
            .with_label(left.span, format!("`{shown_a}`"))
            .with_label(right.span, format!("`{shown_b}`"))
            .with_help_if(help.map(str::to_string)),
        );
    }
}

fn is_text(ty: &Type) -> bool {
    match ty {
        Type::Str(_) | Type::Literal(_) => true,
        Type::Union(members) => members.iter().all(is_text),
        _ => false,
    }
}

fn binary_op(op: Tree) -> BinaryOp {
    match op {
        Tree::Equal => BinaryOp::Equal,
        Tree::NotEqual => BinaryOp::NotEqual,
        Tree::Less => BinaryOp::Less,
        Tree::LessEqual => BinaryOp::LessEqual,
        Tree::Greater => BinaryOp::Greater,
        Tree::GreaterEqual => BinaryOp::GreaterEqual,
        Tree::In => BinaryOp::In,
        Tree::Subtract => BinaryOp::Subtract,
        Tree::Multiply => BinaryOp::Multiply,
        Tree::Divide => BinaryOp::Divide,
        Tree::Remainder => BinaryOp::Remainder,
        // `and`, `or` and `??` are lazy and never come here.
        Tree::Add | Tree::And | Tree::Or | Tree::Coalesce => BinaryOp::Add,
    }
}
