//! Computes the texts of constants before the run.
//!
//! Before: `v0 = 3; v1 = to_text v0; v2 = "no. "; v3 = concat v2 v1; append v3`. After: `v3 = "no. 3"; append v3`, which `join_appends` then
//! joins with its neighbours, so that the tokens around it are known.
//!
//! Legal, because a value is assigned once, by an instruction that stands before all that read it; because the text of an `Int`, `Bool` or
//! `Str` depends on nothing else, and is the machine's own spelling (`vm/src/text.rs`); and because neither instruction has an effect or
//! can fault: a text of constants is no longer than the program.

use crate::program::{Constant, Function, Op, Region, Value};
use crate::uses::regions_mut;
use rustc_hash::FxHashMap;

pub(super) fn run(function: &mut Function) {
    region(&mut function.body, &mut FxHashMap::default());
}

fn region(of: &mut Region, texts: &mut FxHashMap<Value, String>) {
    for instruction in &mut of.instructions {
        let folded = match &instruction.op {
            Op::ToText(value) => texts.get(value).cloned(),
            Op::Concat(all) => all.iter().map(|value| texts.get(value).map(String::as_str)).collect(),
            _ => None,
        };
        if let Some(text) = folded {
            instruction.op = Op::Constant(Constant::Text(text));
        }
        if let Op::AppendValue(value) = &instruction.op
            && let Some(text) = texts.get(value)
        {
            instruction.op = Op::Append(text.clone());
        }
        if let (Op::Constant(constant), [value]) = (&instruction.op, instruction.results.as_slice())
            && let Some(text) = text_of(constant)
        {
            texts.insert(*value, text);
        }
        regions_mut(&mut instruction.op).into_iter().for_each(|inner| region(inner, texts));
    }
}

/// The text of a constant, where it is written in one way.
fn text_of(constant: &Constant) -> Option<String> {
    match constant {
        Constant::Text(text) => Some(text.clone()),
        Constant::Int(number) => Some(number.to_string()),
        Constant::Bool(value) => Some(value.to_string()),
        Constant::Unit | Constant::None | Constant::Unknown | Constant::Float(_) => None,
    }
}
