//! Rules that are too fine for the grammar.

use crate::ast::{
    Block, ClosureBody, EvalPart, Expression, ExpressionKind, ForkHeader, Hole, HoleOption, Item, ItemKind, MatchArm,
    Mock, Module, Statement, StatementKind, Text, TextPart,
};
use sgl_source::{Code, Diagnostic};

/// Judges a module.
pub(crate) fn module(module: &Module, diagnostics: &mut Vec<Diagnostic>) {
    let mut judge = Judge { diagnostics };
    for item in &module.items {
        judge.item(item);
    }
}

struct Judge<'a> {
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Judge<'_> {
    fn item(&mut self, item: &Item) {
        match &item.kind {
            ItemKind::Const(c) => self.expression(&c.value),
            ItemKind::Function(f) => {
                for default in f.parameters.iter().filter_map(|p| p.default.as_ref()) {
                    self.expression(default);
                }
                self.block(&f.body);
            }
            ItemKind::Test(t) => {
                for mock in &t.mocks {
                    if let Mock::Tool { value, .. } = mock {
                        self.expression(value);
                    }
                }
                self.block(&t.body);
            }
            ItemKind::Eval(eval) => {
                for part in &eval.parts {
                    match part {
                        EvalPart::Statement(statement) => self.statement(statement),
                        EvalPart::Metric(_, e) | EvalPart::Require(e) => self.expression(e),
                    }
                }
            }
            ItemKind::Import(_)
            | ItemKind::Type(_)
            | ItemKind::Struct(_)
            | ItemKind::Enum(_)
            | ItemKind::Model(_)
            | ItemKind::Error => {}
        }
    }

    fn block(&mut self, block: &Block) {
        for statement in &block.statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Let { value, .. } | StatementKind::Var { value, .. } => self.expression(value),
            StatementKind::Assign { target, value, .. } => {
                self.expression(target);
                self.expression(value);
            }
            StatementKind::If(i) => self.branches(&i.condition, &i.then, i.otherwise.as_ref()),
            StatementKind::For { iterable: e, body, .. }
            | StatementKind::While { condition: e, body }
            | StatementKind::WhileLet { value: e, body, .. } => {
                self.expression(e);
                self.block(body);
            }
            StatementKind::Match { value, arms } => self.arms(value, arms),
            StatementKind::Return(e) | StatementKind::Yield(e) => {
                e.iter().for_each(|e| self.expression(e));
            }
            StatementKind::Role { body, .. } | StatementKind::Raw(body) => self.block(body),
            StatementKind::Text(text) => self.text(text, true),
            StatementKind::With { options, body } => {
                self.options(options);
                self.block(body);
            }
            StatementKind::Emit(e) | StatementKind::Assert(e) | StatementKind::Expression(e) => self.expression(e),
            StatementKind::Try { body, otherwise } => {
                self.block(body);
                self.block(&otherwise.body);
            }
            StatementKind::Retry { count, body } => {
                self.expression(count);
                self.block(body);
            }
            StatementKind::Budget { limits, body, otherwise } => {
                limits.iter().for_each(|limit| self.expression(&limit.value));
                self.block(body);
                otherwise.iter().for_each(|otherwise| self.block(&otherwise.body));
            }
            StatementKind::Break | StatementKind::Continue | StatementKind::Error => {}
        }
    }

    fn branches(&mut self, condition: &Expression, then: &Block, otherwise: Option<&Block>) {
        self.expression(condition);
        self.block(then);
        otherwise.into_iter().for_each(|block| self.block(block));
    }

    fn arms(&mut self, value: &Expression, arms: &[MatchArm]) {
        self.expression(value);
        for arm in arms {
            arm.guard.iter().for_each(|guard| self.expression(guard));
            self.block(&arm.body);
        }
    }

    fn options(&mut self, options: &[HoleOption]) {
        options.iter().for_each(|option| self.expression(&option.value));
    }

    fn hole(&mut self, hole: &Hole) {
        self.options(&hole.options);
    }

    fn text(&mut self, text: &Text, holes: bool) {
        for part in &text.parts {
            match part {
                TextPart::Literal(_) => {}
                TextPart::Splice(e) => self.expression(e),
                TextPart::Hole(hole) if holes => self.hole(hole),
                TextPart::Hole(hole) => {
                    let name = hole.name.as_ref().map_or("_", |n| n.value.as_str());
                    self.diagnostics.push(
                        Diagnostic::error(
                            Code::E0103,
                            "a hole in a text that is only a value",
                            hole.span,
                            "nothing is generated here",
                        )
                        .with_help(format!("make the text a statement of its own, or ask with `let {name} = gen(…)`")),
                    );
                }
            }
        }
    }

    fn expression(&mut self, e: &Expression) {
        match &e.kind {
            ExpressionKind::Text(text) => self.text(text, false),
            ExpressionKind::List(items) | ExpressionKind::Tuple(items) => items.iter().for_each(|e| self.expression(e)),
            ExpressionKind::Map(pairs) => pairs.iter().for_each(|(k, v)| {
                self.expression(k);
                self.expression(v);
            }),
            ExpressionKind::Record(fields) => fields.iter().for_each(|(_, e)| self.expression(e)),
            ExpressionKind::Range { start, end, .. } => {
                start.iter().chain(end).for_each(|e| self.expression(e));
            }
            ExpressionKind::Field(e, _)
            | ExpressionKind::Metadata(e, _)
            | ExpressionKind::Inline(e)
            | ExpressionKind::ScratchCall(e)
            | ExpressionKind::Unary(_, e) => self.expression(e),
            ExpressionKind::Index(a, b) | ExpressionKind::Binary(_, a, b) => {
                self.expression(a);
                self.expression(b);
            }
            ExpressionKind::Call(f, arguments) => {
                self.expression(f);
                arguments.iter().for_each(|a| self.expression(&a.value));
            }
            ExpressionKind::Scratch(block) => self.block(block),
            ExpressionKind::On(e, block) => {
                self.expression(e);
                self.block(block);
            }
            ExpressionKind::Fork(fork) => {
                match &fork.header {
                    ForkHeader::Each(_, e, block) | ForkHeader::Count(e, block) => {
                        self.expression(e);
                        self.block(block);
                    }
                    ForkHeader::Named(branches) => branches.iter().for_each(|b| self.block(&b.body)),
                }
                for argument in fork.join.iter().flat_map(|join| &join.arguments) {
                    self.expression(&argument.value);
                }
            }
            ExpressionKind::Gen(hole) => self.hole(hole),
            ExpressionKind::Select(e, options) => {
                self.expression(e);
                self.options(options);
            }
            ExpressionKind::If(i) => self.branches(&i.condition, &i.then, i.otherwise.as_ref()),
            ExpressionKind::Match(value, arms) => self.arms(value, arms),
            ExpressionKind::Closure(_, body) => match body.as_ref() {
                ClosureBody::Expression(e) => self.expression(e),
                ClosureBody::Block(block) => self.block(block),
            },
            ExpressionKind::Comprehension(c) => {
                self.expression(&c.element);
                self.expression(&c.iterable);
                c.condition.iter().for_each(|e| self.expression(e));
            }
            ExpressionKind::Int(_)
            | ExpressionKind::Float(..)
            | ExpressionKind::Bool(_)
            | ExpressionKind::None
            | ExpressionKind::Regex(_)
            | ExpressionKind::Duration(_)
            | ExpressionKind::Name(_)
            | ExpressionKind::Transcript
            | ExpressionKind::Error => {}
        }
    }
}
