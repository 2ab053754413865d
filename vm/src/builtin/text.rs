//! Methods of `Str`. Lengths and places count Unicode scalar values.

use super::{count_of, optional, unknown};
use crate::operation::{str_of, within};
use crate::trap::Fault;
use crate::value::Value;

pub(super) fn call(method: &str, arguments: &[Value], limit: usize) -> Result<Value, Fault> {
    let text = str_of(&arguments[0])?;
    let other = |index: usize| str_of(&arguments[index]);
    let texts = |parts: &mut dyn Iterator<Item = &str>| Value::list(parts.map(Value::text).collect());
    Ok(match method {
        "len" => Value::Int(text.chars().count() as i64),
        "is_empty" => Value::Bool(text.is_empty()),
        "upper" => Value::text(text.to_uppercase()),
        "lower" => Value::text(text.to_lowercase()),
        "trim" => Value::text(text.trim()),
        "split" if other(1)?.is_empty() => {
            return Err(
                Fault::new("a text can't be split at an empty text").with_help("`s.chars()` gives its characters")
            );
        }
        "split" => texts(&mut text.split(other(1)?)),
        "lines" => texts(&mut text.lines()),
        "words" => texts(&mut text.split_whitespace()),
        "chars" => Value::list(text.chars().map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect()),
        "contains" => Value::Bool(text.contains(other(1)?)),
        "starts_with" => Value::Bool(text.starts_with(other(1)?)),
        "ends_with" => Value::Bool(text.ends_with(other(1)?)),
        "replace" => {
            let (from, to) = (other(1)?, other(2)?);
            let found = text.matches(from).count();
            within(text.len().saturating_add(found.saturating_mul(to.len())), limit, "a text")?;
            Value::text(text.replace(from, to))
        }
        "find" => optional(text.find(other(1)?).map(|at| Value::Int(text[..at].chars().count() as i64))),
        "slice" => {
            let (start, end) =
                (count_of(&arguments[1], "a place in a text")?, count_of(&arguments[2], "a place in a text")?);
            Value::text(text.chars().skip(start).take(end.saturating_sub(start)).collect::<String>())
        }
        "repeat" => {
            let times = count_of(&arguments[1], "a number of repetitions")?;
            within(text.len().saturating_mul(times), limit, "a text")?;
            Value::text(text.repeat(times))
        }
        "pad_start" => {
            let (width, with) = (count_of(&arguments[1], "a width")?, other(2)?);
            let missing = width.saturating_sub(text.chars().count());
            within(missing.saturating_mul(4).saturating_add(text.len()), limit, "a text")?;
            let padding: String = with.chars().cycle().take(missing).collect();
            Value::text(padding + text)
        }
        "to_int" => optional(text.trim().parse().ok().map(Value::Int)),
        "to_float" => optional(text.trim().parse().ok().filter(|x: &f64| x.is_finite()).map(Value::Float)),
        other => return Err(unknown(&format!("str.{other}"))),
    })
}
