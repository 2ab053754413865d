//! What programs hold.
//!
//! A value is 16 bytes: a kind, what goes with it, and a number or a counted pointer. `native` reads and writes them so.

mod depth;
mod shared;
mod text;

pub(crate) use depth::{parts, within_depth};
pub use shared::{Part, Shared};
pub(crate) use text::LONG;
pub use text::Text;

use crate::image::FunctionIndex;
use crate::written::Written;
use sgl_protocol::{Picture, SessionId};
use std::cell::RefCell;
use std::rc::Rc;

/// A task of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub(crate) u32);

/// A value. Cheap to clone: what is large is shared.
#[derive(Clone, Debug)]
#[repr(u8)]
pub enum Value {
    /// `()`
    Unit,
    /// `none`
    None,
    /// `Unknown`
    Unknown,
    /// A `Bool`.
    Bool(bool),
    /// An `Int`.
    Int(i64),
    /// A `Float`.
    Float(f64),
    /// A `Str`.
    Str(Rc<Text>),
    /// A list.
    List(Shared<Value>),
    /// A map, in the order of insertion; no two keys are equal.
    Map(Shared<(Value, Value)>),
    /// A tuple.
    Tuple(Shared<Value>),
    /// A record of a type of the image.
    Record(u32, Shared<Value>),
    /// A variant: which one, of which enum of the image, and its payload.
    Variant(u16, u32, Shared<Value>),
    /// `start..end`, the end not included; none is unbounded.
    Range(Rc<(i64, Option<i64>)>),
    /// A function with what it captures.
    Closure(FunctionIndex, Shared<Value>),
    /// A transcript.
    Transcript(Rc<Transcript>),
    /// An `Image`.
    Image(Rc<Picture>),
    /// A loop's place in what it goes over.
    Iterator(Box<Iterator>),
    /// The value of a task that may still run.
    Pending(TaskId),
}

/// A transcript as a value: its session is closed when nobody holds it.
#[derive(Debug)]
pub struct Transcript {
    pub(crate) session: SessionId,
    pub(crate) written: Written,
    pub(crate) role_open: bool,
    pub(crate) closed: Rc<RefCell<Vec<SessionId>>>,
}

impl Drop for Transcript {
    fn drop(&mut self) {
        self.closed.borrow_mut().push(self.session);
    }
}

/// A loop's place.
#[derive(Clone, Debug)]
pub struct Iterator {
    pub(crate) over: Value,
    pub(crate) at: usize,
}

impl Value {
    /// A `Str`.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Str(Text::of(text.as_ref()))
    }

    /// A list.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(items.into())
    }

    /// Its kind in a word, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Unit => "()",
            Self::None => "none",
            Self::Unknown => "Unknown",
            Self::Bool(_) => "a Bool",
            Self::Int(_) => "an Int",
            Self::Float(_) => "a Float",
            Self::Str(_) => "a Str",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Tuple(_) => "a tuple",
            Self::Record(..) => "a record",
            Self::Variant(..) => "a variant",
            Self::Range(..) => "a range",
            Self::Closure(..) => "a function",
            Self::Transcript(_) => "a transcript",
            Self::Image(_) => "an Image",
            Self::Iterator(_) => "an iterator",
            Self::Pending(_) => "a pending value",
        }
    }
}

/// Structural equality. Functions and transcripts equal nothing; an `Int` equals a `Float` of the same number.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    // Pairs that must be equal, so that values may nest as deep as memory lasts.
    let mut left = Vec::new();
    if !alike(a, b, &mut left) {
        return false;
    }
    while let Some((a, b)) = left.pop() {
        if !alike(a, b, &mut left) {
            return false;
        }
    }
    true
}

/// Whether two values are equal if the pairs of parts are that are added to `left`.
fn alike<'v>(a: &'v Value, b: &'v Value, left: &mut Vec<(&'v Value, &'v Value)>) -> bool {
    let mut all = |a: &'v [Value], b: &'v [Value]| {
        let structured = |(a, b): &(&Value, &Value)| a.has_parts() && b.has_parts();
        a.len() == b.len()
            && a.iter().zip(b).all(|pair| {
                if structured(&pair) {
                    left.push(pair);
                    return true;
                }
                equal(pair.0, pair.1)
            })
    };
    match (a, b) {
        (Value::Unit, Value::Unit) | (Value::None, Value::None) | (Value::Unknown, Value::Unknown) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) => *a as f64 == *b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Image(a), Value::Image(b)) => a == b,
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => all(a, b),
        (Value::Record(t, a), Value::Record(u, b)) => t == u && all(a, b),
        (Value::Variant(t, i, a), Value::Variant(u, j, b)) => t == u && i == j && all(a, b),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| match b.iter().find(|(other, _)| equal(key, other)) {
                    Some((_, other)) => {
                        left.push((value, other));
                        true
                    }
                    None => false,
                })
        }
        (Value::Range(a), Value::Range(b)) => a == b,
        _ => false,
    }
}
