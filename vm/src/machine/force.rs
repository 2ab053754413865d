//! Values that tasks still compute: waiting for them where they are read.

use super::Machine;
use crate::task::{Slot, Stop, Wait};
use crate::trap::Fault;
use crate::value::{Shared, Value, parts, within_depth};
use rustc_hash::FxHashSet;

impl Machine<'_> {
    /// The value itself, not who computes it.
    pub(crate) fn force(&self, value: Value) -> Result<Value, Stop> {
        let Value::Pending(id) = value else { return Ok(value) };
        match &self.slots[id.0 as usize] {
            Slot::Done(value) => Ok(value.clone()),
            Slot::Alive(_) => Err(Stop::Wait(Wait::Task(id))),
            Slot::Failed(fault) => Err(Stop::Fault(fault.clone())),
            Slot::Cancelled => Err(Fault::new("what computes this value was cancelled").into()),
        }
    }

    /// The value with everything in it.
    pub(crate) fn force_whole(&self, value: &Value) -> Result<Value, Stop> {
        // Where no task was ever spawned nothing is pending.
        if self.slots.len() == 1 || !is_pending_within(value) {
            return Ok(value.clone());
        }
        within_depth(value)?;
        self.forced(value)
    }

    fn forced(&self, value: &Value) -> Result<Value, Stop> {
        let all = |items: &Shared<Value>| -> Result<Shared<Value>, Stop> {
            if !items.iter().any(may_be_pending) {
                return Ok(items.clone());
            }
            Ok(Shared::new(items.iter().map(|item| self.forced(item)).collect::<Result<_, _>>()?))
        };
        Ok(match value {
            Value::Pending(_) => self.force(value.clone())?,
            Value::List(items) => Value::List(all(items)?),
            Value::Tuple(items) => Value::Tuple(all(items)?),
            Value::Record(ty, items) => Value::Record(*ty, all(items)?),
            Value::Variant(index, ty, items) => Value::Variant(*index, *ty, all(items)?),
            Value::Closure(function, captures) => Value::Closure(*function, all(captures)?),
            Value::Map(pairs) if pairs.iter().any(|(_, value)| may_be_pending(value)) => {
                let pairs = pairs.iter().map(|(key, value)| Ok((key.clone(), self.forced(value)?)));
                Value::Map(Shared::new(pairs.collect::<Result<_, Stop>>()?))
            }
            _ => value.clone(),
        })
    }
}

/// Whether a value, or one in it, is pending. What several places share is looked at once: a list of twice a list of twice a list
/// has more places than can ever be visited.
fn is_pending_within(value: &Value) -> bool {
    let mut open = vec![value];
    let mut seen = FxHashSet::default();
    while let Some(value) = open.pop() {
        if matches!(value, Value::Pending(_)) {
            return true;
        }
        parts(value, |part| {
            if may_be_pending(part) && shared_place(part).is_none_or(|place| seen.insert(place)) {
                open.push(part);
            }
        });
    }
    false
}

/// Where the parts of a value lie, if another value may have the same.
fn shared_place(value: &Value) -> Option<*const ()> {
    match value {
        Value::List(items)
        | Value::Tuple(items)
        | Value::Record(_, items)
        | Value::Variant(_, _, items)
        | Value::Closure(_, items) => items.is_shared().then(|| items.place().cast()),
        Value::Map(pairs) => pairs.is_shared().then(|| pairs.place().cast()),
        _ => None,
    }
}

fn may_be_pending(value: &Value) -> bool {
    !matches!(
        value,
        Value::Unit | Value::None | Value::Unknown | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::TaskId;

    fn doubled(innermost: Value, levels: usize) -> Value {
        (0..levels).fold(innermost, |inner, _| Value::list(vec![inner.clone(), inner]))
    }

    #[test]
    fn shared_parts_are_looked_at_once() {
        assert!(!is_pending_within(&doubled(Value::list(vec![Value::Int(1)]), 200)));
        assert!(is_pending_within(&doubled(Value::Pending(TaskId(0)), 200)));
        let pair = Value::list(vec![Value::Int(1)]);
        let first_whole = vec![pair.clone(), doubled(pair, 3), Value::list(vec![Value::Pending(TaskId(0))])];
        assert!(is_pending_within(&Value::list(first_whole)));
    }
}
