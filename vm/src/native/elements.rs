//! Where the elements of a list are, and how many: read when a register gets a list, and kept beside its pointer.
//!
//! A list only changes through the register that owns it alone, which gets what is true then. So what was read holds for as long as
//! a register has the list, and loops don't read it again. What nobody uses is never read: loads without effect are dropped.

use super::emit::Emitter;
use super::kind::Kind;
use super::operand::Operand;
use crate::image::Register;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::{FunctionBuilder, Variable};

/// The elements of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements {
    /// Where the first one is.
    pub(super) data: Value,
    pub(super) len: Value,
}

/// The variables of a register that has elements; none if it has none, or not always.
pub(super) fn variables(b: &mut FunctionBuilder<'_>, kind: &Kind) -> Option<[Variable; 2]> {
    let has_elements = match kind {
        Kind::List(_) => true,
        Kind::Iterator(over) => matches!(**over, Kind::List(_) | Kind::Map(..)),
        _ => false,
    };
    has_elements.then(|| [b.declare_var(types::I64), b.declare_var(types::I64)])
}

impl Emitter<'_, '_> {
    /// The elements of the list or the loop's place that a register holds.
    pub(super) fn elements_in(&mut self, register: Register) -> Elements {
        if let Some([data, len]) = self.elements[usize::from(register)] {
            return Elements { data: self.b.use_var(data), len: self.b.use_var(len) };
        }
        let list = self.some(register).word();
        self.elements_of(list)
    }

    /// Keeps the elements of what a register gets.
    pub(super) fn set_elements(&mut self, register: Register, value: &Operand) {
        let Some([data, len]) = self.elements[usize::from(register)] else { return };
        let elements = self.elements_as_known(value);
        self.b.def_var(data, elements.data);
        self.b.def_var(len, elements.len);
    }

    /// The elements of a list, which may have been read before.
    pub(super) fn elements_as_known(&mut self, list: &Operand) -> Elements {
        match list.elements {
            Some(elements) => elements,
            None => self.elements_of(list.word()),
        }
    }

    /// The elements behind a pointer to a list or map.
    pub(super) fn elements_of(&mut self, pointer: Value) -> Elements {
        let data = self.load(types::I64, pointer, self.source.layout.data);
        Elements { data, len: self.len(pointer) }
    }

    pub(super) fn len(&mut self, pointer: Value) -> Value {
        self.load(types::I64, pointer, self.source.layout.len)
    }

    /// Where an element is.
    pub(super) fn place(&mut self, data: Value, at: Value) -> Value {
        let offset = self.b.ins().ishl_imm_u(at, 4);
        self.b.ins().iadd(data, offset)
    }

    /// The place in a list of so many elements that a register names, counted from the beginning; gives up where it is outside. What
    /// is known to be inside, or was found to be on the way here, is not looked at.
    pub(super) fn place_in(&mut self, list: Register, len: Value, register: Register) -> Value {
        let at = self.want(register, &Kind::Int).word();
        if self.naturals.places.contains(&(register, list)) {
            return at;
        }
        if !self.naturals.natural.contains(register) {
            return self.inside(len, at);
        }
        if !self.inside.contains(&[len, at]) {
            let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, at, len);
            self.demand(inside);
            self.inside.push([len, at]);
        }
        at
    }

    /// A place that may count from the end, as one from the beginning; gives up where it is outside.
    fn inside(&mut self, len: Value, at: Value) -> Value {
        let (on, from_end) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(from_end);
        self.b.append_block_param(on, types::I64);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, at, len);
        self.b.ins().brif(inside, on, &[at.into()], from_end, &[]);
        self.b.seal_block(from_end);
        self.b.switch_to_block(from_end);
        // One from the beginning that is too great stays so: lists are short of 2^63.
        let counted = self.b.ins().iadd(at, len);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, counted, len);
        self.demand(inside);
        self.b.ins().jump(on, &[counted.into()]);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
        self.b.block_params(on)[0]
    }
}
