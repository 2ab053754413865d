//! Built-in functions: the methods of `Str`, lists, maps, numbers, ranges and optionals.
//!
//! Arguments come with everything in them. Higher-order ones call closures through the machine.

mod json;
mod list;
mod map;
mod number;
mod text;

use crate::image::Image;
use crate::json::{json_of_value, value_of_any};
use crate::machine::Machine;
use crate::operation as values;
use crate::task::Stop;
use crate::text::text_of;
use crate::trap::Fault;
use crate::value::{TaskId, Value, within_depth};

/// Name and number of arguments, the receiver included.
const ARITIES: &[(&str, usize)] = &[
    ("str.len", 1),
    ("str.is_empty", 1),
    ("str.upper", 1),
    ("str.lower", 1),
    ("str.trim", 1),
    ("str.split", 2),
    ("str.lines", 1),
    ("str.words", 1),
    ("str.chars", 1),
    ("str.contains", 2),
    ("str.starts_with", 2),
    ("str.ends_with", 2),
    ("str.replace", 3),
    ("str.find", 2),
    ("str.slice", 3),
    ("str.repeat", 2),
    ("str.pad_start", 3),
    ("str.to_int", 1),
    ("str.to_float", 1),
    ("list.len", 1),
    ("list.is_empty", 1),
    ("list.first", 1),
    ("list.last", 1),
    ("list.get", 2),
    ("list.push", 2),
    ("list.concat", 2),
    ("list.reverse", 1),
    ("list.sort", 1),
    ("list.sort_by", 2),
    ("list.map", 2),
    ("list.filter", 2),
    ("list.fold", 3),
    ("list.any", 2),
    ("list.all", 2),
    ("list.find", 2),
    ("list.index_of", 2),
    ("list.contains", 2),
    ("list.join", 2),
    ("list.sum", 1),
    ("list.min", 1),
    ("list.max", 1),
    ("list.max_by", 2),
    ("list.min_by", 2),
    ("list.count", 2),
    ("list.unique", 1),
    ("list.zip", 2),
    ("list.enumerate", 1),
    ("list.take", 2),
    ("list.drop", 2),
    ("list.flatten", 1),
    ("list.group_by", 2),
    ("map.len", 1),
    ("map.keys", 1),
    ("map.values", 1),
    ("map.get", 2),
    ("map.contains", 2),
    ("map.insert", 3),
    ("map.remove", 2),
    ("map.entries", 1),
    ("int.abs", 1),
    ("int.min", 2),
    ("int.max", 2),
    ("int.clamp", 3),
    ("int.pow", 2),
    ("int.to_float", 1),
    ("float.abs", 1),
    ("float.min", 2),
    ("float.max", 2),
    ("float.clamp", 3),
    ("float.floor", 1),
    ("float.ceil", 1),
    ("float.round", 1),
    ("float.to_int", 1),
    ("float.sqrt", 1),
    ("range.len", 1),
    ("range.to_list", 1),
    ("optional.or", 2),
    ("optional.is_some", 1),
    ("prompt.text", 1),
    ("any.to_str", 1),
    ("any.json", 1),
    ("any.to_json", 1),
    ("json.get", 2),
    ("json.at", 2),
    ("json.keys", 1),
    ("json.len", 1),
    ("json.is_null", 1),
    ("json.as_str", 1),
    ("json.as_int", 1),
    ("json.as_float", 1),
    ("json.as_bool", 1),
    ("json.as_list", 1),
    ("json.as_map", 1),
    ("json.to_schema", 1),
    ("json.text", 1),
    ("json.read", 1),
];

/// How many arguments a built-in takes; none if there is none of this name.
pub(crate) fn arity(name: &str) -> Option<usize> {
    ARITIES.iter().find(|(known, _)| *known == name).map(|(_, count)| *count)
}

/// The number of a built-in, by which native code names it.
pub(crate) fn number_of(name: &str) -> Option<usize> {
    ARITIES.iter().position(|(known, _)| *known == name)
}

/// The built-in of a number.
pub(crate) fn by_number(number: usize) -> Option<&'static str> {
    ARITIES.get(number).map(|(name, _)| *name)
}

impl Machine<'_> {
    /// Calls a built-in. The image was verified, so `arguments` are as many as it takes.
    pub(crate) fn builtin(&mut self, id: TaskId, name: &str, arguments: &[Value]) -> Result<Value, Stop> {
        if let Some(method) = name.strip_prefix("list.") {
            return self.list(id, method, arguments);
        }
        Ok(plain(name, arguments, self.image, self.options.limits.elements)?)
    }
}

/// Calls a built-in that calls nothing itself.
pub(crate) fn plain(name: &str, arguments: &[Value], image: &Image, limit: usize) -> Result<Value, Fault> {
    let Some((family, method)) = name.split_once('.') else { return Err(unknown(name)) };
    match family {
        "str" => text::call(method, arguments, limit),
        "list" => list::plain(method, arguments, image, limit),
        "map" => map::call(method, arguments),
        "int" => number::int(method, arguments),
        "float" => number::float(method, arguments),
        "range" => range(method, &arguments[0], limit),
        "optional" => Ok(match (method, &arguments[0]) {
            ("or", Value::None) => arguments[1].clone(),
            ("or", some) => some.clone(),
            ("is_some", value) => Value::Bool(!matches!(value, Value::None)),
            _ => return Err(unknown(name)),
        }),
        "prompt" => match &arguments[0] {
            Value::Transcript(transcript) => Ok(Value::text(transcript.written.text())),
            other => Err(values::kind_fault("a transcript", other)),
        },
        "any" => {
            within_depth(&arguments[0])?;
            match method {
                "to_str" => Ok(Value::text(text_of(&arguments[0], image))),
                "json" => Ok(Value::text(json_of_value(&arguments[0], image).to_string())),
                "to_json" => Ok(value_of_any(&json_of_value(&arguments[0], image))),
                _ => Err(unknown(name)),
            }
        }
        "json" => json::call(method, arguments, image),
        _ => Err(unknown(name)),
    }
}

/// What a built-in makes of a list and of what its closure gave for each element.
pub(crate) fn rank(name: &str, items: &Value, ranks: &Value) -> Result<Value, Fault> {
    let method = name.strip_prefix("list.").ok_or_else(|| unknown(name))?;
    list::ranked(method, values::list_of(items)?, values::list_of(ranks)?.to_vec())
}

fn unknown(name: &str) -> Fault {
    Fault::new(format!("there is no built-in `{name}`"))
}

fn range(method: &str, of: &Value, limit: usize) -> Result<Value, Fault> {
    let Value::Range(range) = of else { return Err(values::kind_fault("a range", of)) };
    let (start, end) = **range;
    let Some(end) = end else { return Err(Fault::new("the range has no end")) };
    let count = end.saturating_sub(start).max(0);
    match method {
        "len" => Ok(Value::Int(count)),
        "to_list" => {
            values::within(usize::try_from(count).unwrap_or(usize::MAX), limit, "a list")?;
            Ok(Value::list((start..end).map(Value::Int).collect()))
        }
        other => Err(unknown(&format!("range.{other}"))),
    }
}

/// A count that a program gives; below zero is a fault.
fn count_of(value: &Value, what: &str) -> Result<usize, Fault> {
    let n = values::int_of(value)?;
    usize::try_from(n).map_err(|_| Fault::new(format!("{what} can't be {n}")))
}

/// A value that may be missing.
fn optional(value: Option<Value>) -> Value {
    value.unwrap_or(Value::None)
}
