//! What programs hold.
//!
//! A value is 16 bytes: a kind, what goes with it, and a number or a counted pointer. `native` reads and writes them so.

mod text;

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
    List(Rc<Vec<Value>>),
    /// A map, in the order of insertion; no two keys are equal.
    Map(Rc<Vec<(Value, Value)>>),
    /// A tuple.
    Tuple(Rc<Vec<Value>>),
    /// A record of a type of the image.
    Record(u32, Rc<Vec<Value>>),
    /// A variant: which one, of which enum of the image, and its payload.
    Variant(u16, u32, Rc<Vec<Value>>),
    /// `start..end`, the end not included; none is unbounded.
    Range(Rc<(i64, Option<i64>)>),
    /// A function with what it captures.
    Closure(FunctionIndex, Rc<Vec<Value>>),
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
        Self::List(Rc::new(items))
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
    let all = |a: &[Value], b: &[Value]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b));
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
            a.len() == b.len() && a.iter().all(|(k, v)| b.iter().any(|(l, w)| equal(k, l) && equal(v, w)))
        }
        (Value::Range(a), Value::Range(b)) => a == b,
        _ => false,
    }
}
