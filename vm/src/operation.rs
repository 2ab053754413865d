//! Operators on values, without a machine. Operands are not pending.

use crate::image::Binary;
use crate::trap::Fault;
use crate::value::{Iterator, Shared, Value, equal};
use std::cmp::Ordering;
use std::rc::Rc;

type Result<T> = std::result::Result<T, Fault>;

/// The fault of a value of another kind than the code expects: a compiler's mistake or a forged image.
pub(crate) fn kind_fault(expected: &str, found: &Value) -> Fault {
    Fault::new(format!("expected {expected}, found {}", found.kind()))
}

pub(crate) fn overflow(what: &str) -> Fault {
    Fault::new(format!("{what} overflows an Int"))
        .with_help("an Int has 64 bits; compute with a Float, or with smaller numbers")
}

pub(crate) fn bool_of(value: &Value) -> Result<bool> {
    match value {
        Value::Bool(b) => Ok(*b),
        other => Err(kind_fault("a Bool", other)),
    }
}

pub(crate) fn int_of(value: &Value) -> Result<i64> {
    match value {
        Value::Int(n) => Ok(*n),
        other => Err(kind_fault("an Int", other)),
    }
}

pub(crate) fn float_of(value: &Value) -> Result<f64> {
    match value {
        Value::Float(x) => Ok(*x),
        Value::Int(n) => Ok(*n as f64),
        other => Err(kind_fault("a number", other)),
    }
}

pub(crate) fn str_of(value: &Value) -> Result<&str> {
    match value {
        Value::Str(text) => Ok(text),
        other => Err(kind_fault("a Str", other)),
    }
}

pub(crate) fn list_of(value: &Value) -> Result<&Shared<Value>> {
    match value {
        Value::List(items) => Ok(items),
        other => Err(kind_fault("a list", other)),
    }
}

pub(crate) fn binary(op: Binary, left: &Value, right: &Value, elements_max: usize) -> Result<Value> {
    Ok(match op {
        Binary::Equal => Value::Bool(equal(left, right)),
        Binary::NotEqual => Value::Bool(!equal(left, right)),
        Binary::Less => Value::Bool(compare(left, right)? == Some(Ordering::Less)),
        Binary::LessEqual => Value::Bool(matches!(compare(left, right)?, Some(Ordering::Less | Ordering::Equal))),
        Binary::In => Value::Bool(member(left, right)?),
        Binary::Add => match (left, right) {
            (Value::Str(a), Value::Str(b)) => {
                within(a.len() + b.len(), elements_max, "a text")?;
                Value::text([&***a, &***b].concat())
            }
            (Value::List(a), Value::List(b)) => {
                within(a.len() + b.len(), elements_max, "a list")?;
                Value::list(a.iter().chain(b.iter()).cloned().collect())
            }
            _ => arithmetic(op, left, right)?,
        },
        Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Remainder => arithmetic(op, left, right)?,
    })
}

fn arithmetic(op: Binary, left: &Value, right: &Value) -> Result<Value> {
    let (Value::Int(a), Value::Int(b)) = (left, right) else {
        let (a, b) = (float_of(left)?, float_of(right)?);
        return Ok(Value::Float(match op {
            Binary::Add => a + b,
            Binary::Subtract => a - b,
            Binary::Multiply => a * b,
            Binary::Divide => a / b,
            _ => a % b,
        }));
    };
    let (sign, result) = match op {
        Binary::Add => ('+', a.checked_add(*b)),
        Binary::Subtract => ('-', a.checked_sub(*b)),
        Binary::Multiply => ('*', a.checked_mul(*b)),
        Binary::Divide if *b != 0 => ('/', a.checked_div(*b)),
        Binary::Remainder if *b != 0 => ('%', a.checked_rem(*b)),
        _ => return Err(Fault::new(format!("{a} is divided by zero"))),
    };
    result.map(Value::Int).ok_or_else(|| overflow(&format!("{a} {sign} {b}")))
}

/// The order of numbers and texts; none where a number is not one.
pub(crate) fn compare(left: &Value, right: &Value) -> Result<Option<Ordering>> {
    Ok(match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => float_of(left)?.partial_cmp(&float_of(right)?),
    })
}

fn member(item: &Value, of: &Value) -> Result<bool> {
    match of {
        Value::List(items) => Ok(items.iter().any(|i| equal(i, item))),
        Value::Map(pairs) => Ok(pairs.iter().any(|(key, _)| equal(key, item))),
        Value::Range(range) => {
            let ((start, end), n) = (**range, int_of(item)?);
            Ok(n >= start && end.is_none_or(|end| n < end))
        }
        Value::Str(text) => Ok(text.contains(str_of(item)?)),
        other => Err(kind_fault("a list, map, range or Str", other)),
    }
}

/// A fault if something grows beyond its bound.
pub(crate) fn within(count: usize, limit: usize, what: &str) -> Result<()> {
    if count <= limit {
        return Ok(());
    }
    Err(Fault::new(format!("{what} of {count} is beyond the limit of {limit}")))
}

/// The range of two bounds.
pub(crate) fn range(start: i64, end: Option<i64>, inclusive: bool) -> Result<Value> {
    let end = match end {
        Some(end) if inclusive => Some(end.checked_add(1).ok_or_else(|| overflow("the end of the range"))?),
        other => other,
    };
    Ok(Value::Range(Rc::new((start, end))))
}

/// The place of a signed index in a list.
fn place(at: i64, len: usize) -> Result<usize> {
    let from_end = if at < 0 { at + len as i64 } else { at };
    usize::try_from(from_end).ok().filter(|place| *place < len).ok_or_else(|| {
        let fault = Fault::new(format!("index {at} is outside a list of {len}"));
        fault.with_help("`xs.get(i)` gives none where there is no element")
    })
}

pub(crate) fn index(of: &Value, at: &Value) -> Result<Value> {
    match of {
        Value::List(items) => Ok(items[place(int_of(at)?, items.len())?].clone()),
        Value::Map(pairs) => match pairs.iter().find(|(key, _)| equal(key, at)) {
            Some((_, value)) => Ok(value.clone()),
            None => {
                Err(Fault::new("the map has no such key").with_help("`m.get(key)` gives none where there is no value"))
            }
        },
        other => Err(kind_fault("a list or map", other)),
    }
}

pub(crate) fn with_index(of: &Value, at: &Value, value: Value) -> Result<Value> {
    match of {
        Value::List(items) => {
            let at = place(int_of(at)?, items.len())?;
            let mut items = items.clone();
            items.make_mut()[at] = value;
            Ok(Value::List(items))
        }
        Value::Map(pairs) => {
            let mut pairs = pairs.clone();
            insert(pairs.make_mut(), at.clone(), value);
            Ok(Value::Map(pairs))
        }
        other => Err(kind_fault("a list or map", other)),
    }
}

/// Sets a key: where it is, or at the end.
pub(crate) fn insert(pairs: &mut Vec<(Value, Value)>, key: Value, value: Value) {
    match pairs.iter_mut().find(|(k, _)| equal(k, &key)) {
        Some((_, old)) => *old = value,
        None => pairs.push((key, value)),
    }
}

fn fields(of: &Value) -> Result<&Shared<Value>> {
    match of {
        Value::Record(_, items) | Value::Variant(_, _, items) | Value::Tuple(items) => Ok(items),
        other => Err(kind_fault("a record, tuple or variant", other)),
    }
}

fn no_field(index: u16, of: &Value) -> Fault {
    Fault::new(format!("{} has no field {index}", of.kind()))
}

pub(crate) fn field(of: &Value, index: u16) -> Result<Value> {
    fields(of)?.get(usize::from(index)).cloned().ok_or_else(|| no_field(index, of))
}

pub(crate) fn with_field(of: &Value, index: u16, value: Value) -> Result<Value> {
    let mut items = fields(of)?.clone();
    let slot = items.make_mut().get_mut(usize::from(index)).ok_or_else(|| no_field(index, of))?;
    *slot = value;
    match of {
        Value::Record(id, _) => Ok(Value::Record(*id, items)),
        Value::Variant(variant, id, _) => Ok(Value::Variant(*variant, *id, items)),
        _ => Ok(Value::Tuple(items)),
    }
}

pub(crate) fn negate(of: &Value) -> Result<Value> {
    match of {
        Value::Int(n) => n.checked_neg().map(Value::Int).ok_or_else(|| overflow(&format!("-({n})"))),
        other => Ok(Value::Float(-float_of(other)?)),
    }
}

/// A loop's place before its first element.
pub(crate) fn iterate(over: Value) -> Result<Value> {
    let over = match over {
        Value::Str(text) => Value::list(text.chars().map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect()),
        Value::List(_) | Value::Map(_) | Value::Range(..) => over,
        other => return Err(kind_fault("a list, map, range or Str", &other)),
    };
    Ok(Value::Iterator(Box::new(Iterator { over, at: 0 })))
}

/// The element at the loop's place; moves on.
pub(crate) fn next(iterator: &mut Value) -> Result<Option<Value>> {
    let Value::Iterator(iterator) = iterator else {
        return Err(kind_fault("an iterator", iterator));
    };
    let at = iterator.at;
    iterator.at += 1;
    Ok(match &iterator.over {
        Value::List(items) => items.get(at).cloned(),
        Value::Map(pairs) => pairs.get(at).map(|(key, value)| Value::Tuple(vec![key.clone(), value.clone()].into())),
        Value::Range(range) => {
            let (start, end) = **range;
            let next =
                i64::try_from(at).ok().and_then(|at| start.checked_add(at)).ok_or_else(|| overflow("the range"))?;
            end.is_none_or(|end| next < end).then_some(Value::Int(next))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_trap_where_they_would_wrap() {
        let int = Value::Int;
        let of = |op, a, b| binary(op, &int(a), &int(b), 100);
        assert!(of(Binary::Add, i64::MAX, 1).is_err());
        assert!(of(Binary::Divide, 1, 0).is_err());
        assert!(of(Binary::Divide, i64::MIN, -1).is_err());
        assert!(of(Binary::Remainder, i64::MIN, -1).is_err());
        assert!(matches!(of(Binary::Divide, -7, 2), Ok(Value::Int(-3))));
        assert!(negate(&int(i64::MIN)).is_err());
        assert!(range(0, Some(i64::MAX), true).is_err());
    }

    #[test]
    fn indices_count_from_both_ends() {
        let list = Value::list(vec![Value::Int(1), Value::Int(2)]);
        assert!(matches!(index(&list, &Value::Int(-1)), Ok(Value::Int(2))));
        for at in [2, -3, i64::MIN, i64::MAX] {
            assert!(index(&list, &Value::Int(at)).is_err(), "{at}");
        }
    }
}
