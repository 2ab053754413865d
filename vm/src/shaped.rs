//! Values as a model writes them: a number with the digits of its type, members of a union with their tags, structures in
//! their form.
//!
//! [`text_of`] knows a value only; what a value of a type looks like in a hole, this knows.

use crate::fits::fits_within;
use crate::image::Image;
use crate::text::{quote, text_of, variant_name, write};
use crate::value::Value;
use sgl_protocol::{Field, Frame, Layout, Shape, TAG, TAGGED_VALUE, Tagged, Variant};

/// The text of a value that belongs to a shape, as the shape has it.
pub(crate) fn written_as(value: &Value, shape: &Shape, image: &Image) -> String {
    let mut writer = Writer { image, out: String::new() };
    let at = At { definitions: &[], layout: Layout::default(), is_inside_definition: false, place: Place::Top };
    writer.value(at, value, shape);
    writer.out
}

struct Writer<'a> {
    image: &'a Image,
    out: String,
}

/// Where a value stands, and how it is laid out.
#[derive(Clone, Copy)]
struct At<'a> {
    /// What a [`Shape::Ref`] refers to here.
    definitions: &'a [Shape],
    layout: Layout,
    /// Whether it is inside a definition, so that a further one is on one line.
    is_inside_definition: bool,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Alone: texts and names stand raw.
    Top,
    /// In a list, or as a key.
    Element,
    /// After a key, whose colon is not written yet.
    AfterKey,
}

impl At<'_> {
    fn part(self, place: Place) -> Self {
        Self { layout: self.layout.inside(), place, ..self }
    }

    /// The same place, for a definition that is referred to.
    fn referred(self) -> Self {
        let layout = if self.is_inside_definition { Layout::default() } else { self.layout };
        Self { layout, is_inside_definition: true, ..self }
    }
}

/// A structure under way.
struct Open {
    frame: Frame,
    parts: usize,
}

impl<'a> Writer<'a> {
    fn value(&mut self, at: At<'a>, value: &Value, shape: &'a Shape) {
        match (shape, value) {
            (Shape::Float { decimals: Some(digits), .. }, Value::Float(x)) => self.fixed(at, *x, *digits),
            (Shape::Float { decimals: Some(digits), .. }, Value::Int(n)) => self.fixed(at, *n as f64, *digits),
            (Shape::List { item, .. }, Value::List(items)) => {
                self.sequence(at, items.iter().map(|value| (value, item.as_ref())));
            }
            (Shape::Tuple(shapes), Value::Tuple(items)) => self.sequence(at, items.iter().zip(shapes)),
            (Shape::Record { fields, .. }, Value::Record(_, items)) => self.object(at, None, fields, items),
            (Shape::Map { key, value, .. }, Value::Map(pairs)) => self.map(at, key, value, pairs),
            (Shape::Union(variants), _) => match self.member(at, variants, value) {
                Some(member) => self.value(at, value, &member.shape),
                None => self.plain(at, value),
            },
            (Shape::Tagged { name, variants }, _) if name.is_empty() => match self.member(at, variants, value) {
                Some(member) => self.tagged(at, member, value),
                None => self.plain(at, value),
            },
            (Shape::Tagged { variants, .. }, Value::Variant(index, id, items)) => {
                match variants.get(usize::from(*index)).map(|variant| &variant.shape) {
                    Some(Shape::Record { fields, .. }) => {
                        let name = variant_name(*id, *index, self.image);
                        self.object(at, Some(name), fields, items);
                    }
                    _ => self.plain(at, value),
                }
            }
            (Shape::Recursive { definitions, root }, _) => self.value(At { definitions, ..at }, value, root),
            (Shape::Ref(index), _) => match at.definitions.get(*index as usize) {
                Some(definition) => self.value(at.referred(), value, definition),
                None => self.plain(at, value),
            },
            (Shape::Formed { form, shape }, _) => self.value(At { layout: Layout::of(*form), ..at }, value, shape),
            (Shape::Literal(name), _) => self.name(at, name),
            (Shape::Enum { .. }, Value::Variant(index, id, _)) => self.name(at, variant_name(*id, *index, self.image)),
            _ => self.plain(at, value),
        }
    }

    /// The member that a value belongs to.
    fn member(&self, at: At<'a>, variants: &'a [Variant], value: &Value) -> Option<&'a Variant> {
        variants.iter().find(|variant| {
            let unknown = matches!(value, Value::Unknown);
            unknown == (variant.name == "Unknown") && fits_within(value, &variant.shape, at.definitions, self.image)
        })
    }

    fn tagged(&mut self, at: At<'a>, member: &'a Variant, value: &Value) {
        match (member.tagged(), value) {
            (Tagged::Fields(fields), Value::Record(_, items)) => self.object(at, Some(&member.name), fields, items),
            (Tagged::Nothing, _) => self.object(at, Some(&member.name), &[], &[]),
            (Tagged::Fields(_), _) => self.plain(at, value),
            (Tagged::Value(whole), _) => {
                let mut object = self.open(at, at.layout.object());
                self.tag(at, &mut object, &member.name);
                self.key(at, &mut object, TAGGED_VALUE);
                self.value(at.part(Place::AfterKey), value, whole);
                self.close(&object);
            }
        }
    }

    fn object(&mut self, at: At<'a>, tag: Option<&str>, fields: &'a [Field], items: &[Value]) {
        if tag.is_none() && fields.is_empty() {
            return self.inline(at, "{}");
        }
        let mut object = self.open(at, at.layout.object());
        if let Some(tag) = tag {
            self.tag(at, &mut object, tag);
        }
        for (field, item) in fields.iter().zip(items) {
            self.key(at, &mut object, &field.name);
            self.value(at.part(Place::AfterKey), item, &field.shape);
        }
        self.close(&object);
    }

    fn map(&mut self, at: At<'a>, key_shape: &'a Shape, shape: &'a Shape, pairs: &[(Value, Value)]) {
        if pairs.is_empty() {
            return self.inline(at, "{}");
        }
        let mut object = self.open(at, at.layout.object());
        for (key, value) in pairs {
            self.next(&mut object);
            self.value(at.part(Place::Element), key, key_shape);
            self.value(at.part(Place::AfterKey), value, shape);
        }
        self.close(&object);
    }

    fn sequence<'v>(&mut self, at: At<'a>, items: impl ExactSizeIterator<Item = (&'v Value, &'a Shape)>) {
        if items.len() == 0 {
            return self.inline(at, "[]");
        }
        let mut list = self.open(at, at.layout.list());
        for (value, shape) in items {
            self.next(&mut list);
            self.value(at.part(Place::Element), value, shape);
        }
        self.close(&list);
    }

    fn open(&mut self, at: At<'a>, frame: Frame) -> Open {
        if at.place == Place::AfterKey {
            self.out.push_str(&at.layout.under_key());
        }
        Open { frame, parts: 0 }
    }

    fn next(&mut self, open: &mut Open) {
        self.out.push_str(if open.parts == 0 { &open.frame.open } else { &open.frame.between });
        open.parts += 1;
    }

    fn close(&mut self, open: &Open) {
        self.out.push_str(&open.frame.close);
    }

    fn tag(&mut self, at: At<'a>, object: &mut Open, tag: &str) {
        self.key(at, object, TAG);
        self.name(at.part(Place::AfterKey), tag);
    }

    fn key(&mut self, at: At<'a>, object: &mut Open, key: &str) {
        self.next(object);
        self.name(at.part(Place::Element), key);
    }

    /// What is no structure, or an empty one.
    fn inline(&mut self, at: At<'a>, text: &str) {
        if at.place == Place::AfterKey {
            self.out.push_str(Layout::BESIDE_KEY);
        }
        self.out.push_str(text);
    }

    fn name(&mut self, at: At<'a>, name: &str) {
        self.inline(at, "");
        if at.place == Place::Top || at.layout.is_bare(name) {
            self.out.push_str(name);
        } else {
            quote(name, &mut self.out);
        }
    }

    /// So many digits after the point; what rounds to zero has no sign.
    fn fixed(&mut self, at: At<'a>, x: f64, digits: u8) {
        let text = format!("{x:.*}", usize::from(digits));
        let zero = text.starts_with('-') && !text.contains(|c: char| ('1'..='9').contains(&c));
        self.inline(at, if zero { &text[1..] } else { &text });
    }

    fn plain(&mut self, at: At<'a>, value: &Value) {
        self.inline(at, "");
        if at.place == Place::Top {
            self.out.push_str(&text_of(value, self.image));
        } else {
            write(value, self.image, &mut self.out, true);
        }
    }
}
