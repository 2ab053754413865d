//! Values as a model writes them: a number with the digits of its type, members of a union with their tags.
//!
//! [`text_of`] knows a value only; what a value of a type looks like in a hole, this knows.

use crate::fits::fits_within;
use crate::image::Image;
use crate::text::{quote, text_of, variant_name, write};
use crate::value::Value;
use sgl_protocol::{Field, Shape, TAG, TAGGED_VALUE, Tagged, Variant};

/// The text of a value that belongs to a shape, as the shape has it.
pub(crate) fn written_as(value: &Value, shape: &Shape, image: &Image) -> String {
    let mut writer = Writer { image, definitions: &[], out: String::new() };
    writer.value(value, shape, true);
    writer.out
}

struct Writer<'a> {
    image: &'a Image,
    /// What a [`Shape::Ref`] refers to here.
    definitions: &'a [Shape],
    out: String,
}

impl<'a> Writer<'a> {
    fn value(&mut self, value: &Value, shape: &'a Shape, top: bool) {
        match (shape, value) {
            (Shape::Float { decimals: Some(digits), .. }, Value::Float(x)) => self.fixed(*x, *digits),
            (Shape::Float { decimals: Some(digits), .. }, Value::Int(n)) => self.fixed(*n as f64, *digits),
            (Shape::List { item, .. }, Value::List(items)) => {
                self.sequence(items.iter().map(|value| (value, item.as_ref())));
            }
            (Shape::Tuple(shapes), Value::Tuple(items)) => self.sequence(items.iter().zip(shapes)),
            (Shape::Record { fields, .. }, Value::Record(_, items)) => self.object(None, fields, items),
            (Shape::Map { value: shape, .. }, Value::Map(pairs)) => {
                self.out.push('{');
                for (index, (key, value)) in pairs.iter().enumerate() {
                    self.comma(index);
                    self.key(&text_of(key, self.image));
                    self.value(value, shape, false);
                }
                self.out.push('}');
            }
            (Shape::Union(variants), _) => match self.member(variants, value) {
                Some(member) => self.value(value, &member.shape, top),
                None => self.plain(value, top),
            },
            (Shape::Tagged { name, variants }, _) if name.is_empty() => match self.member(variants, value) {
                Some(member) => self.tagged(member, value),
                None => self.plain(value, top),
            },
            (Shape::Tagged { variants, .. }, Value::Variant(index, id, items)) => {
                match variants.get(usize::from(*index)).map(|variant| &variant.shape) {
                    Some(Shape::Record { fields, .. }) => {
                        let name = variant_name(*id, *index, self.image);
                        self.object(Some(name), fields, items);
                    }
                    _ => self.plain(value, top),
                }
            }
            (Shape::Recursive { definitions, root }, _) => {
                let outer = std::mem::replace(&mut self.definitions, definitions);
                self.value(value, root, top);
                self.definitions = outer;
            }
            (Shape::Ref(index), _) => match self.definitions.get(*index as usize) {
                Some(definition) => self.value(value, definition, top),
                None => self.plain(value, top),
            },
            _ => self.plain(value, top),
        }
    }

    /// The member that a value belongs to.
    fn member(&self, variants: &'a [Variant], value: &Value) -> Option<&'a Variant> {
        variants.iter().find(|variant| {
            let unknown = matches!(value, Value::Unknown);
            unknown == (variant.name == "Unknown") && fits_within(value, &variant.shape, self.definitions, self.image)
        })
    }

    fn tagged(&mut self, member: &'a Variant, value: &Value) {
        match (member.tagged(), value) {
            (Tagged::Fields(fields), Value::Record(_, items)) => self.object(Some(&member.name), fields, items),
            (Tagged::Nothing, _) => self.object(Some(&member.name), &[], &[]),
            (Tagged::Fields(_), _) => self.plain(value, false),
            (Tagged::Value(whole), _) => {
                self.out.push('{');
                self.key(TAG);
                quote(&member.name, &mut self.out);
                self.out.push_str(", ");
                self.key(TAGGED_VALUE);
                self.value(value, whole, false);
                self.out.push('}');
            }
        }
    }

    fn object(&mut self, tag: Option<&str>, fields: &'a [Field], items: &[Value]) {
        self.out.push('{');
        if let Some(tag) = tag {
            self.key(TAG);
            quote(tag, &mut self.out);
        }
        for (index, (field, item)) in fields.iter().zip(items).enumerate() {
            self.comma(index + usize::from(tag.is_some()));
            self.key(&field.name);
            self.value(item, &field.shape, false);
        }
        self.out.push('}');
    }

    fn sequence<'v>(&mut self, items: impl Iterator<Item = (&'v Value, &'a Shape)>) {
        self.out.push('[');
        for (index, (value, shape)) in items.enumerate() {
            self.comma(index);
            self.value(value, shape, false);
        }
        self.out.push(']');
    }

    fn comma(&mut self, index: usize) {
        self.out.push_str(if index > 0 { ", " } else { "" });
    }

    fn key(&mut self, key: &str) {
        quote(key, &mut self.out);
        self.out.push_str(": ");
    }

    /// So many digits after the point; what rounds to zero has no sign.
    fn fixed(&mut self, x: f64, digits: u8) {
        let text = format!("{x:.*}", usize::from(digits));
        let zero = text.starts_with('-') && !text.contains(|c: char| ('1'..='9').contains(&c));
        self.out.push_str(if zero { &text[1..] } else { &text });
    }

    fn plain(&mut self, value: &Value, top: bool) {
        if top {
            self.out.push_str(&text_of(value, self.image));
        } else {
            write(value, self.image, &mut self.out, true);
        }
    }
}
