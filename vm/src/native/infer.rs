//! Kinds of all registers of a function and of everything it calls, from the kinds of its arguments.
//!
//! An abstract run: kinds only grow (`Kind::join`) and are of bounded depth, so it ends. What it finds of registers holds, because
//! code is made by it; what it finds of the insides of lists and records is a guess that code checks where it reads them.

use super::flow::{Flow, Registers, is_supported, read, written};
use super::kind::Kind;
use super::{lend, results};
use crate::image::{Binary, Function, FunctionIndex, Image, Op, Register};
use crate::value::Value;
use indexmap::IndexMap;

/// Instructions that one piece of code may come from.
const OPS_MAX: usize = 20_000;
/// Registers that a function of native code may have.
const REGISTERS_MAX: u16 = 2_000;
/// Times that all functions are looked at; kinds have settled long before.
const ROUNDS_MAX: usize = 60;
/// Elements of a list that are looked at.
const ELEMENTS_SEEN: usize = 16;
/// How deep values are looked at.
const DEPTH_SEEN: u32 = 3;

/// What is known of a function.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) registers: Vec<Kind>,
    pub(super) result: Kind,
    pub(super) flow: Flow,
    /// Registers whose values need no owner (`lend`).
    pub(super) lent: Registers,
}

/// Which fields: of a record type or of the variants of an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    Record(u32),
    Enum(u32),
}

/// What is known of a function and of everything it calls.
#[derive(Clone, Debug)]
pub(super) struct Inference<'a> {
    image: &'a Image,
    /// By index in the image; the first is the one that was asked for.
    pub(super) functions: IndexMap<FunctionIndex, Facts>,
    fields: IndexMap<(Owner, u16), Kind>,
    grew: bool,
    ops: usize,
}

impl<'a> Inference<'a> {
    /// Kinds for a call with such arguments; none if some of it is not pure code.
    pub(super) fn of_call(image: &'a Image, function: FunctionIndex, arguments: &[Value]) -> Option<Self> {
        let mut inference = Self { image, functions: IndexMap::new(), fields: IndexMap::new(), grew: false, ops: 0 };
        inference.open(function)?;
        for (register, argument) in (0..).zip(arguments) {
            let kind = inference.seen(argument, DEPTH_SEEN)?;
            inference.put(function, register, &kind);
        }
        for _ in 0..ROUNDS_MAX {
            inference.grew = false;
            let known: Vec<FunctionIndex> = inference.functions.keys().copied().collect();
            for function in known {
                inference.round(function)?;
            }
            if !inference.grew {
                lend::find(image, &mut inference.functions);
                return Some(inference);
            }
        }
        None
    }

    /// The kinds of the parameters that code is made for.
    pub(super) fn parameters(&self, function: FunctionIndex) -> &[Kind] {
        let count = usize::from(self.image.functions[function as usize].parameters);
        &self.functions[&function].registers[..count]
    }

    pub(super) fn field(&self, owner: Owner, index: u16) -> Kind {
        self.fields.get(&(owner, index)).cloned().unwrap_or(Kind::Never)
    }

    /// The kind of a value that is there.
    fn seen(&mut self, value: &Value, depth: u32) -> Option<Kind> {
        let deeper = depth.saturating_sub(1);
        Some(match value {
            Value::Int(_) => Kind::Int,
            Value::Float(_) => Kind::Float,
            Value::Bool(_) => Kind::Bool,
            Value::Str(_) => Kind::Str,
            Value::None => Kind::maybe(Kind::Never),
            Value::List(_) | Value::Map(_) | Value::Tuple(_) if depth == 0 => Kind::Any,
            Value::List(items) => {
                let mut kind = Kind::Never;
                for item in items.iter().take(ELEMENTS_SEEN) {
                    kind = kind.join(&self.seen(item, deeper)?);
                }
                Kind::list(kind)
            }
            Value::Map(pairs) => {
                let (mut key, mut item) = (Kind::Never, Kind::Never);
                for (k, v) in pairs.iter().take(ELEMENTS_SEEN) {
                    key = key.join(&self.seen(k, deeper)?);
                    item = item.join(&self.seen(v, deeper)?);
                }
                Kind::Map(Box::new(key), Box::new(item))
            }
            Value::Tuple(items) => {
                Kind::Tuple(items.iter().map(|item| self.seen(item, deeper)).collect::<Option<_>>()?)
            }
            Value::Record(of, items) => {
                self.see_fields(Owner::Record(*of), items, deeper)?;
                Kind::Record(*of)
            }
            Value::Variant(_, of, items) => {
                self.see_fields(Owner::Enum(*of), items, deeper)?;
                Kind::Variant(*of)
            }
            Value::Closure(function, captures) => {
                self.open(*function)?;
                for (register, captured) in (0..).zip(captures.iter()) {
                    let kind = self.seen(captured, deeper)?;
                    self.put(*function, register, &kind);
                }
                Kind::Closure(*function)
            }
            Value::Iterator(_) | Value::Pending(_) | Value::Image(_) => return None,
            Value::Unit | Value::Unknown | Value::Range(_) | Value::Transcript(_) => Kind::Any,
        })
    }

    fn see_fields(&mut self, owner: Owner, items: &[Value], depth: u32) -> Option<()> {
        for (index, item) in (0..).zip(items) {
            let kind = if depth == 0 { Kind::Any } else { self.seen(item, depth)? };
            self.put_field(owner, index, kind);
        }
        Some(())
    }

    /// Takes a function in; none if it is not pure code, or all together is too much.
    fn open(&mut self, index: FunctionIndex) -> Option<()> {
        if self.functions.contains_key(&index) {
            return Some(());
        }
        let function = self.image.functions.get(index as usize)?;
        self.ops += function.code.len();
        if self.ops > OPS_MAX || function.registers > REGISTERS_MAX {
            return None;
        }
        let flow = Flow::of(function);
        let reached = flow.blocks.iter().flat_map(|block| &function.code[block.start..block.end]);
        if !reached.clone().all(is_supported) {
            return None;
        }
        let mut registers = vec![Kind::Never; usize::from(function.registers)];
        // What is read before it is written is `()`, as it is in the interpreter.
        for register in flow.blocks[0].live.iter().filter(|register| *register >= function.parameters) {
            registers[usize::from(register)] = Kind::Any;
        }
        self.functions.insert(index, Facts { registers, result: Kind::Never, flow, lent: Registers::default() });
        self.grew = true;
        Some(())
    }

    fn put(&mut self, function: FunctionIndex, register: Register, kind: &Kind) {
        let Some(known) = self.functions.get_mut(&function).and_then(|f| f.registers.get_mut(usize::from(register)))
        else {
            return;
        };
        let joined = known.join(kind).bounded(DEPTH_SEEN);
        self.grew |= joined != *known;
        *known = joined;
    }

    fn put_field(&mut self, owner: Owner, index: u16, kind: Kind) {
        let known = self.fields.entry((owner, index)).or_insert(Kind::Never);
        let joined = known.join(&kind.contained()).bounded(DEPTH_SEEN);
        self.grew |= joined != *known;
        *known = joined;
    }

    fn round(&mut self, index: FunctionIndex) -> Option<()> {
        let image = self.image;
        let function = &image.functions[index as usize];
        let flow = self.functions[&index].flow.clone();
        for (block, known) in flow.blocks.iter().enumerate() {
            let live = flow.live_in_block(block, function);
            for (op, live) in function.code[known.start..known.end].iter().zip(&live) {
                self.op(index, function, op, live)?;
            }
        }
        Some(())
    }

    pub(super) fn kind(&self, function: FunctionIndex, register: Register) -> Kind {
        self.functions[&function].registers[usize::from(register)].clone()
    }

    /// What an instruction shows. What it writes counts only if it is read: `live` has what is read after it.
    fn op(&mut self, index: FunctionIndex, function: &Function, op: &Op, live: &Registers) -> Option<()> {
        let kind = |this: &Self, register: &Register| this.kind(index, *register);
        // A loop's place is for its loop only.
        let mut moves_place = false;
        read(op, &mut |register| moves_place |= matches!(self.kind(index, register), Kind::Iterator(_)));
        if moves_place && !matches!(op, Op::Next { .. }) {
            return None;
        }
        let result = match op {
            Op::Return { value } => {
                let kind = kind(self, value);
                let facts = self.functions.get_mut(&index)?;
                let joined = facts.result.join(&kind.contained()).bounded(DEPTH_SEEN);
                self.grew |= joined != facts.result;
                facts.result = joined;
                return Some(());
            }
            Op::Unit { .. } | Op::Unknown { .. } => Kind::Any,
            Op::None { .. } => Kind::maybe(Kind::Never),
            Op::Bool { .. } | Op::Not { .. } | Op::IsVariant { .. } | Op::IsNone { .. } | Op::IsShape { .. } => {
                Kind::Bool
            }
            Op::Int { .. } => Kind::Int,
            Op::Float { .. } => Kind::Float,
            Op::Text { .. } | Op::ToText { .. } | Op::Concat { .. } => Kind::Str,
            Op::Copy { from, .. } => kind(self, from),
            Op::List { items, .. } => {
                let joined = items.iter().fold(Kind::Never, |all, item| all.join(&kind(self, item).contained()));
                Kind::list(joined)
            }
            Op::Tuple { items, .. } => Kind::Tuple(items.iter().map(|item| kind(self, item).contained()).collect()),
            Op::Map { pairs, .. } => {
                let keys = pairs.iter().fold(Kind::Never, |all, (key, _)| all.join(&kind(self, key).contained()));
                let values = pairs.iter().fold(Kind::Never, |all, (_, v)| all.join(&kind(self, v).contained()));
                Kind::Map(Box::new(keys), Box::new(values))
            }
            Op::Record { record, items, .. } => {
                for (field, item) in (0..).zip(items) {
                    let kind = kind(self, item);
                    self.put_field(Owner::Record(*record), field, kind);
                }
                Kind::Record(*record)
            }
            Op::Variant { of, items, .. } => {
                for (field, item) in (0..).zip(items) {
                    let kind = kind(self, item);
                    self.put_field(Owner::Enum(*of), field, kind);
                }
                Kind::Variant(*of)
            }
            Op::Range { to, end, .. } => {
                if end.is_some() && stays_a_range(function, *to) {
                    Kind::Range
                } else {
                    Kind::Any
                }
            }
            Op::Closure { function: callee, captures, .. } => {
                self.open(*callee)?;
                for (register, captured) in (0..).zip(captures) {
                    let kind = kind(self, captured);
                    self.put(*callee, register, &kind.contained());
                }
                Kind::Closure(*callee)
            }
            Op::Field { of, index: field, .. } => match kind(self, of).some() {
                Kind::Tuple(items) => items.get(usize::from(*field)).cloned().unwrap_or(Kind::Any),
                Kind::Pair(key, value) => if *field == 0 { key } else { value }.as_ref().clone(),
                Kind::Record(of) => self.field(Owner::Record(*of), *field),
                Kind::Variant(of) => self.field(Owner::Enum(*of), *field),
                Kind::Never => Kind::Never,
                _ => Kind::Any,
            },
            Op::WithField { of, index: field, value, .. } => {
                let value = kind(self, value).contained();
                match kind(self, of).some() {
                    Kind::Tuple(items) => {
                        let mut items = items.clone();
                        if let Some(item) = items.get_mut(usize::from(*field)) {
                            *item = item.join(&value);
                        }
                        Kind::Tuple(items)
                    }
                    Kind::Record(of) => {
                        self.put_field(Owner::Record(*of), *field, value);
                        Kind::Record(*of)
                    }
                    Kind::Never => Kind::Never,
                    _ => Kind::Any,
                }
            }
            Op::Index { of, .. } => match kind(self, of).some() {
                Kind::List(item) | Kind::Map(_, item) => item.as_ref().clone(),
                Kind::Never => Kind::Never,
                _ => Kind::Any,
            },
            Op::WithIndex { of, at, value, .. } => {
                let (at, value) = (kind(self, at).contained(), kind(self, value).contained());
                match kind(self, of).some() {
                    Kind::List(item) => Kind::list(item.join(&value)),
                    Kind::Map(keys, item) => Kind::Map(Box::new(keys.join(&at)), Box::new(item.join(&value))),
                    Kind::Never => Kind::Never,
                    _ => Kind::Any,
                }
            }
            Op::Push { item, .. } => Kind::list(kind(self, item)),
            Op::Negate { of, .. } => match kind(self, of).some() {
                number @ (Kind::Int | Kind::Float | Kind::Never) => number.clone(),
                _ => Kind::Any,
            },
            Op::Binary { op, left, right, .. } => of_binary(*op, kind(self, left).some(), kind(self, right).some()),
            Op::Iterate { over, .. } => match kind(self, over).some() {
                Kind::Never => Kind::Never,
                Kind::Range => Kind::Iterator(Box::new(Kind::Range)),
                over => Kind::Iterator(Box::new(results::elements(over)?)),
            },
            Op::Next { iterator, .. } => match kind(self, iterator) {
                Kind::Iterator(over) => match *over {
                    Kind::Range => Kind::Int,
                    Kind::List(item) => *item,
                    Kind::Map(key, value) if self.functions[&index].flow.is_taken_apart(function, op) => {
                        Kind::Pair(key, value)
                    }
                    Kind::Map(key, value) => Kind::Tuple(vec![*key, *value]),
                    _ => return None,
                },
                Kind::Never => Kind::Never,
                _ => return None,
            },
            Op::Call { function: callee, arguments, .. } => {
                self.open(*callee)?;
                for (register, argument) in (0..).zip(arguments) {
                    let kind = kind(self, argument);
                    self.put(*callee, register, &kind.contained());
                }
                self.functions[callee].result.clone()
            }
            Op::CallClosure { closure, arguments, .. } => match kind(self, closure) {
                Kind::Closure(callee) => {
                    let kinds: Vec<Kind> = arguments.iter().map(|argument| kind(self, argument)).collect();
                    self.apply(callee, &kinds)?
                }
                Kind::Never => Kind::Never,
                _ => return None,
            },
            Op::Builtin { builtin, arguments, .. } => {
                let kinds: Vec<Kind> = arguments.iter().map(|argument| kind(self, argument)).collect();
                self.builtin(builtin, &kinds)?
            }
            _ => return Some(()),
        };
        if let Some(to) = written(op).filter(|to| live.contains(*to)) {
            self.put(index, to, &result);
        }
        Some(())
    }

    /// What a closure gives for such arguments.
    pub(super) fn apply(&mut self, callee: FunctionIndex, arguments: &[Kind]) -> Option<Kind> {
        self.open(callee)?;
        let first =
            self.image.functions[callee as usize].parameters.checked_sub(u16::try_from(arguments.len()).ok()?)?;
        for (register, kind) in (first..).zip(arguments) {
            self.put(callee, register, &kind.clone().contained());
        }
        Some(self.functions[&callee].result.clone())
    }

    fn builtin(&mut self, name: &str, arguments: &[Kind]) -> Option<Kind> {
        if arguments.contains(&Kind::Never) {
            return Some(Kind::Never);
        }
        let item = match arguments[0].some() {
            Kind::List(item) => item.as_ref().clone(),
            _ => Kind::Any,
        };
        let closure = |at: usize| match arguments.get(at) {
            Some(Kind::Closure(callee)) => Some(*callee),
            _ => None,
        };
        Some(match name {
            "list.fold" => {
                let mut folded = arguments[1].clone();
                let given = self.apply(closure(2)?, &[folded.clone(), item.clone()])?;
                folded = folded.join(&given);
                self.apply(closure(2)?, &[folded.clone(), item])?;
                folded
            }
            "list.map" => Kind::list(self.apply(closure(1)?, &[item])?),
            "list.filter" | "list.any" | "list.all" | "list.find" | "list.count" | "list.sort_by" | "list.max_by"
            | "list.min_by" | "list.group_by" => {
                let given = self.apply(closure(1)?, std::slice::from_ref(&item))?;
                match name {
                    "list.filter" | "list.sort_by" => Kind::list(item),
                    "list.any" | "list.all" => Kind::Bool,
                    "list.count" => Kind::Int,
                    "list.group_by" => Kind::Map(Box::new(given.contained()), Box::new(Kind::list(item))),
                    _ => Kind::maybe(item),
                }
            }
            _ => results::of_builtin(name, arguments, item)?,
        })
    }
}

/// Whether a range is only gone over or looked into, so that it needs no memory.
fn stays_a_range(function: &Function, register: Register) -> bool {
    function.code.iter().all(|op| match op {
        Op::Iterate { .. } => true,
        Op::Range { start, end, .. } => *start != register && *end != Some(register),
        Op::Binary { op: Binary::In, left, .. } => *left != register,
        _ => {
            let mut reads = false;
            read(op, &mut |other| reads |= other == register);
            !reads && written(op) != Some(register)
        }
    })
}

fn of_binary(op: Binary, left: &Kind, right: &Kind) -> Kind {
    match op {
        Binary::Equal | Binary::NotEqual | Binary::Less | Binary::LessEqual | Binary::In => Kind::Bool,
        Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Remainder => match (left, right) {
            (Kind::Never, _) | (_, Kind::Never) => Kind::Never,
            (Kind::Int, Kind::Int) => Kind::Int,
            (Kind::Int | Kind::Float, Kind::Int | Kind::Float) => Kind::Float,
            (Kind::Str, Kind::Str) if op == Binary::Add => Kind::Str,
            (Kind::List(_), Kind::List(_)) if op == Binary::Add => left.join(right),
            _ => Kind::Any,
        },
    }
}
