//! A type seen as a constraint on text.

use crate::program::{Program, StructId};
use crate::types::{TextType, Type};
use sgl_protocol::{Field, Shape, Variant};

/// Why a type has no text form that a model could write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// Functions, transcripts, ranges and the like.
    NotText(Type),
    /// A struct that contains itself.
    Recursive(StructId),
    /// Planned: what it is.
    Unbuilt(&'static str),
}

/// The shape of a type.
pub fn shape_of(program: &Program, ty: &Type) -> Result<Shape, WhyNot> {
    Walk { program, open: Vec::new() }.shape(ty)
}

struct Walk<'a> {
    program: &'a Program,
    open: Vec<StructId>,
}

impl Walk<'_> {
    fn shape(&mut self, ty: &Type) -> Result<Shape, WhyNot> {
        Ok(match ty {
            Type::Str(TextType { pattern, chars_max, until, .. }) => {
                Shape::Text { pattern: pattern.clone(), chars_max: *chars_max, until: until.clone() }
            }
            Type::Int { min, max } => Shape::Int { min: *min, max: *max },
            Type::Float { decimals, min, max } => Shape::Float { decimals: *decimals, min: *min, max: *max },
            Type::Bool => Shape::Bool,
            Type::Literal(text) => Shape::Literal(text.clone()),
            Type::None | Type::Unit => Shape::Null,
            Type::Unknown => Shape::Literal("unknown".into()),
            Type::Optional(of) => {
                let mut members = vec![Variant { name: "none".into(), shape: Shape::Null }];
                match self.shape(of)? {
                    Shape::Union(more) => members.extend(more),
                    shape => members.push(Variant { name: crate::show(self.program, of), shape }),
                }
                Shape::Union(members)
            }
            Type::Union(members) => {
                let member = |ty: &Type| Ok(Variant { name: crate::show(self.program, ty), shape: self.shape(ty)? });
                Shape::Union(members.iter().map(member).collect::<Result<_, WhyNot>>()?)
            }
            Type::List { item, min, max } => Shape::List { item: Box::new(self.shape(item)?), min: *min, max: *max },
            Type::Tuple(items) => Shape::Tuple(items.iter().map(|item| self.shape(item)).collect::<Result<_, _>>()?),
            Type::Record(fields) => Shape::Record {
                name: String::new(),
                fields: fields.iter().map(|(name, ty)| self.field(name, ty)).collect::<Result<_, _>>()?,
            },
            Type::Struct(id) => {
                if self.open.contains(id) {
                    return Err(WhyNot::Recursive(*id));
                }
                self.open.push(*id);
                let declared = &self.program.structs[id.index()];
                let fields: Result<Vec<_>, _> =
                    declared.fields.iter().map(|f| self.field(&f.generated, &f.ty)).collect();
                self.open.pop();
                Shape::Record { name: declared.name.clone(), fields: fields? }
            }
            Type::Enum(id) => {
                let declared = &self.program.enums[id.index()];
                if declared.variants.iter().any(|variant| !variant.fields.is_empty()) {
                    return Err(WhyNot::Unbuilt("an enum with payload in generated text"));
                }
                let names = declared.variants.iter().map(|v| v.generated.clone()).collect();
                Shape::Enum { name: declared.name.clone(), names }
            }
            Type::Map(..) => return Err(WhyNot::Unbuilt("a map in generated text")),
            Type::Range | Type::Function(..) | Type::Prompt | Type::Never | Type::Error | Type::Variable(_) => {
                return Err(WhyNot::NotText(ty.clone()));
            }
        })
    }

    fn field(&mut self, name: &str, ty: &Type) -> Result<Field, WhyNot> {
        Ok(Field { name: name.to_string(), shape: self.shape(ty)? })
    }
}

/// What describes a type to a model: its JSON form with words for the values, and doc comments.
pub fn schema_text(program: &Program, ty: &Type) -> String {
    describe(program, ty, 0, &mut Vec::new())
}

fn describe(program: &Program, ty: &Type, indent: usize, open: &mut Vec<StructId>) -> String {
    let pad = "  ".repeat(indent + 1);
    let end = "  ".repeat(indent);
    match ty {
        Type::Str(TextType { alias: Some(alias), .. }) => format!("<{}>", alias.to_lowercase()),
        Type::Str(TextType { chars_max: Some(max), .. }) => {
            format!("<text of at most {max} characters>")
        }
        Type::Str(_) => "<text>".into(),
        Type::Int { min: Some(min), max: Some(max) } => format!("<integer from {min} to {max}>"),
        Type::Int { .. } => "<integer>".into(),
        Type::Float { decimals: Some(d), .. } => format!("<number with {d} decimals>"),
        Type::Float { .. } => "<number>".into(),
        Type::Bool => "<true or false>".into(),
        Type::Literal(text) => format!("{text:?}"),
        Type::Unknown => "unknown".into(),
        Type::Optional(of) => format!("{} or null", describe(program, of, indent, open)),
        Type::Union(members) => {
            members.iter().map(|m| describe(program, m, indent, open)).collect::<Vec<_>>().join(" or ")
        }
        Type::List { item, min, max } => {
            let count = match (min, max) {
                (0, None) => String::new(),
                (min, None) => format!(" ({min} or more)"),
                (min, Some(max)) if min == max => format!(" ({min})"),
                (min, Some(max)) => format!(" ({min} to {max})"),
            };
            format!("[{}, ...]{count}", describe(program, item, indent, open))
        }
        Type::Tuple(items) => {
            let items: Vec<_> = items.iter().map(|i| describe(program, i, indent, open)).collect();
            format!("[{}]", items.join(", "))
        }
        Type::Record(fields) => {
            let lines: Vec<_> = fields
                .iter()
                .map(|(name, ty)| format!("{pad}\"{name}\": {}", describe(program, ty, indent + 1, open)))
                .collect();
            format!("{{\n{}\n{end}}}", lines.join(",\n"))
        }
        Type::Struct(id) if open.contains(id) => format!("<{}>", program.structs[id.index()].name),
        Type::Struct(id) => {
            open.push(*id);
            let fields = &program.structs[id.index()].fields;
            let last = fields.len().saturating_sub(1);
            let mut lines = String::new();
            for (index, field) in fields.iter().enumerate() {
                let comma = if index == last { "" } else { "," };
                let doc =
                    if field.doc.is_empty() { String::new() } else { format!("  // {}", field.doc.replace('\n', " ")) };
                let value = describe(program, &field.ty, indent + 1, open);
                lines.push_str(&format!("{pad}\"{}\": {value}{comma}{doc}\n", field.generated));
            }
            open.pop();
            format!("{{\n{lines}{end}}}")
        }
        Type::Enum(id) => {
            let variants = &program.enums[id.index()].variants;
            variants.iter().map(|v| format!("\"{}\"", v.generated)).collect::<Vec<_>>().join(" or ")
        }
        other => crate::show(program, other),
    }
}
