//! Patterns: tests nest, and what follows a test stands inside it, so that every name is bound where it is used.

use super::Lowering;
use crate::program::{Constant, Op, Region, Slot, Value};
use sgl_hir::program as hir;
use sgl_hir::program::Pattern;

impl Lowering<'_> {
    /// Binds the names of a pattern that fits every value.
    pub(super) fn irrefutable(&mut self, pattern: &Pattern, value: Value) {
        match pattern {
            Pattern::Bind(local) => self.bind(*local, value),
            Pattern::Fields(inner) | Pattern::Variant(_, _, inner) => {
                for (index, inner) in (0u16..).zip(inner) {
                    if !matches!(inner, Pattern::Wildcard) {
                        let field = self.emit(Op::Field(value, index));
                        self.irrefutable(inner, field);
                    }
                }
            }
            Pattern::Member(_, _, inner) => self.irrefutable(inner, value),
            Pattern::Wildcard | Pattern::Literal(_) | Pattern::None | Pattern::Unknown | Pattern::Or(_) => {}
        }
    }

    /// Emits tests of the value, and `then` where it fits.
    pub(super) fn pattern(&mut self, pattern: &Pattern, value: Value, then: &mut dyn FnMut(&mut Self)) {
        match pattern {
            Pattern::Wildcard => then(self),
            Pattern::Bind(local) => {
                self.bind(*local, value);
                then(self);
            }
            Pattern::Literal(literal) => {
                let literal = self.expression(literal);
                let same = self.emit(Op::Binary(hir::BinaryOp::Equal, value, literal));
                self.guarded(same, then);
            }
            Pattern::None => {
                let none = self.emit(Op::IsNone(value));
                self.guarded(none, then);
            }
            Pattern::Unknown => {
                let unknown = self.constant(Constant::Unknown);
                let same = self.emit(Op::Binary(hir::BinaryOp::Equal, value, unknown));
                self.guarded(same, then);
            }
            Pattern::Variant(_, index, inner) => {
                let is = self.emit(Op::IsVariant(value, *index));
                self.guarded(is, &mut |this| this.fields(inner, 0, value, then));
            }
            Pattern::Fields(inner) => self.fields(inner, 0, value, then),
            Pattern::Member(_, shape, inner) => {
                let is = self.emit(Op::IsShape(value, shape.clone()));
                self.guarded(is, &mut |this| this.pattern(inner, value, then));
            }
            Pattern::Or(all) => {
                let fits = self.slot();
                let no = self.constant(Constant::Bool(false));
                self.effect(Op::Store(fits, no));
                for one in all {
                    self.pattern(one, value, &mut |this| {
                        let yes = this.constant(Constant::Bool(true));
                        this.effect(Op::Store(fits, yes));
                    });
                }
                let fitted = self.emit(Op::Load(fits));
                self.guarded(fitted, then);
            }
        }
    }

    fn guarded(&mut self, condition: Value, then: &mut dyn FnMut(&mut Self)) {
        let region = self.region(|this| then(this));
        self.effect(Op::If(condition, region, Region::default()));
    }

    fn fields(&mut self, inner: &[Pattern], from: u16, value: Value, then: &mut dyn FnMut(&mut Self)) {
        let Some((first, rest)) = inner.split_first() else { return then(self) };
        if matches!(first, Pattern::Wildcard) {
            return self.fields(rest, from + 1, value, then);
        }
        let field = self.emit(Op::Field(value, from));
        self.pattern(first, field, &mut |this| this.fields(rest, from + 1, value, then));
    }

    /// The arms of a `match`, first that fits; with `result`, each arm's value goes there.
    pub(super) fn arms(&mut self, value: Value, arms: &[hir::Arm], result: Option<Slot>) {
        let done = self.slot();
        let no = self.constant(Constant::Bool(false));
        self.effect(Op::Store(done, no));
        for (index, arm) in arms.iter().enumerate() {
            let one = |this: &mut Self| {
                this.pattern(&arm.pattern, value, &mut |this| match &arm.guard {
                    None => this.arm(arm, done, result),
                    Some(guard) => {
                        let holds = this.expression(guard);
                        this.guarded(holds, &mut |this| this.arm(arm, done, result));
                    }
                });
            };
            if index == 0 {
                one(self);
            } else {
                let over = self.emit(Op::Load(done));
                let region = self.region(one);
                self.effect(Op::If(over, Region::default(), region));
            }
        }
        let over = self.emit(Op::Load(done));
        let region = self.region(|this| this.effect(Op::NoMatch(value)));
        self.effect(Op::If(over, Region::default(), region));
    }

    fn arm(&mut self, arm: &hir::Arm, done: Slot, result: Option<Slot>) {
        let yes = self.constant(Constant::Bool(true));
        self.effect(Op::Store(done, yes));
        let value = self.block(&arm.body);
        if let (Some(result), Some(value)) = (result, value) {
            self.effect(Op::Store(result, value));
        }
    }
}
