//! Blocks that are values, and closures.

use super::{Body, Frame, ways_out};
use crate::program::{Block, Expression, ExpressionKind, Pattern};
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{self, ExpressionKind as Tree};

impl Body<'_, '_> {
    /// A block whose last expression is its value.
    pub(super) fn value_block(&mut self, tree: &ast::Block, wanted: Option<&Type>) -> Block {
        use ast::StatementKind as S;
        self.push_scope();
        let (last, before) = match tree.statements.split_last() {
            Some((last, before)) => (Some(last), before),
            None => (None, &[][..]),
        };
        let mut block = self.block_statements(before);
        if let Some(last) = last {
            let as_expression = |kind| ast::Expression { kind, span: last.span };
            let value = match &last.kind {
                S::Expression(e) => Some(e.clone()),
                S::Text(text) => Some(as_expression(Tree::Text(text.clone()))),
                S::If(tree) if tree.otherwise.is_some() => Some(as_expression(Tree::If(tree.clone()))),
                S::Match { value, arms } => Some(as_expression(Tree::Match(Box::new(value.clone()), arms.clone()))),
                _ => None,
            };
            match value {
                Some(value) => {
                    let found = self.expression(&value, wanted);
                    block.value = Some(Box::new(match wanted {
                        Some(wanted) => self.coerce(found, wanted),
                        None => found,
                    }));
                }
                None => block.statements.extend(self.block_statements(std::slice::from_ref(last)).statements),
            }
        }
        self.pop_scope();
        block
    }

    /// The type of a value that comes from one of several places.
    pub(super) fn join_types(&mut self, types: &[Type], span: Span, wanted: Option<&Type>) -> Type {
        if let Some(wanted) = wanted {
            return wanted.clone();
        }
        let mut joined = Type::Never;
        for ty in types {
            if joined == Type::Never {
                joined = self.variables.resolve(ty);
                continue;
            }
            let Some(both) = self.variables.join(&self.context.program, &joined, ty) else {
                let (a, b) = (self.show(&joined), self.show(ty));
                self.report(
                    Diagnostic::error(
                        Code::E0301,
                        format!("the branches give `{a}` and `{b}`"),
                        span,
                        "of different types",
                    )
                    .with_help("make both of one type, or write the type where the value is bound"),
                );
                return Type::Error;
            };
            joined = both;
        }
        joined
    }

    pub(super) fn closure(
        &mut self,
        parameters: &[ast::Pattern],
        body: &ast::ClosureBody,
        wanted: Option<&Type>,
        span: Span,
    ) -> Expression {
        let (mut wanted_parameters, wanted_result) = match wanted.map(|w| self.variables.resolve(w)) {
            Some(Type::Function(parameters, result)) => (parameters, Some(*result)),
            _ => (Vec::new(), None),
        };
        if let ([Type::Tuple(parts)], true) = (wanted_parameters.as_slice(), parameters.len() > 1)
            && parts.len() == parameters.len()
        {
            // `(a, b) => …` where one tuple is given takes it apart.
            let all = ast::Pattern { kind: ast::PatternKind::Tuple(parameters.to_vec()), span };
            return self.closure(std::slice::from_ref(&all), body, wanted, span);
        }
        if !wanted_parameters.is_empty() && wanted_parameters.len() != parameters.len() {
            let message = format!(
                "this closure takes {} parameters, and {} are given",
                parameters.len(),
                wanted_parameters.len()
            );
            self.report(Diagnostic::error(Code::E0302, message, span, format!("write {}", wanted_parameters.len())));
        }
        while wanted_parameters.len() < parameters.len() {
            let fresh = self.variables.fresh();
            wanted_parameters.push(fresh);
        }
        wanted_parameters.truncate(parameters.len());
        self.push_scope();
        let patterns: Vec<Pattern> =
            parameters.iter().zip(&wanted_parameters).map(|(p, ty)| self.irrefutable(p, ty)).collect();
        for local in 0..self.locals.len() {
            // A parameter that a closure ignores is no fault: its place is given by the caller.
            if patterns.iter().any(|p| matches!(p, Pattern::Bind(id) if id.index() == local)) {
                self.used[local] = true;
            }
        }
        let loops = std::mem::take(&mut self.loops);
        // What is not known yet is found from all values together, not from the first.
        let known = wanted_result.clone().filter(|w| !matches!(self.variables.resolve(w), Type::Variable(_)));
        self.frames.push(Frame::Closure { returns: Vec::new(), wanted: known.clone() });
        let (block, mut result) = match body {
            ast::ClosureBody::Expression(e) => {
                let e = match &wanted_result {
                    Some(wanted) => self.expect(e, wanted),
                    None => self.expression(e, None),
                };
                let ty = e.ty.clone();
                (Block { statements: Vec::new(), value: Some(Box::new(e)) }, ty)
            }
            ast::ClosureBody::Block(block) => {
                let block = self.value_block(block, known.as_ref());
                let ty = block.value.as_ref().map_or(Type::Never, |v| v.ty.clone());
                (block, ty)
            }
        };
        if let Some(Frame::Closure { returns, .. }) = self.frames.pop()
            && !returns.is_empty()
        {
            let falls_off = block.value.is_none() && !ways_out::ends(&block);
            if falls_off && returns.iter().any(|ty| !matches!(ty, Type::Unit | Type::Error | Type::Never)) {
                self.report(
                    Diagnostic::error(
                        Code::E0308,
                        "this closure does not always return a value",
                        span,
                        "some paths through it end without one",
                    )
                    .with_help("end it with the value that is left, or with `return`"),
                );
            }
            let mut all = returns;
            all.push(result);
            result = self.join_types(&all, span, known.as_ref());
        }
        self.loops = loops;
        self.pop_scope();
        if result == Type::Never {
            result = Type::Unit;
        }
        let ty = Type::Function(wanted_parameters, Box::new(result));
        Expression { kind: ExpressionKind::Closure(patterns, block), ty, span }
    }
}
