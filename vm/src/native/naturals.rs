//! Whole numbers that are never negative, and those that are a loop's number, for which there is always a next one.
//!
//! Where a place in a list is not negative, it is compared with the length and with nothing else; the next number after a loop's number is
//! at most the end of its range, so that adding one to it can't overflow.

use super::flow::{Flow, Registers, written};
use super::kind::Kind;
use crate::image::{Binary, Function, Op, Register};

/// What is known of the whole numbers in registers.
#[derive(Clone, Debug, Default)]
pub(super) struct Naturals {
    /// Never negative.
    pub(super) natural: Registers,
    /// Numbers of a loop over a range.
    pub(super) counted: Registers,
}

/// Finds both; `kinds` are those of the function's registers.
pub(super) fn find(function: &Function, flow: &Flow, kinds: &[Kind]) -> Naturals {
    let mut all = Registers::of(function.registers);
    for (register, kind) in (0..).zip(kinds) {
        if register >= function.parameters && (*kind == Kind::Int || is_range(kind)) {
            all.insert(register);
        }
    }
    for register in flow.blocks[0].live.iter() {
        all.remove(register);
    }
    let ops: Vec<&Op> = flow.blocks.iter().flat_map(|block| &function.code[block.start..block.end]).collect();
    let settle = |mut all: Registers, holds: &dyn Fn(&Op, &Registers) -> bool| {
        let fails = |all: &Registers| {
            let failing = |op: &&Op| written(op).filter(|to| all.contains(*to) && !holds(op, all));
            ops.iter().find_map(failing)
        };
        while let Some(register) = fails(&all) {
            all.remove(register);
        }
        all
    };
    let natural = settle(all.clone(), &|op, all| is_natural(op, all, kinds));
    let counted = settle(all, &|op, all| match op {
        Op::Copy { from, .. } => all.contains(*from),
        Op::Next { iterator, .. } => is_range(&kinds[usize::from(*iterator)]),
        _ => false,
    });
    Naturals { natural, counted }
}

/// A range, or a loop's place in one.
fn is_range(kind: &Kind) -> bool {
    match kind {
        Kind::Range => true,
        Kind::Iterator(over) => **over == Kind::Range,
        _ => false,
    }
}

/// Whether what an instruction gives is never negative; of a range, its start.
fn is_natural(op: &Op, all: &Registers, kinds: &[Kind]) -> bool {
    let natural = |register: &Register| all.contains(*register);
    match op {
        Op::Int { value, .. } => *value >= 0,
        Op::Copy { from, .. } => natural(from),
        Op::Range { start, .. } => natural(start),
        Op::Iterate { over, .. } => is_range(&kinds[usize::from(*over)]) && natural(over),
        Op::Next { iterator, .. } => is_range(&kinds[usize::from(*iterator)]) && natural(iterator),
        // What overflows gives nothing.
        Op::Binary { op: Binary::Add | Binary::Multiply | Binary::Divide, left, right, .. } => {
            natural(left) && natural(right)
        }
        Op::Binary { op: Binary::Remainder, left, .. } => natural(left) && kinds[usize::from(*left)] == Kind::Int,
        Op::Builtin { builtin, arguments, .. } => match builtin.as_str() {
            "list.len" | "str.len" | "map.len" => true,
            "int.min" => arguments.iter().all(natural),
            "int.max" => arguments.iter().any(natural),
            _ => false,
        },
        _ => false,
    }
}
