//! Lists: elements by place, and lists that nobody else holds are changed where they are.

use super::elements::Elements;
use super::emit::Emitter;
use super::kind::Kind;
use super::layout::{PAYLOAD, STRONG, tag};
use super::operand::Operand;
use super::services::{Context, Helper};
use crate::image::Register;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

impl Emitter<'_, '_> {
    /// An element, not owned; the place is inside.
    pub(super) fn element(&mut self, data: Value, at: Value, kind: &Kind, certain: bool) -> Operand {
        let place = self.place(data, at);
        if certain { self.load_certain(place, kind) } else { self.load_value(place, 0, kind) }
    }

    pub(super) fn index(&mut self, to: Register, of: Register, at: Register) -> Operand {
        let Kind::List(item) = self.kind(of).some().clone() else {
            let (values, _) = self.lay_out(&[of, at]);
            let (second, out) = (self.b.ins().iadd_imm_s(values, 16), self.output());
            let done = self.call(Helper::Index, &[values, second, out]);
            return self.given(done, out, to);
        };
        let Elements { data, len } = self.elements_in(of);
        let at = self.place_in(of, len, at);
        let element = self.element(data, at, &item, self.certain.contains(of));
        self.retain_result(&element);
        element
    }

    /// The element at a place, or `none`.
    pub(super) fn get(&mut self, of: Register, at: Register) -> Operand {
        let at = self.want(at, &Kind::Int).word();
        let Elements { data, len } = self.elements_in(of);
        let from_end = self.b.ins().iadd(at, len);
        let is_negative = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, at, 0);
        let at = self.b.ins().select(is_negative, from_end, at);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, at, len);
        let (there, after) = (self.b.create_block(), self.b.create_block());
        self.b.append_block_param(after, types::I64);
        self.b.append_block_param(after, types::I64);
        let (none, nothing) = (self.int(i64::from(tag::NONE)), self.int(0));
        self.b.ins().brif(inside, there, &[], after, &[none.into(), nothing.into()]);
        self.b.switch_to_block(there);
        let element = self.element(data, at, &Kind::Any, false);
        self.retain_result(&element);
        self.b.ins().jump(after, &[element.words[0].into(), element.words[1].into()]);
        self.b.switch_to_block(after);
        let words = self.b.block_params(after).to_vec();
        Operand::new(Kind::Any, words)
    }

    /// A tuple of its own of a key and a value in a map.
    pub(super) fn tuple_of(&mut self, pair: &Operand) -> Operand {
        let layout = self.source.layout;
        let parts = [layout.key, layout.value].map(|offset| self.load_value(pair.word(), offset, &Kind::Any));
        let at = self.room(2);
        for (offset, part) in [0, 16].into_iter().zip(&parts) {
            self.retain(part);
            self.store_boxed(part, at, offset);
        }
        let count = self.int(2);
        let pointer = self.call(Helper::Make, &[at, count]);
        Operand::one(Kind::Tuple(vec![Kind::Any, Kind::Any]), pointer)
    }

    pub(super) fn with_index(&mut self, to: Register, of: Register, at: Register, value: Register) -> Operand {
        let kind = self.kind(of).some().clone();
        let Kind::List(_) = kind else {
            let (values, _) = self.lay_out(&[of, at, value]);
            let out = self.output();
            let done = self.call(Helper::WithIndex, &[self.context, values, out]);
            return self.given(done, out, to);
        };
        let (list, before) = (self.some(of), self.elements_in(of));
        let at = self.place_in(of, before.len, at);
        let item = self.kind(value);
        let same = kind == Kind::list(item.clone()) && matches!(item, Kind::Int | Kind::Float | Kind::Bool);
        let certain = same && self.certain.contains(of);
        if same && !certain {
            let place = self.place(before.data, at);
            self.load_value(place, 0, &item);
        }
        let is_alone = self.alone.contains(of);
        let moved = self.take_as(of, &list);
        let item = self.take(value, &item);
        let (list, elements) =
            if is_alone && moved { (list.word(), before) } else { self.own_alone(list.word(), before) };
        let place = self.place(elements.data, at);
        match item.kind {
            Kind::Int | Kind::Float if same => self.store(item.word(), place, PAYLOAD),
            _ if same => self.store_boxed(&item, place, 0),
            _ => self.replace(place, &item),
        }
        Operand { elements: Some(elements), ..Operand::one(kind, list) }
    }

    /// Puts a value where another one was, which is freed.
    fn replace(&mut self, place: Value, by: &Operand) {
        let (counted, after) = (self.b.create_block(), self.b.create_block());
        let found = self.load(types::I8, place, 0);
        let is_counted = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, found, i64::from(tag::STR));
        self.b.ins().brif(is_counted, counted, &[], after, &[]);
        self.b.seal_block(counted);
        self.b.switch_to_block(counted);
        let (head, payload) = (self.load(types::I64, place, 0), self.load(types::I64, place, PAYLOAD));
        self.release_pointer(head, payload);
        self.b.ins().jump(after, &[]);
        self.b.seal_block(after);
        self.b.switch_to_block(after);
        self.store_boxed(by, place, 0);
    }

    /// A list that is owned, as one that nobody else holds.
    fn own_alone(&mut self, list: Value, elements: Elements) -> (Value, Elements) {
        let (shared, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(shared);
        self.b.append_block_param(after, types::I64);
        self.b.append_block_param(after, types::I64);
        let owners = self.load(types::I64, list, STRONG);
        let alone = self.b.ins().icmp_imm_u(IntCC::Equal, owners, 1);
        self.b.ins().brif(alone, after, &[list.into(), elements.data.into()], shared, &[]);
        self.b.seal_block(shared);
        self.b.switch_to_block(shared);
        let copy = self.call(Helper::Unique, &[list]);
        let data = self.load(types::I64, copy, self.source.layout.data);
        self.b.ins().jump(after, &[copy.into(), data.into()]);
        self.b.seal_block(after);
        self.b.switch_to_block(after);
        let [list, data] = [0, 1].map(|index| self.b.block_params(after)[index]);
        (list, Elements { data, ..elements })
    }

    pub(super) fn push(&mut self, list: Register, item: Register) -> Operand {
        let kind = Kind::list(Kind::Any);
        let elements = self.elements[usize::from(list)].map(|_| self.elements_in(list));
        let pushed = Operand { elements, ..self.want(list, &kind) };
        let Elements { len, .. } = self.elements_as_known(&pushed);
        let most = self.load(types::I64, self.context, Context::ELEMENTS);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThan, len, most);
        self.demand(fits);
        let is_alone = self.alone.contains(list);
        let moved = self.take_as(list, &pushed);
        let kind = self.kind(item);
        let item = self.take(item, &kind);
        self.pushed(&pushed, &item, is_alone && moved)
    }

    /// A list with a value at its end; takes both. Nobody else holds a list that is alone.
    pub(super) fn pushed(&mut self, list: &Operand, item: &Operand, is_alone: bool) -> Operand {
        let (head, payload) = self.boxed(item);
        let Elements { data, len } = self.elements_as_known(list);
        let list = list.word();
        let (alone, here, elsewhere, after) =
            (self.b.create_block(), self.b.create_block(), self.b.create_block(), self.b.create_block());
        for _ in 0..3 {
            self.b.append_block_param(after, types::I64);
        }
        if is_alone {
            self.b.ins().jump(alone, &[]);
        } else {
            let owners = self.load(types::I64, list, STRONG);
            let is_alone = self.b.ins().icmp_imm_u(IntCC::Equal, owners, 1);
            self.b.ins().brif(is_alone, alone, &[], elsewhere, &[]);
        }
        self.b.switch_to_block(alone);
        self.b.seal_block(alone);
        let room = self.load(types::I64, list, self.source.layout.capacity);
        let has_room = self.b.ins().icmp(IntCC::UnsignedLessThan, len, room);
        self.b.ins().brif(has_room, here, &[], elsewhere, &[]);
        self.b.seal_block(here);
        self.b.seal_block(elsewhere);
        self.b.set_cold_block(elsewhere);
        self.b.switch_to_block(here);
        let place = self.place(data, len);
        self.store(head, place, 0);
        self.store(payload, place, PAYLOAD);
        let longer = self.b.ins().iadd_imm_s(len, 1);
        self.store(longer, list, self.source.layout.len);
        self.b.ins().jump(after, &[list.into(), data.into(), longer.into()]);
        self.b.switch_to_block(elsewhere);
        let copy = self.call(Helper::Push, &[list, head, payload]);
        let Elements { data, len } = self.elements_of(copy);
        self.b.ins().jump(after, &[copy.into(), data.into(), len.into()]);
        self.b.seal_block(after);
        self.b.switch_to_block(after);
        let [list, data, len] = [0, 1, 2].map(|index| self.b.block_params(after)[index]);
        Operand { elements: Some(Elements { data, len }), ..Operand::one(Kind::list(Kind::Any), list) }
    }
}
