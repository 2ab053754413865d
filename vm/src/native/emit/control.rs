//! The blocks of a function: fuel, jumps, loops, and what the way on does not read.

use super::super::borrow;
use super::super::elements::Elements;
use super::super::flow::Registers;
use super::super::kind::Kind;
use super::super::operand::Operand;
use super::Emitter;
use crate::image::{Op, Register};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};

impl Emitter<'_, '_> {
    pub(super) fn blocks(&mut self) -> Option<()> {
        let flow = &self.source.facts.functions[&self.index].flow;
        let heads: Vec<Block> = flow.blocks.iter().map(|_| self.b.create_block()).collect();
        self.b.ins().jump(heads[0], &[]);
        for (index, block) in flow.blocks.iter().enumerate() {
            self.b.switch_to_block(heads[index]);
            self.owned = block.live.clone();
            self.keep_counted();
            self.spend((block.end - block.start) as i64, index == 0 || block.is_loop);
            let live = flow.live_in_block(index, self.function);
            let kind = |register| self.kind(register);
            let borrowed = borrow::borrowed(&self.function.code[block.start..block.end], &live, &kind);
            for ((at, live_after), borrows) in (block.start..block.end).zip(live).zip(borrowed) {
                let op = &self.function.code[at];
                self.begin(op, live_after);
                self.borrows = borrows;
                let next: Vec<(Block, &Registers)> =
                    block.next.iter().map(|next| (heads[*next], &flow.blocks[*next].live)).collect();
                match op {
                    Op::JumpUnless { condition, .. } => self.branch(*condition, &next)?,
                    Op::Next { to, iterator, .. } => self.next(*to, *iterator, &next)?,
                    Op::Return { value } => self.leave(*value),
                    Op::NoMatch { .. } => self.give_up(),
                    Op::Jump { .. } => self.go(next[0]),
                    _ => {
                        self.instruction(op)?;
                        if at + 1 == block.end {
                            self.go(next[0]);
                        }
                    }
                }
            }
        }
        Some(())
    }

    /// Takes the fuel of a block; looks whether any is left where control comes back or in.
    fn spend(&mut self, steps: i64, looks: bool) {
        let fuel = self.b.use_var(self.fuel);
        let less = self.b.ins().iadd_imm_s(fuel, -steps);
        self.b.def_var(self.fuel, less);
        if looks {
            let enough = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, less, 0);
            self.demand(enough);
        }
    }

    fn go(&mut self, (to, live): (Block, &Registers)) {
        self.drop_dead(live);
        self.b.ins().jump(to, &[]);
    }

    /// Frees what the way on does not read.
    fn drop_dead(&mut self, live: &Registers) {
        let dead: Vec<Register> = self.owned.iter().filter(|register| !live.contains(*register)).collect();
        for register in dead {
            let value = self.peek(register);
            self.owned.remove(register);
            self.release(&value);
        }
    }

    fn branch(&mut self, condition: Register, next: &[(Block, &Registers)]) -> Option<()> {
        let holds = self.want(condition, &Kind::Bool);
        self.free_if_dead(condition);
        let (on, away) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(holds.word(), on, &[], away, &[]);
        let owned = self.owned.clone();
        for (way, next) in [(on, next[0]), (away, next[1])] {
            self.b.switch_to_block(way);
            self.owned = owned.clone();
            self.go(next);
        }
        Some(())
    }

    fn free_if_dead(&mut self, register: Register) {
        if self.owned.contains(register) && !self.live_after.contains(register) {
            let value = self.peek(register);
            self.owned.remove(register);
            self.release(&value);
        }
    }

    fn next(&mut self, to: Register, iterator: Register, next: &[(Block, &Registers)]) -> Option<()> {
        if next[1].1.contains(to) {
            return None;
        }
        let (on, away) = (self.b.create_block(), self.b.create_block());
        let owned = self.owned.clone();
        let place = self.peek(iterator);
        let Kind::Iterator(over) = &place.kind else { return None };
        let at = place.words[1];
        let variables = self.variables[usize::from(iterator)].clone();
        let element = match over.as_ref() {
            Kind::Range => {
                // The words are the end and the next number.
                let more = self.b.ins().icmp(IntCC::SignedLessThan, at, place.words[0]);
                self.b.ins().brif(more, on, &[], away, &[]);
                self.b.switch_to_block(on);
                Operand::one(Kind::Int, at)
            }
            Kind::List(item) => {
                let Elements { data, len } = self.elements_in(iterator);
                let more = self.b.ins().icmp(IntCC::UnsignedLessThan, at, len);
                self.b.ins().brif(more, on, &[], away, &[]);
                self.b.switch_to_block(on);
                let element = self.element(data, at, item);
                self.retain(&element);
                element
            }
            Kind::Map(key, value) => {
                let Elements { data, len } = self.elements_in(iterator);
                let more = self.b.ins().icmp(IntCC::UnsignedLessThan, at, len);
                self.b.ins().brif(more, on, &[], away, &[]);
                self.b.switch_to_block(on);
                let offset = self.b.ins().ishl_imm_u(at, 5);
                let pair = self.b.ins().iadd(data, offset);
                let pair = Operand::one(Kind::Pair(key.clone(), value.clone()), pair);
                if let Kind::Pair(..) = self.kind(to) { pair } else { self.tuple_of(&pair) }
            }
            _ => return None,
        };
        let following = self.b.ins().iadd_imm_s(at, 1);
        self.b.def_var(variables[1], following);
        let kind = self.kind(to);
        let element = self.convert(element, &kind);
        if next[0].1.contains(to) {
            self.set(to, &element);
            self.own(to);
        } else {
            self.release(&element);
        }
        self.go(next[0]);
        self.b.switch_to_block(away);
        self.owned = owned;
        self.go(next[1]);
        Some(())
    }

    fn leave(&mut self, register: Register) {
        let kind = self.source.facts.functions[&self.index].result.clone();
        let fuel = self.b.use_var(self.fuel);
        // Who is given less than no fuel frees no result.
        if kind.is_counted() {
            let enough = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, fuel, 0);
            self.demand(enough);
        }
        let result = self.take(register, &kind);
        self.free_read();
        let words: Vec<Value> = std::iter::once(fuel).chain(result.words).collect();
        self.b.ins().return_(&words);
    }
}
