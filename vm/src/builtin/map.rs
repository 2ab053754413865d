//! Methods of maps. A map keeps the order in which its keys were first set.

use super::{optional, unknown};
use crate::operation::insert;
use crate::trap::Fault;
use crate::value::{Shared, Value, equal};

pub(super) fn call(method: &str, arguments: &[Value]) -> Result<Value, Fault> {
    let Value::Map(pairs) = &arguments[0] else {
        return Err(crate::operation::kind_fault("a map", &arguments[0]));
    };
    let found = |key: &Value| pairs.iter().find(|(k, _)| equal(k, key)).map(|(_, value)| value.clone());
    Ok(match method {
        "len" => Value::Int(pairs.len() as i64),
        "keys" => Value::list(pairs.iter().map(|(key, _)| key.clone()).collect()),
        "values" => Value::list(pairs.iter().map(|(_, value)| value.clone()).collect()),
        "get" => optional(found(&arguments[1])),
        "contains" => Value::Bool(found(&arguments[1]).is_some()),
        "insert" => {
            let mut pairs = pairs.clone();
            insert(pairs.make_mut(), arguments[1].clone(), arguments[2].clone());
            Value::Map(pairs)
        }
        "remove" => {
            Value::Map(Shared::new(pairs.iter().filter(|(key, _)| !equal(key, &arguments[1])).cloned().collect()))
        }
        "entries" => Value::list(
            pairs.iter().map(|(key, value)| Value::Tuple(vec![key.clone(), value.clone()].into())).collect(),
        ),
        other => return Err(unknown(&format!("map.{other}"))),
    })
}
