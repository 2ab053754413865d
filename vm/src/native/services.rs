//! What code calls for everything that is not a few machine instructions. All of it is the interpreter's own operations.
//!
//! Values come as pointers to places of the caller's stack and are borrowed, except where a helper says that it takes them.
//! A helper that fails changes nothing, returns 0, and the code gives up: the interpreter finds the fault again, with its place.

use super::layout::VALUE_BYTES;
use crate::builtin;
use crate::image::{Binary, Image};
use crate::operation as values;
use crate::text::text_of;
use crate::value::{Shared, Value, equal, within_depth};
use std::mem::ManuallyDrop;
use std::rc::Rc;

/// What code of a run can reach. Its fields are read by code at their offsets.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Context {
    /// The texts of the image, as values.
    pub(super) texts: *const Value,
    /// Elements that a list may have.
    pub(super) elements: u64,
    /// The lowest address that the stack may reach.
    pub(super) stack_end: u64,
    /// Closures that built-ins may still call inside each other.
    pub(super) nesting: u64,
    pub(super) image: *const Image,
    /// A list without elements, and a map, that somebody else owns too: no code changes them.
    pub(super) empty: [u64; 2],
}

impl Context {
    pub(super) const TEXTS: i32 = 0;
    pub(super) const ELEMENTS: i32 = 8;
    pub(super) const STACK_END: i32 = 16;
    pub(super) const NESTING: i32 = 24;
    pub(super) const EMPTY_LIST: i32 = 40;
    pub(super) const EMPTY_MAP: i32 = 48;

    fn elements(&self) -> usize {
        self.elements as usize
    }

    fn image(&self) -> &Image {
        // SAFETY: the run that made this context borrows its image until it ends.
        unsafe { &*self.image }
    }
}

/// A helper: its address, and how many words it takes. All words are integers, and so is what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Helper {
    Free,
    Make,
    Builtin,
    Binary,
    Concat,
    ToText,
    SameText,
    Unique,
    Push,
    WithField,
    WithIndex,
    Index,
    MakeMap,
    MakeRange,
    Fits,
    Elements,
    NewList,
    Remainder,
    Rank,
}

impl Helper {
    /// Where it is, and how many words it takes.
    pub(super) fn place(self) -> (*const u8, usize) {
        match self {
            Self::Free => (free as *const u8, 2),
            Self::Make => (make as *const u8, 2),
            Self::Builtin => (call_builtin as *const u8, 5),
            Self::Binary => (binary as *const u8, 5),
            Self::Concat => (concat as *const u8, 3),
            Self::ToText => (to_text as *const u8, 2),
            Self::SameText => (same_text as *const u8, 2),
            Self::Unique => (unique as *const u8, 1),
            Self::Push => (push as *const u8, 3),
            Self::WithField => (with_field as *const u8, 3),
            Self::WithIndex => (with_index as *const u8, 3),
            Self::Index => (index as *const u8, 3),
            Self::MakeMap => (make_map as *const u8, 3),
            Self::MakeRange => (make_range as *const u8, 2),
            Self::Fits => (fits as *const u8, 3),
            Self::Elements => (elements as *const u8, 2),
            Self::NewList => (new_list as *const u8, 1),
            Self::Remainder => (remainder as *const u8, 2),
            Self::Rank => (rank as *const u8, 4),
        }
    }
}

/// The number by which code names an operator.
pub(super) fn code_of(op: Binary) -> i64 {
    OPERATORS.iter().position(|known| *known == op).map_or(0, |index| index as i64)
}

const OPERATORS: [Binary; 10] = [
    Binary::Add,
    Binary::Subtract,
    Binary::Multiply,
    Binary::Divide,
    Binary::Remainder,
    Binary::Equal,
    Binary::NotEqual,
    Binary::Less,
    Binary::LessEqual,
    Binary::In,
];

/// # Safety
/// `at` is `count` values that stay there during the call.
unsafe fn slice<'a>(at: *const Value, count: u64) -> &'a [Value] {
    // SAFETY: by the caller.
    unsafe { std::slice::from_raw_parts(at, count as usize) }
}

/// Writes a value where there was none, and says that it did.
///
/// # Safety
/// `out` is a place for a value.
unsafe fn give(out: *mut Value, value: Option<Value>) -> u64 {
    let Some(value) = value else { return 0 };
    if matches!(value, Value::Image(_) | Value::Iterator(_) | Value::Pending(_)) {
        return 0;
    }
    // SAFETY: by the caller.
    unsafe { out.write(value) };
    1
}

/// A value of its words.
///
/// # Safety
/// They are the words of a value, one owner of which is given away.
unsafe fn of_words(head: u64, payload: u64) -> Value {
    debug_assert_eq!(size_of::<Value>(), VALUE_BYTES as usize);
    let words = [head, payload];
    // SAFETY: by the caller; a value is these two words (`Layout::probe`).
    unsafe { words.as_ptr().cast::<Value>().read() }
}

/// The list behind a pointer, one owner of which is given away.
///
/// # Safety
/// It is the pointer of a list.
unsafe fn list_of_pointer(pointer: u64) -> Shared<Value> {
    // SAFETY: by the caller.
    match unsafe { of_words(u64::from(super::layout::tag::LIST), pointer) } {
        Value::List(items) => items,
        _ => unreachable!("the tag is a list's"),
    }
}

/// The pointer of a value, one owner of which is taken.
fn pointer_of(value: Value) -> u64 {
    let value = ManuallyDrop::new(value);
    // SAFETY: all callers give values whose second word is a pointer.
    unsafe { std::ptr::from_ref(&*value).cast::<u64>().add(1).read() }
}

unsafe extern "C" fn free(head: u64, payload: u64) -> u64 {
    // SAFETY: code gives its owner of this value away.
    drop(unsafe { of_words(head, payload) });
    0
}

/// Takes the values, and gives the pointer that lists, tuples, records, variants and closures have.
unsafe extern "C" fn make(at: *const Value, count: u64) -> u64 {
    let mut items = Vec::with_capacity(count as usize);
    for index in 0..count as usize {
        // SAFETY: code gives away the owners of `count` values that it stored there.
        items.push(unsafe { at.add(index).read() });
    }
    pointer_of(Value::list(items))
}

/// An empty list with room for so many; a bound on what is reserved keeps wrong counts cheap.
extern "C" fn new_list(room: u64) -> u64 {
    pointer_of(Value::list(Vec::with_capacity(room.min(1 << 16) as usize)))
}

extern "C" fn make_range(start: i64, end: i64) -> u64 {
    pointer_of(Value::Range(Rc::new((start, Some(end)))))
}

unsafe extern "C" fn call_builtin(
    context: *const Context,
    number: u64,
    at: *const Value,
    count: u64,
    out: *mut Value,
) -> u64 {
    // SAFETY: the context outlives the call, and the arguments are on the caller's stack.
    let (context, arguments) = unsafe { (&*context, slice(at, count)) };
    let value = builtin::by_number(number as usize)
        .and_then(|name| builtin::plain(name, arguments, context.image(), context.elements()).ok());
    // SAFETY: `out` is on the caller's stack.
    unsafe { give(out, value) }
}

unsafe extern "C" fn binary(
    context: *const Context,
    op: u64,
    left: *const Value,
    right: *const Value,
    out: *mut Value,
) -> u64 {
    // SAFETY: as above.
    let (context, left, right) = unsafe { (&*context, &*left, &*right) };
    let value = OPERATORS.get(op as usize).and_then(|op| values::binary(*op, left, right, context.elements()).ok());
    // SAFETY: as above.
    unsafe { give(out, value) }
}

unsafe extern "C" fn concat(context: *const Context, at: *const Value, count: u64) -> u64 {
    // SAFETY: as above.
    let (context, items) = unsafe { (&*context, slice(at, count)) };
    let mut text = String::new();
    for item in items {
        if within_depth(item).is_err() {
            return 0;
        }
        text.push_str(&text_of(item, context.image()));
        if text.len() > context.elements() {
            return 0;
        }
    }
    pointer_of(Value::text(text))
}

unsafe extern "C" fn to_text(context: *const Context, of: *const Value) -> u64 {
    // SAFETY: as above.
    let (context, of) = unsafe { (&*context, &*of) };
    match of {
        Value::Str(text) => pointer_of(Value::Str(Rc::clone(text))),
        other if within_depth(other).is_err() => 0,
        other => match text_of(other, context.image()) {
            text if text.len() > context.elements() => 0,
            text => pointer_of(Value::text(text)),
        },
    }
}

/// Whether two texts are equal.
unsafe extern "C" fn same_text(left: *const Value, right: *const Value) -> u64 {
    // SAFETY: as above.
    u64::from(unsafe { equal(&*left, &*right) })
}

/// Takes a list and gives one that nobody else holds.
unsafe extern "C" fn unique(list: u64) -> u64 {
    // SAFETY: code gives its owner of the list away.
    let mut items = unsafe { list_of_pointer(list) };
    items.make_mut();
    pointer_of(Value::List(items))
}

/// Takes a list and a value and gives the list with the value at its end.
unsafe extern "C" fn push(list: u64, head: u64, payload: u64) -> u64 {
    // SAFETY: code gives its owners of both away.
    let (mut items, item) = unsafe { (list_of_pointer(list), of_words(head, payload)) };
    match items.get_mut() {
        Some(items) => items.push(item),
        None => {
            let mut longer = Vec::with_capacity((items.len() + 1 + items.len() / 2).max(8));
            longer.extend(items.iter().cloned());
            longer.push(item);
            items = longer.into();
        }
    }
    pointer_of(Value::List(items))
}

/// Of three values — what is changed, and the new field — the value at `at` with a field changed, to `out`.
unsafe extern "C" fn with_field(at: *const Value, field: u64, out: *mut Value) -> u64 {
    // SAFETY: as above.
    let both = unsafe { slice(at, 2) };
    let value = u16::try_from(field).ok().and_then(|field| values::with_field(&both[0], field, both[1].clone()).ok());
    // SAFETY: as above.
    unsafe { give(out, value) }
}

/// Of three values — what is changed, where, and the new element.
unsafe extern "C" fn with_index(_: *const Context, at: *const Value, out: *mut Value) -> u64 {
    // SAFETY: as above.
    let all = unsafe { slice(at, 3) };
    // SAFETY: as above.
    unsafe { give(out, values::with_index(&all[0], &all[1], all[2].clone()).ok()) }
}

unsafe extern "C" fn index(of: *const Value, at: *const Value, out: *mut Value) -> u64 {
    // SAFETY: as above.
    unsafe { give(out, values::index(&*of, &*at).ok()) }
}

/// Of keys and values in turn.
unsafe extern "C" fn make_map(at: *const Value, count: u64, out: *mut Value) -> u64 {
    // SAFETY: as above.
    let all = unsafe { slice(at, count) };
    let mut pairs = Vec::with_capacity(all.len() / 2);
    for pair in all.chunks_exact(2) {
        values::insert(&mut pairs, pair[0].clone(), pair[1].clone());
    }
    // SAFETY: as above.
    unsafe { give(out, Some(Value::Map(pairs.into()))) }
}

/// 0 and 1 for whether a value belongs to a shape, 2 if there is no such shape.
unsafe extern "C" fn fits(context: *const Context, of: *const Value, shape: u64) -> u64 {
    // SAFETY: as above.
    let (context, of) = unsafe { (&*context, &*of) };
    if within_depth(of).is_err() {
        return 2;
    }
    let image = context.image();
    image.shapes.get(shape as usize).map_or(2, |shape| u64::from(crate::fits::fits(of, shape, image)))
}

/// What a loop over a text goes over, as a list.
unsafe extern "C" fn elements(of: *const Value, out: *mut Value) -> u64 {
    // SAFETY: as above.
    let list = match unsafe { &*of } {
        Value::Str(text) => Value::list(text.chars().map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect()),
        _ => return 0,
    };
    // SAFETY: as above.
    unsafe { give(out, Some(list)) }
}

/// The remainder of two floats, as their bits.
extern "C" fn remainder(a: u64, b: u64) -> u64 {
    (f64::from_bits(a) % f64::from_bits(b)).to_bits()
}

/// Of a list and what a closure gave for each element: sorted, grouped, the greatest or the least.
unsafe extern "C" fn rank(number: u64, items: *const Value, ranks: *const Value, out: *mut Value) -> u64 {
    // SAFETY: as above.
    let (items, ranks) = unsafe { (&*items, &*ranks) };
    let value = builtin::by_number(number as usize).and_then(|name| builtin::rank(name, items, ranks).ok());
    // SAFETY: as above.
    unsafe { give(out, value) }
}
