//! Statements.

use super::{Lowering, Open, Place};
use crate::program::{Attempt, Constant, Guard, Limits, Op, Value};
use sgl_hir::program as hir;
use sgl_hir::program::StatementKind;

impl Lowering<'_> {
    /// A block; its value, if it has one.
    pub(super) fn block(&mut self, block: &hir::Block) -> Option<Value> {
        for statement in &block.statements {
            self.statement(statement);
        }
        block.value.as_ref().map(|value| self.expression(value))
    }

    fn statement(&mut self, statement: &hir::Statement) {
        self.span = statement.span;
        match &statement.kind {
            StatementKind::Let(pattern, value) => {
                let value = self.expression(value);
                self.irrefutable(pattern, value);
            }
            StatementKind::Assign(local, places, value) => self.assign(*local, places, value),
            StatementKind::If(condition, then, otherwise) => {
                let condition = self.expression(condition);
                let then = self.region(|this| {
                    this.block(then);
                });
                let otherwise = self.region(|this| {
                    this.block(otherwise);
                });
                self.effect(Op::If(condition, then, otherwise));
            }
            StatementKind::For(pattern, iterable, body) => {
                let over = self.expression(iterable);
                let element = self.fresh();
                let region = self.looped(|this| {
                    this.irrefutable(pattern, element);
                    this.block(body);
                });
                self.effect(Op::Each(over, element, region));
            }
            StatementKind::While(condition, body) => {
                let region = self.looped(|this| {
                    let condition = this.expression(condition);
                    let stop = this.region(|this| this.effect(Op::Break));
                    this.effect(Op::If(condition, crate::program::Region::default(), stop));
                    this.block(body);
                });
                self.effect(Op::Loop(region));
            }
            StatementKind::WhileLet(pattern, value, body) => {
                let region = self.looped(|this| {
                    let value = this.expression(value);
                    let fits = this.slot();
                    let no = this.constant(Constant::Bool(false));
                    this.effect(Op::Store(fits, no));
                    this.pattern(pattern, value, &mut |this| {
                        let yes = this.constant(Constant::Bool(true));
                        this.effect(Op::Store(fits, yes));
                        this.block(body);
                    });
                    let fitted = this.emit(Op::Load(fits));
                    let stop = this.region(|this| this.effect(Op::Break));
                    this.effect(Op::If(fitted, crate::program::Region::default(), stop));
                });
                self.effect(Op::Loop(region));
            }
            StatementKind::Match(value, arms) => {
                let value = self.expression(value);
                self.arms(value, arms, None);
            }
            StatementKind::Return(value) => {
                let value = self.optional(value.as_ref());
                self.close(0);
                self.effect(Op::Return(value));
            }
            StatementKind::Yield(value) => {
                let value = self.optional(value.as_ref());
                self.close(0);
                self.effect(Op::Yield(value));
            }
            StatementKind::Break | StatementKind::Continue => {
                let around = self.loops.last().copied().unwrap_or(0);
                self.close(around);
                self.effect(if matches!(statement.kind, StatementKind::Break) { Op::Break } else { Op::Continue });
            }
            StatementKind::Role(role, body) => self.role(role, body),
            StatementKind::Text(parts) => self.text(parts),
            StatementKind::Block(block) => {
                self.block(block);
            }
            StatementKind::Emit(value) => {
                self.splice(value);
            }
            StatementKind::Assert(condition, text) => {
                let message = if text.is_empty() { "the assertion does not hold" } else { text };
                let (condition, compared) = self.compared(condition);
                self.effect(Op::Assert(condition, message.to_string(), compared));
            }
            StatementKind::Snapshot(value) => {
                let value = self.expression(value);
                self.effect(Op::Snapshot(value));
            }
            StatementKind::Expression(e) => {
                self.expression(e);
            }
            StatementKind::Try(body, fault, otherwise) => self.try_statement(None, body, *fault, otherwise),
            StatementKind::Retry(times, body) => {
                let times = self.expression(times);
                self.guarded_block(Guard::Retry(times), body);
            }
            StatementKind::Budget(budget, body, None) => {
                let limits = self.limits(budget);
                self.guarded_block(Guard::Budget(limits), body);
            }
            StatementKind::Budget(budget, body, Some((fault, otherwise))) => {
                let limits = self.limits(budget);
                self.try_statement(Some(limits), body, *fault, otherwise);
            }
        }
    }

    /// A condition, and the two sides of the comparison that it is.
    fn compared(&mut self, condition: &hir::Expression) -> (Value, Option<(Value, Value)>) {
        use hir::BinaryOp::{Equal, Greater, GreaterEqual, In, Less, LessEqual, NotEqual};
        let hir::ExpressionKind::Binary(op, left, right) = &condition.kind else {
            return (self.expression(condition), None);
        };
        let (left, right) = (self.expression(left), self.expression(right));
        self.span = condition.span;
        let value = self.emit(match op {
            Greater => Op::Binary(Less, right, left),
            GreaterEqual => Op::Binary(LessEqual, right, left),
            op => Op::Binary(*op, left, right),
        });
        let compares = matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | In);
        (value, compares.then_some((left, right)))
    }

    fn looped(&mut self, fill: impl FnOnce(&mut Self)) -> crate::program::Region {
        self.loops.push(self.open.len());
        let region = self.region(fill);
        self.loops.pop();
        region
    }

    pub(super) fn optional(&mut self, value: Option<&hir::Expression>) -> Value {
        match value {
            Some(value) => self.expression(value),
            None => self.constant(Constant::Unit),
        }
    }

    /// Closes the turns and guards that were opened since `around` were open.
    fn close(&mut self, around: usize) {
        for index in (around..self.open.len()).rev() {
            self.effect(match self.open[index] {
                Open::Role => Op::CloseRole,
                Open::Guard => Op::CloseGuard,
            });
        }
    }

    fn try_statement(
        &mut self,
        budget: Option<Limits>,
        body: &hir::Block,
        fault: Option<hir::LocalId>,
        otherwise: &hir::Block,
    ) {
        self.open.push(Open::Guard);
        let body = self.region(|this| {
            this.block(body);
        });
        self.open.pop();
        let value = self.fresh();
        let otherwise = self.region(|this| {
            if let Some(fault) = fault {
                this.bind(fault, value);
            }
            this.block(otherwise);
        });
        let record = self.fault_record();
        self.effect(Op::Attempt(Box::new(Attempt { budget, body, fault: value, record, otherwise })));
    }

    /// A guard whose names are visible after it.
    fn guarded_block(&mut self, guard: Guard, body: &hir::Block) {
        self.effect(Op::OpenGuard(guard));
        self.open.push(Open::Guard);
        self.block(body);
        self.open.pop();
        self.effect(Op::CloseGuard);
    }

    fn limits(&mut self, budget: &hir::Budget) -> Limits {
        let mut value = |e: &Option<hir::Expression>| e.as_ref().map(|e| self.expression(e));
        Limits { tokens: value(&budget.tokens), milliseconds: value(&budget.milliseconds), steps: value(&budget.steps) }
    }

    fn assign(&mut self, local: hir::LocalId, places: &[hir::Place], value: &hir::Expression) {
        let value = self.expression(value);
        let root = self.read(local);
        let changed = self.changed(root, places, value);
        if let Some(Place::Slot(slot)) = self.places.get(&local).copied() {
            self.effect(Op::Store(slot, changed));
        }
    }

    /// `of` with the place in it replaced by `value`.
    fn changed(&mut self, of: Value, places: &[hir::Place], value: Value) -> Value {
        let Some((first, rest)) = places.split_first() else { return value };
        match first {
            hir::Place::Field(index) => {
                let inner = self.emit(Op::Field(of, *index));
                let inner = self.changed(inner, rest, value);
                self.emit(Op::WithField(of, *index, inner))
            }
            hir::Place::Index(at) => {
                let at = self.expression(at);
                let inner = if rest.is_empty() {
                    value
                } else {
                    let inner = self.emit(Op::Index(of, at));
                    self.changed(inner, rest, value)
                };
                self.emit(Op::WithIndex(of, at, inner))
            }
        }
    }
}
