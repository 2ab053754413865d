//! Lists: elements by place, and lists that nobody else holds are changed where they are.

use super::emit::Emitter;
use super::kind::Kind;
use super::layout::{PAYLOAD, STRONG, tag};
use super::operand::Operand;
use super::services::{Context, Helper};
use crate::image::Register;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

impl Emitter<'_, '_> {
    pub(super) fn len(&mut self, list: Value) -> Value {
        self.load(types::I64, list, self.source.layout.len)
    }

    /// Where an element is.
    fn place(&mut self, list: Value, at: Value) -> Value {
        let data = self.load(types::I64, list, self.source.layout.data);
        let offset = self.b.ins().ishl_imm_u(at, 4);
        self.b.ins().iadd(data, offset)
    }

    /// An element, not owned; the place is inside.
    pub(super) fn element(&mut self, list: Value, at: Value, kind: &Kind) -> Operand {
        let place = self.place(list, at);
        self.load_value(place, 0, kind)
    }

    /// A place that may count from the end, as one from the beginning, and whether it is inside.
    fn counted_from_start(&mut self, list: Value, at: Value) -> (Value, Value) {
        let len = self.len(list);
        let from_end = self.b.ins().iadd(at, len);
        let is_negative = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, at, 0);
        let at = self.b.ins().select(is_negative, from_end, at);
        (at, self.b.ins().icmp(IntCC::UnsignedLessThan, at, len))
    }

    pub(super) fn index(&mut self, to: Register, of: Register, at: Register) -> Operand {
        let Kind::List(item) = self.kind(of).some().clone() else {
            let (values, _) = self.lay_out(&[of, at]);
            let (second, out) = (self.b.ins().iadd_imm_s(values, 16), self.output());
            let done = self.call(Helper::Index, &[values, second, out]);
            return self.given(done, out, to);
        };
        let (list, at) = (self.some(of).word(), self.want(at, &Kind::Int).word());
        let (at, inside) = self.counted_from_start(list, at);
        self.demand(inside);
        let element = self.element(list, at, &item);
        self.retain_result(&element);
        element
    }

    /// The element at a place, or `none`.
    pub(super) fn get(&mut self, of: Register, at: Register) -> Operand {
        let (list, at) = (self.some(of).word(), self.want(at, &Kind::Int).word());
        let (at, inside) = self.counted_from_start(list, at);
        let (there, after) = (self.b.create_block(), self.b.create_block());
        self.b.append_block_param(after, types::I64);
        self.b.append_block_param(after, types::I64);
        let (none, nothing) = (self.int(i64::from(tag::NONE)), self.int(0));
        self.b.ins().brif(inside, there, &[], after, &[none.into(), nothing.into()]);
        self.b.switch_to_block(there);
        let element = self.element(list, at, &Kind::Any);
        self.retain(&element);
        self.b.ins().jump(after, &[element.words[0].into(), element.words[1].into()]);
        self.b.switch_to_block(after);
        let words = self.b.block_params(after).to_vec();
        Operand::new(Kind::Any, words)
    }

    pub(super) fn with_index(&mut self, to: Register, of: Register, at: Register, value: Register) -> Operand {
        let kind = self.kind(of).some().clone();
        let Kind::List(_) = kind else {
            let (values, _) = self.lay_out(&[of, at, value]);
            let out = self.output();
            let done = self.call(Helper::WithIndex, &[self.context, values, out]);
            return self.given(done, out, to);
        };
        let (list, place) = (self.some(of), self.want(at, &Kind::Int).word());
        let (place, inside) = self.counted_from_start(list.word(), place);
        self.demand(inside);
        self.take_as(of, &list);
        let item = self.kind(value);
        let item = self.take(value, &item);
        let list = self.own_alone(list.word());
        let place = self.place(list, place);
        let old = (self.load(types::I64, place, 0), self.load(types::I64, place, PAYLOAD));
        self.store_boxed(&item, place, 0);
        self.release(&Operand::new(Kind::Any, vec![old.0, old.1]));
        Operand::one(kind, list)
    }

    /// A list that is owned, as one that nobody else holds.
    fn own_alone(&mut self, list: Value) -> Value {
        let (shared, after) = (self.b.create_block(), self.b.create_block());
        self.b.append_block_param(after, types::I64);
        let owners = self.load(types::I64, list, STRONG);
        let alone = self.b.ins().icmp_imm_u(IntCC::Equal, owners, 1);
        self.b.ins().brif(alone, after, &[list.into()], shared, &[]);
        self.b.switch_to_block(shared);
        let copy = self.call(Helper::Unique, &[list]);
        self.b.ins().jump(after, &[copy.into()]);
        self.b.switch_to_block(after);
        self.b.block_params(after)[0]
    }

    pub(super) fn push(&mut self, list: Register, item: Register) -> Operand {
        let pushed = self.want(list, &Kind::list(Kind::Any));
        let len = self.len(pushed.word());
        let most = self.load(types::I64, self.context, Context::ELEMENTS);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThan, len, most);
        self.demand(fits);
        self.take_as(list, &pushed);
        let kind = self.kind(item);
        let item = self.take(item, &kind);
        let word = self.pushed(pushed.word(), &item);
        Operand::one(Kind::list(Kind::Any), word)
    }

    /// A list with a value at its end; takes both.
    pub(super) fn pushed(&mut self, list: Value, item: &Operand) -> Value {
        let (head, payload) = self.boxed(item);
        let (alone, here, elsewhere, after) =
            (self.b.create_block(), self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.append_block_param(after, types::I64);
        let owners = self.load(types::I64, list, STRONG);
        let is_alone = self.b.ins().icmp_imm_u(IntCC::Equal, owners, 1);
        self.b.ins().brif(is_alone, alone, &[], elsewhere, &[]);
        self.b.switch_to_block(alone);
        let len = self.len(list);
        let room = self.load(types::I64, list, self.source.layout.capacity);
        let has_room = self.b.ins().icmp(IntCC::UnsignedLessThan, len, room);
        self.b.ins().brif(has_room, here, &[], elsewhere, &[]);
        self.b.switch_to_block(here);
        let place = self.place(list, len);
        self.store(head, place, 0);
        self.store(payload, place, PAYLOAD);
        let longer = self.b.ins().iadd_imm_s(len, 1);
        self.store(longer, list, self.source.layout.len);
        self.b.ins().jump(after, &[list.into()]);
        self.b.switch_to_block(elsewhere);
        let copy = self.call(Helper::Push, &[list, head, payload]);
        self.b.ins().jump(after, &[copy.into()]);
        self.b.switch_to_block(after);
        self.b.block_params(after)[0]
    }
}
