//! The blocks of a function: fuel, jumps, loops, and what the way on does not read.
//!
//! Steps are counted when somebody may ask for them: where ways meet, before calls, and at the end. On the way there they are owed.

use super::super::elements::Elements;
use super::super::flow::{Registers, written};
use super::super::kind::Kind;
use super::super::operand::Operand;
use super::super::ways::Choice;
use super::super::{alone, borrow};
use super::Emitter;
use crate::image::{Op, Register};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};

/// What holds where a block begins that one way leads to.
#[derive(Clone, Debug, Default)]
pub(super) struct Carried {
    /// Steps that were taken and not counted yet.
    owed: i64,
    inside: Vec<[Value; 2]>,
    following: Vec<[Value; 2]>,
}

/// A way to a block.
#[derive(Clone, Copy, Debug)]
struct Way<'a> {
    to: usize,
    steps: i64,
    live: &'a Registers,
}

impl<'a> Emitter<'a, '_> {
    pub(super) fn blocks(&mut self) -> Option<()> {
        let source = self.source;
        let flow = &source.facts.functions[&self.index].flow;
        let lives: Vec<Vec<Registers>> =
            (0..flow.blocks.len()).map(|index| flow.live_in_block(index, self.function)).collect();
        let borrowed = self.borrowed(&lives);
        let function = self.index;
        let kind = |register| source.facts.kind(function, register);
        let alone = alone::at_blocks(self.function, flow, &borrowed, &kind);
        self.heads = flow.blocks.iter().map(|_| self.b.create_block()).collect();
        self.carried = vec![None; flow.blocks.len()];
        self.b.ins().jump(self.heads[0], &[]);
        for (index, block) in flow.blocks.iter().enumerate() {
            if !self.ways.is_reached(index) {
                continue;
            }
            self.begin_block(index);
            self.alone = alone[index].clone();
            for (turn, at) in (block.start..block.end).enumerate() {
                let op = &self.function.code[at];
                self.begin(at, lives[index][turn].clone());
                self.borrows = borrowed[index][turn] || self.target.is_some_and(|to| self.is_lent(to));
                match op {
                    Op::JumpUnless { condition, .. } => match self.ways.choice(index) {
                        Some(choice) => self.choose(*condition, choice, &lives)?,
                        None => self.branch(*condition, [self.way(block.next[0]), self.way(block.next[1])])?,
                    },
                    Op::Next { to, iterator, .. } => {
                        self.next(*to, *iterator, [self.way(block.next[0]), self.way(block.next[1])])?;
                    }
                    Op::Return { value } => self.leave(*value),
                    Op::NoMatch { .. } => self.give_up(),
                    Op::Jump { .. } => self.go(self.way(block.next[0])),
                    _ => {
                        self.instruction(op)?;
                        alone::step(
                            &self.function.code,
                            at,
                            &mut self.alone,
                            &lives[index][turn],
                            borrowed[index][turn],
                            &kind,
                        );
                        if at + 1 == block.end {
                            self.go(self.way(block.next[0]));
                        }
                    }
                }
            }
        }
        Some(())
    }

    /// Per block, which results are borrowed inside it.
    fn borrowed(&self, lives: &[Vec<Registers>]) -> Vec<Vec<bool>> {
        let blocks = &self.source.facts.functions[&self.index].flow.blocks;
        let kind = |register| self.kind(register);
        blocks
            .iter()
            .zip(lives)
            .map(|(block, live)| borrow::borrowed(&self.function.code[block.start..block.end], live, &kind))
            .collect()
    }

    /// Begins a block: what is owned there, and the steps that it takes. Where control comes in or back, it is looked whether there is
    /// fuel for them.
    fn begin_block(&mut self, index: usize) {
        let flow = &self.source.facts.functions[&self.index].flow;
        let block = &flow.blocks[index];
        self.b.switch_to_block(self.heads[index]);
        if !block.is_loop {
            // All ways to it have been made: they come from blocks before it.
            self.b.seal_block(self.heads[index]);
        }
        self.owned = block.live.clone();
        self.keep_counted();
        let Carried { owed, inside, following } = self.carried[index].take().unwrap_or_default();
        (self.inside, self.following) = (inside, following);
        let steps = (block.end - block.start) as i64;
        if index == 0 || block.is_loop {
            let fuel = self.b.use_var(self.fuel);
            let enough = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, fuel, steps);
            self.demand(enough);
        }
        self.owed = owed + steps;
    }

    /// Counts the steps that were taken and not counted yet.
    pub(in crate::native) fn settle(&mut self) {
        let owed = std::mem::take(&mut self.owed);
        if owed > 0 {
            let fuel = self.b.use_var(self.fuel);
            let less = self.b.ins().iadd_imm_s(fuel, -owed);
            self.b.def_var(self.fuel, less);
        }
    }

    fn way(&self, to: usize) -> Way<'a> {
        let (to, steps) = self.ways.end(to);
        Way { to, steps, live: &self.source.facts.functions[&self.index].flow.blocks[to].live }
    }

    fn go(&mut self, way: Way<'_>) {
        self.drop_dead(way.live);
        self.owed += way.steps;
        let flow = &self.source.facts.functions[&self.index].flow;
        if self.ways.is_single(way.to, flow) {
            self.carried[way.to] =
                Some(Carried { owed: self.owed, inside: self.inside.clone(), following: self.following.clone() });
        } else {
            self.settle();
        }
        self.b.ins().jump(self.heads[way.to], &[]);
    }

    /// Computes both sides of a choice, and takes one.
    fn choose(&mut self, condition: Register, choice: Choice, lives: &[Vec<Registers>]) -> Option<()> {
        let flow = &self.source.facts.functions[&self.index].flow;
        let holds = self.want(condition, &Kind::Bool).word();
        self.free_if_dead(condition);
        let join = self.way(choice.join);
        let sides = [Some(choice.then), choice.other];
        let written_in =
            |side: usize| self.function.code[flow.blocks[side].start..flow.blocks[side].end].iter().filter_map(written);
        let mut targets: Vec<Register> = sides
            .iter()
            .flatten()
            .flat_map(|side| written_in(*side))
            .filter(|to| flow.blocks[choice.join].live.contains(*to))
            .collect();
        targets.sort_unstable();
        targets.dedup();
        let before: Vec<Operand> = targets.iter().map(|to| self.peek(*to)).collect();
        let mut results: Vec<Vec<Operand>> = Vec::new();
        let mut steps = [0, 0];
        for (side, steps) in sides.into_iter().zip(&mut steps) {
            if let Some(side) = side {
                let block = &flow.blocks[side];
                *steps = (block.end - block.start) as i64;
                for (turn, at) in (block.start..block.end).enumerate() {
                    let op = &self.function.code[at];
                    if !matches!(op, Op::Jump { .. }) {
                        self.begin(at, lives[side][turn].clone());
                        self.borrows = false;
                        self.instruction(op)?;
                    }
                }
            }
            results.push(targets.iter().map(|to| self.peek(*to)).collect());
            targets.iter().zip(&before).for_each(|(to, value)| self.set(*to, value));
        }
        for (index, to) in targets.iter().enumerate() {
            let (then, other) = (&results[0][index], &results[1][index]);
            let word = self.b.ins().select(holds, then.word(), other.word());
            self.set(*to, &Operand::one(then.kind.clone(), word));
        }
        let least = steps[0].min(steps[1]);
        self.owed += least;
        if steps[0] != steps[1] {
            let [then, other] = steps.map(|steps| self.int(steps - least));
            let more = self.b.ins().select(holds, then, other);
            let fuel = self.b.use_var(self.fuel);
            let less = self.b.ins().isub(fuel, more);
            self.b.def_var(self.fuel, less);
        }
        self.go(join);
        Some(())
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

    fn branch(&mut self, condition: Register, next: [Way<'_>; 2]) -> Option<()> {
        let holds = self.want(condition, &Kind::Bool);
        self.free_if_dead(condition);
        let (on, away) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(holds.word(), on, &[], away, &[]);
        let (owned, owed) = (self.owned.clone(), self.owed);
        for (way, next) in [(on, next[0]), (away, next[1])] {
            self.b.switch_to_block(way);
            self.b.seal_block(way);
            self.owned = owned.clone();
            self.owed = owed;
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

    fn next(&mut self, to: Register, iterator: Register, next: [Way<'_>; 2]) -> Option<()> {
        if next[1].live.contains(to) {
            return None;
        }
        let (on, away) = (self.b.create_block(), self.b.create_block());
        let (owned, owed) = (self.owned.clone(), self.owed);
        let place = self.peek(iterator);
        let Kind::Iterator(over) = &place.kind else { return None };
        let at = place.words[1];
        let variables = self.variables[usize::from(iterator)].clone();
        let element = match over.as_ref() {
            Kind::Range => {
                // The words are the end and the next number.
                let more = self.b.ins().icmp(IntCC::SignedLessThan, at, place.words[0]);
                self.fork(more, on, away);
                Operand::one(Kind::Int, at)
            }
            Kind::List(item) => {
                let Elements { data, len } = self.elements_in(iterator);
                let more = self.b.ins().icmp(IntCC::UnsignedLessThan, at, len);
                self.fork(more, on, away);
                let element = self.element(data, at, item, self.certain.contains(iterator));
                self.retain_result(&element);
                element
            }
            Kind::Map(key, value) => {
                let Elements { data, len } = self.elements_in(iterator);
                let more = self.b.ins().icmp(IntCC::UnsignedLessThan, at, len);
                self.fork(more, on, away);
                let offset = self.b.ins().ishl_imm_u(at, 5);
                let pair = self.b.ins().iadd(data, offset);
                let pair = Operand::one(Kind::Pair(key.clone(), value.clone()), pair);
                if let Kind::Pair(..) = self.kind(to) { pair } else { self.tuple_of(&pair) }
            }
            _ => return None,
        };
        let following = self.b.ins().iadd_imm_s(at, 1);
        self.b.def_var(variables[1], following);
        if next[0].live.contains(to) {
            let kind = self.kind(to);
            let element = self.convert(element, &kind);
            self.set(to, &element);
            self.own(to);
        } else if !self.borrows {
            self.release(&element);
        }
        self.go(next[0]);
        self.b.switch_to_block(away);
        self.owned = owned;
        self.owed = owed;
        self.go(next[1]);
        Some(())
    }

    /// Goes on in one of two blocks; makes the first.
    fn fork(&mut self, holds: Value, on: Block, away: Block) {
        self.b.ins().brif(holds, on, &[], away, &[]);
        self.b.seal_block(on);
        self.b.seal_block(away);
        self.b.switch_to_block(on);
    }

    fn leave(&mut self, register: Register) {
        let kind = self.source.facts.functions[&self.index].result.clone();
        self.settle();
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
