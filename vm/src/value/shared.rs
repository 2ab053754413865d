//! The parts of a value, shared by all that hold it.
//!
//! Who holds the last share drops the parts. They are dropped one after the other and not inside each other, so that a
//! value may nest as deep as memory lasts.

use super::Value;
use std::ops::Deref;
use std::rc::Rc;

/// Parts of a value, counted; a share is a pointer to an `Rc<Vec<T>>`, which `native` relies on.
#[derive(Clone, Debug)]
#[repr(transparent)]
pub struct Shared<T: Part>(Rc<Vec<T>>);

/// What a value is made of.
pub trait Part: Clone {
    /// Whether it holds parts of its own.
    fn has_parts(&self) -> bool;
    /// Moves the parts out of it that nobody else holds.
    fn take_apart(self, parts: &mut Vec<Value>);
}

impl<T: Part> Shared<T> {
    /// The first share of these parts.
    pub fn new(parts: Vec<T>) -> Self {
        Self(Rc::new(parts))
    }

    /// The parts for changing: a copy if others hold them too.
    pub fn make_mut(&mut self) -> &mut Vec<T> {
        Rc::make_mut(&mut self.0)
    }

    /// The parts for changing, unless others hold them too.
    pub fn get_mut(&mut self) -> Option<&mut Vec<T>> {
        Rc::get_mut(&mut self.0)
    }

    /// Whether another share has the same parts.
    pub(crate) fn is_shared(&self) -> bool {
        Rc::strong_count(&self.0) > 1
    }

    /// Where the parts are, behind the counts.
    pub(crate) fn place(&self) -> *const Vec<T> {
        Rc::as_ptr(&self.0)
    }
}

impl<T: Part> From<Vec<T>> for Shared<T> {
    fn from(parts: Vec<T>) -> Self {
        Self::new(parts)
    }
}

impl<T: Part> Deref for Shared<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T: Part> Drop for Shared<T> {
    fn drop(&mut self) {
        let Some(own) = self.get_mut() else { return };
        if !own.iter().any(T::has_parts) {
            return;
        }
        let mut left: Vec<Value> = Vec::new();
        own.drain(..).for_each(|part| part.take_apart(&mut left));
        while let Some(value) = left.pop() {
            value.take_apart(&mut left);
        }
    }
}

impl Part for Value {
    fn has_parts(&self) -> bool {
        matches!(
            self,
            Self::List(_)
                | Self::Map(_)
                | Self::Tuple(_)
                | Self::Record(..)
                | Self::Variant(..)
                | Self::Closure(..)
                | Self::Iterator(_)
        )
    }

    fn take_apart(self, parts: &mut Vec<Self>) {
        match self {
            Self::List(mut items)
            | Self::Tuple(mut items)
            | Self::Record(_, mut items)
            | Self::Variant(_, _, mut items)
            | Self::Closure(_, mut items) => parts.extend(items.get_mut().into_iter().flat_map(|own| own.drain(..))),
            Self::Map(mut pairs) => {
                parts.extend(pairs.get_mut().into_iter().flat_map(|own| own.drain(..)).flat_map(|(k, v)| [k, v]));
            }
            Self::Iterator(place) => parts.push(place.over),
            _ => {}
        }
    }
}

impl Part for (Value, Value) {
    fn has_parts(&self) -> bool {
        self.0.has_parts() || self.1.has_parts()
    }

    fn take_apart(self, parts: &mut Vec<Value>) {
        parts.extend([self.0, self.1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More than any stack holds.
    const DEEP: usize = 2_000_000;

    #[test]
    fn a_value_that_nests_deep_is_dropped() {
        let wrap: [fn(Value) -> Value; 4] = [
            |inner| Value::list(vec![Value::Int(1), inner]),
            |inner| Value::Record(0, vec![inner].into()),
            |inner| Value::Map(vec![(Value::text("k"), inner)].into()),
            |inner| Value::Closure(0, vec![inner].into()),
        ];
        let mut value = Value::Unit;
        for level in 0..DEEP {
            value = wrap[level % wrap.len()](value);
        }
        drop(value);
    }

    #[test]
    fn what_others_hold_stays() {
        let inner = Value::list(vec![Value::list(vec![Value::Int(7)])]);
        drop(Value::list(vec![inner.clone(), inner.clone()]));
        let Value::List(items) = &inner else { unreachable!("it is a list") };
        assert!(matches!(&items[0], Value::List(kept) if matches!(kept[..], [Value::Int(7)])));
    }
}
