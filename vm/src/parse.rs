//! Hole text to values: exactly the language of the shape. What holds structures together is in `structure`.

mod structure;

use crate::image::Image;
use crate::limits::VALUE_DEPTH_MAX;
use crate::value::Value;
use crate::{named, pattern};
use sgl_protocol::{Form, Layout, Shape};

/// The value that a hole's text stands for. The error says what was expected, and at which byte.
pub fn parse(text: &str, shape: &Shape, image: &Image) -> Result<Value, String> {
    let mut parser = Parser {
        text,
        image,
        definitions: &[],
        layout: Layout::default(),
        is_inside_definition: false,
        depth: 0,
        furthest: 0,
        expected: String::new(),
    };
    match parser.whole(shape) {
        Some(value) => Ok(value),
        None => Err(format!("expected {} at byte {} of {text:?}", parser.expected, parser.furthest)),
    }
}

struct Parser<'a> {
    text: &'a str,
    image: &'a Image,
    /// What a [`Shape::Ref`] refers to here.
    definitions: &'a [Shape],
    /// How the structure here is laid out.
    layout: Layout,
    /// Whether this is inside a definition, so that a further one is on one line.
    is_inside_definition: bool,
    depth: usize,
    furthest: usize,
    expected: String,
}

impl<'a> Parser<'a> {
    /// The whole text, where text and names stand raw.
    fn whole(&mut self, shape: &'a Shape) -> Option<Value> {
        match shape {
            Shape::Text { .. } => self.text_fits(shape),
            Shape::Literal(literal) => {
                if self.text == literal {
                    Some(Value::text(literal))
                } else {
                    self.fail(0, &format!("{literal:?}"))
                }
            }
            Shape::Enum { name, names } => match names.iter().position(|name| name == self.text) {
                Some(index) => self.variant(name, names, index),
                None => self.fail(0, &format!("one of {}", names.join(", "))),
            },
            Shape::Union(variants) => variants.iter().find_map(|variant| {
                let value = self.whole(&variant.shape)?;
                Some(unknown_or(value, &variant.name))
            }),
            Shape::Grammar(_) => Some(Value::text(self.text)),
            Shape::Recursive { definitions, root } => self.within(definitions, |parser| parser.whole(root)),
            Shape::Formed { form, shape } => self.laid_out(Layout::of(*form), |parser| parser.whole(shape)),
            other => {
                let (value, end) = self.at(other, 0)?;
                if end == self.text.len() { Some(value) } else { self.fail(end, "the end") }
            }
        }
    }

    /// What a model wrote under a mask fits; what a script says is checked here.
    fn text_fits(&mut self, shape: &Shape) -> Option<Value> {
        let Shape::Text { pattern, chars_max, until } = shape else { return None };
        if let Some(wanted) = pattern::lacks(self.text, pattern.as_deref(), *chars_max, until.as_deref()) {
            return self.fail(0, &wanted);
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

    fn within<T>(&mut self, definitions: &'a [Shape], inner: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.definitions, definitions);
        let found = inner(self);
        self.definitions = outer;
        found
    }

    /// What is read of a definition, which may be inside another.
    fn reference<T>(
        &mut self,
        index: u32,
        at: usize,
        inner: impl FnOnce(&mut Self, &'a Shape) -> Option<T>,
    ) -> Option<T> {
        // The outermost is no nesting yet.
        if self.depth > VALUE_DEPTH_MAX {
            return self.fail(at, "less nesting");
        }
        let Some(definition) = self.definitions.get(index as usize) else {
            return self.fail(at, "a definition that exists");
        };
        let (layout, is_inside) = (self.layout, self.is_inside_definition);
        if is_inside {
            self.layout = Layout::default();
        }
        self.is_inside_definition = true;
        self.depth += 1;
        let found = inner(self, definition);
        self.depth -= 1;
        (self.layout, self.is_inside_definition) = (layout, is_inside);
        found
    }

    fn laid_out<T>(&mut self, layout: Layout, inner: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.layout, layout);
        let found = inner(self);
        self.layout = outer;
        found
    }

    /// A value inside a structure, and where it ends.
    fn at(&mut self, shape: &'a Shape, at: usize) -> Option<(Value, usize)> {
        match shape {
            Shape::Text { pattern, chars_max, until } => {
                let (text, end) = self.string(at)?;
                if let Some(wanted) = pattern::lacks(&text, pattern.as_deref(), *chars_max, until.as_deref()) {
                    return self.fail(at, &wanted);
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
            Shape::LiteralBool(only) => {
                let end = self.literal(at, if *only { "true" } else { "false" })?;
                Some((Value::Bool(*only), end))
            }
            Shape::Image => self.fail(at, "an image"),
            Shape::Null => self.literal(at, "null").map(|end| (Value::None, end)),
            Shape::Literal(literal) => {
                let (text, end) = self.name(at)?;
                if text == *literal { Some((Value::text(text), end)) } else { self.fail(at, &format!("{literal:?}")) }
            }
            Shape::Enum { name, names } => {
                let (text, end) = self.name(at)?;
                match names.iter().position(|name| *name == text) {
                    Some(index) => Some((self.variant(name, names, index)?, end)),
                    None => self.fail(at, &format!("one of {}", names.join(", "))),
                }
            }
            Shape::List { item, min, max } => self.list(item, *min, *max, at),
            Shape::Tuple(shapes) => self.tuple(shapes, at),
            Shape::Record { name, fields } => {
                let (items, end) = self.record(fields, at)?;
                let id = named::record(name, fields, self.image)?;
                Some((Value::Record(id, items.into()), end))
            }
            Shape::Map { key, value, min, max } => self.map(key, value, *min, *max, at),
            Shape::Tagged { name, variants } => self.tagged(name, variants, at),
            Shape::Formed { shape, .. } => self.at(shape, at),
            Shape::Recursive { definitions, root } => self.within(definitions, |parser| parser.at(root, at)),
            Shape::Ref(index) => self.reference(*index, at, |parser, definition| parser.at(definition, at)),
            Shape::Schema(_) => self.json(at),
            Shape::Computed(_) => self.fail(at, "what was not computed"),
            Shape::Grammar(_) => self.string(at).map(|(text, end)| (Value::text(text), end)),
            Shape::Union(variants) => variants.iter().find_map(|variant| {
                let (value, end) = self.at(&variant.shape, at)?;
                Some((unknown_or(value, &variant.name), end))
            }),
        }
    }

    /// The longest JSON value that begins here.
    fn json(&mut self, at: usize) -> Option<(Value, usize)> {
        let mut stream = serde_json::Deserializer::from_str(&self.text[at..]).into_iter::<serde_json::Value>();
        match stream.next() {
            Some(Ok(json)) => Some((crate::json::value_of_any(&json), at + stream.byte_offset())),
            _ => self.fail(at, "JSON"),
        }
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

    /// A name: a JSON string, or the rest of the line where the layout has it without quotes.
    fn name(&mut self, at: usize) -> Option<(String, usize)> {
        let rest = &self.text[at..];
        let bare = self.layout.form() == Some(Form::Yaml) && !rest.starts_with('"');
        let (name, end) = if bare {
            let line = rest.split('\n').next().unwrap_or(rest);
            (line.to_string(), at + line.len())
        } else {
            self.string(at)?
        };
        if self.layout.is_bare(&name) == bare { Some((name, end)) } else { self.fail(at, "a name in its one spelling") }
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

    fn variant(&mut self, name: &str, names: &[String], index: usize) -> Option<Value> {
        let id = named::plain_enum(name, names, self.image)?;
        Some(Value::Variant(u16::try_from(index).ok()?, id, Vec::new().into()))
    }
}

/// `Unknown` is written as a literal, and is a value of its own.
pub(crate) fn unknown_or(value: Value, variant: &str) -> Value {
    match &value {
        Value::Str(text) if variant == "Unknown" && ***text == *"unknown" => Value::Unknown,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::RecordType;
    use sgl_protocol::Field;

    /// `{"c": [{"c": [ … ]}]}`, so many levels below the outermost.
    fn nested(levels: usize) -> String {
        format!("{}{}{}", r#"{"c": ["#.repeat(levels), r#"{"c": []}"#, "]}".repeat(levels))
    }

    #[test]
    fn a_value_nests_as_deep_as_the_limit_and_no_deeper() {
        let image =
            Image { records: vec![RecordType { name: "Node".into(), fields: vec!["c".into()] }], ..Image::default() };
        let children = Shape::List { item: Box::new(Shape::Ref(0)), min: 0, max: None };
        let fields = vec![Field { name: "c".into(), shape: children }];
        let node = Shape::Record { name: "Node".into(), fields };
        let shape = Shape::Recursive { definitions: vec![node], root: Box::new(Shape::Ref(0)) };
        assert!(parse(&nested(VALUE_DEPTH_MAX), &shape, &image).is_ok());
        let error = parse(&nested(VALUE_DEPTH_MAX + 1), &shape, &image).map(|_| ()).unwrap_err();
        assert!(error.contains("less nesting"), "{error}");
    }
}
