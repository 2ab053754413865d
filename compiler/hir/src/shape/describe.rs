//! What a type looks like, in words for a model.

mod yaml;

use super::recursion::Nominal;
use super::union_tags;
use crate::form;
use crate::program::{Field, Program};
use crate::types::{TextType, Type};
use sgl_protocol::{Form, TAG, TAGGED_VALUE};

/// What describes a type to a model: its JSON form with words for the values, and doc comments. A type that contains
/// itself is written out once, and named where it comes again.
pub fn schema_text(program: &Program, ty: &Type) -> String {
    let form = form::of_type(program, ty);
    let mut describe = Describe { program, form, open: Vec::new() };
    if form == Some(Form::Yaml) { describe.block(ty, 0, true) } else { describe.describe(ty, 0, true) }
}

struct Describe<'a> {
    program: &'a Program,
    /// The form of the whole. JSON is described over lines even where it is written on one.
    form: Option<Form>,
    /// Structs and enums that are being described.
    open: Vec<Nominal>,
}

impl Describe<'_> {
    fn describe(&mut self, ty: &Type, indent: usize, top: bool) -> String {
        match ty {
            Type::Str(TextType { alias: Some(alias), .. }) => format!("<{}>", alias.to_lowercase()),
            Type::Str(TextType { chars_max: Some(max), .. }) => {
                format!("<text of at most {max} characters>")
            }
            Type::Str(_) => "<text>".into(),
            Type::Int { min: Some(min), max: Some(max) } if min == max => min.to_string(),
            Type::Int { min: Some(min), max: Some(max) } => format!("<integer from {min} to {max}>"),
            Type::Int { .. } => "<integer>".into(),
            Type::Float { decimals: Some(d), .. } => format!("<number with {d} decimals>"),
            Type::Float { .. } => "<number>".into(),
            Type::Bool => "<true or false>".into(),
            Type::LiteralBool(only) => only.to_string(),
            Type::Literal(text) => format!("{text:?}"),
            Type::None | Type::Unit => "null".into(),
            Type::Unknown if top => "unknown".into(),
            Type::Unknown => "\"unknown\"".into(),
            Type::Json => "<JSON>".into(),
            Type::Optional(of) => {
                let mut members = match of.as_ref() {
                    Type::Union(members) => members.clone(),
                    one => vec![one.clone()],
                };
                members.push(Type::None);
                self.union(&members, indent, top)
            }
            Type::Union(members) => self.union(members, indent, top),
            Type::List { item, min, max } => {
                format!("[{}, ...]{}", self.describe(item, indent, false), count(*min, *max))
            }
            Type::Map(key, value) => {
                format!("{{{}: {}, ...}}", self.describe(key, indent, false), self.describe(value, indent, false))
            }
            Type::Tuple(items) => {
                let items: Vec<_> = items.iter().map(|i| self.describe(i, indent, false)).collect();
                format!("[{}]", items.join(", "))
            }
            Type::Record(fields) => {
                let pad = "  ".repeat(indent + 1);
                let lines: Vec<_> = fields
                    .iter()
                    .map(|(name, ty)| format!("{pad}\"{name}\": {}", self.describe(ty, indent + 1, false)))
                    .collect();
                format!("{{\n{}\n{}}}", lines.join(",\n"), "  ".repeat(indent))
            }
            Type::Struct(id) => {
                let declared = &self.program.structs[id.index()];
                self.once(Nominal::Struct(*id), &declared.name, |this| this.object(&[], &declared.fields, indent))
            }
            Type::Enum(id) => {
                let declared = &self.program.enums[id.index()];
                self.once(Nominal::Enum(*id), &declared.name, |this| this.variants(*id, indent))
            }
            other => crate::show(self.program, other),
        }
    }

    fn once(&mut self, nominal: Nominal, name: &str, describe: impl FnOnce(&mut Self) -> String) -> String {
        if self.open.contains(&nominal) {
            return format!("<{name}>");
        }
        self.open.push(nominal);
        let found = describe(self);
        self.open.pop();
        found
    }

    /// An object: keys with fixed values, then fields, one a line.
    fn object(&mut self, fixed: &[(&str, &str)], fields: &[Field], indent: usize) -> String {
        let pad = "  ".repeat(indent + 1);
        let count = fixed.len() + fields.len();
        let comma = |index: usize| if index + 1 == count { "" } else { "," };
        let mut lines = String::new();
        for (index, (key, value)) in fixed.iter().enumerate() {
            lines.push_str(&format!("{pad}\"{key}\": \"{value}\"{}\n", comma(index)));
        }
        for (index, field) in fields.iter().enumerate() {
            let doc =
                if field.doc.is_empty() { String::new() } else { format!("  // {}", field.doc.replace('\n', " ")) };
            let value = self.describe(&field.ty, indent + 1, false);
            let comma = comma(fixed.len() + index);
            lines.push_str(&format!("{pad}\"{}\": {value}{comma}{doc}\n", field.generated));
        }
        format!("{{\n{lines}{}}}", "  ".repeat(indent))
    }

    fn variants(&mut self, id: crate::program::EnumId, indent: usize) -> String {
        let variants = &self.program.enums[id.index()].variants;
        if variants.iter().all(|variant| variant.fields.is_empty()) {
            return variants.iter().map(|v| format!("\"{}\"", v.generated)).collect::<Vec<_>>().join(" or ");
        }
        let mut all = Vec::new();
        for variant in variants {
            let object = self.object(&[(TAG, &variant.generated)], &variant.fields, indent);
            let doc =
                if variant.doc.is_empty() { String::new() } else { format!("  // {}", variant.doc.replace('\n', " ")) };
            all.push(object + &doc);
        }
        all.join("\nor\n")
    }

    fn union(&mut self, members: &[Type], indent: usize, top: bool) -> String {
        let Some(tags) = union_tags(self.program, members, self.form, top) else {
            return members.iter().map(|m| self.describe(m, indent, top)).collect::<Vec<_>>().join(" or ");
        };
        let mut all = Vec::new();
        for (member, tag) in members.iter().zip(tags) {
            all.push(match member {
                Type::None | Type::Unknown => format!("{{\"{TAG}\": \"{tag}\"}}"),
                Type::Struct(id) if self.program.structs[id.index()].fields.iter().all(|f| f.generated != TAG) => {
                    let declared = &self.program.structs[id.index()];
                    self.object(&[(TAG, &tag)], &declared.fields, indent)
                }
                other => {
                    format!("{{\"{TAG}\": \"{tag}\", \"{TAGGED_VALUE}\": {}}}", self.describe(other, indent, false))
                }
            });
        }
        all.join(" or ")
    }
}

/// How many elements a list may have, if that is bounded.
fn count(min: u32, max: Option<u32>) -> String {
    match (min, max) {
        (0, None) => String::new(),
        (min, None) => format!(" ({min} or more)"),
        (min, Some(max)) if min == max => format!(" ({min})"),
        (min, Some(max)) => format!(" ({min} to {max})"),
    }
}
