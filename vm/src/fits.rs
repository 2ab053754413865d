//! Whether a value belongs to a shape: tells the members of a union apart.

use crate::image::Image;
use crate::pattern;
use crate::value::Value;
use sgl_protocol::{Field, Shape, Variant};

/// Whether a value belongs to a shape.
pub(crate) fn fits(value: &Value, shape: &Shape, image: &Image) -> bool {
    fits_within(value, shape, &[], image)
}

/// Whether a value belongs to a shape that refers to these definitions.
pub(crate) fn fits_within(value: &Value, shape: &Shape, definitions: &[Shape], image: &Image) -> bool {
    Fit { image, definitions }.fits(value, shape)
}

#[derive(Clone, Copy)]
struct Fit<'a> {
    image: &'a Image,
    /// What a [`Shape::Ref`] refers to here.
    definitions: &'a [Shape],
}

impl<'a> Fit<'a> {
    fn fits(self, value: &Value, shape: &'a Shape) -> bool {
        match (value, shape) {
            (Value::Str(text), Shape::Literal(literal)) => ***text == **literal,
            (Value::Unknown, Shape::Literal(literal)) => literal == "unknown",
            (Value::Str(text), Shape::Text { pattern, chars_max, until }) => {
                pattern::lacks(text, pattern.as_deref(), *chars_max, until.as_deref()).is_none()
            }
            (Value::Bool(_), Shape::Bool) => true,
            (Value::Bool(b), Shape::LiteralBool(only)) => b == only,
            (Value::Image(_), Shape::Image) => true,
            (Value::None | Value::Unit, Shape::Null) => true,
            (Value::Int(n), Shape::Int { min, max }) => min.is_none_or(|m| *n >= m) && max.is_none_or(|m| *n <= m),
            (Value::Float(x), Shape::Float { decimals, min, max }) => {
                let units = x * 10f64.powi(i32::from(decimals.unwrap_or(0)));
                min.is_none_or(|m| units >= m as f64) && max.is_none_or(|m| units <= m as f64)
            }
            (Value::List(items), Shape::List { item, min, max }) => {
                within(items.len(), *min, *max) && items.iter().all(|i| self.fits(i, item))
            }
            (Value::Map(pairs), Shape::Map { key, value, min, max }) => {
                within(pairs.len(), *min, *max) && pairs.iter().all(|(k, v)| self.fits(k, key) && self.fits(v, value))
            }
            (Value::Tuple(items), Shape::Tuple(shapes)) => {
                items.len() == shapes.len() && items.iter().zip(shapes).all(|(i, s)| self.fits(i, s))
            }
            (Value::Record(id, items), Shape::Record { name, fields }) => {
                let ty = &self.image.records[*id as usize];
                let same = ty.name == *name && fields.iter().map(|f| &f.name).eq(&ty.fields);
                same && self.all(items, fields)
            }
            (Value::Variant(index, id, _), Shape::Enum { name, names }) => {
                let ty = &self.image.enums[*id as usize];
                ty.name == *name && ty.variants.get(usize::from(*index)).is_some_and(|v| names.contains(&v.name))
            }
            (Value::Variant(index, id, items), Shape::Tagged { name, variants }) if !name.is_empty() => {
                self.image.enums[*id as usize].name == *name
                    && variants.get(usize::from(*index)).is_some_and(|variant| self.payload(items, variant))
            }
            (_, Shape::Union(variants) | Shape::Tagged { variants, .. }) => {
                variants.iter().any(|v| self.fits(value, &v.shape))
            }
            (_, Shape::Formed { shape, .. }) => self.fits(value, shape),
            (_, Shape::Recursive { definitions, root }) => Self { definitions, ..self }.fits(value, root),
            (_, Shape::Ref(index)) => self.definitions.get(*index as usize).is_some_and(|d| self.fits(value, d)),
            (
                Value::None
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Str(_)
                | Value::List(_)
                | Value::Map(_),
                Shape::Schema(_),
            ) => true,
            (Value::Str(_), Shape::Grammar(_)) => true,
            _ => false,
        }
    }

    fn all(self, items: &[Value], fields: &'a [Field]) -> bool {
        items.len() == fields.len() && fields.iter().zip(items).all(|(f, i)| self.fits(i, &f.shape))
    }

    fn payload(self, items: &[Value], variant: &'a Variant) -> bool {
        match &variant.shape {
            Shape::Record { fields, .. } => self.all(items, fields),
            _ => false,
        }
    }
}

fn within(count: usize, min: u32, max: Option<u32>) -> bool {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    count >= min && max.is_none_or(|max| count <= max)
}
