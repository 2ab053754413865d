//! Hole text to values: exactly the language of the shape.

use crate::image::Image;
use crate::value::Value;
use sgl_protocol::Shape;

/// The value that a hole's text stands for. The error says what was expected, and at which byte.
pub fn parse(text: &str, shape: &Shape, image: &Image) -> Result<Value, String> {
    let mut parser = Parser { text, image, furthest: 0, expected: String::new() };
    match parser.whole(shape) {
        Some(value) => Ok(value),
        None => Err(format!("expected {} at byte {} of {text:?}", parser.expected, parser.furthest)),
    }
}

struct Parser<'a> {
    text: &'a str,
    image: &'a Image,
    furthest: usize,
    expected: String,
}

impl Parser<'_> {
    /// The whole text, where text and names stand raw.
    fn whole(&mut self, shape: &Shape) -> Option<Value> {
        match shape {
            Shape::Text { .. } => self.text_fits(shape),
            Shape::Literal(literal) => {
                if self.text == literal {
                    Some(Value::text(literal))
                } else {
                    self.fail(0, &format!("{literal:?}"))
                }
            }
            Shape::Enum { names, .. } => match names.iter().position(|name| name == self.text) {
                Some(index) => self.variant(shape, index),
                None => self.fail(0, &format!("one of {}", names.join(", "))),
            },
            Shape::Union(variants) => variants.iter().find_map(|variant| {
                let value = self.whole(&variant.shape)?;
                Some(unknown_or(value, &variant.name))
            }),
            other => {
                let (value, end) = self.at(other, 0)?;
                if end == self.text.len() { Some(value) } else { self.fail(end, "the end") }
            }
        }
    }

    /// Free text is what it is: its pattern was enforced while it was written, or is checked by the scripted model's caller.
    fn text_fits(&mut self, shape: &Shape) -> Option<Value> {
        let Shape::Text { chars_max, until, .. } = shape else { return None };
        if chars_max.is_some_and(|max| self.text.chars().count() > max as usize) {
            return self.fail(self.text.len(), "fewer characters");
        }
        if until.as_ref().is_some_and(|delimiter| !delimiter.is_empty() && self.text.contains(delimiter.as_str())) {
            return self.fail(0, "text without its delimiter");
        }
        Some(Value::text(self.text))
    }

    fn fail<T>(&mut self, at: usize, expected: &str) -> Option<T> {
        if at >= self.furthest {
            self.furthest = at;
            self.expected = expected.to_string();
        }
        None
    }

    fn literal(&mut self, at: usize, literal: &str) -> Option<usize> {
        if self.text[at..].starts_with(literal) {
            Some(at + literal.len())
        } else {
            self.fail(at, &format!("{literal:?}"))
        }
    }

    /// A value inside a structure, and where it ends.
    fn at(&mut self, shape: &Shape, at: usize) -> Option<(Value, usize)> {
        match shape {
            Shape::Text { chars_max, .. } => {
                let (text, end) = self.string(at)?;
                if chars_max.is_some_and(|max| text.chars().count() > max as usize) {
                    return self.fail(end, "fewer characters");
                }
                Some((Value::text(text), end))
            }
            Shape::Int { min, max } => {
                let end = at + self.text[at..].bytes().take_while(|b| b.is_ascii_digit() || *b == b'-').count();
                let digits = &self.text[at..end];
                let value = digits.parse::<i64>().ok().filter(|n| n.to_string() == digits);
                match value.filter(|n| min.is_none_or(|m| *n >= m) && max.is_none_or(|m| *n <= m)) {
                    Some(n) => Some((Value::Int(n), end)),
                    None => self.fail(at, &range("an integer", *min, *max)),
                }
            }
            Shape::Float { decimals, min, max } => self.float(at, *decimals, *min, *max),
            Shape::Bool => {
                let rest = &self.text[at..];
                if rest.starts_with("true") {
                    Some((Value::Bool(true), at + 4))
                } else if rest.starts_with("false") {
                    Some((Value::Bool(false), at + 5))
                } else {
                    self.fail(at, "true or false")
                }
            }
            Shape::Null => self.literal(at, "null").map(|end| (Value::None, end)),
            Shape::Literal(literal) => {
                let (text, end) = self.string(at)?;
                if text == *literal { Some((Value::text(text), end)) } else { self.fail(at, &format!("{literal:?}")) }
            }
            Shape::Enum { names, .. } => {
                let (text, end) = self.string(at)?;
                match names.iter().position(|name| *name == text) {
                    Some(index) => Some((self.variant(shape, index)?, end)),
                    None => self.fail(at, &format!("one of {}", names.join(", "))),
                }
            }
            Shape::List { item, min, max } => self.list(item, *min, *max, at),
            Shape::Tuple(shapes) => {
                let mut items = Vec::new();
                let mut end = self.literal(at, "[")?;
                for (index, shape) in shapes.iter().enumerate() {
                    if index > 0 {
                        end = self.literal(end, ", ")?;
                    }
                    let (item, next) = self.at(shape, end)?;
                    items.push(item);
                    end = next;
                }
                let end = self.literal(end, "]")?;
                Some((Value::Tuple(items.into()), end))
            }
            Shape::Record { fields, .. } => {
                let mut items = Vec::new();
                let mut end = self.literal(at, "{")?;
                for (index, field) in fields.iter().enumerate() {
                    let mut key = String::from(if index > 0 { ", " } else { "" });
                    crate::text::quote(&field.name, &mut key);
                    key.push_str(": ");
                    end = self.literal(end, &key)?;
                    let (item, next) = self.at(&field.shape, end)?;
                    items.push(item);
                    end = next;
                }
                let end = self.literal(end, "}")?;
                let id = record_of(shape, self.image)?;
                Some((Value::Record(id, items.into()), end))
            }
            Shape::Union(variants) => variants.iter().find_map(|variant| {
                let (value, end) = self.at(&variant.shape, at)?;
                Some((unknown_or(value, &variant.name), end))
            }),
        }
    }

    fn list(&mut self, item: &Shape, min: u32, max: Option<u32>, at: usize) -> Option<(Value, usize)> {
        let mut items = Vec::new();
        let mut end = self.literal(at, "[")?;
        while !self.text[end..].starts_with(']') {
            if !items.is_empty() {
                end = self.literal(end, ", ")?;
            }
            let (value, next) = self.at(item, end)?;
            items.push(value);
            end = next;
        }
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        if count < min || max.is_some_and(|max| count > max) {
            return self.fail(end, &range("a list whose length is", Some(i64::from(min)), max.map(i64::from)));
        }
        Some((Value::list(items), end + 1))
    }

    fn float(&mut self, at: usize, decimals: Option<u8>, min: Option<i64>, max: Option<i64>) -> Option<(Value, usize)> {
        let end = at + self.text[at..].bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.')).count();
        let digits = &self.text[at..end];
        let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let fits = match decimals {
            Some(d) => {
                let units = digits.replace('.', "").parse::<i64>().ok();
                fraction == usize::from(d)
                    && units.is_some_and(|u| min.is_none_or(|m| u >= m) && max.is_none_or(|m| u <= m))
            }
            None => true,
        };
        match digits.parse::<f64>() {
            Ok(x) if fits && x.is_finite() => Some((Value::Float(x), end)),
            _ => self.fail(at, "a number"),
        }
    }

    /// A JSON string in its one spelling.
    fn string(&mut self, at: usize) -> Option<(String, usize)> {
        let from = self.literal(at, "\"")?;
        let bytes = self.text.as_bytes();
        let mut end = from;
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let end = end + 1;
        let Some(quoted) = self.text.get(at..end) else {
            return self.fail(at, "the end of a string");
        };
        let Ok(text) = serde_json::from_str::<String>(quoted) else {
            return self.fail(at, "a string");
        };
        let mut canonical = String::new();
        crate::text::quote(&text, &mut canonical);
        if canonical == quoted { Some((text, end)) } else { self.fail(at, "a string with minimal escapes") }
    }

    fn variant(&mut self, shape: &Shape, index: usize) -> Option<Value> {
        let Shape::Enum { name, names } = shape else { return None };
        let matches = |e: &crate::image::EnumType| {
            e.name == *name && e.variants.len() == names.len() && e.variants.iter().zip(names).all(|((v, _), n)| v == n)
        };
        let id = self.image.enums.iter().position(matches)?;
        Some(Value::Variant(u32::try_from(id).ok()?, u16::try_from(index).ok()?, Vec::new().into()))
    }
}

/// The record type of a shape.
pub(crate) fn record_of(shape: &Shape, image: &Image) -> Option<u32> {
    let Shape::Record { name, fields } = shape else { return None };
    let matches = |r: &crate::image::RecordType| {
        r.name == *name && r.fields.len() == fields.len() && r.fields.iter().zip(fields).all(|(n, f)| *n == f.name)
    };
    u32::try_from(image.records.iter().position(matches)?).ok()
}

/// `Unknown` is written as a literal, and is a value of its own.
pub(crate) fn unknown_or(value: Value, variant: &str) -> Value {
    match &value {
        Value::Str(text) if variant == "Unknown" && **text == *"unknown" => Value::Unknown,
        _ => value,
    }
}

/// A range in words.
pub(crate) fn range(what: &str, min: Option<i64>, max: Option<i64>) -> String {
    match (min, max) {
        (None, None) => what.to_string(),
        (Some(min), None) => format!("{what} from {min}"),
        (None, Some(max)) => format!("{what} to {max}"),
        (Some(min), Some(max)) => format!("{what} from {min} to {max}"),
    }
}
