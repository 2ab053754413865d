//! Branches: `fork` and its joins, `scratch`, `on`, `inline`.

use super::{Body, Frame, ways_out};
use crate::program::{Block, Branches, Effect, Expression, ExpressionKind, Fork, Join, Pattern};
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span, did_you_mean};
use sgl_syntax::ast;

/// The join policies that there are.
const POLICIES: &[&str] = &["all", "first", "race", "vote", "best", "until", "concat"];

impl Body<'_, '_> {
    /// `inline f(x)` and `scratch f(x)`.
    pub(super) fn inline(&mut self, inner: &ast::Expression, span: Span, inline: bool) -> Expression {
        let word = if inline { "inline" } else { "scratch" };
        self.needs_prompt(&format!("`{word}`"), span);
        let call = self.expression(inner, None);
        let ty = call.ty.clone();
        match call.kind {
            ExpressionKind::Call(id, arguments) if self.context.function(id).effect == Effect::Prompt => {
                let kind = if inline {
                    ExpressionKind::Inline(id, arguments)
                } else {
                    ExpressionKind::ScratchCall(id, arguments)
                };
                Expression { kind, ty, span }
            }
            ExpressionKind::Error => Self::error_expression(span),
            _ => {
                self.report(
                    Diagnostic::error(
                        Code::E0309,
                        format!("`{word}` needs a call of a prompt"),
                        inner.span,
                        "this is none",
                    )
                    .with_help(format!("write `{word} name(…)` with the name of a `prompt`")),
                );
                Self::error_expression(span)
            }
        }
    }

    /// A branch's body and the type that it yields.
    pub(super) fn branch(
        &mut self,
        tree: &ast::Block,
        wanted: Option<&Type>,
        pattern: Option<(&ast::Pattern, &Type, &mut Option<Pattern>)>,
    ) -> (Block, Type) {
        let first_local = self.locals.len();
        self.push_scope();
        self.frames.push(Frame::Branch { yields: Vec::new(), wanted: wanted.cloned(), first_local });
        let loops = std::mem::take(&mut self.loops);
        if let Some((pattern, ty, out)) = pattern {
            *out = Some(self.irrefutable(pattern, ty));
        }
        let block = self.block_statements(&tree.statements);
        self.loops = loops;
        let yields = match self.frames.pop() {
            Some(Frame::Branch { yields, .. }) => yields,
            _ => Vec::new(),
        };
        self.pop_scope();
        if !ways_out::ends(&block) {
            let (message, help) = if yields.is_empty() {
                ("this branch yields nothing", "end it with `yield …`")
            } else {
                ("not every path through this branch yields", "add a `yield …` where it ends")
            };
            self.report(Diagnostic::error(Code::E0405, message, tree.span, "the end can be reached").with_help(help));
            return (block, Type::Error);
        }
        let ty = self.join_types(&yields, tree.span, wanted);
        (block, ty)
    }

    pub(super) fn fork(&mut self, tree: &ast::ForkExpression, wanted: Option<&Type>, span: Span) -> Expression {
        self.needs_prompt("`fork`", span);
        let policy = tree.join.as_ref().map_or("all", |join| join.policy.value.as_str());
        // The element type of the result is what a branch is to yield.
        let wanted_yield = match (wanted.map(|w| self.variables.resolve(w)), policy) {
            (Some(Type::List { item, .. }), "all" | "first" | "until" | "concat") => Some(*item),
            (Some(other), "best" | "race") if other != Type::Error => Some(other),
            _ => None,
        };
        match &tree.header {
            ast::ForkHeader::Named(branches) => self.fork_named(tree, branches, span),
            ast::ForkHeader::Each(pattern, list, block) => {
                let list = self.expression(list, None);
                let element = self.element(&list);
                let mut bound = None;
                let (block, ty) = self.branch(block, wanted_yield.as_ref(), Some((pattern, &element, &mut bound)));
                let branches = Branches::Each(bound.unwrap_or(Pattern::Wildcard), Box::new(list), block);
                self.joined(branches, &ty, tree.join.as_ref(), span)
            }
            ast::ForkHeader::Count(count, block) => {
                let count = self.expect(count, &Type::int());
                let place = count.span;
                let zero = Expression { kind: ExpressionKind::Int(0), ty: Type::int(), span: place };
                let range =
                    ExpressionKind::Range { start: Box::new(zero), end: Some(Box::new(count)), inclusive: false };
                let range = Expression { kind: range, ty: Type::Range, span: place };
                let (block, ty) = self.branch(block, wanted_yield.as_ref(), None);
                self.joined(Branches::Each(Pattern::Wildcard, Box::new(range), block), &ty, tree.join.as_ref(), span)
            }
        }
    }

    fn fork_named(&mut self, tree: &ast::ForkExpression, trees: &[ast::NamedBranch], span: Span) -> Expression {
        let mut branches: Vec<(String, Block)> = Vec::new();
        let mut types: Vec<(String, Type)> = Vec::new();
        for branch in trees {
            if types.iter().any(|(name, _)| *name == branch.name.value) {
                let message = format!("the branch `{}` is defined twice", branch.name.value);
                self.report(Diagnostic::error(Code::E0203, message, branch.name.span, "defined again here"));
                continue;
            }
            let (block, ty) = self.branch(&branch.body, None, None);
            types.push((branch.name.value.clone(), ty));
            branches.push((branch.name.value.clone(), block));
        }
        let policy = tree.join.as_ref().map_or("all", |join| join.policy.value.as_str());
        if policy == "all" {
            let kind = ExpressionKind::Fork(Box::new(Fork { branches: Branches::Named(branches), join: Join::All }));
            return Expression { kind, ty: Type::Record(types), span };
        }
        let all: Vec<Type> = types.into_iter().map(|(_, ty)| ty).collect();
        let ty = self.join_types(&all, span, None);
        self.joined(Branches::Named(branches), &ty, tree.join.as_ref(), span)
    }

    /// The fork as an expression: what its join makes of what the branches yield.
    fn joined(&mut self, branches: Branches, yielded: &Type, tree: Option<&ast::Join>, span: Span) -> Expression {
        let yielded = self.variables.resolve(yielded);
        let list = Type::list(yielded.clone());
        let (join, ty) = match tree {
            None => (Join::All, list),
            Some(tree) => match self.join(tree, &yielded, &list) {
                Some(found) => found,
                None => return Self::error_expression(span),
            },
        };
        Expression { kind: ExpressionKind::Fork(Box::new(Fork { branches, join })), ty, span }
    }

    fn join(&mut self, tree: &ast::Join, yielded: &Type, list: &Type) -> Option<(Join, Type)> {
        let policy = tree.policy.value.as_str();
        if !POLICIES.contains(&policy) {
            let near = did_you_mean(policy, POLICIES.iter().copied())
                .map_or_else(|| format!("there is {}", POLICIES.join(", ")), |n| format!("did you mean `{n}`?"));
            self.report(
                Diagnostic::error(
                    Code::E0408,
                    format!("there is no join `{policy}`"),
                    tree.policy.span,
                    "unknown join",
                )
                .with_help(near),
            );
            return None;
        }
        let named: &[&str] = if policy == "vote" { &["stop", "min"] } else { &[] };
        for argument in &tree.arguments {
            if let Some(name) = argument.name.as_ref().filter(|n| !named.contains(&n.value.as_str())) {
                let near = did_you_mean(&name.value, named.iter().copied()).map(|n| format!("did you mean `{n}`?"));
                self.report(
                    Diagnostic::error(
                        Code::E0408,
                        format!("`join {policy}` has no `{}`", name.value),
                        name.span,
                        "unknown",
                    )
                    .with_help_if(near),
                );
                return None;
            }
        }
        let wants = match policy {
            "first" | "best" | "until" => 1,
            _ => 0,
        };
        let plain: Vec<&ast::Argument> = tree.arguments.iter().filter(|a| a.name.is_none()).collect();
        if plain.len() != wants {
            let how = match policy {
                "first" => "`join first(2)`",
                "best" => "`join best(v => v.score)`",
                "until" => "`join until(vs => vs.len() >= 3)`",
                "vote" => "`join vote(stop: 0.6, min: 5)`",
                _ => "no arguments",
            };
            self.report(
                Diagnostic::error(
                    Code::E0408,
                    format!("`join {policy}` takes {wants} arguments here"),
                    tree.policy.span,
                    "wrong arguments",
                )
                .with_help(format!("write {how}")),
            );
            return None;
        }
        let number = Type::float();
        let function = |from: &Type, to: Type| Type::Function(vec![from.clone()], Box::new(to));
        Some(match policy {
            "first" => (Join::First(self.expect(&plain[0].value, &Type::int())), list.clone()),
            "race" => (Join::Race, yielded.clone()),
            "best" => {
                let score = self.variables.fresh();
                let closure = self.expect(&plain[0].value, &function(yielded, score.clone()));
                let found = self.variables.resolve(&score);
                if !matches!(found, Type::Int { .. } | Type::Float { .. } | Type::Error | Type::Variable(_)) {
                    let shown = self.show(&found);
                    self.report(Diagnostic::error(
                        Code::E0408,
                        format!("`best` ranks by a number, not `{shown}`"),
                        plain[0].value.span,
                        format!("this gives `{shown}`"),
                    ));
                }
                (Join::Best(closure), yielded.clone())
            }
            "until" => (Join::Until(self.expect(&plain[0].value, &function(list, Type::Bool))), list.clone()),
            "concat" => (Join::Concat, list.clone()),
            "vote" => {
                let mut option = |name: &str, ty: &Type| {
                    let found = tree.arguments.iter().find(|a| a.name.as_ref().is_some_and(|n| n.value == name));
                    found.map(|a| self.expect(&a.value, ty))
                };
                let join = Join::Vote { stop: option("stop", &number), min: option("min", &Type::int()) };
                let fields = vec![
                    ("winner".into(), yielded.clone()),
                    ("share".into(), number.clone()),
                    ("votes".into(), Type::int()),
                ];
                (join, Type::Record(fields))
            }
            _ => (Join::All, list.clone()),
        })
    }
}
