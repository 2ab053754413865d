//! Values from and to the outside: JSON, and flags of the command line.

use crate::image::Image;
use crate::parse::{range, record_of, unknown_or};
use crate::text::{text_of, variant_name};
use crate::value::Value;
use serde_json::{Map, Number, Value as Json};
use sgl_protocol::Shape;

/// A value as JSON, by the image's names.
pub fn json_of_value(value: &Value, image: &Image) -> Json {
    let all = |items: &[Value]| Json::Array(items.iter().map(|i| json_of_value(i, image)).collect());
    match value {
        Value::Unit | Value::None => Json::Null,
        Value::Unknown => Json::String("unknown".into()),
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(n) => Json::Number((*n).into()),
        Value::Float(x) => Number::from_f64(*x).map_or(Json::Null, Json::Number),
        Value::Str(text) => Json::String(text.to_string()),
        Value::List(items) | Value::Tuple(items) => all(items),
        Value::Map(pairs) => {
            Json::Object(pairs.iter().map(|(k, v)| (text_of(k, image), json_of_value(v, image))).collect())
        }
        Value::Record(id, items) => {
            let fields = image.records.get(*id as usize).map_or(&[][..], |r| &r.fields);
            Json::Object(fields.iter().cloned().zip(items.iter().map(|i| json_of_value(i, image))).collect())
        }
        Value::Variant(id, index, items) => {
            let name = variant_name(*id, *index, image).to_string();
            if items.is_empty() {
                return Json::String(name);
            }
            let mut object = Map::new();
            object.insert(name, all(items));
            Json::Object(object)
        }
        Value::Range(..) | Value::Closure(..) | Value::Transcript(_) | Value::Iterator(_) | Value::Pending(_) => {
            Json::String(text_of(value, image))
        }
    }
}

/// The value that a flag's text stands for: text and names raw, everything else as JSON.
pub fn value_of_flag(text: &str, shape: &Shape, image: &Image) -> Result<Value, String> {
    match shape {
        Shape::Text { .. } | Shape::Literal(_) | Shape::Enum { .. } => {
            value_of_json(&Json::String(text.to_string()), shape, image)
        }
        Shape::Union(variants) => {
            let found =
                variants.iter().find_map(|v| Some(unknown_or(value_of_flag(text, &v.shape, image).ok()?, &v.name)));
            found.ok_or_else(|| {
                format!(
                    "{text:?} is none of {}",
                    variants.iter().map(|v| v.name.as_str()).collect::<Vec<_>>().join(", ")
                )
            })
        }
        _ => {
            let json = serde_json::from_str(text).map_err(|error| format!("{text:?} is not JSON: {error}"))?;
            value_of_json(&json, shape, image)
        }
    }
}

/// The value that JSON stands for, by its shape. The error has the JSON pointer of what does not fit.
pub fn value_of_json(json: &Json, shape: &Shape, image: &Image) -> Result<Value, String> {
    Reader { image, pointer: Vec::new() }.read(json, shape)
}

struct Reader<'a> {
    image: &'a Image,
    pointer: Vec<String>,
}

impl Reader<'_> {
    fn wrong<T>(&self, expected: &str, found: &Json) -> Result<T, String> {
        let at = if self.pointer.is_empty() { String::new() } else { format!("at `/{}`: ", self.pointer.join("/")) };
        Err(format!("{at}expected {expected}, found {found}"))
    }

    fn inside(&mut self, step: String, json: &Json, shape: &Shape) -> Result<Value, String> {
        self.pointer.push(step);
        let value = self.read(json, shape);
        self.pointer.pop();
        value
    }

    fn read(&mut self, json: &Json, shape: &Shape) -> Result<Value, String> {
        match (shape, json) {
            (Shape::Text { chars_max, .. }, Json::String(text)) => match chars_max {
                Some(max) if text.chars().count() > *max as usize => {
                    self.wrong(&format!("at most {max} characters"), json)
                }
                _ => Ok(Value::text(text)),
            },
            (Shape::Int { min, max }, Json::Number(n)) => {
                let inside = n.as_i64().filter(|n| min.is_none_or(|m| *n >= m) && max.is_none_or(|m| *n <= m));
                match inside {
                    Some(n) => Ok(Value::Int(n)),
                    None => self.wrong(&range("an integer", *min, *max), json),
                }
            }
            (Shape::Float { decimals, min, max }, Json::Number(n)) => {
                let x = n.as_f64().unwrap_or(f64::NAN);
                let units = x * 10f64.powi(i32::from(decimals.unwrap_or(0)));
                let inside = min.is_none_or(|m| units >= m as f64) && max.is_none_or(|m| units <= m as f64);
                if inside { Ok(Value::Float(x)) } else { self.wrong("a number in its range", json) }
            }
            (Shape::Bool, Json::Bool(b)) => Ok(Value::Bool(*b)),
            (Shape::Null, Json::Null) => Ok(Value::None),
            (Shape::Literal(literal), Json::String(text)) if text == literal => Ok(Value::text(text)),
            (Shape::Enum { name, names }, Json::String(text)) => match names.iter().position(|n| n == text) {
                Some(index) => {
                    let id = self.image.enums.iter().position(|e| e.name == *name);
                    match (id.and_then(|id| u32::try_from(id).ok()), u16::try_from(index)) {
                        (Some(id), Ok(index)) => Ok(Value::Variant(id, index, Vec::new().into())),
                        _ => self.wrong("a known enum", json),
                    }
                }
                None => self.wrong(&format!("one of {}", names.join(", ")), json),
            },
            (Shape::List { item, min, max }, Json::Array(items)) => {
                let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
                if count < *min || max.is_some_and(|m| count > m) {
                    return self
                        .wrong(&range("a list whose length is", Some(i64::from(*min)), max.map(i64::from)), json);
                }
                let items = items.iter().enumerate().map(|(i, json)| self.inside(i.to_string(), json, item));
                Ok(Value::list(items.collect::<Result<_, _>>()?))
            }
            (Shape::Tuple(shapes), Json::Array(items)) if items.len() == shapes.len() => {
                let items = items
                    .iter()
                    .zip(shapes)
                    .enumerate()
                    .map(|(i, (json, shape))| self.inside(i.to_string(), json, shape));
                Ok(Value::Tuple(items.collect::<Result<Vec<_>, _>>()?.into()))
            }
            (Shape::Record { fields, .. }, Json::Object(object)) => {
                if let Some(extra) = object.keys().find(|key| !fields.iter().any(|f| f.name == **key)) {
                    return self.wrong(&format!("no key {extra:?}"), json);
                }
                let mut items = Vec::new();
                for field in fields {
                    let Some(json) = object.get(&field.name) else {
                        return self.wrong(&format!("a key {:?}", field.name), json);
                    };
                    items.push(self.inside(field.name.clone(), json, &field.shape)?);
                }
                match record_of(shape, self.image) {
                    Some(id) => Ok(Value::Record(id, items.into())),
                    None => self.wrong("a known record", json),
                }
            }
            (Shape::Union(variants), _) => {
                let found = variants.iter().find_map(|v| Some(unknown_or(self.read(json, &v.shape).ok()?, &v.name)));
                match found {
                    Some(value) => Ok(value),
                    None => {
                        self.wrong(&variants.iter().map(|v| v.name.as_str()).collect::<Vec<_>>().join(" or "), json)
                    }
                }
            }
            (other, _) => self.wrong(expectation(other), json),
        }
    }
}

fn expectation(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text { .. } => "a text",
        Shape::Int { .. } => "an integer",
        Shape::Float { .. } => "a number",
        Shape::Bool => "true or false",
        Shape::Null => "null",
        Shape::Literal(_) | Shape::Enum { .. } => "one of its names",
        Shape::List { .. } | Shape::Tuple(_) => "a list",
        Shape::Record { .. } => "an object",
        Shape::Union(_) => "one of its alternatives",
    }
}
