//! Constants computed before the run: each becomes a function that only builds its value.
//!
//! They are run by the machine itself, within bounds of their own; a fault is a diagnostic at its place. A constant that
//! holds a function, or is very large, is left to be computed when it is first read.

use crate::emit::place;
use indexmap::IndexSet;
use sgl_ir::Program;
use sgl_protocol::{Scripted, Shape};
use sgl_source::{Code, Diagnostic, FileId, Span};
use sgl_vm::image::{Entry, Function, Image, Op, Place, Register};
use sgl_vm::{Limits, RunOptions, Silent, Tier, Trap, Value};

/// Bounds of one constant: a second at most, and a few megabytes.
const LIMITS: Limits =
    Limits { steps: 2_000_000, frames: 500, nested_calls: 40, elements: 1_000_000, branches: 1, tasks: 1 };
/// Parts of a value that is written out.
const PARTS_MAX: usize = 10_000;

/// Computes the constants of an image; what can't be computed is a diagnostic.
pub fn fold(program: &Program, image: &mut Image) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut texts: IndexSet<String> = image.texts.drain(..).collect();
    image.texts = texts.iter().cloned().collect();
    for (name, function) in &program.constants {
        let span = program.functions[*function as usize].span;
        match compute(image, name, *function) {
            Ok(value) => {
                let mut writer = Writer { texts: &mut texts, code: Vec::new(), registers: 0 };
                if let Some(register) = writer.write(&value) {
                    writer.code.push(Op::Return { value: register });
                    let (code, registers) = (writer.code, writer.registers);
                    let places = vec![place(span); code.len()];
                    image.functions[*function as usize] =
                        Function { name: name.clone(), parameters: 0, registers, code, places };
                    image.texts = texts.iter().cloned().collect();
                }
            }
            Err(trap) => {
                let diagnostic = fault(name, span, &trap);
                // A constant that reads one that can't be computed is its echo.
                if !found.iter().any(|known| known.labels[0].span == diagnostic.labels[0].span) {
                    found.push(diagnostic);
                }
            }
        }
    }
    found
}

fn compute(image: &Image, name: &str, function: u32) -> Result<Value, Trap> {
    let (name, doc) = (name.to_string(), String::new());
    let entry =
        Entry { name, doc, function, prompt: false, parameters: Vec::new(), result: Shape::Null, uses: Vec::new() };
    // Functions change while constants are computed, so no code is made of them yet.
    let options = RunOptions { limits: LIMITS, native: Tier::Never, ..RunOptions::default() };
    let mut nobody = Scripted::new(Vec::new(), Box::new(|_| None));
    sgl_vm::run(image, &entry, Vec::new(), &mut nobody, &options, &mut Silent)
}

fn fault(name: &str, declared: Span, trap: &Trap) -> Diagnostic {
    let at = |place: Place| Span { file: FileId(place.file), start: place.start, end: place.end };
    let message = format!("the constant `{name}` can't be computed: {}", trap.message);
    let mut diagnostic = Diagnostic::error(Code::E0212, message, at(trap.place), "here");
    if !declared.contains(at(trap.place)) {
        diagnostic = diagnostic.with_label(declared, "the constant");
    }
    for (function, place) in trap.stack.iter().skip(1).take(3) {
        diagnostic = diagnostic.with_label(at(*place), format!("called here, in `{function}`"));
    }
    diagnostic.with_help_if(trap.help.clone())
}

/// Instructions that build a value.
struct Writer<'a> {
    texts: &'a mut IndexSet<String>,
    code: Vec<Op>,
    registers: Register,
}

impl Writer<'_> {
    /// The register that holds the value; none if it can't be written out.
    fn write(&mut self, value: &Value) -> Option<Register> {
        if self.code.len() >= PARTS_MAX {
            return None;
        }
        let parts = match value {
            Value::List(items) | Value::Tuple(items) | Value::Record(_, items) | Value::Variant(_, _, items) => {
                self.all(items)?
            }
            Value::Map(pairs) => {
                let pairs: Vec<Value> = pairs.iter().flat_map(|(k, v)| [k.clone(), v.clone()]).collect();
                self.all(&pairs)?
            }
            Value::Range(range) => {
                let (start, end) = **range;
                let bounds: Vec<Value> = std::iter::once(start).chain(end).map(Value::Int).collect();
                self.all(&bounds)?
            }
            _ => Vec::new(),
        };
        let to = self.registers;
        self.registers = to.checked_add(1)?;
        self.code.push(match value {
            Value::Unit => Op::Unit { to },
            Value::None => Op::None { to },
            Value::Unknown => Op::Unknown { to },
            Value::Bool(value) => Op::Bool { to, value: *value },
            Value::Int(value) => Op::Int { to, value: *value },
            Value::Float(value) => Op::Float { to, value: *value },
            Value::Str(text) => {
                let (index, _) = self.texts.insert_full(text.to_string());
                Op::Text { to, text: u32::try_from(index).ok()? }
            }
            Value::List(_) => Op::List { to, items: parts },
            Value::Tuple(_) => Op::Tuple { to, items: parts },
            Value::Record(record, _) => Op::Record { to, record: *record, items: parts },
            Value::Variant(variant, of, _) => Op::Variant { to, of: *of, variant: *variant, items: parts },
            Value::Map(_) => Op::Map { to, pairs: parts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect() },
            Value::Range(..) => Op::Range { to, start: *parts.first()?, end: parts.get(1).copied(), inclusive: false },
            _ => return None,
        });
        Some(to)
    }

    fn all(&mut self, values: &[Value]) -> Option<Vec<Register>> {
        values.iter().map(|value| self.write(value)).collect()
    }
}
