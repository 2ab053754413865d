//! What the code shows of lists before it runs: which elements are certain, and for how many there will be room.

use super::flow::Flow;
use super::flow::{Registers, written};
use super::kind::Kind;
use crate::image::{Function, Op, Register};

/// Registers whose lists (or loops' places in lists) hold elements of their kind for certain: whatever made them put nothing else in.
/// Reading such an element needs no look at what it is.
pub(super) fn certain(function: &Function, flow: &Flow, kinds: &[Kind]) -> Registers {
    let mut certain = Registers::of(function.registers);
    for (register, kind) in (0..).zip(kinds) {
        if register >= function.parameters && element(kind).is_some() {
            certain.insert(register);
        }
    }
    for register in flow.blocks[0].live.iter() {
        certain.remove(register);
    }
    let ops = || flow.blocks.iter().flat_map(|block| &function.code[block.start..block.end]);
    let fails = |op: &Op, certain: &Registers| {
        written(op).filter(|to| certain.contains(*to) && !puts_in(op, *to, certain, kinds))
    };
    while let Some(register) = ops().find_map(|op| fails(op, &certain)) {
        certain.remove(register);
    }
    certain
}

/// The elements of a list that can be certain: those that are told apart by their first byte alone.
fn element(kind: &Kind) -> Option<&Kind> {
    let list = if let Kind::Iterator(over) = kind { over.as_ref() } else { kind };
    match list {
        Kind::List(item) if matches!(**item, Kind::Int | Kind::Float | Kind::Bool | Kind::Str | Kind::Never) => {
            Some(item.as_ref())
        }
        _ => None,
    }
}

/// Whether an instruction only puts elements of their kind into the list that it gives.
fn puts_in(op: &Op, to: Register, certain: &Registers, kinds: &[Kind]) -> bool {
    let kind = |register: &Register| &kinds[usize::from(*register)];
    let Some(wanted) = element(kind(&to)) else { return false };
    // A list of nothing fits all.
    let same = |register: &Register| {
        certain.contains(*register)
            && element(kind(register)).is_some_and(|item| item == wanted || *item == Kind::Never)
    };
    match op {
        Op::List { items, .. } => items.iter().all(|item| kind(item) == wanted),
        Op::Push { list, item } => same(list) && kind(item) == wanted,
        Op::WithIndex { of, value, .. } => same(of) && kind(value) == wanted,
        Op::Copy { from: of, .. } | Op::Iterate { over: of, .. } => same(of),
        Op::Builtin { builtin, arguments, .. } => match builtin.as_str() {
            "list.push" => same(&arguments[0]) && kind(&arguments[1]) == wanted,
            "str.chars" | "str.split" | "str.lines" | "str.words" => *wanted == Kind::Str,
            "range.to_list" => *wanted == Kind::Int,
            _ => false,
        },
        _ => false,
    }
}

/// What a loop goes over that fills the list without elements made at `at`: the code of `[f(x) for x in xs]`.
pub(super) fn room_of(code: &[Op], at: usize) -> Option<Register> {
    let [
        Op::List { to, items },
        Op::Copy { to: filled, from },
        Op::Iterate { to: place, over },
        Op::Next { iterator, end, .. },
        ..,
    ] = code.get(at..)?
    else {
        return None;
    };
    if !items.is_empty() || to != from || place != iterator || over == filled || over == to {
        return None;
    }
    let body = code.get(at + 4..*end as usize)?;
    let fills = |op: &Op| matches!(op, Op::Push { list, .. } if list == filled);
    body.iter().any(fills).then_some(*over)
}
