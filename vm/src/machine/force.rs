//! Values that tasks still compute: waiting for them where they are read.

use super::Machine;
use crate::task::{Slot, Stop, Wait};
use crate::trap::Fault;
use crate::value::{Shared, Value, parts, within_depth};

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

/// Whether a value, or one in it, is pending.
fn is_pending_within(value: &Value) -> bool {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        if matches!(value, Value::Pending(_)) {
            return true;
        }
        parts(value, |part| {
            if may_be_pending(part) {
                open.push(part);
            }
        });
    }
    false
}

fn may_be_pending(value: &Value) -> bool {
    !matches!(
        value,
        Value::Unit | Value::None | Value::Unknown | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_)
    )
}
