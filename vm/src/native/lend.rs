//! Values that need no owner for as long as a call lasts: what the caller keeps, and what is a part of that.
//!
//! A parameter that the function only looks at is *lent*: the caller stays its owner until the call is over. What is read out of a
//! lent value (an element, a field, a loop's place, the list in a JSON value) is alive for as long, because nobody changes a value
//! that two hold; so are the texts of the image and the list and map without elements, which the run owns. A register all of
//! whose values are such is lent, and no owner is counted for it.
//!
//! What is changed where it is (`xs[0] = 1`, `xs.push(1)`) is *wanted*: it must be owned, or it would be copied each time, and so must
//! whatever comes there by copies and calls. What closures are called with is owned, as built-ins call them too.

use super::flow::{Registers, written};
use super::infer::Facts;
use super::kind::Kind;
use crate::image::{Binary, FunctionIndex, Image, Op, Register};
use indexmap::IndexMap;

/// Functions with what is known of them.
type Functions = IndexMap<FunctionIndex, Facts>;

/// Finds the lent registers of all functions.
pub(super) fn find(image: &Image, functions: &mut Functions) {
    let wanted = wanted(image, functions);
    for (index, known) in functions {
        known.lent = Registers::of(image.functions[*index as usize].registers);
        for register in (0..).take(known.registers.len()) {
            let kind = &known.registers[usize::from(register)];
            let counts = kind.is_counted() || matches!(kind, Kind::Pair(..));
            if counts && !wanted[index].contains(register) {
                known.lent.insert(register);
            }
        }
        loop {
            let failing = |op: &Op| written(op).filter(|to| known.lent.contains(*to) && !lends(op, known));
            let Some(register) = code(image, *index, known).find_map(failing) else { break };
            known.lent.remove(register);
        }
    }
}

/// The instructions of a function that can be reached.
fn code<'a>(image: &'a Image, index: FunctionIndex, known: &'a Facts) -> impl Iterator<Item = &'a Op> {
    let all = &image.functions[index as usize].code;
    known.flow.blocks.iter().flat_map(|block| &all[block.start..block.end])
}

/// Whether what an instruction gives is a part of something lent, or nothing that has owners.
fn lends(op: &Op, known: &Facts) -> bool {
    let kind = |register: &Register| &known.registers[usize::from(*register)];
    let lent = |register: &Register| {
        let counts = kind(register).is_counted() || matches!(kind(register), Kind::Pair(..));
        !counts || known.lent.contains(*register)
    };
    match op {
        Op::Unit { .. }
        | Op::None { .. }
        | Op::Unknown { .. }
        | Op::Bool { .. }
        | Op::Int { .. }
        | Op::Float { .. }
        | Op::Not { .. }
        | Op::Negate { .. }
        | Op::IsVariant { .. }
        | Op::IsNone { .. }
        | Op::IsShape { .. }
        | Op::Text { .. } => true,
        Op::Binary { op, .. } => {
            matches!(op, Binary::Equal | Binary::NotEqual | Binary::Less | Binary::LessEqual | Binary::In)
        }
        Op::List { items, .. } => items.is_empty(),
        Op::Map { pairs, .. } => pairs.is_empty(),
        Op::Copy { from: of, .. } | Op::Field { of, .. } => lent(of),
        Op::Index { of, .. } => matches!(kind(of).some(), Kind::List(_)) && lent(of),
        Op::Iterate { over, .. } => match kind(over).some() {
            Kind::Range => true,
            Kind::List(_) | Kind::Map(..) | Kind::Any => lent(over),
            _ => false,
        },
        Op::Next { to, iterator, .. } => match kind(iterator) {
            Kind::Iterator(over) => match **over {
                Kind::Map(..) => matches!(kind(to), Kind::Pair(..)) && lent(iterator),
                _ => lent(iterator),
            },
            _ => false,
        },
        Op::Builtin { builtin, arguments, .. } => match builtin.as_str() {
            "json.as_int" | "json.as_bool" | "json.as_str" | "json.as_list" | "json.as_map" | "json.is_null"
            | "optional.or" => arguments.iter().all(lent),
            "list.get" => matches!(kind(&arguments[0]).some(), Kind::List(_)) && lent(&arguments[0]),
            _ => false,
        },
        _ => false,
    }
}

/// Registers of each function whose values are changed where they are, here or where they are copied or given to.
fn wanted(image: &Image, functions: &Functions) -> IndexMap<FunctionIndex, Registers> {
    let none = |index: &FunctionIndex| Registers::of(image.functions[*index as usize].registers);
    let mut wanted: IndexMap<FunctionIndex, Registers> = functions.keys().map(|index| (*index, none(index))).collect();
    for known in functions.values() {
        // What a register with a closure holds may be called with values of its own.
        known.registers.iter().for_each(|kind| {
            if let Kind::Closure(function) = kind
                && let Some(all) = wanted.get_mut(function)
            {
                (0..image.functions[*function as usize].parameters).for_each(|parameter| all.insert(parameter));
            }
        });
    }
    loop {
        let mut grew = false;
        for (index, known) in functions {
            for op in code(image, *index, known) {
                for register in wants(op, &wanted[index], &wanted) {
                    if !wanted[index].contains(register) {
                        wanted[index].insert(register);
                        grew = true;
                    }
                }
            }
        }
        if !grew {
            return wanted;
        }
    }
}

/// What an instruction wants to own.
fn wants(op: &Op, here: &Registers, all: &IndexMap<FunctionIndex, Registers>) -> Vec<Register> {
    match op {
        Op::Push { list, .. } => vec![*list],
        Op::WithIndex { of, .. } => vec![*of],
        Op::Copy { to, from } if here.contains(*to) => vec![*from],
        Op::Call { function, arguments, .. } => match all.get(function) {
            Some(callee) => {
                (0..).zip(arguments).filter(|(at, _)| callee.contains(*at)).map(|(_, argument)| *argument).collect()
            }
            None => Vec::new(),
        },
        Op::Builtin { to, builtin, arguments } => match builtin.as_str() {
            "list.push" => vec![arguments[0]],
            "list.fold" => vec![arguments[1]],
            "optional.or" | "json.as_list" | "json.as_map" if here.contains(*to) => arguments.clone(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
