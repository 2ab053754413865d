//! Values as words: how each kind stands in machine registers, in memory, and in the counts of its owners.

use super::elements::Elements;
use super::emit::Emitter;
use super::kind::Kind;
use super::layout::{PAYLOAD, STRONG, tag};
use super::services::Helper;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_frontend::Variable;

/// A value of a kind: one or two words.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) kind: Kind,
    pub(super) words: Vec<Value>,
    /// Of a list or a loop's place: its elements, if they were read.
    pub(super) elements: Option<Elements>,
}

/// The machine types of a kind.
pub(super) fn types_of(kind: &Kind) -> &'static [Type] {
    match kind {
        Kind::Int => &[types::I64],
        Kind::Float => &[types::F64],
        Kind::Bool => &[types::I8],
        Kind::Pair(..) => &[types::I64],
        kind if kind.is_pointer() => &[types::I64],
        _ => &[types::I64, types::I64],
    }
}

/// The first byte of values of a kind; none where it varies.
fn tag_of(kind: &Kind) -> Option<u8> {
    Some(match kind {
        Kind::Int => tag::INT,
        Kind::Float => tag::FLOAT,
        Kind::Bool => tag::BOOL,
        Kind::Str => tag::STR,
        Kind::List(_) => tag::LIST,
        Kind::Map(..) => tag::MAP,
        Kind::Tuple(_) => tag::TUPLE,
        Kind::Record(_) => tag::RECORD,
        Kind::Variant(_) => tag::VARIANT,
        Kind::Closure(_) => tag::CLOSURE,
        _ => return None,
    })
}

/// The first word of a value behind a pointer of this kind.
pub(super) fn head_of(kind: &Kind) -> i64 {
    let id = match kind {
        Kind::Record(id) | Kind::Closure(id) => *id,
        _ => 0,
    };
    i64::from(tag_of(kind).unwrap_or(tag::UNIT)) | i64::from(id) << 32
}

impl Operand {
    pub(super) fn new(kind: Kind, words: Vec<Value>) -> Self {
        Self { kind, words, elements: None }
    }

    pub(super) fn one(kind: Kind, word: Value) -> Self {
        Self::new(kind, vec![word])
    }

    pub(super) fn word(&self) -> Value {
        self.words[0]
    }
}

/// Of memory that is there and aligned.
pub(super) fn trusted() -> MemFlagsData {
    MemFlagsData::trusted()
}

impl Emitter<'_, '_> {
    pub(super) fn load(&mut self, ty: Type, at: Value, offset: i32) -> Value {
        self.b.ins().load(ty, trusted(), at, offset)
    }

    pub(super) fn store(&mut self, value: Value, at: Value, offset: i32) {
        self.b.ins().store(trusted(), value, at, offset);
    }

    pub(super) fn int(&mut self, value: i64) -> Value {
        self.b.ins().iconst(types::I64, value)
    }

    pub(super) fn use_all(&mut self, variables: &[Variable]) -> Vec<Value> {
        variables.iter().map(|variable| self.b.use_var(*variable)).collect()
    }

    /// The two words of a value as memory holds it. Ranges have none.
    pub(super) fn boxed(&mut self, of: &Operand) -> (Value, Value) {
        match &of.kind {
            Kind::Int => (self.int(i64::from(tag::INT)), of.word()),
            Kind::Float => {
                let bits = self.b.ins().bitcast(types::I64, MemFlagsData::new(), of.word());
                (self.int(i64::from(tag::FLOAT)), bits)
            }
            Kind::Bool => {
                let wide = self.b.ins().uextend(types::I64, of.word());
                let shifted = self.b.ins().ishl_imm_u(wide, 8);
                let head = self.b.ins().bor_imm_u(shifted, i64::from(tag::BOOL));
                let nothing = self.int(0);
                (head, nothing)
            }
            kind if kind.is_pointer() => (self.int(head_of(kind)), of.word()),
            _ => (of.words[0], of.words[1]),
        }
    }

    /// Writes a value to memory.
    pub(super) fn store_boxed(&mut self, of: &Operand, at: Value, offset: i32) {
        let (head, payload) = self.boxed(of);
        self.store(head, at, offset);
        self.store(payload, at, offset + PAYLOAD);
    }

    /// The tag of a first word.
    pub(super) fn tag(&mut self, head: Value) -> Value {
        self.b.ins().band_imm_u(head, 0xff)
    }

    /// A value of a kind from its two words; gives up where it is of another.
    pub(super) fn narrow(&mut self, (head, payload): (Value, Value), kind: &Kind) -> Operand {
        let found = self.tag(head);
        let words = match kind {
            Kind::Any | Kind::Never | Kind::Range | Kind::Iterator(_) => {
                let known = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, found, i64::from(tag::FOREIGN));
                self.demand(known);
                vec![head, payload]
            }
            Kind::Maybe(inner) => {
                let none = self.b.ins().icmp_imm_u(IntCC::Equal, found, i64::from(tag::NONE));
                let right = match tag_of(inner) {
                    Some(wanted) => {
                        let some = self.is_of(head, found, inner, wanted);
                        self.b.ins().bor(none, some)
                    }
                    None => none,
                };
                self.demand(right);
                vec![head, payload]
            }
            kind => {
                let wanted = tag_of(kind).unwrap_or(tag::UNIT);
                let right = self.is_of(head, found, kind, wanted);
                self.demand(right);
                match kind {
                    Kind::Float => vec![self.b.ins().bitcast(types::F64, MemFlagsData::new(), payload)],
                    Kind::Bool => {
                        let shifted = self.b.ins().ushr_imm_u(head, 8);
                        let byte = self.b.ins().ireduce(types::I8, shifted);
                        vec![self.b.ins().band_imm_u(byte, 1)]
                    }
                    Kind::Variant(_) => vec![head, payload],
                    _ => vec![payload],
                }
            }
        };
        Operand::new(kind.clone(), words)
    }

    /// Whether two words are of this kind, its type included.
    fn is_of(&mut self, head: Value, found: Value, kind: &Kind, wanted: u8) -> Value {
        let same = self.b.ins().icmp_imm_u(IntCC::Equal, found, i64::from(wanted));
        let (Kind::Record(id) | Kind::Closure(id) | Kind::Variant(id)) = kind else { return same };
        let found = self.b.ins().ushr_imm_u(head, 32);
        let same_id = self.b.ins().icmp_imm_u(IntCC::Equal, found, i64::from(*id));
        self.b.ins().band(same, same_id)
    }

    /// A value of a kind that memory holds, not owned.
    pub(super) fn load_value(&mut self, at: Value, offset: i32, kind: &Kind) -> Operand {
        let kind = kind.clone().contained();
        match &kind {
            // A byte is enough where nothing else of the first word counts.
            Kind::Int | Kind::Float | Kind::Str | Kind::List(_) | Kind::Map(..) | Kind::Tuple(_) => {
                let found = self.load(types::I8, at, offset);
                let wanted = i64::from(tag_of(&kind).unwrap_or(tag::UNIT));
                let right = self.b.ins().icmp_imm_u(IntCC::Equal, found, wanted);
                self.demand(right);
                let ty = types_of(&kind)[0];
                let word = self.load(ty, at, offset + PAYLOAD);
                Operand::one(kind, word)
            }
            _ => {
                let head = self.load(types::I64, at, offset);
                let payload = self.load(types::I64, at, offset + PAYLOAD);
                self.narrow((head, payload), &kind)
            }
        }
    }

    /// A value of a list whose elements are of this kind for certain, not owned.
    pub(super) fn load_certain(&mut self, at: Value, kind: &Kind) -> Operand {
        let word = match kind {
            // The byte after the kind.
            Kind::Bool => self.load(types::I8, at, 1),
            Kind::Int | Kind::Float | Kind::Str => self.load(types_of(kind)[0], at, PAYLOAD),
            other => return self.load_value(at, 0, other),
        };
        Operand::one(kind.clone(), word)
    }

    /// The same value as one of another kind; gives up where it is none of it. Nothing changes owners.
    pub(super) fn convert(&mut self, of: Operand, kind: &Kind) -> Operand {
        if types_of(&of.kind) == types_of(kind) && (of.kind.is_pointer() == kind.is_pointer()) {
            let same = match (&of.kind, kind) {
                (a, b) if a == b => true,
                (Kind::List(_), Kind::List(_)) | (Kind::Tuple(_), Kind::Tuple(_)) | (Kind::Map(..), Kind::Map(..)) => {
                    true
                }
                (_, Kind::Any | Kind::Never) => !matches!(of.kind, Kind::Range | Kind::Iterator(_)),
                (Kind::Maybe(a), Kind::Maybe(b)) => **a == Kind::Never || a == b,
                (Kind::Iterator(_), Kind::Iterator(_)) | (Kind::Pair(..), Kind::Pair(..)) => true,
                _ => false,
            };
            if same {
                return Operand { kind: kind.clone(), ..of };
            }
        }
        let (head, payload) = self.boxed(&of);
        match (&of.kind, kind) {
            (_, Kind::Any | Kind::Never) => Operand::new(kind.clone(), vec![head, payload]),
            (from, Kind::Maybe(inner)) if *from == **inner => Operand::new(kind.clone(), vec![head, payload]),
            _ => self.narrow((head, payload), kind),
        }
    }

    /// One more owner of a value.
    pub(super) fn retain(&mut self, of: &Operand) {
        if !of.kind.is_counted() {
            return;
        }
        if of.kind.is_pointer() {
            return self.count_up(of.word());
        }
        if let Kind::Iterator(_) = of.kind {
            return self.count_up(of.words[0]);
        }
        self.if_counted(of.words[0], |this| this.count_up(of.words[1]));
    }

    fn count_up(&mut self, pointer: Value) {
        let count = self.load(types::I64, pointer, STRONG);
        let more = self.b.ins().iadd_imm_s(count, 1);
        self.store(more, pointer, STRONG);
    }

    /// One owner less of a value; the last one frees it.
    pub(super) fn release(&mut self, of: &Operand) {
        if !of.kind.is_counted() {
            return;
        }
        let (head, pointer) = match &of.kind {
            Kind::Iterator(over) => (self.int(head_of(over)), of.words[0]),
            kind if kind.is_pointer() => (self.int(head_of(kind)), of.word()),
            _ => {
                let (head, payload) = (of.words[0], of.words[1]);
                return self.if_counted(head, |this| this.release_pointer(head, payload));
            }
        };
        self.release_pointer(head, pointer);
    }

    pub(super) fn release_pointer(&mut self, head: Value, pointer: Value) {
        let [last, shared, after] = [(); 3].map(|()| self.block());
        let count = self.load(types::I64, pointer, STRONG);
        let is_last = self.b.ins().icmp_imm_u(IntCC::Equal, count, 1);
        self.b.ins().brif(is_last, last, &[], shared, &[]);
        self.b.seal_block(last);
        self.b.seal_block(shared);
        self.b.switch_to_block(shared);
        let less = self.b.ins().iadd_imm_s(count, -1);
        self.store(less, pointer, STRONG);
        self.b.ins().jump(after, &[]);
        self.b.switch_to_block(last);
        self.call(Helper::Free, &[head, pointer]);
        self.b.ins().jump(after, &[]);
        self.b.seal_block(after);
        self.b.switch_to_block(after);
    }

    /// A block, cold where all that is made is.
    fn block(&mut self) -> Block {
        let block = self.b.create_block();
        if self.is_cold {
            self.b.set_cold_block(block);
        }
        block
    }

    /// Does something where a first word says that the second is a counted pointer.
    fn if_counted(&mut self, head: Value, does: impl FnOnce(&mut Self)) {
        let [counted, after] = [(); 2].map(|()| self.block());
        let found = self.tag(head);
        let is_counted = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, found, i64::from(tag::STR));
        self.b.ins().brif(is_counted, counted, &[], after, &[]);
        self.b.seal_block(counted);
        self.b.switch_to_block(counted);
        does(self);
        self.b.ins().jump(after, &[]);
        self.b.seal_block(after);
        self.b.switch_to_block(after);
    }
}
