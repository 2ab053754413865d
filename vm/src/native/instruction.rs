//! One instruction: each reads what it needs first, gives up if that is not what it seemed, and only then takes and changes.

use super::emit::Emitter;
use super::kind::Kind;
use super::layout::{PAYLOAD, tag};
use super::lists;
use super::operand::Operand;
use super::services::{Context, Helper};
use crate::image::{Op, Register};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

impl Emitter<'_, '_> {
    /// Makes an instruction that goes on to the next one; none if there is no code for it.
    pub(super) fn instruction(&mut self, op: &Op) -> Option<()> {
        let (to, result) = match op {
            Op::Unit { to } => (*to, self.constant(tag::UNIT)),
            Op::None { to } => (*to, self.constant(tag::NONE)),
            Op::Unknown { to } => (*to, self.constant(tag::UNKNOWN)),
            Op::Bool { to, value } => {
                let word = self.b.ins().iconst(types::I8, i64::from(*value));
                (*to, Operand::one(Kind::Bool, word))
            }
            Op::Int { to, value } => {
                let word = self.int(*value);
                (*to, Operand::one(Kind::Int, word))
            }
            Op::Float { to, value } => {
                let word = self.b.ins().f64const(*value);
                (*to, Operand::one(Kind::Float, word))
            }
            Op::Text { to, text } => {
                let texts = self.load(types::I64, self.context, Context::TEXTS);
                let offset = i32::try_from(*text).ok()?.checked_mul(16)?.checked_add(PAYLOAD)?;
                let word = self.load(types::I64, texts, offset);
                let text = Operand::one(Kind::Str, word);
                self.retain_result(&text);
                (*to, text)
            }
            Op::Copy { to, from } => {
                let kind = self.kind(*from);
                let value = if self.borrows { self.peek(*from) } else { self.take(*from, &kind) };
                let elements = self.elements[usize::from(*from)].map(|_| self.elements_in(*from));
                (*to, Operand { elements, ..value })
            }
            Op::List { to, items } if items.is_empty() => match lists::room_of(&self.function.code, self.at) {
                Some(over) => (*to, self.list_for(over)),
                None => (*to, self.empty(Kind::list(Kind::Any), Context::EMPTY_LIST)),
            },
            Op::List { to, items } => (*to, self.make(items, Kind::list(Kind::Any), 0)),
            Op::Tuple { to, items } => {
                let kinds = items.iter().map(|item| self.kind(*item).contained()).collect();
                (*to, self.make(items, Kind::Tuple(kinds), 0))
            }
            Op::Record { to, record, items } => (*to, self.make(items, Kind::Record(*record), 0)),
            Op::Closure { to, function, captures } => (*to, self.make(captures, Kind::Closure(*function), 0)),
            Op::Variant { to, of, variant, items } => {
                let head = i64::from(tag::VARIANT) | i64::from(*variant) << 16 | i64::from(*of) << 32;
                (*to, self.make(items, Kind::Variant(*of), head))
            }
            Op::Map { to, pairs } if pairs.is_empty() => {
                (*to, self.empty(Kind::Map(Box::new(Kind::Any), Box::new(Kind::Any)), Context::EMPTY_MAP))
            }
            Op::Map { to, pairs } => {
                let items: Vec<Register> = pairs.iter().flat_map(|(key, value)| [*key, *value]).collect();
                let (at, count) = self.lay_out(&items);
                let out = self.output();
                let done = self.call(Helper::MakeMap, &[at, count, out]);
                (*to, self.given(done, out, *to))
            }
            Op::Range { to, start, end: Some(end), inclusive } => self.range(*to, *start, *end, *inclusive),
            Op::Field { to, of, index } => {
                let kind = self.kind(*to);
                let field = self.field(*of, *index, &kind);
                self.retain_result(&field);
                (*to, field)
            }
            Op::WithField { to, of, index, value } => (*to, self.with_field(*to, *of, *index, *value)),
            Op::Index { to, of, at } => (*to, self.index(*to, *of, *at)),
            Op::WithIndex { to, of, at, value } => (*to, self.with_index(*to, *of, *at, *value)),
            Op::Push { list, item } => (*list, self.push(*list, *item)),
            Op::Negate { to, of } => (*to, self.negate(*of)),
            Op::Not { to, of } => {
                let word = self.want(*of, &Kind::Bool).word();
                let word = self.b.ins().bxor_imm_u(word, 1);
                (*to, Operand::one(Kind::Bool, word))
            }
            Op::Binary { op, to, left, right } => (*to, self.binary(*op, *to, *left, *right)),
            Op::ToText { to, of } => {
                let (at, _) = self.lay_out(&[*of]);
                let word = self.call(Helper::ToText, &[self.context, at]);
                self.demand_some(word);
                (*to, Operand::one(Kind::Str, word))
            }
            Op::Concat { to, items } => {
                let (at, count) = self.lay_out(items);
                let word = self.call(Helper::Concat, &[self.context, at, count]);
                self.demand_some(word);
                (*to, Operand::one(Kind::Str, word))
            }
            Op::IsVariant { to, of, variant } => (*to, self.is_variant(*of, *variant)),
            Op::IsNone { to, of } => {
                let of = self.peek(*of);
                let (head, _) = self.boxed(&of);
                (*to, self.has_tag(head, tag::NONE))
            }
            Op::IsShape { to, of, shape } => {
                let (at, _) = self.lay_out(&[*of]);
                let shape = self.int(i64::from(*shape));
                let found = self.call(Helper::Fits, &[self.context, at, shape]);
                let known = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, found, 2);
                self.demand(known);
                let word = self.b.ins().ireduce(types::I8, found);
                (*to, Operand::one(Kind::Bool, word))
            }
            Op::Iterate { to, over } => (*to, self.iterate(*to, *over)?),
            Op::Call { to, function, arguments } => (*to, self.call_function(*function, arguments)?),
            Op::CallClosure { to, closure, arguments } => (*to, self.call_closure(*closure, arguments)?),
            Op::Builtin { to, builtin, arguments } => (*to, self.builtin(builtin, *to, arguments)?),
            Op::Assert { condition, .. } => {
                let holds = self.want(*condition, &Kind::Bool);
                self.demand(holds.word());
                self.free_read();
                return Some(());
            }
            _ => return None,
        };
        self.finish(to, result);
        Some(())
    }

    fn constant(&mut self, tag: u8) -> Operand {
        let (head, payload) = (self.int(i64::from(tag)), self.int(0));
        Operand::new(Kind::Any, vec![head, payload])
    }

    /// The list or map without elements.
    fn empty(&mut self, kind: Kind, of_context: i32) -> Operand {
        let pointer = self.load(types::I64, self.context, of_context);
        let empty = Operand::one(kind, pointer);
        self.retain_result(&empty);
        empty
    }

    /// A list without elements that has room for as many as a loop over a register has turns.
    fn list_for(&mut self, over: Register) -> Operand {
        let turns = match self.kind(over) {
            Kind::Range => {
                let range = self.peek(over);
                let turns = self.b.ins().isub(range.words[1], range.words[0]);
                let nothing = self.int(0);
                self.b.ins().smax(turns, nothing)
            }
            Kind::List(_) => self.elements_in(over).len,
            _ => self.int(0),
        };
        Operand::one(Kind::list(Kind::Any), self.call(Helper::NewList, &[turns]))
    }

    /// Gives up unless a helper gave something.
    pub(super) fn demand_some(&mut self, word: Value) {
        let some = self.b.ins().icmp_imm_u(IntCC::NotEqual, word, 0);
        self.demand(some);
    }

    /// A place for what a helper gives. It is after every argument that an instruction lays out.
    pub(super) fn output(&mut self) -> Value {
        self.b.ins().stack_addr(types::I64, self.output_slot, 0)
    }

    /// What a helper gave, as a value of the kind of a register.
    pub(super) fn given(&mut self, done: Value, out: Value, to: Register) -> Operand {
        self.demand_some(done);
        let (head, payload) = (self.load(types::I64, out, 0), self.load(types::I64, out, PAYLOAD));
        let whole = Operand::new(Kind::Any, vec![head, payload]);
        let kind = self.kind(to);
        self.held.push(whole);
        let value = self.narrow((head, payload), &kind);
        self.held.clear();
        value
    }

    /// Values side by side in memory, lent to a helper: where, and how many.
    pub(super) fn lay_out(&mut self, registers: &[Register]) -> (Value, Value) {
        let operands: Vec<Operand> = registers.iter().map(|register| self.peek(*register)).collect();
        let at = self.room(operands.len());
        for (offset, operand) in (0..).step_by(16).zip(&operands) {
            self.store_boxed(operand, at, offset);
        }
        (at, self.int(registers.len() as i64))
    }

    /// A list, tuple, record, variant or closure of values that go into it.
    fn make(&mut self, items: &[Register], kind: Kind, head: i64) -> Operand {
        let at = self.room(items.len());
        for (offset, item) in (0..).step_by(16).zip(items) {
            let kind = self.kind(*item);
            let value = self.take(*item, &kind);
            self.store_boxed(&value, at, offset);
        }
        let count = self.int(items.len() as i64);
        let pointer = self.call(Helper::Make, &[at, count]);
        match kind {
            Kind::Variant(_) => {
                let head = self.int(head);
                Operand::new(kind, vec![head, pointer])
            }
            _ => Operand::one(kind, pointer),
        }
    }

    fn range(&mut self, to: Register, start: Register, end: Register, inclusive: bool) -> (Register, Operand) {
        let (start, mut end) = (self.want(start, &Kind::Int).word(), self.want(end, &Kind::Int).word());
        if inclusive {
            let one = self.int(1);
            let (after, overflows) = self.b.ins().sadd_overflow(end, one);
            self.demand_not(overflows);
            end = after;
        }
        if self.kind(to) == Kind::Range {
            return (to, Operand::new(Kind::Range, vec![start, end]));
        }
        let pointer = self.call(Helper::MakeRange, &[start, end]);
        let head = self.int(i64::from(tag::RANGE));
        (to, Operand::new(Kind::Any, vec![head, pointer]))
    }

    pub(super) fn demand_not(&mut self, flag: Value) {
        let fine = self.b.ins().icmp_imm_u(IntCC::Equal, flag, 0);
        self.demand(fine);
    }

    /// A field, not owned.
    fn field(&mut self, of: Register, index: u16, kind: &Kind) -> Operand {
        let of = self.some(of);
        let pointer = match &of.kind {
            Kind::Pair(..) => {
                let layout = self.source.layout;
                let part = if index == 0 { layout.key } else { layout.value };
                return self.load_value(of.word(), part, kind);
            }
            Kind::Tuple(_) | Kind::Record(_) => of.word(),
            Kind::Variant(_) => of.words[1],
            _ => {
                let (head, payload) = self.boxed(&of);
                let found = self.tag(head);
                let from = self.b.ins().iadd_imm_s(found, -i64::from(tag::TUPLE));
                let last = i64::from(tag::VARIANT - tag::TUPLE);
                let has_fields = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, from, last);
                self.demand(has_fields);
                payload
            }
        };
        let len = self.load(types::I64, pointer, self.source.layout.len);
        let inside = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, len, i64::from(index));
        self.demand(inside);
        let data = self.load(types::I64, pointer, self.source.layout.data);
        self.load_value(data, i32::from(index) * 16, kind)
    }

    fn with_field(&mut self, to: Register, of: Register, index: u16, value: Register) -> Operand {
        let (at, _) = self.lay_out(&[of, value]);
        let (index, out) = (self.int(i64::from(index)), self.output());
        let done = self.call(Helper::WithField, &[at, index, out]);
        self.given(done, out, to)
    }

    fn is_variant(&mut self, of: Register, variant: u16) -> Operand {
        let of = self.peek(of);
        let (head, _) = self.boxed(&of);
        // The tag and the variant; the byte between them is anything.
        let both = self.b.ins().band_imm_u(head, 0xffff_00ff);
        let wanted = i64::from(tag::VARIANT) | i64::from(variant) << 16;
        let word = self.b.ins().icmp_imm_u(IntCC::Equal, both, wanted);
        Operand::one(Kind::Bool, word)
    }

    pub(super) fn has_tag(&mut self, head: Value, tag: u8) -> Operand {
        let found = self.tag(head);
        let word = self.b.ins().icmp_imm_u(IntCC::Equal, found, i64::from(tag));
        Operand::one(Kind::Bool, word)
    }

    fn iterate(&mut self, to: Register, over: Register) -> Option<Operand> {
        let kind = self.kind(over).some().clone();
        let Kind::Iterator(goes_over) = self.kind(to) else { return None };
        let nothing = self.int(0);
        match kind {
            Kind::Range => {
                let range = self.peek(over);
                Some(Operand::new(Kind::Iterator(goes_over), vec![range.words[1], range.words[0]]))
            }
            Kind::List(_) | Kind::Map(..) | Kind::Any => {
                let kind = if kind == Kind::Any { Kind::list(Kind::Any) } else { kind };
                let list = if self.borrows { self.want(over, &kind) } else { self.take(over, &kind) };
                let elements = self.elements[usize::from(over)].map(|_| self.elements_in(over));
                Some(Operand { elements, ..Operand::new(Kind::Iterator(goes_over), vec![list.word(), nothing]) })
            }
            Kind::Str => {
                let of = self.some(over);
                let at = self.room(1);
                self.store_boxed(&of, at, 0);
                let out = self.output();
                let done = self.call(Helper::Elements, &[at, out]);
                self.demand_some(done);
                let pointer = self.load(types::I64, out, PAYLOAD);
                Some(Operand::new(Kind::Iterator(goes_over), vec![pointer, nothing]))
            }
            _ => None,
        }
    }
}
