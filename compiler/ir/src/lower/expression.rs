//! Expressions.

use super::Lowering;
use crate::program::{Constant, Op, Region, Report, Start, Value};
use sgl_hir::program as hir;
use sgl_hir::program::ExpressionKind as Kind;
use sgl_hir::program::{BinaryOp, Effect};

impl Lowering<'_> {
    /// The value of an expression.
    pub(super) fn expression(&mut self, e: &hir::Expression) -> Value {
        let outer = std::mem::replace(&mut self.span, e.span);
        let value = self.expression_at(e);
        self.span = outer;
        value
    }

    fn all(&mut self, items: &[hir::Expression]) -> Vec<Value> {
        items.iter().map(|item| self.expression(item)).collect()
    }

    fn expression_at(&mut self, e: &hir::Expression) -> Value {
        let op = match &e.kind {
            Kind::Unit | Kind::Error => Op::Constant(Constant::Unit),
            Kind::Int(n) => Op::Constant(Constant::Int(*n)),
            Kind::Float(x) => Op::Constant(Constant::Float(*x)),
            Kind::Bool(b) => Op::Constant(Constant::Bool(*b)),
            Kind::None => Op::Constant(Constant::None),
            Kind::Unknown => Op::Constant(Constant::Unknown),
            Kind::Text(text) => Op::Constant(Constant::Text(text.clone())),
            Kind::Join(parts) => {
                let parts = parts
                    .iter()
                    .map(|part| {
                        let value = self.expression(part);
                        if matches!(part.kind, Kind::Text(_)) {
                            return value;
                        }
                        self.written(&part.ty, value).unwrap_or_else(|| self.emit(Op::ToText(value)))
                    })
                    .collect();
                Op::Concat(parts)
            }
            Kind::Local(local) => return self.read(*local),
            Kind::Constant(id) => Op::Call(self.source.constants[id.index()].function.0, Vec::new()),
            Kind::Function(id) => Op::Function(id.0),
            Kind::List(items) => Op::List(self.all(items)),
            Kind::Map(pairs) => Op::Map(pairs.iter().map(|(k, v)| (self.expression(k), self.expression(v))).collect()),
            Kind::Tuple(items) => Op::Tuple(self.all(items)),
            Kind::Record(items) => {
                let record = self.anonymous_record(&e.ty);
                Op::Record(record, self.all(items))
            }
            Kind::Struct(id, items) => Op::Record(id.0, self.all(items)),
            Kind::Variant(id, index, items) => Op::Variant(id.0, *index, self.all(items)),
            Kind::Range { start, end, inclusive } => {
                let start = self.expression(start);
                let end = end.as_ref().map(|end| self.expression(end));
                Op::Range(start, end, *inclusive)
            }
            Kind::Field(of, index) => Op::Field(self.expression(of), *index),
            Kind::Index(of, at) => {
                let of = self.expression(of);
                Op::Index(of, self.expression(at))
            }
            Kind::Call(id, arguments) => {
                let arguments = self.all(arguments);
                match self.source.functions[id.index()].effect {
                    Effect::Pure | Effect::Tool => Op::Call(id.0, arguments),
                    Effect::Prompt => Op::Spawn(id.0, arguments, Start::Fresh),
                }
            }
            Kind::CallValue(f, arguments) => {
                let f = self.expression(f);
                Op::CallClosure(f, self.all(arguments))
            }
            Kind::Builtin("any.to_str", arguments) => {
                let value = self.expression(&arguments[0]);
                match self.written(&arguments[0].ty, value) {
                    Some(text) => return text,
                    None => Op::ToText(value),
                }
            }
            Kind::Builtin(name, arguments) => Op::Builtin(name, self.all(arguments)),
            Kind::Inline(id, arguments) => Op::Call(id.0, self.all(arguments)),
            Kind::ScratchCall(id, arguments) => Op::Spawn(id.0, self.all(arguments), Start::Fork),
            Kind::Scratch(block) => return self.scratch(Start::Fork, block),
            Kind::On(transcript, block) => {
                let transcript = self.expression(transcript);
                return self.scratch(Start::On(transcript), block);
            }
            Kind::Fork(fork) => return self.fork(fork, &e.ty),
            Kind::Transcript => Op::Transcript,
            Kind::Render(id, arguments) => Op::Report(id.0, self.all(arguments), Report::Transcript),
            Kind::PrefixShared(id, arguments, branches) => {
                let arguments = self.all(arguments);
                Op::Report(id.0, arguments, Report::Shared(self.expression(branches)))
            }
            Kind::Generate(hole) => return self.hole(hole, String::new()),
            Kind::Select { options, by, label, model } => {
                let model = self.model(*model);
                Op::Select(self.expression(options), *by, label.clone(), model)
            }
            Kind::Fail(message) => {
                let message = self.expression(message);
                self.effect(Op::Fail(message));
                Op::Constant(Constant::Unit)
            }
            Kind::Negate(of) => Op::Negate(self.expression(of)),
            Kind::Not(of) => Op::Not(self.expression(of)),
            Kind::ToFloat(of) => Op::ToFloat(self.expression(of)),
            Kind::And(a, b) => return self.lazily(a, b, true),
            Kind::Or(a, b) => return self.lazily(a, b, false),
            Kind::Coalesce(a, b) => return self.coalesce(a, b),
            Kind::Binary(op, a, b) => {
                let (a, b) = (self.expression(a), self.expression(b));
                match op {
                    BinaryOp::Greater => Op::Binary(BinaryOp::Less, b, a),
                    BinaryOp::GreaterEqual => Op::Binary(BinaryOp::LessEqual, b, a),
                    op => Op::Binary(*op, a, b),
                }
            }
            Kind::If(condition, then, otherwise) => {
                let condition = self.expression(condition);
                let result = self.empty_slot();
                let then = self.valued(then, result);
                let otherwise = self.valued(otherwise, result);
                self.effect(Op::If(condition, then, otherwise));
                Op::Load(result)
            }
            Kind::Match(value, arms) => {
                let value = self.expression(value);
                let result = self.empty_slot();
                self.arms(value, arms, Some(result));
                Op::Load(result)
            }
            Kind::Closure(patterns, block) => {
                let parameters: Vec<Value> = patterns.iter().map(|_| self.fresh()).collect();
                let inner = parameters.clone();
                let body = self.body(parameters, |this| {
                    for (pattern, value) in patterns.iter().zip(&inner) {
                        this.irrefutable(pattern, *value);
                    }
                    if let Some(value) = this.block(block) {
                        this.effect(Op::Return(value));
                    }
                });
                Op::Closure(body)
            }
            Kind::Comprehension { element, pattern, iterable, condition } => {
                let over = self.expression(iterable);
                let result = self.slot();
                let empty = self.emit(Op::List(Vec::new()));
                self.effect(Op::Store(result, empty));
                let each = self.fresh();
                self.loops.push(self.open.len());
                let region = self.region(|this| {
                    this.irrefutable(pattern, each);
                    let add = |this: &mut Self| {
                        let item = this.expression(element);
                        this.effect(Op::Push(result, item));
                    };
                    match condition {
                        None => add(this),
                        Some(condition) => {
                            let holds = this.expression(condition);
                            let region = this.region(add);
                            this.effect(Op::If(holds, region, Region::default()));
                        }
                    }
                });
                self.loops.pop();
                self.effect(Op::Each(over, each, region));
                Op::Load(result)
            }
        };
        self.emit(op)
    }

    /// A slot that holds `()` until a value comes.
    fn empty_slot(&mut self) -> crate::program::Slot {
        let slot = self.slot();
        let unit = self.constant(Constant::Unit);
        self.effect(Op::Store(slot, unit));
        slot
    }

    /// A block whose value goes to a slot.
    fn valued(&mut self, block: &hir::Block, result: crate::program::Slot) -> Region {
        self.region(|this| {
            if let Some(value) = this.block(block) {
                this.effect(Op::Store(result, value));
            }
        })
    }

    /// `a and b` (`when`: b is read if a is true) or `a or b`.
    fn lazily(&mut self, a: &hir::Expression, b: &hir::Expression, when: bool) -> Value {
        let first = self.expression(a);
        let result = self.slot();
        self.effect(Op::Store(result, first));
        let second = self.region(|this| {
            let second = this.expression(b);
            this.effect(Op::Store(result, second));
        });
        let (then, otherwise) = if when { (second, Region::default()) } else { (Region::default(), second) };
        self.effect(Op::If(first, then, otherwise));
        self.emit(Op::Load(result))
    }

    fn coalesce(&mut self, a: &hir::Expression, b: &hir::Expression) -> Value {
        let first = self.expression(a);
        let result = self.slot();
        self.effect(Op::Store(result, first));
        let none = self.emit(Op::IsNone(first));
        let second = self.region(|this| {
            let second = this.expression(b);
            this.effect(Op::Store(result, second));
        });
        self.effect(Op::If(none, second, Region::default()));
        self.emit(Op::Load(result))
    }
}
