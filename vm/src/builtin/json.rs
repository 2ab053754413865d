//! Methods of `Json`, whose values are numbers, texts, lists and maps as they are.

use super::{optional, unknown};
use crate::image::Image;
use crate::operation as values;
use crate::text::text_of;
use crate::trap::Fault;
use crate::value::Value;

pub(super) fn call(method: &str, arguments: &[Value], image: &Image) -> Result<Value, Fault> {
    let json = &arguments[0];
    Ok(match method {
        "get" => {
            let key = values::str_of(&arguments[1])?;
            optional(
                pairs(json).iter().find(|(k, _)| matches!(k, Value::Str(k) if ***k == *key)).map(|(_, v)| v.clone()),
            )
        }
        "at" => {
            let index = values::int_of(&arguments[1])?;
            optional(usize::try_from(index).ok().and_then(|index| items(json).get(index).cloned()))
        }
        "keys" => Value::list(pairs(json).iter().map(|(key, _)| key.clone()).collect()),
        "len" => Value::Int(items(json).len().max(pairs(json).len()) as i64),
        "is_null" => Value::Bool(matches!(json, Value::None)),
        "as_str" => optional(Some(json.clone()).filter(|json| matches!(json, Value::Str(_)))),
        "as_int" => optional(Some(json.clone()).filter(|json| matches!(json, Value::Int(_)))),
        "as_float" => match json {
            Value::Int(n) => Value::Float(*n as f64),
            Value::Float(_) => json.clone(),
            _ => Value::None,
        },
        "as_bool" => optional(Some(json.clone()).filter(|json| matches!(json, Value::Bool(_)))),
        "as_list" => optional(Some(json.clone()).filter(|json| matches!(json, Value::List(_)))),
        "as_map" => optional(Some(json.clone()).filter(|json| matches!(json, Value::Map(_)))),
        "to_schema" => optional(Some(json.clone()).filter(|json| matches!(json, Value::Map(_) | Value::Bool(_)))),
        "text" => match json {
            Value::Str(text) => {
                let mut quoted = String::new();
                crate::text::quote(text, &mut quoted);
                Value::text(quoted)
            }
            other => {
                crate::value::within_depth(other)?;
                Value::text(text_of(other, image))
            }
        },
        "read" => {
            let text = values::str_of(json)?;
            optional(serde_json::from_str(text).ok().map(|json| crate::json::value_of_any(&json)))
        }
        other => return Err(unknown(&format!("json.{other}"))),
    })
}

fn pairs(json: &Value) -> &[(Value, Value)] {
    match json {
        Value::Map(pairs) => pairs,
        _ => &[],
    }
}

fn items(json: &Value) -> &[Value] {
    match json {
        Value::List(items) => items,
        _ => &[],
    }
}
