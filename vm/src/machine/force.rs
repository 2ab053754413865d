//! Values that tasks still compute: waiting for them where they are read.

use super::Machine;
use crate::task::{Slot, Stop, Wait};
use crate::trap::Fault;
use crate::value::Value;
use std::rc::Rc;

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
        if self.slots.len() == 1 {
            // No task was ever spawned: nothing is pending.
            return Ok(value.clone());
        }
        let all = |items: &Rc<Vec<Value>>| -> Result<Rc<Vec<Value>>, Stop> {
            if !items.iter().any(may_be_pending) {
                return Ok(Rc::clone(items));
            }
            Ok(Rc::new(items.iter().map(|item| self.force_whole(item)).collect::<Result<_, _>>()?))
        };
        Ok(match value {
            Value::Pending(_) => self.force(value.clone())?,
            Value::List(items) => Value::List(all(items)?),
            Value::Tuple(items) => Value::Tuple(all(items)?),
            Value::Record(ty, items) => Value::Record(*ty, all(items)?),
            Value::Variant(index, ty, items) => Value::Variant(*index, *ty, all(items)?),
            Value::Closure(function, captures) => Value::Closure(*function, all(captures)?),
            Value::Map(pairs) if pairs.iter().any(|(_, value)| may_be_pending(value)) => {
                let pairs = pairs.iter().map(|(key, value)| Ok((key.clone(), self.force_whole(value)?)));
                Value::Map(Rc::new(pairs.collect::<Result<_, Stop>>()?))
            }
            _ => value.clone(),
        })
    }
}

fn may_be_pending(value: &Value) -> bool {
    !matches!(
        value,
        Value::Unit | Value::None | Value::Unknown | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_)
    )
}
