//! Lists that nobody else holds, as far as the code shows it: they are changed where they are without a look at their count of owners.
//!
//! A register holds its list *alone* after an instruction that makes a list or takes one for itself (`xs[0] = 1` copies a list that
//! others hold), until something may become a second owner: a copy, a call, a value that it is put into. Where ways meet, it is
//! alone if it was on all of them.

use super::flow::{Flow, Registers, read, written};
use super::kind::Kind;
use super::lists;
use crate::image::{Function, Op, Register};

/// Per block, the registers that hold their lists alone where it begins.
pub(super) fn at_blocks(
    function: &Function,
    flow: &Flow,
    borrowed: &[Vec<bool>],
    kind: &dyn Fn(Register) -> Kind,
) -> Vec<Registers> {
    let nothing = Registers::of(function.registers);
    let mut known: Vec<Option<Registers>> = vec![None; flow.blocks.len()];
    known[0] = Some(nothing.clone());
    let lives: Vec<Vec<Registers>> = (0..flow.blocks.len()).map(|index| flow.live_in_block(index, function)).collect();
    loop {
        let mut changed = false;
        for (index, block) in flow.blocks.iter().enumerate() {
            let Some(mut alone) = known[index].clone() else { continue };
            for (turn, at) in (block.start..block.end).enumerate() {
                step(&function.code, at, &mut alone, &lives[index][turn], borrowed[index][turn], kind);
            }
            for next in &block.next {
                let met = match &known[*next] {
                    Some(before) => before.common(&alone),
                    None => alone.clone(),
                };
                if known[*next].as_ref() != Some(&met) {
                    known[*next] = Some(met);
                    changed = true;
                }
            }
        }
        if !changed {
            return known.into_iter().map(|alone| alone.unwrap_or_else(|| nothing.clone())).collect();
        }
    }
}

/// What an instruction changes about it. `live` is what is read after it.
pub(super) fn step(
    code: &[Op],
    at: usize,
    alone: &mut Registers,
    live: &Registers,
    borrows: bool,
    kind: &dyn Fn(Register) -> Kind,
) {
    let op = &code[at];
    let is_list = |register: Register| matches!(kind(register), Kind::List(_));
    let gives = match op {
        Op::Copy { from, .. } => !borrows && !live.contains(*from) && alone.contains(*from),
        Op::Push { .. } => true,
        Op::WithIndex { of, .. } => is_list(*of),
        Op::List { items, .. } => !items.is_empty() || lists::room_of(code, at).is_some(),
        Op::Builtin { builtin, arguments, .. } => match builtin.as_str() {
            "list.push" => is_list(arguments[0]),
            "list.map" | "list.filter" | "str.chars" => true,
            _ => false,
        },
        _ => false,
    };
    let looks = match op {
        Op::Copy { .. } => borrows,
        Op::Index { .. }
        | Op::Field { .. }
        | Op::Not { .. }
        | Op::Negate { .. }
        | Op::IsVariant { .. }
        | Op::IsNone { .. }
        | Op::JumpUnless { .. }
        | Op::Assert { .. } => true,
        Op::Builtin { builtin, .. } => matches!(builtin.as_str(), "list.len" | "list.is_empty" | "list.get"),
        _ => false,
    };
    if !looks {
        read(op, &mut |register| alone.remove(register));
    }
    if let Some(to) = written(op) {
        if gives && is_list(to) { alone.insert(to) } else { alone.remove(to) }
    }
}
