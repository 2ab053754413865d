//! The blocks of a function, how they follow each other, and which registers are read later.

use crate::image::{Function, Op, Register};

/// A set of registers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Registers(Vec<u64>);

impl Registers {
    pub(super) fn of(count: u16) -> Self {
        Self(vec![0; usize::from(count).div_ceil(64)])
    }

    pub(super) fn contains(&self, register: Register) -> bool {
        self.0[usize::from(register / 64)] >> (register % 64) & 1 == 1
    }

    pub(super) fn insert(&mut self, register: Register) {
        self.0[usize::from(register / 64)] |= 1 << (register % 64);
    }

    pub(super) fn remove(&mut self, register: Register) {
        self.0[usize::from(register / 64)] &= !(1 << (register % 64));
    }

    /// Adds those of another set; whether any was new.
    fn extend(&mut self, other: &Self) -> bool {
        let mut grew = false;
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            grew |= *theirs & !*mine != 0;
            *mine |= theirs;
        }
        grew
    }

    /// Those of both sets.
    pub(super) fn common(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(mine, theirs)| mine & theirs).collect())
    }

    /// In order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Register> + '_ {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            (0..64u16).filter(move |bit| word >> bit & 1 == 1).map(move |bit| index as u16 * 64 + bit)
        })
    }
}

/// Instructions that run one after the other.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Its first instruction.
    pub(super) start: usize,
    /// One past its last.
    pub(super) end: usize,
    /// Blocks that may come next: where control goes on, then where it jumps.
    pub(super) next: Vec<usize>,
    /// Registers that are read from here on before they are written.
    pub(super) live: Registers,
    /// Whether a later block jumps back to it.
    pub(super) is_loop: bool,
}

/// The blocks that can be reached; the first one is entered.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) blocks: Vec<Block>,
}

impl Flow {
    pub(super) fn of(function: &Function) -> Self {
        let code = &function.code;
        let mut reached = vec![false; code.len()];
        let mut leads = vec![false; code.len()];
        let mut open = vec![0];
        leads[0] = true;
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut reached[at], true) {
                continue;
            }
            for next in following(&code[at], at) {
                leads[next] |= next != at + 1 || is_jump(&code[at]);
                open.push(next);
            }
        }
        let starts: Vec<usize> = (0..code.len()).filter(|at| leads[*at]).collect();
        let index_of = |at: usize| starts.partition_point(|start| *start < at);
        let mut blocks = Vec::with_capacity(starts.len());
        for start in &starts {
            let mut end = start + 1;
            while end < code.len() && !leads[end] && !is_jump(&code[end - 1]) && reached[end] {
                end += 1;
            }
            let next = following(&code[end - 1], end - 1).into_iter().map(index_of).collect();
            blocks.push(Block { start: *start, end, next, live: Registers::of(function.registers), is_loop: false });
        }
        for index in 0..blocks.len() {
            for next in blocks[index].next.clone() {
                blocks[next].is_loop |= next <= index;
            }
        }
        let mut flow = Self { blocks };
        flow.find_live(function);
        flow
    }

    fn find_live(&mut self, function: &Function) {
        loop {
            let mut grew = false;
            for index in (0..self.blocks.len()).rev() {
                let mut live = self.live_after(index, function);
                for at in (self.blocks[index].start..self.blocks[index].end).rev() {
                    step_back(&function.code[at], &mut live);
                }
                grew |= self.blocks[index].live.extend(&live);
            }
            if !grew {
                return;
            }
        }
    }

    /// Registers that are read after a block.
    fn live_after(&self, index: usize, function: &Function) -> Registers {
        let mut live = Registers::of(function.registers);
        for next in &self.blocks[index].next {
            live.extend(&self.blocks[*next].live);
        }
        live
    }

    /// Whether the elements of a loop are only read by the instructions right after it begins a turn, which take them apart.
    pub(super) fn is_taken_apart(&self, function: &Function, next: &Op) -> bool {
        let Op::Next { to, iterator, .. } = next else { return false };
        let Some(block) = self.blocks.iter().find(|block| std::ptr::eq(&raw const function.code[block.end - 1], next))
        else {
            return false;
        };
        // Nobody else comes there, and the loop still holds what it goes over.
        let body = block.next[0];
        let ways = self.blocks.iter().flat_map(|block| &block.next).filter(|way| **way == body).count();
        if ways != 1 || body == 0 || !self.blocks[body].live.contains(*iterator) {
            return false;
        }
        let part = |op: &Op| matches!(op, Op::Field { to: part, of, index: 0 | 1 } if of == to && part != to && part != iterator);
        let code = &function.code;
        let parts = code[self.blocks[body].start..self.blocks[body].end].iter().take_while(|op| part(op)).count();
        let mut reads = 0;
        code.iter().for_each(|op| read(op, &mut |register| reads += usize::from(register == *to)));
        reads == parts
    }

    /// Per instruction of a block, the registers that are read after it.
    pub(super) fn live_in_block(&self, index: usize, function: &Function) -> Vec<Registers> {
        let block = &self.blocks[index];
        let mut live = self.live_after(index, function);
        let mut all = Vec::with_capacity(block.end - block.start);
        for at in (block.start..block.end).rev() {
            all.push(live.clone());
            step_back(&function.code[at], &mut live);
        }
        all.reverse();
        all
    }
}

fn step_back(op: &Op, live: &mut Registers) {
    if let Some(to) = written(op) {
        live.remove(to);
    }
    read(op, &mut |register| live.insert(register));
}

fn is_jump(op: &Op) -> bool {
    matches!(op, Op::Jump { .. } | Op::JumpUnless { .. } | Op::Next { .. } | Op::Return { .. } | Op::NoMatch { .. })
}

/// Where control may go: on, then away.
fn following(op: &Op, at: usize) -> Vec<usize> {
    match op {
        Op::Jump { target } => vec![*target as usize],
        Op::JumpUnless { target, .. } | Op::Next { end: target, .. } => vec![at + 1, *target as usize],
        Op::Return { .. } | Op::NoMatch { .. } => Vec::new(),
        _ => vec![at + 1],
    }
}

/// The register that an instruction of pure code writes.
pub(crate) fn written(op: &Op) -> Option<Register> {
    match op {
        Op::Unit { to }
        | Op::None { to }
        | Op::Unknown { to }
        | Op::Bool { to, .. }
        | Op::Int { to, .. }
        | Op::Float { to, .. }
        | Op::Text { to, .. }
        | Op::Copy { to, .. }
        | Op::List { to, .. }
        | Op::Map { to, .. }
        | Op::Tuple { to, .. }
        | Op::Record { to, .. }
        | Op::Variant { to, .. }
        | Op::Range { to, .. }
        | Op::Closure { to, .. }
        | Op::Field { to, .. }
        | Op::WithField { to, .. }
        | Op::Index { to, .. }
        | Op::WithIndex { to, .. }
        | Op::Push { list: to, .. }
        | Op::Negate { to, .. }
        | Op::Not { to, .. }
        | Op::Binary { to, .. }
        | Op::ToText { to, .. }
        | Op::Concat { to, .. }
        | Op::IsVariant { to, .. }
        | Op::IsNone { to, .. }
        | Op::IsShape { to, .. }
        | Op::Iterate { to, .. }
        | Op::Next { to, .. }
        | Op::Call { to, .. }
        | Op::CallClosure { to, .. }
        | Op::Builtin { to, .. } => Some(*to),
        _ => None,
    }
}

/// Calls `see` with each register that an instruction of pure code reads, as often as it stands there.
pub(super) fn read(op: &Op, see: &mut impl FnMut(Register)) {
    match op {
        Op::Copy { from: r, .. }
        | Op::Field { of: r, .. }
        | Op::Negate { of: r, .. }
        | Op::Not { of: r, .. }
        | Op::ToText { of: r, .. }
        | Op::IsVariant { of: r, .. }
        | Op::IsNone { of: r, .. }
        | Op::IsShape { of: r, .. }
        | Op::Iterate { over: r, .. }
        | Op::Next { iterator: r, .. }
        | Op::JumpUnless { condition: r, .. }
        | Op::Return { value: r }
        | Op::NoMatch { of: r }
        | Op::Assert { condition: r, .. } => see(*r),
        Op::List { items, .. }
        | Op::Tuple { items, .. }
        | Op::Record { items, .. }
        | Op::Variant { items, .. }
        | Op::Concat { items, .. }
        | Op::Closure { captures: items, .. }
        | Op::Call { arguments: items, .. }
        | Op::Builtin { arguments: items, .. } => items.iter().for_each(|r| see(*r)),
        Op::CallClosure { closure, arguments, .. } => {
            see(*closure);
            arguments.iter().for_each(|r| see(*r));
        }
        Op::Map { pairs, .. } => pairs.iter().for_each(|(key, value)| {
            see(*key);
            see(*value);
        }),
        Op::Range { start, end, .. } => {
            see(*start);
            end.iter().for_each(|r| see(*r));
        }
        Op::WithField { of: a, value: b, .. }
        | Op::Index { of: a, at: b, .. }
        | Op::Binary { left: a, right: b, .. }
        | Op::Push { list: a, item: b } => {
            see(*a);
            see(*b);
        }
        Op::WithIndex { of, at, value, .. } => [of, at, value].into_iter().for_each(|r| see(*r)),
        _ => {}
    }
}

/// Whether native code is made of an instruction at all.
pub(super) fn is_supported(op: &Op) -> bool {
    written(op).is_some()
        || matches!(
            op,
            Op::Jump { .. } | Op::JumpUnless { .. } | Op::Return { .. } | Op::Assert { .. } | Op::NoMatch { .. }
        )
}
