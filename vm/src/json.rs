//! Values from and to the outside: JSON, and flags of the command line.

use crate::image::Image;
use crate::limits::VALUE_DEPTH_MAX;
use crate::parse::{range, unknown_or};
use crate::text::{text_of, variant_name};
use crate::value::Value;
use crate::{named, pattern};
use serde_json::{Map, Number, Value as Json};
use sgl_protocol::{Field, Picture, Shape, TAG, TAGGED_VALUE, Tagged, Variant};

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
        Value::Variant(index, id, items) => {
            let name = Json::String(variant_name(*id, *index, image).to_string());
            let Some(declared) = image.enums.get(*id as usize).filter(|e| e.is_tagged()) else { return name };
            let fields = declared.variants.get(usize::from(*index)).map_or(&[][..], |v| &v.fields);
            let mut object = Map::new();
            object.insert(TAG.into(), name);
            object.extend(fields.iter().cloned().zip(items.iter().map(|i| json_of_value(i, image))));
            Json::Object(object)
        }
        Value::Range(..)
        | Value::Closure(..)
        | Value::Transcript(_)
        | Value::Image(_)
        | Value::Iterator(_)
        | Value::Pending(_) => Json::String(text_of(value, image)),
    }
}

/// The value of the type `Json` that JSON stands for.
pub(crate) fn value_of_any(json: &Json) -> Value {
    match json {
        Json::Null => Value::None,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => match n.as_i64() {
            Some(n) => Value::Int(n),
            None => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::list(items.iter().map(value_of_any).collect()),
        Json::Object(object) => {
            let pairs: Vec<_> = object.iter().map(|(k, v)| (Value::text(k), value_of_any(v))).collect();
            Value::Map(pairs.into())
        }
    }
}

/// Gives the image that a text names, such as a path; the error says why there is none.
pub type Pictures<'a> = dyn Fn(&str) -> Result<Picture, String> + 'a;

/// Where no image can come from.
fn no_pictures(_: &str) -> Result<Picture, String> {
    Err("an image can't be given here".into())
}

/// The value that a flag's text stands for: text and names raw, everything else as JSON. Without images.
pub fn value_of_flag(text: &str, shape: &Shape, image: &Image) -> Result<Value, String> {
    value_of_flag_with(text, shape, image, &no_pictures)
}

/// The value that a flag's text stands for; an image is what `pictures` gives for its text.
pub fn value_of_flag_with(text: &str, shape: &Shape, image: &Image, pictures: &Pictures<'_>) -> Result<Value, String> {
    match shape {
        Shape::Text { .. } | Shape::Literal(_) | Shape::Enum { .. } | Shape::Grammar(_) | Shape::Image => {
            value_of_json_with(&Json::String(text.to_string()), shape, image, pictures)
        }
        Shape::Union(variants) => {
            let of = |v: &Variant| {
                let value = value_of_flag_with(text, &v.shape, image, pictures).ok()?;
                Some(unknown_or(value, &v.name))
            };
            let found = variants.iter().find_map(of);
            found.ok_or_else(|| {
                format!(
                    "{text:?} is none of {}",
                    variants.iter().map(|v| v.name.as_str()).collect::<Vec<_>>().join(", ")
                )
            })
        }
        _ => {
            let json = serde_json::from_str(text).map_err(|error| format!("{text:?} is not JSON: {error}"))?;
            value_of_json_with(&json, shape, image, pictures)
        }
    }
}

/// The value that JSON stands for, by its shape. The error has the JSON pointer of what does not fit. Without images.
pub fn value_of_json(json: &Json, shape: &Shape, image: &Image) -> Result<Value, String> {
    value_of_json_with(json, shape, image, &no_pictures)
}

/// The value that JSON stands for; an image is what `pictures` gives for its text.
pub fn value_of_json_with(json: &Json, shape: &Shape, image: &Image, pictures: &Pictures<'_>) -> Result<Value, String> {
    Reader { image, pictures, definitions: &[], pointer: Vec::new() }.read(json, shape)
}

struct Reader<'a> {
    image: &'a Image,
    pictures: &'a Pictures<'a>,
    /// What a [`Shape::Ref`] refers to here.
    definitions: &'a [Shape],
    pointer: Vec<String>,
}

impl<'a> Reader<'a> {
    fn wrong<T>(&self, expected: &str, found: &Json) -> Result<T, String> {
        let at = if self.pointer.is_empty() { String::new() } else { format!("at `/{}`: ", self.pointer.join("/")) };
        Err(format!("{at}expected {expected}, found {found}"))
    }

    fn inside(&mut self, step: String, json: &Json, shape: &'a Shape) -> Result<Value, String> {
        self.pointer.push(step);
        let value = self.read(json, shape);
        self.pointer.pop();
        value
    }

    fn read(&mut self, json: &Json, shape: &'a Shape) -> Result<Value, String> {
        match (shape, json) {
            (Shape::Text { pattern, chars_max, until }, Json::String(text)) => {
                match pattern::lacks(text, pattern.as_deref(), *chars_max, until.as_deref()) {
                    Some(wanted) => self.wrong(&wanted, json),
                    None => Ok(Value::text(text)),
                }
            }
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
            (Shape::LiteralBool(only), Json::Bool(b)) if only == b => Ok(Value::Bool(*b)),
            (Shape::Image, Json::String(text)) => match (self.pictures)(text) {
                Ok(picture) => Ok(Value::Image(std::rc::Rc::new(picture))),
                Err(why) if self.pointer.is_empty() => Err(why),
                Err(why) => Err(format!("at `/{}`: {why}", self.pointer.join("/"))),
            },
            (Shape::Null, Json::Null) => Ok(Value::None),
            (Shape::Literal(literal), Json::String(text)) if text == literal => Ok(Value::text(text)),
            (Shape::Enum { name, names }, Json::String(text)) => match names.iter().position(|n| n == text) {
                Some(index) => match (named::plain_enum(name, names, self.image), u16::try_from(index)) {
                    (Some(id), Ok(index)) => Ok(Value::Variant(index, id, Vec::new().into())),
                    _ => self.wrong("a known enum", json),
                },
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
            (Shape::Record { name, fields }, Json::Object(object)) => {
                let items = self.fields(json, object, fields, &[])?;
                match named::record(name, fields, self.image) {
                    Some(id) => Ok(Value::Record(id, items.into())),
                    None => self.wrong("a known record", json),
                }
            }
            (Shape::Map { key, value, min, max }, Json::Object(object)) => {
                let count = u32::try_from(object.len()).unwrap_or(u32::MAX);
                if count < *min || max.is_some_and(|m| count > m) {
                    return self
                        .wrong(&range("an object whose size is", Some(i64::from(*min)), max.map(i64::from)), json);
                }
                let mut pairs = Vec::new();
                for (name, inner) in object {
                    let key = self.inside(name.clone(), &Json::String(name.clone()), key)?;
                    pairs.push((key, self.inside(name.clone(), inner, value)?));
                }
                Ok(Value::Map(pairs.into()))
            }
            (Shape::Tagged { name, variants }, Json::Object(object)) => self.tagged(json, object, name, variants),
            (Shape::Formed { shape, .. }, _) => self.read(json, shape),
            (Shape::Recursive { definitions, root }, _) => {
                let outer = std::mem::replace(&mut self.definitions, definitions);
                let value = self.read(json, root);
                self.definitions = outer;
                value
            }
            (Shape::Ref(index), _) => match self.definitions.get(*index as usize) {
                Some(_) if self.pointer.len() > VALUE_DEPTH_MAX => self.wrong("less nesting", &Json::Null),
                Some(definition) => self.read(json, definition),
                None => self.wrong("a definition that exists", json),
            },
            (Shape::Schema(_), _) => Ok(value_of_any(json)),
            (Shape::Grammar(_), Json::String(text)) => Ok(Value::text(text)),
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

    /// The values of an object's keys; `besides` are keys that it may also have.
    fn fields(
        &mut self,
        json: &Json,
        object: &Map<String, Json>,
        fields: &'a [Field],
        besides: &[&str],
    ) -> Result<Vec<Value>, String> {
        let known = |key: &str| fields.iter().any(|f| f.name == key) || besides.contains(&key);
        if let Some(extra) = object.keys().find(|key| !known(key)) {
            return self.wrong(&format!("no key {extra:?}"), json);
        }
        let mut items = Vec::new();
        for field in fields {
            let Some(json) = object.get(&field.name) else {
                return self.wrong(&format!("a key {:?}", field.name), json);
            };
            items.push(self.inside(field.name.clone(), json, &field.shape)?);
        }
        Ok(items)
    }

    fn tagged(
        &mut self,
        json: &Json,
        object: &Map<String, Json>,
        name: &str,
        variants: &'a [Variant],
    ) -> Result<Value, String> {
        let tag = object.get(TAG).and_then(Json::as_str);
        let Some(index) = variants.iter().position(|variant| Some(variant.name.as_str()) == tag) else {
            let tags: Vec<&str> = variants.iter().map(|v| v.name.as_str()).collect();
            return self.wrong(&format!("a key {TAG:?} that is one of {}", tags.join(", ")), json);
        };
        match variants[index].tagged() {
            Tagged::Fields(fields) => {
                let items = self.fields(json, object, fields, &[TAG])?;
                match named::tagged_value(name, variants, index, items, self.image) {
                    Some(value) => Ok(value),
                    None => self.wrong("a known type", json),
                }
            }
            Tagged::Nothing if variants[index].shape == Shape::Null => Ok(Value::None),
            Tagged::Nothing => Ok(Value::Unknown),
            Tagged::Value(whole) => match object.get(TAGGED_VALUE) {
                Some(inner) => Ok(unknown_or(self.inside(TAGGED_VALUE.into(), inner, whole)?, &variants[index].name)),
                None => self.wrong(&format!("a key {TAGGED_VALUE:?}"), json),
            },
        }
    }
}

fn expectation(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text { .. } => "a text",
        Shape::Int { .. } => "an integer",
        Shape::Float { .. } => "a number",
        Shape::Bool => "true or false",
        Shape::LiteralBool(true) => "true",
        Shape::LiteralBool(false) => "false",
        Shape::Image => "a path of an image",
        Shape::Null => "null",
        Shape::Literal(_) | Shape::Enum { .. } => "one of its names",
        Shape::List { .. } | Shape::Tuple(_) => "a list",
        Shape::Record { .. } | Shape::Map { .. } | Shape::Tagged { .. } => "an object",
        Shape::Union(_) => "one of its alternatives",
        Shape::Formed { shape, .. } => expectation(shape),
        Shape::Recursive { .. } | Shape::Ref(_) => "a value of the recursive type",
        Shape::Schema(_) | Shape::Computed(_) => "JSON",
        Shape::Grammar(_) => "a text of the grammar",
    }
}
