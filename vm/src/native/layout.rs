//! Where the parts of a value lie in memory, found by looking at values when a process first compiles.
//!
//! [`Value`] itself has a layout that the language promises (`repr(u8)`); the insides of `Rc` and `Vec` have not. So they are
//! probed with values whose parts are known, and where anything is not as code needs it, nothing is compiled.

use crate::value::{LONG, Shared, TaskId, Value};
use std::rc::Rc;

/// The first byte of a value of each kind: the order of [`Value`].
pub(super) mod tag {
    pub(crate) const UNIT: u8 = 0;
    pub(crate) const NONE: u8 = 1;
    pub(crate) const UNKNOWN: u8 = 2;
    pub(crate) const BOOL: u8 = 3;
    pub(crate) const INT: u8 = 4;
    pub(crate) const FLOAT: u8 = 5;
    pub(crate) const STR: u8 = 6;
    pub(crate) const LIST: u8 = 7;
    pub(crate) const MAP: u8 = 8;
    pub(crate) const TUPLE: u8 = 9;
    pub(crate) const RECORD: u8 = 10;
    pub(crate) const VARIANT: u8 = 11;
    pub(crate) const RANGE: u8 = 12;
    pub(crate) const CLOSURE: u8 = 13;
    /// From here on values are not for native code: images, iterators and what is pending.
    pub(crate) const FOREIGN: u8 = 15;
}

/// Bytes of a value.
pub(super) const VALUE_BYTES: i32 = 16;
/// Bytes of a pair in a map.
pub(super) const PAIR_BYTES: usize = 32;
/// Where the number or pointer of a value is.
pub(super) const PAYLOAD: i32 = 8;
/// Where the count of owners is, from the pointer of an `Rc`.
pub(super) const STRONG: i32 = 0;

/// Offsets in bytes from the pointer of an `Rc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Of a list: its elements.
    pub(super) data: i32,
    /// Of a list: how many.
    pub(super) len: i32,
    /// Of a list: for how many there is room.
    pub(super) capacity: i32,
    /// Of a text: what tells it apart from others, as a number: nothing if it is empty, less than nothing if it is long.
    pub(super) text_key: i32,
    /// Of a pair in a map, from where the pair begins: its key.
    pub(super) key: i32,
    /// Of a pair in a map: its value.
    pub(super) value: i32,
}

impl Layout {
    /// The layout of this process; none if it is not such that native code can be made.
    pub(super) fn probe() -> Option<Self> {
        if size_of::<Value>() != 16 || align_of::<Value>() != 8 || cfg!(target_endian = "big") {
            return None;
        }
        let nothing = || Shared::new(Vec::new());
        let of_each = [
            (Value::Unit, tag::UNIT),
            (Value::None, tag::NONE),
            (Value::Unknown, tag::UNKNOWN),
            (Value::Bool(true), tag::BOOL),
            (Value::Int(7), tag::INT),
            (Value::Float(0.5), tag::FLOAT),
            (Value::text("ab"), tag::STR),
            (Value::List(nothing()), tag::LIST),
            (Value::Map(Shared::new(Vec::new())), tag::MAP),
            (Value::Tuple(nothing()), tag::TUPLE),
            (Value::Record(9, nothing()), tag::RECORD),
            (Value::Variant(3, 9, nothing()), tag::VARIANT),
            (Value::Range(Rc::new((0, None))), tag::RANGE),
            (Value::Closure(9, nothing()), tag::CLOSURE),
            (Value::Pending(TaskId(0)), tag::FOREIGN + 2),
        ];
        if of_each.iter().any(|(value, tag)| byte(value, 0) != *tag) {
            return None;
        }
        let right = byte(&of_each[3].0, 1) == 1
            && word(&of_each[4].0) == 7
            && word(&of_each[5].0) == 0.5f64.to_bits()
            && byte(&of_each[10].0, 4) == 9
            && byte(&of_each[11].0, 2) == 3
            && byte(&of_each[11].0, 4) == 9
            && byte(&of_each[13].0, 4) == 9;
        if !right {
            return None;
        }
        Self::of_counted()
    }

    /// What lies behind the pointers.
    fn of_counted() -> Option<Self> {
        let mut items = Vec::with_capacity(7);
        items.extend([Value::Unit, Value::Unit, Value::Unit]);
        let (data, capacity) = (items.as_ptr() as u64, items.capacity() as u64);
        let list = Shared::new(items);
        let held = Value::List(list.clone());
        let inside = list.place() as u64 - word(&held);
        let inside = i32::try_from(inside).ok().filter(|inside| *inside == 16)?;
        let words: [u64; 5] = std::array::from_fn(|index| at(word(&held), index as i32 * 8));
        // The counts of owners: two strong ones here, and the weak one that all of them hold together.
        if words[0] != 2 || words[1] != 1 {
            return None;
        }
        let place =
            |wanted: u64| words[2..].iter().position(|word| *word == wanted).map(|index| inside + index as i32 * 8);
        let text = Value::text("abcdefghi");
        let key = at(word(&text), 16);
        if key.to_le_bytes() != [b'a', b'b', b'c', b'd', b'e', b'f', b'g', LONG] {
            return None;
        }
        let (data, len) = (place(data)?, place(3)?);
        let (key, value) = Self::of_pairs(data, len)?;
        Some(Self { data, len, capacity: place(capacity)?, text_key: 16, key, value })
    }

    /// Where key and value of a pair are, if maps lie in memory as lists do.
    fn of_pairs(data: i32, len: i32) -> Option<(i32, i32)> {
        let pair = || (Value::Unit, Value::Unit);
        let pairs = Shared::new(vec![pair(), pair(), pair()]);
        let held = Value::Map(pairs.clone());
        let begin = pairs.as_ptr() as u64;
        if size_of::<(Value, Value)>() != PAIR_BYTES || at(word(&held), data) != begin || at(word(&held), len) != 3 {
            return None;
        }
        let offset = |part: &Value| i32::try_from(std::ptr::from_ref(part) as u64 - begin).ok();
        Some((offset(&pairs[0].0)?, offset(&pairs[0].1)?))
    }
}

/// A byte of a value that is set in values of its kind.
fn byte(value: &Value, index: usize) -> u8 {
    debug_assert!(index < size_of::<Value>());
    // SAFETY: inside the value, and the callers ask only for bytes that hold its kind or a field.
    unsafe { std::ptr::from_ref(value).cast::<u8>().add(index).read() }
}

/// The second word of a value that has one.
pub(super) fn word(value: &Value) -> u64 {
    // SAFETY: inside the value; the callers ask only for values whose payload is a number or a pointer.
    unsafe { std::ptr::from_ref(value).cast::<u8>().add(PAYLOAD as usize).cast::<u64>().read() }
}

/// A word behind the pointer of an `Rc` that is alive.
fn at(pointer: u64, offset: i32) -> u64 {
    // SAFETY: the callers stay inside the allocation: two counts, then a `Vec` of three words or a text of two and more.
    unsafe { (pointer as *const u8).offset(offset as isize).cast::<u64>().read() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_the_layout_that_native_code_needs() {
        let layout = Layout::probe().expect("values are laid out as code needs them");
        assert!(
            [layout.data, layout.len, layout.capacity].iter().all(|offset| (16..40).contains(offset)),
            "{layout:?}"
        );
    }
}
