//! Joins neighbouring appends of literal text, and appends constants as literal text.
//!
//! Legal, because nothing between two neighbouring appends can see the transcript, and because the text of a constant
//! `Str` is that text. Before: `append "a"; v0 = "b"; append v0`. After: `v0 = "b"; append "ab"`.

use crate::program::{Constant, Function, Instruction, Op, Region, Value};
use crate::uses::regions_mut;
use rustc_hash::FxHashMap;

pub(super) fn run(function: &mut Function) {
    region(&mut function.body, &mut FxHashMap::default());
}

fn region(of: &mut Region, texts: &mut FxHashMap<Value, String>) {
    let mut out: Vec<Instruction> = Vec::with_capacity(of.instructions.len());
    for mut instruction in std::mem::take(&mut of.instructions) {
        if let (Op::Constant(Constant::Text(text)), [value]) = (&instruction.op, instruction.results.as_slice()) {
            texts.insert(*value, text.clone());
        }
        if let Op::AppendValue(value) = &instruction.op
            && let Some(text) = texts.get(value)
        {
            instruction.op = Op::Append(text.clone());
        }
        for inner in regions_mut(&mut instruction.op) {
            region(inner, texts);
        }
        // Constants between two appends do not see the transcript.
        let last_append = out.iter().rposition(|i| !matches!(i.op, Op::Constant(_)));
        if let (Op::Append(text), Some(at)) = (&instruction.op, last_append)
            && let Op::Append(before) = &mut out[at].op
        {
            before.push_str(text);
            out[at].span = out[at].span.to(instruction.span);
            continue;
        }
        out.push(instruction);
    }
    of.instructions = out;
}
