//! Lists and objects, in whatever form they are laid out.

use super::{Parser, range, unknown_or};
use crate::named;
use crate::text::quote;
use crate::value::Value;
use sgl_protocol::{Field, Form, Frame, Layout, Shape, TAG, TAGGED_VALUE, Tagged, Variant};

impl<'a> Parser<'a> {
    pub(super) fn list(&mut self, item: &'a Shape, min: u32, max: Option<u32>, at: usize) -> Option<(Value, usize)> {
        let (items, end) = self.repeated("[]", &self.layout.list(), at, |parser, items: &mut Vec<Value>, at| {
            let (item, end) = parser.at(item, at)?;
            items.push(item);
            Some(end)
        })?;
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        if count < min || max.is_some_and(|max| count > max) {
            return self.fail(end, &range("a list whose length is", Some(i64::from(min)), max.map(i64::from)));
        }
        Some((Value::list(items), end))
    }

    pub(super) fn map(
        &mut self,
        key: &'a Shape,
        value: &'a Shape,
        min: u32,
        max: Option<u32>,
        at: usize,
    ) -> Option<(Value, usize)> {
        let mut count = 0;
        let (pairs, end) = self.repeated("{}", &self.layout.object(), at, |parser, pairs, at| {
            let (key, end) = parser.at(key, at)?;
            let (value, end) = parser.after_key(value, end)?;
            crate::operation::insert(pairs, key, value);
            count += 1;
            Some(end)
        })?;
        if count < min || max.is_some_and(|max| count > max) {
            return self.fail(end, &range("a map whose length is", Some(i64::from(min)), max.map(i64::from)));
        }
        Some((Value::Map(pairs.into()), end))
    }

    pub(super) fn tuple(&mut self, shapes: &'a [Shape], at: usize) -> Option<(Value, usize)> {
        if shapes.is_empty() {
            return self.literal(at, "[]").map(|end| (Value::Tuple(Vec::new().into()), end));
        }
        let frame = self.layout.list();
        let mut items = Vec::with_capacity(shapes.len());
        let mut end = at;
        for (index, shape) in shapes.iter().enumerate() {
            let start = self.literal(end, if index == 0 { &frame.open } else { &frame.between })?;
            let (item, next) = self.laid_out(self.layout.inside(), |parser| parser.at(shape, start))?;
            items.push(item);
            end = next;
        }
        let end = self.closed(&frame, end)?;
        Some((Value::Tuple(items.into()), end))
    }

    /// The values of a record's fields, in order.
    pub(super) fn record(&mut self, fields: &'a [Field], at: usize) -> Option<(Vec<Value>, usize)> {
        if fields.is_empty() {
            return self.literal(at, "{}").map(|end| (Vec::new(), end));
        }
        let frame = self.layout.object();
        self.fields(fields, &frame, at, true)
    }

    /// Keys with their values, and what closes them.
    fn fields(&mut self, fields: &'a [Field], frame: &Frame, at: usize, is_first: bool) -> Option<(Vec<Value>, usize)> {
        let mut items = Vec::with_capacity(fields.len());
        let mut end = at;
        for (index, field) in fields.iter().enumerate() {
            let before = if index == 0 && is_first { &frame.open } else { &frame.between };
            let (item, next) = self.member(before, &field.name, &field.shape, end)?;
            items.push(item);
            end = next;
        }
        let end = self.closed(frame, end)?;
        Some((items, end))
    }

    pub(super) fn tagged(&mut self, name: &str, variants: &'a [Variant], at: usize) -> Option<(Value, usize)> {
        let frame = self.layout.object();
        let start = format!("{}{}{}", frame.open, self.key(TAG), Layout::BESIDE_KEY);
        let after = self.literal(at, &start)?;
        let (tag, end) = self.name(after)?;
        let Some(index) = variants.iter().position(|variant| variant.name == tag) else {
            let tags: Vec<&str> = variants.iter().map(|v| v.name.as_str()).collect();
            return self.fail(after, &format!("one of {}", tags.join(", ")));
        };
        let variant = &variants[index];
        match variant.tagged() {
            Tagged::Fields(fields) => {
                let (items, end) = self.fields(fields, &frame, end, false)?;
                Some((named::tagged_value(name, variants, index, items, self.image)?, end))
            }
            Tagged::Nothing => {
                let end = self.closed(&frame, end)?;
                Some((if variant.shape == Shape::Null { Value::None } else { Value::Unknown }, end))
            }
            Tagged::Value(whole) => {
                let (value, end) = self.member(&frame.between, TAGGED_VALUE, whole, end)?;
                let end = self.closed(&frame, end)?;
                Some((unknown_or(value, &tag), end))
            }
        }
    }

    /// Parts as long as there are some, each read by `part` into what is found, and where they end.
    fn repeated<T>(
        &mut self,
        empty: &str,
        frame: &Frame,
        at: usize,
        mut part: impl FnMut(&mut Self, &mut Vec<T>, usize) -> Option<usize>,
    ) -> Option<(Vec<T>, usize)> {
        let mut found = Vec::new();
        if self.text[at..].starts_with(empty) {
            return Some((found, at + empty.len()));
        }
        let mut end = self.literal(at, &frame.open)?;
        loop {
            end = self.laid_out(self.layout.inside(), |parser| part(parser, &mut found, end))?;
            let rest = &self.text[end..];
            let is_last = if frame.close.is_empty() {
                !rest.starts_with(&*frame.between)
            } else {
                rest.starts_with(&*frame.close)
            };
            if is_last {
                return Some((found, end + frame.close.len()));
            }
            end = self.literal(end, &frame.between)?;
        }
    }

    /// What closes a structure; where nothing does, it ends where it does not go on.
    fn closed(&mut self, frame: &Frame, at: usize) -> Option<usize> {
        if frame.close.is_empty() && self.text[at..].starts_with(&*frame.between) {
            return self.fail(at, "the end of the structure");
        }
        self.literal(at, &frame.close)
    }

    /// A key as it is written.
    fn key(&self, name: &str) -> String {
        if self.layout.is_bare(name) {
            return name.to_string();
        }
        let mut key = String::new();
        quote(name, &mut key);
        key
    }

    /// A key with its value.
    fn member(&mut self, before: &str, name: &str, shape: &'a Shape, at: usize) -> Option<(Value, usize)> {
        let key = format!("{before}{}", self.key(name));
        self.laid_out(self.layout.inside(), |parser| {
            if parser.layout.form() == Some(Form::Yaml) {
                let end = parser.literal(at, &key)?;
                return parser.after_key(shape, end);
            }
            let end = parser.literal(at, &format!("{key}{}", Layout::BESIDE_KEY))?;
            parser.at(shape, end)
        })
    }

    /// What stands between a key and its value, and the value.
    fn after_key(&mut self, shape: &'a Shape, at: usize) -> Option<(Value, usize)> {
        if self.layout.form() == Some(Form::Yaml) {
            match shape {
                Shape::Union(variants) => {
                    return variants.iter().find_map(|variant| {
                        let (value, end) = self.after_key(&variant.shape, at)?;
                        Some((unknown_or(value, &variant.name), end))
                    });
                }
                Shape::Recursive { definitions, root } => {
                    return self.within(definitions, |parser| parser.after_key(root, at));
                }
                Shape::Ref(index) if !self.is_inside_definition => {
                    return self.reference(*index, at, |parser, definition| parser.after_key(definition, at));
                }
                structure if structure.is_structure() => return self.under_key(structure, at),
                _ => {}
            }
        }
        let end = self.literal(at, Layout::BESIDE_KEY)?;
        self.at(shape, end)
    }

    /// A structure after its key: under it if it has parts, beside it if not.
    fn under_key(&mut self, structure: &'a Shape, at: usize) -> Option<(Value, usize)> {
        let block = self.layout.under_key();
        let is_block = self.text[at..].starts_with(&*block);
        let start = if is_block { at + block.len() } else { self.literal(at, Layout::BESIDE_KEY)? };
        let is_empty = ["[]", "{}"].iter().any(|empty| self.text[start..].starts_with(empty));
        if is_block == is_empty {
            return self.fail(start, "a structure under its key, or an empty one beside it");
        }
        self.at(structure, start)
    }
}
