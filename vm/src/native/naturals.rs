//! Whole numbers that are never negative, and those that are a loop's number, for which there is always a next one.
//!
//! Where a place in a list is not negative, it is compared with the length and with nothing else; the next number after a loop's number is
//! at most the end of its range, so that adding one to it can't overflow. The numbers of a loop over `0..xs.len()` are places in `xs`.

use super::flow::{Flow, Registers, written};
use super::kind::Kind;
use crate::image::{Binary, Function, Op, Register};
use rustc_hash::FxHashMap;

/// What is known of the whole numbers in registers.
#[derive(Clone, Debug, Default)]
pub(super) struct Naturals {
    /// Never negative.
    pub(super) natural: Registers,
    /// Numbers of a loop over a range.
    pub(super) counted: Registers,
    /// Numbers with the lists in which they are places.
    pub(super) places: Vec<(Register, Register)>,
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
    let places = places(function, flow, &ops, kinds, &natural);
    Naturals { natural, counted, places }
}

/// The numbers of loops over the places of a list, with the list.
///
/// All registers on the way from the list to the number are written once, and read after that only: then whenever the number is
/// read, each was written after the one that it comes from, and the list is still the one whose length was taken.
fn places(
    function: &Function,
    flow: &Flow,
    ops: &[&Op],
    kinds: &[Kind],
    natural: &Registers,
) -> Vec<(Register, Register)> {
    let mut origins: FxHashMap<Register, Option<&Op>> = FxHashMap::default();
    for op in ops {
        if let Some(to) = written(op) {
            origins.entry(to).and_modify(|origin| *origin = None).or_insert(Some(op));
        }
    }
    let is_known = |register: Register| register >= function.parameters && !flow.blocks[0].live.contains(register);
    let origin = |register: Register| origins.get(&register).copied().flatten().filter(|_| is_known(register));
    let stays = |list: Register| {
        let given = list < function.parameters && !origins.contains_key(&list);
        matches!(kinds[usize::from(list)], Kind::List(_)) && (given || origin(list).is_some())
    };
    let list_of = |number: Register| {
        let Op::Next { iterator, .. } = origin(number)? else { return None };
        let Op::Iterate { over, .. } = origin(*iterator)? else { return None };
        let Op::Range { start, end: Some(end), inclusive: false, .. } = origin(*over)? else { return None };
        let Op::Builtin { builtin, arguments, .. } = origin(*end)? else { return None };
        (natural.contains(*start) && builtin == "list.len" && stays(arguments[0])).then(|| arguments[0])
    };
    let numbers = ops.iter().filter_map(|op| if let Op::Next { to, .. } = op { Some(*to) } else { None });
    numbers.filter_map(|number| Some((number, list_of(number)?))).collect()
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
