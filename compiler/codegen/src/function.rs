//! One function: registers, jumps.

use crate::emit::place;
use crate::tables::{Tables, number};
use rustc_hash::FxHashMap;
use sgl_ir::captures;
use sgl_ir::program::{Body, Region, Slot, Value};
use sgl_source::Span;
use sgl_vm::image::{Function, Op, Place, Register, Target};

/// Emits one function. Running out of registers is noted and told at the end.
pub(crate) struct FunctionEmitter<'a> {
    pub(crate) tables: &'a mut Tables,
    code: Vec<Op>,
    places: Vec<Place>,
    values: FxHashMap<Value, Register>,
    slots: FxHashMap<Slot, Register>,
    registers: u32,
    parameters: u16,
    /// Per loop: where `continue` goes, and the jumps of `break` that are still to be aimed.
    loops: Vec<(Target, Vec<usize>)>,
    pub(crate) span: Span,
    failed: bool,
}

impl<'a> FunctionEmitter<'a> {
    pub(crate) fn new(tables: &'a mut Tables, span: Span) -> Self {
        Self {
            tables,
            code: Vec::new(),
            places: Vec::new(),
            values: FxHashMap::default(),
            slots: FxHashMap::default(),
            registers: 0,
            parameters: 0,
            loops: Vec::new(),
            span,
            failed: false,
        }
    }

    pub(crate) fn parameter(&mut self, value: Value) {
        self.parameters += 1;
        self.define(value);
    }

    /// A new register.
    pub(crate) fn register(&mut self) -> Register {
        match Register::try_from(self.registers) {
            Ok(register) if register < Register::MAX => {
                self.registers += 1;
                register
            }
            _ => {
                self.failed = true;
                0
            }
        }
    }

    /// The register of a value that is defined here.
    pub(crate) fn define(&mut self, value: Value) -> Register {
        let register = self.register();
        self.values.insert(value, register);
        register
    }

    /// The register of a value that is used.
    pub(crate) fn get(&self, value: Value) -> Register {
        *self.values.get(&value).expect("the plan was verified: every use is dominated by its definition")
    }

    pub(crate) fn all(&self, values: &[Value]) -> Vec<Register> {
        values.iter().map(|value| self.get(*value)).collect()
    }

    pub(crate) fn slot(&mut self, slot: Slot) -> Register {
        if let Some(register) = self.slots.get(&slot) {
            return *register;
        }
        let register = self.register();
        self.slots.insert(slot, register);
        register
    }

    pub(crate) fn push(&mut self, op: Op) -> usize {
        self.code.push(op);
        self.places.push(place(self.span));
        self.code.len() - 1
    }

    fn here(&self) -> Target {
        number(self.code.len())
    }

    pub(crate) fn region(&mut self, region: &Region) {
        for instruction in &region.instructions {
            self.span = instruction.span;
            self.instruction(instruction);
        }
    }

    /// One of two regions.
    pub(crate) fn branch(&mut self, condition: Register, then: &Region, otherwise: &Region) {
        let skip = self.push(Op::JumpUnless { condition, target: 0 });
        self.region(then);
        if otherwise.instructions.is_empty() {
            self.aim(skip);
            return;
        }
        let end = self.push(Op::Jump { target: 0 });
        self.aim(skip);
        self.region(otherwise);
        self.aim(end);
    }

    /// A region over and over.
    pub(crate) fn repeat(&mut self, region: &Region) {
        let start = self.here();
        self.loops.push((start, Vec::new()));
        self.region(region);
        self.push(Op::Jump { target: start });
        self.end_loop();
    }

    /// A region per element.
    pub(crate) fn each(&mut self, over: Register, element: Value, region: &Region) {
        let iterator = self.register();
        self.push(Op::Iterate { to: iterator, over });
        let start = self.here();
        let to = self.define(element);
        let next = self.push(Op::Next { to, iterator, end: 0 });
        self.loops.push((start, Vec::new()));
        self.region(region);
        self.push(Op::Jump { target: start });
        self.aim(next);
        self.end_loop();
    }

    fn end_loop(&mut self) {
        let (_, breaks) = self.loops.pop().expect("a loop was begun");
        for jump in breaks {
            self.aim(jump);
        }
    }

    pub(crate) fn leave_loop(&mut self, again: bool) {
        let target = self.loops.last().map_or(0, |(start, _)| *start);
        let jump = self.push(Op::Jump { target });
        if !again && let Some((_, breaks)) = self.loops.last_mut() {
            breaks.push(jump);
        }
    }

    /// Makes a jump go here.
    pub(crate) fn aim(&mut self, jump: usize) {
        let here = self.here();
        match &mut self.code[jump] {
            Op::Jump { target } | Op::JumpUnless { target, .. } | Op::Next { end: target, .. } => *target = here,
            Op::Guard { handler, .. } => *handler = Some(here),
            _ => unreachable!("only jumps are aimed"),
        }
    }

    /// A body as a function of its own: its index, and the registers that it captures.
    pub(crate) fn body(&mut self, name: &str, body: &Body) -> (u32, Vec<Register>) {
        let captured = captures(body);
        let registers = self.all(&captured);
        let mut inner = FunctionEmitter::new(self.tables, self.span);
        for value in captured.iter().chain(&body.parameters) {
            inner.parameter(*value);
        }
        inner.region(&body.region);
        let index = match inner.finish(name.to_string()) {
            Ok(function) => {
                self.tables.functions.push(function);
                number(self.tables.functions.len() - 1)
            }
            Err(()) => {
                self.failed = true;
                0
            }
        };
        (index, registers)
    }

    /// The function; falling off its end returns `()`. An error if it needs too many registers.
    pub(crate) fn finish(mut self, name: String) -> Result<Function, ()> {
        let value = self.register();
        self.push(Op::Unit { to: value });
        self.push(Op::Return { value });
        if self.failed {
            return Err(());
        }
        let registers = Register::try_from(self.registers).map_err(|_| ())?;
        Ok(Function { name, parameters: self.parameters, registers, code: self.code, places: self.places })
    }
}
