//! Operators on numbers, truth values and texts. Where the interpreter would find a fault, code gives up.

use super::emit::Emitter;
use super::kind::Kind;
use super::layout::tag;
use super::operand::Operand;
use super::services::{Helper, code_of};
use crate::image::{Binary, Register};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};

impl Emitter<'_, '_> {
    pub(super) fn binary(&mut self, op: Binary, to: Register, left: Register, right: Register) -> Operand {
        let (a, b) = (self.kind(left).some().clone(), self.kind(right).some().clone());
        let compares = matches!(op, Binary::Equal | Binary::NotEqual | Binary::Less | Binary::LessEqual);
        // `none == 1` is no fault; all other operators want what is inside.
        let exact = self.kind(left) == a && self.kind(right) == b;
        let unwraps = exact || !matches!(op, Binary::Equal | Binary::NotEqual);
        match (&a, &b) {
            (Kind::Int, Kind::Int) if op != Binary::In && unwraps => {
                let (a, b) = (self.some(left).word(), self.some(right).word());
                if op == Binary::Add && self.naturals.counted.contains(left) && self.constant_of(b) == Some(1) {
                    return Operand::one(Kind::Int, self.following(a));
                }
                self.ints(op, a, b)
            }
            (Kind::Int | Kind::Float, Kind::Int | Kind::Float) if op != Binary::In && unwraps => {
                let (a, b) = (self.float(left), self.float(right));
                self.floats(op, a, b)
            }
            (Kind::Bool, Kind::Bool) if exact && compares => {
                let (a, b) = (self.peek(left).word(), self.peek(right).word());
                let code = match op {
                    Binary::Equal => IntCC::Equal,
                    Binary::NotEqual => IntCC::NotEqual,
                    Binary::Less => IntCC::UnsignedLessThan,
                    _ => IntCC::UnsignedLessThanOrEqual,
                };
                let word = self.b.ins().icmp(code, a, b);
                Operand::one(Kind::Bool, word)
            }
            (Kind::Str, Kind::Str) if exact && matches!(op, Binary::Equal | Binary::NotEqual) => {
                let (a, b) = (self.peek(left), self.peek(right));
                self.texts(op, &a, &b)
            }
            (Kind::Int, Kind::Range) if op == Binary::In && exact => {
                let (n, range) = (self.peek(left).word(), self.peek(right));
                let from = self.b.ins().icmp(IntCC::SignedGreaterThanOrEqual, n, range.words[0]);
                let below = self.b.ins().icmp(IntCC::SignedLessThan, n, range.words[1]);
                let word = self.b.ins().band(from, below);
                Operand::one(Kind::Bool, word)
            }
            (_, Kind::Range) => {
                let range = self.peek(right);
                let int = self.want(left, &Kind::Int).word();
                let from = self.b.ins().icmp(IntCC::SignedGreaterThanOrEqual, int, range.words[0]);
                let below = self.b.ins().icmp(IntCC::SignedLessThan, int, range.words[1]);
                let word = self.b.ins().band(from, below);
                Operand::one(Kind::Bool, word)
            }
            _ if matches!(op, Binary::Equal | Binary::NotEqual) && self.is_none(left) | self.is_none(right) => {
                let other = self.peek(if self.is_none(left) { right } else { left });
                let (head, _) = self.boxed(&other);
                let none = self.has_tag(head, tag::NONE).word();
                let word = if op == Binary::Equal { none } else { self.b.ins().bxor_imm_u(none, 1) };
                Operand::one(Kind::Bool, word)
            }
            _ => {
                let (at, _) = self.lay_out(&[left, right]);
                let second = self.b.ins().iadd_imm_s(at, 16);
                let (op, out) = (self.int(code_of(op)), self.output());
                let done = self.call(Helper::Binary, &[self.context, op, at, second, out]);
                self.given(done, out, to)
            }
        }
    }

    /// The number after one that has one; computed once on each way.
    fn following(&mut self, number: Value) -> Value {
        if let Some([_, after]) = self.following.iter().find(|[known, _]| *known == number) {
            return *after;
        }
        let after = self.b.ins().iadd_imm_s(number, 1);
        self.following.push([number, after]);
        after
    }

    /// Whether a register never holds anything but `none`.
    fn is_none(&self, register: Register) -> bool {
        self.kind(register) == Kind::maybe(Kind::Never)
    }

    /// A number as a float.
    pub(super) fn float(&mut self, register: Register) -> Value {
        let number = self.some(register);
        match number.kind {
            Kind::Int => self.b.ins().fcvt_from_sint(types::F64, number.word()),
            _ => self.convert(number, &Kind::Float).word(),
        }
    }

    fn ints(&mut self, op: Binary, a: Value, b: Value) -> Operand {
        let compared = |code: IntCC, this: &mut Self| Operand::one(Kind::Bool, this.b.ins().icmp(code, a, b));
        match op {
            Binary::Equal => return compared(IntCC::Equal, self),
            Binary::NotEqual => return compared(IntCC::NotEqual, self),
            Binary::Less => return compared(IntCC::SignedLessThan, self),
            Binary::LessEqual => return compared(IntCC::SignedLessThanOrEqual, self),
            _ => {}
        }
        let word = match op {
            Binary::Divide | Binary::Remainder => {
                self.demand_divisor(a, b);
                if op == Binary::Divide { self.b.ins().sdiv(a, b) } else { self.b.ins().srem(a, b) }
            }
            Binary::Add if self.constant_of(b).is_some_and(|number| number >= 0) => {
                // What grows by something is not less than it was, unless it overflows.
                let word = self.b.ins().iadd(a, b);
                let grows = self.b.ins().icmp(IntCC::SignedGreaterThanOrEqual, word, a);
                self.demand(grows);
                word
            }
            _ => {
                let (word, overflows) = match op {
                    Binary::Add => self.b.ins().sadd_overflow(a, b),
                    Binary::Subtract => self.b.ins().ssub_overflow(a, b),
                    _ => self.b.ins().smul_overflow(a, b),
                };
                self.demand_not(overflows);
                word
            }
        };
        Operand::one(Kind::Int, word)
    }

    /// Gives up on a division by zero, and on the one whose quotient is no `Int`.
    fn demand_divisor(&mut self, a: Value, b: Value) {
        if let Some(divisor) = self.constant_of(b)
            && divisor != 0
            && divisor != -1
        {
            return;
        }
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, b, 0);
        self.demand(some);
        let least = self.b.ins().icmp_imm_s(IntCC::Equal, a, i64::MIN);
        let minus = self.b.ins().icmp_imm_s(IntCC::Equal, b, -1);
        let both = self.b.ins().band(least, minus);
        self.demand_not(both);
    }

    /// The number that a value always is, if it comes straight from a constant.
    fn constant_of(&self, value: Value) -> Option<i64> {
        let value = self.b.func.dfg.resolve_aliases(value);
        let instruction = self.b.func.dfg.value_def(value).inst()?;
        match self.b.func.dfg.insts[instruction] {
            cranelift_codegen::ir::InstructionData::UnaryImm { imm, .. } => Some(imm.bits()),
            _ => None,
        }
    }

    fn floats(&mut self, op: Binary, a: Value, b: Value) -> Operand {
        let compared = |code: FloatCC, this: &mut Self| Operand::one(Kind::Bool, this.b.ins().fcmp(code, a, b));
        let word = match op {
            Binary::Equal => return compared(FloatCC::Equal, self),
            Binary::NotEqual => return compared(FloatCC::NotEqual, self),
            Binary::Less => return compared(FloatCC::LessThan, self),
            Binary::LessEqual => return compared(FloatCC::LessThanOrEqual, self),
            Binary::Add => self.b.ins().fadd(a, b),
            Binary::Subtract => self.b.ins().fsub(a, b),
            Binary::Multiply => self.b.ins().fmul(a, b),
            Binary::Divide => self.b.ins().fdiv(a, b),
            Binary::Remainder | Binary::In => {
                let bits = |this: &mut Self, x| this.b.ins().bitcast(types::I64, MemFlagsData::new(), x);
                let (a, b) = (bits(self, a), bits(self, b));
                let left = self.call(Helper::Remainder, &[a, b]);
                self.b.ins().bitcast(types::F64, MemFlagsData::new(), left)
            }
        };
        Operand::one(Kind::Float, word)
    }

    /// Whether two texts are equal: their keys tell, unless both are long.
    fn texts(&mut self, op: Binary, a: &Operand, b: &Operand) -> Operand {
        let key_at = self.source.layout.text_key;
        let (long, all, after) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(long);
        self.b.set_cold_block(all);
        self.b.append_block_param(after, types::I8);
        let (key, other) = (self.load(types::I64, a.word(), key_at), self.load(types::I64, b.word(), key_at));
        let same = self.b.ins().icmp(IntCC::Equal, key, other);
        let is_long = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, key, 0);
        self.b.ins().brif(is_long, long, &[], after, &[same.into()]);
        self.b.seal_block(long);
        self.b.switch_to_block(long);
        self.b.ins().brif(same, all, &[], after, &[same.into()]);
        self.b.seal_block(all);
        self.b.switch_to_block(all);
        let at = self.room(2);
        self.store_boxed(a, at, 0);
        self.store_boxed(b, at, 16);
        let second = self.b.ins().iadd_imm_s(at, 16);
        let same = self.call(Helper::SameText, &[at, second]);
        let same = self.b.ins().ireduce(types::I8, same);
        self.b.ins().jump(after, &[same.into()]);
        self.b.seal_block(after);
        self.b.switch_to_block(after);
        let same = self.b.block_params(after)[0];
        let word = if op == Binary::Equal { same } else { self.b.ins().bxor_imm_u(same, 1) };
        Operand::one(Kind::Bool, word)
    }

    pub(super) fn negate(&mut self, of: Register) -> Operand {
        let number = self.some(of);
        match number.kind {
            Kind::Int => {
                let nothing = self.int(0);
                let (word, overflows) = self.b.ins().ssub_overflow(nothing, number.word());
                self.demand_not(overflows);
                Operand::one(Kind::Int, word)
            }
            _ => {
                let word = self.convert(number, &Kind::Float).word();
                let word = self.b.ins().fneg(word);
                Operand::one(Kind::Float, word)
            }
        }
    }
}
