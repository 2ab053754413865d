//! Statements.

use super::{Body, Frame, pattern, ways_out};
use crate::program::{Arm, Block, Expression, Pattern, Statement, StatementKind};
use crate::types::Type;
use crate::{assign, exhaustive};
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{self, StatementKind as Tree};

impl Body<'_, '_> {
    /// A block in a scope of its own.
    pub(super) fn block(&mut self, tree: &ast::Block) -> Block {
        self.push_scope();
        let block = self.block_statements(&tree.statements);
        self.pop_scope();
        block
    }

    pub(super) fn block_statements(&mut self, trees: &[ast::Statement]) -> Block {
        let mut statements: Vec<Statement> = Vec::new();
        let mut warned = false;
        for tree in trees {
            if !warned && statements.last().is_some_and(ways_out::leaves) {
                warned = true;
                let writes = matches!(tree.kind, Tree::Text(_) | Tree::Role { .. } | Tree::Emit(_) | Tree::Raw(_));
                let (code, message) = if writes {
                    (Code::W0102, "this text is never written")
                } else {
                    (Code::W0101, "this is never reached")
                };
                self.report(
                    Diagnostic::warning(code, message, tree.span, "the statement before ends the block")
                        .with_help("remove it, or move it up"),
                );
            }
            if let Some(kind) = self.statement(tree) {
                statements.push(Statement { kind, span: tree.span });
            }
        }
        Block { statements, value: None }
    }

    fn statement(&mut self, tree: &ast::Statement) -> Option<StatementKind> {
        Some(match &tree.kind {
            Tree::Let { pattern, ty, value } => self.let_statement(pattern, ty.as_ref(), value),
            Tree::Var { name, ty, value } => self.var_statement(name, ty.as_ref(), value),
            Tree::Assign { target, op, value } => return self.assign(target, *op, value),
            Tree::If(tree) => {
                let condition = self.condition(&tree.condition);
                let then = self.block(&tree.then);
                let otherwise = tree.otherwise.as_ref().map(|b| self.block(b)).unwrap_or_default();
                StatementKind::If(condition, then, otherwise)
            }
            Tree::For { pattern, iterable, body } => {
                let iterable = self.expression(iterable, None);
                let element = self.element(&iterable);
                self.push_scope();
                let pattern = self.irrefutable(pattern, &element);
                let body = self.loop_body(body);
                self.pop_scope();
                StatementKind::For(pattern, iterable, body)
            }
            Tree::While { condition, body } => {
                let endless = matches!(condition.kind, ast::ExpressionKind::Bool(true));
                let condition = self.condition(condition);
                let body = self.loop_body(body);
                if endless && self.budgets == 0 && !ways_out::breaks(&body) {
                    self.report(
                        Diagnostic::warning(
                            Code::W0401,
                            "this loop never ends",
                            tree.span,
                            "nothing in it breaks or returns",
                        )
                        .with_help("add a `break`, or count: `for _ in 0..8 { … }`"),
                    );
                }
                StatementKind::While(condition, body)
            }
            Tree::WhileLet { pattern, value, body } => {
                let value = self.expression(value, None);
                self.push_scope();
                let resolved = self.variables.resolve(&value.ty);
                let pattern = match (&resolved, &pattern.kind) {
                    (Type::Optional(of), ast::PatternKind::Bind(_)) => {
                        let inner = self.pattern(pattern, of);
                        let shape =
                            crate::shape_of(&self.context.program, of).unwrap_or(sgl_protocol::Shape::free_text());
                        Pattern::Member(of.as_ref().clone(), shape, Box::new(inner))
                    }
                    _ => self.pattern(pattern, &resolved),
                };
                let body = self.loop_body(body);
                self.pop_scope();
                StatementKind::WhileLet(pattern, value, body)
            }
            Tree::Match { value, arms } => {
                let (value, arms, _) = self.arms(value, arms, false, tree.span, None);
                StatementKind::Match(value, arms)
            }
            Tree::Return(value) => self.return_statement(value.as_ref(), tree.span),
            Tree::Yield(value) => return self.yield_statement(value.as_ref(), tree.span),
            Tree::Break | Tree::Continue => return self.leave_loop(&tree.kind, tree.span),
            Tree::Role { role, body } => return self.role(role, body, tree.span),
            Tree::Text(text) => self.text_statement(text),
            Tree::Raw(body) => {
                self.needs_prompt("`raw`", tree.span);
                let before = std::mem::replace(&mut self.in_raw, true);
                let block = self.block_statements(&body.statements);
                self.in_raw = before;
                StatementKind::Block(block)
            }
            Tree::With { options, body } => self.with(options, body),
            Tree::Emit(e) => {
                self.needs_prompt("`emit`", tree.span);
                let e = self.expression(e, None);
                if !self.is_shown_whole(&e) {
                    self.spliceable(&e);
                }
                StatementKind::Emit(e)
            }
            Tree::Assert(e) => {
                let condition = self.condition(e);
                StatementKind::Assert(condition, String::new())
            }
            Tree::Expression(e) => match self.test_statement(e) {
                Some(found) => return found,
                None => StatementKind::Expression(self.expression(e, None)),
            },
            Tree::Try { body, otherwise } => self.try_statement(body, otherwise, tree.span),
            Tree::Retry { count, body } => self.retry(count, body, tree.span),
            Tree::Budget { limits, body, otherwise } => self.budget(limits, body, otherwise.as_ref(), tree.span),
            Tree::Error => return None,
        })
    }

    fn let_statement(
        &mut self,
        pattern: &ast::Pattern,
        ty: Option<&ast::TypeExpression>,
        value: &ast::Expression,
    ) -> StatementKind {
        let declared = ty.map(|ty| crate::resolve::ty(self.context, self.module, ty));
        let value = match &declared {
            Some(ty) => self.expect(value, ty),
            None => self.expression(value, None),
        };
        let ty = declared.unwrap_or_else(|| value.ty.clone());
        let pattern = self.irrefutable(pattern, &ty);
        StatementKind::Let(pattern, value)
    }

    fn var_statement(
        &mut self,
        name: &ast::Name,
        ty: Option<&ast::TypeExpression>,
        value: &ast::Expression,
    ) -> StatementKind {
        let declared = ty.map(|ty| crate::resolve::ty(self.context, self.module, ty));
        let value = match &declared {
            Some(ty) => self.expect(value, ty),
            None => self.expression(value, None),
        };
        let ty = declared.unwrap_or_else(|| assign::widen(&self.variables.resolve(&value.ty)));
        let local = self.local(&name.value, ty, true, name.span);
        self.bind(local);
        StatementKind::Let(Pattern::Bind(local), value)
    }

    pub(super) fn condition(&mut self, tree: &ast::Expression) -> Expression {
        let found = self.expression(tree, Some(&Type::Bool));
        if !self.variables.fits(&self.context.program, &found.ty, &Type::Bool) {
            let shown = self.show(&found.ty);
            let help = match self.variables.resolve(&found.ty) {
                Type::Int { .. } => "compare it, such as `… > 0`",
                Type::Str(_) => "ask `.is_empty()`, or compare it",
                Type::List { .. } => "ask `.is_empty()`",
                Type::Optional(_) => "ask `.is_some()`",
                _ => "write a comparison",
            };
            self.report(
                Diagnostic::error(
                    Code::E0305,
                    format!("a condition is a `Bool`, not `{shown}`"),
                    found.span,
                    format!("this is `{shown}`"),
                )
                .with_help(help),
            );
        }
        found
    }

    fn loop_body(&mut self, body: &ast::Block) -> Block {
        self.loops += 1;
        let block = self.block(body);
        self.loops -= 1;
        block
    }

    /// What a loop over the value binds each time.
    pub(super) fn element(&mut self, iterable: &Expression) -> Type {
        match self.variables.resolve(&iterable.ty) {
            Type::List { item, .. } => *item,
            Type::Range => Type::int(),
            Type::Map(k, v) => Type::Tuple(vec![*k, *v]),
            Type::Str(_) | Type::Literal(_) => Type::text(),
            Type::Error | Type::Never => Type::Error,
            other => {
                let shown = self.show(&other);
                let help = match other {
                    Type::Int { .. } => "count with a range: `0..n`",
                    Type::Optional(_) => "unwrap it first: `… ?? []`",
                    _ => "loops go over lists, ranges, maps and texts",
                };
                self.report(
                    Diagnostic::error(
                        Code::E0310,
                        format!("`{shown}` can't be looped over"),
                        iterable.span,
                        format!("this is `{shown}`"),
                    )
                    .with_help(help),
                );
                Type::Error
            }
        }
    }

    fn return_statement(&mut self, value: Option<&ast::Expression>, span: Span) -> StatementKind {
        if let Some(Frame::Closure { wanted, .. }) = self.frames.last() {
            let wanted = wanted.clone();
            let value = value.map(|value| match &wanted {
                Some(wanted) => self.expect(value, wanted),
                None => self.expression(value, None),
            });
            let ty = value.as_ref().map_or(Type::Unit, |v| v.ty.clone());
            if value.is_none()
                && let Some(wanted) = wanted.filter(|wanted| !matches!(wanted, Type::Unit | Type::Error))
            {
                let shown = self.show(&wanted);
                self.report(Diagnostic::error(
                    Code::E0308,
                    format!("a value of type `{shown}` must be returned"),
                    span,
                    "returns nothing",
                ));
            }
            if let Some(Frame::Closure { returns, .. }) = self.frames.last_mut() {
                returns.push(ty);
            }
            return StatementKind::Return(value);
        }
        if matches!(self.frames.last(), Some(Frame::Branch { .. })) {
            self.report(
                Diagnostic::error(Code::E0404, "`return` in a branch", span, "a branch gives its value with `yield`")
                    .with_help("write `yield …`"),
            );
        }
        let result = self.context.program.functions[self.id].result.clone();
        match value {
            Some(value) if result == Type::Unit => {
                let found = self.expression(value, None);
                let name = self.context.program.functions[self.id].name.clone();
                if self.variables.resolve(&found.ty) != Type::Unit && found.ty != Type::Error {
                    let shown = self.show(&found.ty);
                    self.report(
                        Diagnostic::error(
                            Code::E0301,
                            format!("`{name}` returns nothing"),
                            found.span,
                            format!("this is `{shown}`"),
                        )
                        .with_help(format!("declare what it returns: `-> {shown}`")),
                    );
                }
                StatementKind::Return(Some(found))
            }
            Some(value) => StatementKind::Return(Some(self.expect(value, &result))),
            None => {
                if result != Type::Unit && result != Type::Error {
                    let shown = self.show(&result);
                    self.report(Diagnostic::error(
                        Code::E0308,
                        format!("a value of type `{shown}` must be returned"),
                        span,
                        "returns nothing",
                    ));
                }
                StatementKind::Return(None)
            }
        }
    }

    fn yield_statement(&mut self, value: Option<&ast::Expression>, span: Span) -> Option<StatementKind> {
        let wanted = match self.frames.last() {
            Some(Frame::Branch { wanted, .. }) => wanted.clone(),
            _ => {
                self.report(
                    Diagnostic::error(
                        Code::E0404,
                        "`yield` outside a branch",
                        span,
                        "there is no branch to give a value",
                    )
                    .with_help("use `return`, or put this into `fork`, `scratch` or `on`"),
                );
                return None;
            }
        };
        let value = match (value, wanted) {
            (Some(value), Some(wanted)) => Some(self.expect(value, &wanted)),
            (Some(value), None) => Some(self.expression(value, None)),
            (None, _) => None,
        };
        let ty = value.as_ref().map_or(Type::Unit, |v| v.ty.clone());
        if let Some(Frame::Branch { yields, .. }) = self.frames.last_mut() {
            yields.push(ty);
        }
        Some(StatementKind::Yield(value))
    }

    fn leave_loop(&mut self, kind: &Tree, span: Span) -> Option<StatementKind> {
        let (word, found) = match kind {
            Tree::Break => ("break", StatementKind::Break),
            _ => ("continue", StatementKind::Continue),
        };
        if self.loops == 0 {
            self.report(Diagnostic::error(
                Code::E0318,
                format!("`{word}` outside a loop"),
                span,
                "there is no loop to leave",
            ));
            return None;
        }
        Some(found)
    }

    /// The arms of a `match`, which must cover every value. With `valued`, each arm's last expression is its value.
    pub(super) fn arms(
        &mut self,
        value: &ast::Expression,
        arms: &[ast::MatchArm],
        valued: bool,
        span: Span,
        wanted: Option<&Type>,
    ) -> (Expression, Vec<Arm>, Type) {
        let subject = match &value.kind {
            ast::ExpressionKind::Name(name) => Some(name.clone()),
            _ => None,
        };
        let value = self.expression(value, None);
        let ty = self.variables.resolve(&value.ty);
        let mut checked: Vec<Arm> = Vec::new();
        let mut types = Vec::new();
        for tree in arms {
            self.push_scope();
            self.may_hide = match &tree.pattern.kind {
                ast::PatternKind::Bind(name) | ast::PatternKind::Typed(name, _) => {
                    subject.as_ref() == Some(&name.value)
                }
                _ => true,
            };
            let pattern = self.pattern(&tree.pattern, &pattern::narrowed(&ty, &checked));
            self.may_hide = false;
            let guard = tree.guard.as_ref().map(|guard| self.condition(guard));
            let body = if valued {
                self.value_block(&tree.body, wanted)
            } else {
                self.block_statements(&tree.body.statements)
            };
            self.pop_scope();
            types.push(body.value.as_ref().map_or(Type::Never, |v| v.ty.clone()));
            let above: Vec<&Pattern> =
                checked.iter().filter(|arm| arm.guard.is_none()).map(|arm| &arm.pattern).collect();
            if ty != Type::Error && !exhaustive::useful(&self.context.program, &ty, &above, &pattern) {
                self.report(
                    Diagnostic::warning(
                        Code::W0301,
                        "this case can never match",
                        tree.pattern.span,
                        "the cases above cover it",
                    )
                    .with_help("remove it, or move it up"),
                );
            }
            checked.push(Arm { pattern, guard, body });
        }
        if ty != Type::Error {
            let rows: Vec<&Pattern> =
                checked.iter().filter(|arm| arm.guard.is_none()).map(|arm| &arm.pattern).collect();
            if let Some(missing) = exhaustive::missing(&self.context.program, &ty, &rows) {
                let place = value.span;
                let shown = if missing == "_" { "any other value".to_string() } else { format!("`{missing}`") };
                self.report(
                    Diagnostic::error(
                        Code::E0306,
                        format!("this `match` does not cover {shown}"),
                        place,
                        format!("{shown} has no case"),
                    )
                    .with_help(format!("add `{missing} => …`, or `_ => …` for all that is left")),
                );
            }
        }
        let joined = self.join_types(&types, span, wanted);
        (value, checked, joined)
    }
}
