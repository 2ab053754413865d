//! How deep a value nests, for what goes through it level by level: texts, JSON, shapes, comparisons.

use super::{Part, Value};
use crate::limits::{TOLD_DEPTH_MAX, TOLD_PARTS_MAX};
use crate::trap::Fault;

/// Bytes of a text that count as one part.
const TEXT_OF_A_PART: usize = 64;

/// A fault if the value nests deeper than what goes through it may, or is larger than it may be.
pub(crate) fn within_depth(value: &Value) -> Result<(), Fault> {
    let mut open: Vec<(&Value, usize)> = vec![(value, 0)];
    let mut seen = 0;
    while let Some((value, depth)) = open.pop() {
        seen += 1;
        if depth > TOLD_DEPTH_MAX {
            let message = format!("the value nests deeper than {TOLD_DEPTH_MAX} levels, which is too deep to be told");
            return Err(Fault::new(message).with_help("take it apart with a loop"));
        }
        parts(value, |part| match part {
            // What is told of a text is as long as the text, in each place.
            Value::Str(text) => seen += text.len() / TEXT_OF_A_PART,
            part if part.has_parts() => open.push((part, depth + 1)),
            _ => {}
        });
        // Parts that are shared are met again in each place.
        if seen > TOLD_PARTS_MAX {
            let message = format!("the value has more than {TOLD_PARTS_MAX} parts, which is too many to be told");
            return Err(Fault::new(message).with_help("keep less in one value"));
        }
    }
    Ok(())
}

/// Visits what a value holds, one level down.
pub(crate) fn parts<'v>(value: &'v Value, mut visit: impl FnMut(&'v Value)) {
    match value {
        Value::List(items)
        | Value::Tuple(items)
        | Value::Record(_, items)
        | Value::Variant(_, _, items)
        | Value::Closure(_, items) => items.iter().for_each(visit),
        Value::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            visit(key);
            visit(value);
        }),
        Value::Iterator(place) => visit(&place.over),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(Value::Unit, |inner, _| Value::list(vec![inner]))
    }

    #[test]
    fn depth_is_bounded() {
        assert!(within_depth(&nested(TOLD_DEPTH_MAX + 1)).is_ok());
        assert!(within_depth(&nested(TOLD_DEPTH_MAX + 2)).is_err());
    }

    #[test]
    fn what_doubles_at_every_level_is_too_large() {
        let doubled = (0..60).fold(Value::list(vec![]), |inner, _| Value::list(vec![inner.clone(), inner]));
        assert!(within_depth(&doubled).is_err_and(|fault| fault.message.contains("parts")));
    }

    #[test]
    fn a_long_text_in_many_places_is_too_large() {
        let long = Value::text("x".repeat(64_000));
        let places = |count: usize| Value::list(vec![long.clone(); count]);
        assert!(within_depth(&places(TOLD_PARTS_MAX / 1_000 - 1)).is_ok());
        assert!(within_depth(&Value::list(vec![places(TOLD_PARTS_MAX / 1_000 + 1)])).is_err());
    }
}
