//! Removes constants and loads that nobody reads, and what stands after the end of a region's control flow.
//!
//! Legal, because neither has an effect, and because nothing runs after a `return`, `yield`, `break`, `continue` or
//! `fail`.

use crate::program::{Function, Op, Region, Value};
use crate::uses::{for_each_region, operands, regions_mut};
use rustc_hash::FxHashSet;

pub(super) fn run(function: &mut Function) {
    unreachable(&mut function.body);
    let mut used = FxHashSet::default();
    collect(&function.body, &mut used);
    sweep(&mut function.body, &used);
}

fn unreachable(region: &mut Region) {
    let ends = |op: &Op| matches!(op, Op::Return(_) | Op::Yield(_) | Op::Break | Op::Continue | Op::Fail(_));
    if let Some(end) = region.instructions.iter().position(|i| ends(&i.op)) {
        region.instructions.truncate(end + 1);
    }
    for instruction in &mut region.instructions {
        regions_mut(&mut instruction.op).into_iter().for_each(unreachable);
    }
}

fn collect(region: &Region, used: &mut FxHashSet<Value>) {
    for instruction in &region.instructions {
        operands(&instruction.op, &mut |value| {
            used.insert(value);
        });
        for_each_region(&instruction.op, &mut |inner, _| collect(inner, used));
    }
}

fn sweep(region: &mut Region, used: &FxHashSet<Value>) {
    region.instructions.retain(|instruction| {
        let idle = matches!(instruction.op, Op::Constant(_) | Op::Load(_));
        !idle || instruction.results.iter().any(|value| used.contains(value))
    });
    for instruction in &mut region.instructions {
        regions_mut(&mut instruction.op).into_iter().for_each(|inner| sweep(inner, used));
    }
}
