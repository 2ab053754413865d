//! Values that need no owner: what a copy, element or field is read for is over before the register that it came from changes.
//!
//! Inside a block, such a result is *borrowed* of a register, its root, if every instruction that reads it only looks at it, and if
//! the root is read again after each instruction from here to the last of those, and written by none of them. Then the root
//! keeps the value alive: nobody moves out of a register that is read again, and a list that two hold is copied before it changes.

use super::flow::{Registers, read, written};
use super::kind::Kind;
use crate::image::{Op, Register};
use rustc_hash::FxHashMap;

/// Per instruction of a block, whether its result is borrowed. `live` has what is read after each.
pub(super) fn borrowed(code: &[Op], live: &[Registers], kind: &dyn Fn(Register) -> Kind) -> Vec<bool> {
    let mut roots: FxHashMap<Register, Register> = FxHashMap::default();
    let mut all = Vec::with_capacity(code.len());
    for (at, op) in code.iter().enumerate() {
        let root = source(op, kind).and_then(|(to, from)| {
            let root = roots.get(&from).copied().unwrap_or(from);
            (kind(to).is_counted() && stays(code, live, at, to, root)).then_some((to, root))
        });
        if let Some(to) = written(op) {
            roots.remove(&to);
            roots.retain(|_, root| *root != to);
        }
        roots.extend(root);
        all.push(root.is_some());
    }
    all
}

/// What a result is a part of.
fn source(op: &Op, kind: &dyn Fn(Register) -> Kind) -> Option<(Register, Register)> {
    let (to, from) = match op {
        Op::Copy { to, from } => (*to, *from),
        Op::Field { to, of, .. } => (*to, *of),
        Op::Index { to, of, .. } if matches!(kind(*of).some(), Kind::List(_)) => (*to, *of),
        _ => return None,
    };
    (to != from).then_some((to, from))
}

/// Whether the root keeps what `to` gets at `at` for as long as it is read.
fn stays(code: &[Op], live: &[Registers], at: usize, to: Register, root: Register) -> bool {
    if to == root || live.last().is_none_or(|after| after.contains(to)) {
        return false;
    }
    let mut last = None;
    for (later, op) in code.iter().enumerate().skip(at + 1) {
        let mut reads = false;
        read(op, &mut |register| reads |= register == to);
        if reads {
            if !only_looks(op) {
                return false;
            }
            last = Some(later);
        }
        if written(op) == Some(to) {
            break;
        }
    }
    let Some(last) = last else { return false };
    (at..last).all(|later| live[later].contains(root) && (later == at || written(&code[later]) != Some(root)))
}

/// Whether an instruction leaves what it reads where it is.
fn only_looks(op: &Op) -> bool {
    match op {
        Op::Index { .. }
        | Op::Field { .. }
        | Op::Binary { .. }
        | Op::Negate { .. }
        | Op::Not { .. }
        | Op::IsVariant { .. }
        | Op::IsNone { .. }
        | Op::IsShape { .. }
        | Op::ToText { .. }
        | Op::Concat { .. } => true,
        Op::Builtin { builtin, .. } => !matches!(builtin.as_str(), "list.push" | "list.fold"),
        _ => false,
    }
}
