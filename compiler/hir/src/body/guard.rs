//! `try`, `retry`, `budget`, `fail`: what is done when the world fails.

use super::Body;
use crate::program::{Block, Budget, Expression, ExpressionKind, LocalId, StatementKind};
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span, did_you_mean};
use sgl_syntax::ast;

/// What a budget may bound.
const LIMITS: &[&str] = &["tokens", "time", "steps"];

/// The kinds of fault, as `f.kind` has them.
const KINDS: &[&str] = &["budget", "deadline", "device", "model", "raised", "tool"];

/// The type of a fault: `Fault`.
pub(crate) fn fault_type() -> Type {
    let kind = Type::Union(KINDS.iter().map(|kind| Type::Literal((*kind).to_string())).collect());
    Type::Record(vec![("kind".into(), kind), ("message".into(), Type::text()), ("span".into(), Type::text())])
}

impl Body<'_, '_> {
    pub(super) fn try_statement(&mut self, body: &ast::Block, otherwise: &ast::Otherwise, span: Span) -> StatementKind {
        self.needs_prompt("`try`", span);
        let block = self.block(body);
        let (fault, handler) = self.otherwise(otherwise);
        StatementKind::Try(block, fault, handler)
    }

    /// What is done with a fault, and the local that holds it.
    fn otherwise(&mut self, tree: &ast::Otherwise) -> (Option<LocalId>, Block) {
        self.push_scope();
        let fault = tree.fault.as_ref().map(|name| {
            let local = self.local(&name.value, fault_type(), false, name.span);
            self.bind(local);
            local
        });
        let block = self.block_statements(&tree.body.statements);
        self.pop_scope();
        (fault, block)
    }

    pub(super) fn retry(&mut self, count: &ast::Expression, body: &ast::Block, span: Span) -> StatementKind {
        self.needs_prompt("`retry`", span);
        let count = self.expect(count, &Type::int());
        if matches!(count.kind, ExpressionKind::Int(n) if n < 1) {
            self.report(
                Diagnostic::error(Code::E0407, "`retry` needs at least one retry", count.span, "out of range")
                    .with_help("write how often the block may run again, such as `retry 3 { … }`"),
            );
        }
        // What it binds is visible after it: past it the block has succeeded.
        let block = self.block_statements(&body.statements);
        StatementKind::Retry(count, block)
    }

    pub(super) fn budget(
        &mut self,
        limits: &[ast::Argument],
        body: &ast::Block,
        otherwise: Option<&ast::Otherwise>,
        span: Span,
    ) -> StatementKind {
        self.needs_prompt("`budget`", span);
        let mut budget = Budget::default();
        for limit in limits {
            self.limit(limit, &mut budget);
        }
        if limits.is_empty() {
            self.report(
                Diagnostic::error(Code::E0407, "a budget without limits", span, "this bounds nothing")
                    .with_help("write `budget (tokens: 2_000, time: 60s, steps: 8) { … }`, or some of these"),
            );
        }
        self.budgets += 1;
        let (block, otherwise) = match otherwise {
            // Past it, the block has ended within its budget.
            None => (self.block_statements(&body.statements), None),
            Some(tree) => (self.block(body), Some(tree)),
        };
        self.budgets -= 1;
        let otherwise = otherwise.map(|tree| self.otherwise(tree));
        StatementKind::Budget(budget, block, otherwise)
    }

    fn limit(&mut self, limit: &ast::Argument, budget: &mut Budget) {
        let Some(name) = limit.name.as_ref().filter(|name| LIMITS.contains(&name.value.as_str())) else {
            let (shown, place) = match &limit.name {
                Some(name) => (format!("a budget has no `{}`", name.value), name.span),
                None => ("a limit of a budget needs its name".to_string(), limit.value.span),
            };
            let near = limit.name.as_ref().and_then(|name| did_you_mean(&name.value, LIMITS.iter().copied()));
            let help =
                near.map_or_else(|| format!("there is {}", LIMITS.join(", ")), |n| format!("did you mean `{n}`?"));
            self.report(Diagnostic::error(Code::E0209, shown, place, "unknown limit").with_help(help));
            self.limit_value(limit, false);
            return;
        };
        let slot = match name.value.as_str() {
            "tokens" => &mut budget.tokens,
            "time" => &mut budget.milliseconds,
            _ => &mut budget.steps,
        };
        if slot.is_some() {
            let message = format!("the limit `{}` is given twice", name.value);
            self.report(Diagnostic::error(Code::E0209, message, name.span, "given again here"));
            return;
        }
        let timed = name.value == "time";
        *slot = Some(self.limit_value(limit, timed));
    }

    fn limit_value(&mut self, limit: &ast::Argument, timed: bool) -> Expression {
        let span = limit.value.span;
        if let ast::ExpressionKind::Duration(ms) = limit.value.kind {
            if timed {
                let ms = i64::try_from(ms).unwrap_or(i64::MAX);
                return Expression { kind: ExpressionKind::Int(ms), ty: Type::int(), span };
            }
            self.report(
                Diagnostic::error(Code::E0407, "a count is wanted, not a time", span, "this is a duration")
                    .with_help("`tokens` and `steps` are numbers; `time` is a duration"),
            );
            return Self::error_expression(span);
        }
        if timed {
            self.report(
                Diagnostic::error(Code::E0407, "`time` is a duration", span, "this has no unit")
                    .with_help("write `500ms`, `30s` or `2m`"),
            );
            return Self::error_expression(span);
        }
        let found = self.expect(&limit.value, &Type::int());
        if matches!(found.kind, ExpressionKind::Int(n) if n < 1) {
            self.report(Diagnostic::error(Code::E0407, "a limit must be at least 1", span, "out of range"));
        }
        found
    }

    /// `fail("…")`: a fault that the program raises itself.
    pub(super) fn fail(&mut self, arguments: &[ast::Argument], span: Span) -> Expression {
        self.needs_faults("`fail`", span);
        let [only] = arguments else {
            self.report(
                Diagnostic::error(Code::E0302, "`fail` takes one text", span, "wrong number of arguments")
                    .with_help("write `fail(\"why\")`"),
            );
            return self.give_up(arguments, span);
        };
        let message = self.expect(&only.value, &Type::text());
        Expression { kind: ExpressionKind::Fail(Box::new(message)), ty: Type::Never, span }
    }
}
