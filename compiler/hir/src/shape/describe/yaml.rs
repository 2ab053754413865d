//! A type in words as YAML, laid out as a model writes it.

use super::{Describe, count};
use crate::program::{Field, StructId};
use crate::shape::recursion::{Nominal, contains_itself};
use crate::shape::union_tags;
use crate::types::Type;
use sgl_protocol::form::is_plain;
use sgl_protocol::{TAG, TAGGED_VALUE};

/// A key, what it holds, and its doc comment.
type Entry = (String, Held, String);

/// What a key holds: words beside it, or a block under it.
enum Held {
    Beside(String),
    Under(String),
}

impl Describe<'_> {
    /// A type whose lines begin so many levels in. The first line has no indentation.
    pub(super) fn block(&mut self, ty: &Type, level: usize, top: bool) -> String {
        let line = line(level);
        match ty {
            Type::List { item, min, max } => {
                format!("- {}{line}- ...{}", self.block(item, level + 1, false), count(*min, *max))
            }
            Type::Tuple(items) if !items.is_empty() => {
                let items: Vec<_> =
                    items.iter().map(|item| format!("- {}", self.block(item, level + 1, false))).collect();
                items.join(&line)
            }
            Type::Map(key, value) => {
                let key = self.describe(key, level, false);
                let held = self.held(value, level + 1);
                format!("{}{line}...", entry(&(key, held, String::new()), level))
            }
            Type::Record(fields) if !fields.is_empty() => {
                let entry = |(name, ty): &(String, Type)| (bare(name), self.held(ty, level + 1), String::new());
                entries(&fields.iter().map(entry).collect::<Vec<_>>(), level)
            }
            Type::Struct(id) => {
                let name = self.program.structs[id.index()].name.clone();
                self.nominal(Nominal::Struct(*id), &name, level, |this| this.fields(None, *id, level))
            }
            Type::Enum(id) => self.variants_as_blocks(*id, level, top),
            Type::Optional(_) | Type::Union(_) => self.members(&members(ty), level, top),
            Type::Literal(text) if !top => bare(text),
            Type::Unknown => "unknown".into(),
            other => self.describe(other, level, top),
        }
    }

    fn fields(&mut self, tag: Option<&str>, id: StructId, level: usize) -> String {
        let program = self.program;
        self.members_of(tag, &program.structs[id.index()].fields, level)
    }

    fn members_of(&mut self, tag: Option<&str>, fields: &[Field], level: usize) -> String {
        let mut all: Vec<Entry> = Vec::new();
        all.extend(tag.map(|tag| (TAG.to_string(), Held::Beside(bare(tag)), String::new())));
        for field in fields {
            let held = self.held(&field.ty, level + 1);
            all.push((bare(&field.generated), held, field.doc.replace('\n', " ")));
        }
        if all.is_empty() { "{}".into() } else { entries(&all, level) }
    }

    /// What a key holds; a block of it begins at that level.
    fn held(&mut self, ty: &Type, level: usize) -> Held {
        let text = self.block(ty, level, false);
        if self.is_block(ty) { Held::Under(text) } else { Held::Beside(text) }
    }

    /// Whether a description is a block of lines.
    fn is_block(&self, ty: &Type) -> bool {
        match ty {
            Type::List { .. } | Type::Map(..) => true,
            Type::Tuple(items) => !items.is_empty(),
            Type::Record(fields) => !fields.is_empty(),
            Type::Struct(id) => {
                !self.program.structs[id.index()].fields.is_empty() && !self.is_on_one_line(Nominal::Struct(*id))
            }
            Type::Enum(id) => {
                let has_payload = self.program.enums[id.index()].variants.iter().any(|v| !v.fields.is_empty());
                has_payload && !self.is_on_one_line(Nominal::Enum(*id))
            }
            Type::Optional(of) => self.is_block(of) || self.has_tags(&members(ty)),
            Type::Union(all) => all.iter().any(|member| self.is_block(member)) || self.has_tags(all),
            _ => false,
        }
    }

    fn has_tags(&self, members: &[Type]) -> bool {
        union_tags(self.program, members, self.form, false).is_some()
    }

    /// Whether a type contains itself and stands inside one that does.
    fn is_on_one_line(&self, nominal: Nominal) -> bool {
        let contains = |nominal: Nominal| contains_itself(self.program, nominal);
        contains(nominal) && self.open.iter().any(|open| contains(*open))
    }

    /// A type with a name: written out, or, where it contains itself and stands inside, said to be on one line.
    fn nominal(
        &mut self,
        nominal: Nominal,
        name: &str,
        level: usize,
        describe: impl FnOnce(&mut Self) -> String,
    ) -> String {
        if self.is_on_one_line(nominal) {
            return match nominal {
                _ if self.open.contains(&nominal) => format!("<{name} as JSON on one line>"),
                Nominal::Struct(id) => self.describe(&Type::Struct(id), level, false),
                Nominal::Enum(id) => self.describe(&Type::Enum(id), level, false),
            };
        }
        self.open.push(nominal);
        let found = describe(self);
        self.open.pop();
        found
    }

    fn variants_as_blocks(&mut self, id: crate::program::EnumId, level: usize, top: bool) -> String {
        let program = self.program;
        let declared = &program.enums[id.index()];
        if declared.variants.iter().all(|variant| variant.fields.is_empty()) {
            let name = |name: &String| if top { name.clone() } else { bare(name) };
            return declared.variants.iter().map(|v| name(&v.generated)).collect::<Vec<_>>().join(" or ");
        }
        self.nominal(Nominal::Enum(id), &declared.name, level, |this| {
            let all: Vec<String> = declared
                .variants
                .iter()
                .map(|variant| {
                    let doc = if variant.doc.is_empty() { String::new() } else { note(&variant.doc, level) };
                    doc + &this.members_of(Some(&variant.generated), &variant.fields, level)
                })
                .collect();
            all.join(&format!("{0}or{0}", line(level)))
        })
    }

    fn members(&mut self, members: &[Type], level: usize, top: bool) -> String {
        let tags = union_tags(self.program, members, self.form, top);
        let is_long = tags.is_some() || members.iter().any(|member| self.is_block(member));
        let all: Vec<String> = match tags {
            None => members.iter().map(|member| self.block(member, level, top)).collect(),
            Some(tags) => members.iter().zip(tags).map(|(member, tag)| self.tagged(member, &tag, level)).collect(),
        };
        all.join(&if is_long { format!("{0}or{0}", line(level)) } else { " or ".into() })
    }

    fn tagged(&mut self, member: &Type, tag: &str, level: usize) -> String {
        let tag_entry = (TAG.to_string(), Held::Beside(bare(tag)), String::new());
        match member {
            Type::None | Type::Unknown => entries(&[tag_entry], level),
            Type::Struct(id) if self.program.structs[id.index()].fields.iter().all(|f| f.generated != TAG) => {
                self.fields(Some(tag), *id, level)
            }
            other => {
                let held = self.held(other, level + 1);
                entries(&[tag_entry, (TAGGED_VALUE.to_string(), held, String::new())], level)
            }
        }
    }
}

/// The members of a union, `none` last.
fn members(ty: &Type) -> Vec<Type> {
    match ty {
        Type::Union(all) => all.clone(),
        Type::Optional(of) => members(of).into_iter().chain([Type::None]).collect(),
        one => vec![one.clone()],
    }
}

fn line(level: usize) -> String {
    format!("\n{}", "  ".repeat(level))
}

fn note(doc: &str, level: usize) -> String {
    format!("# {}{}", doc.replace('\n', " "), line(level))
}

/// A name as it is written.
fn bare(name: &str) -> String {
    if is_plain(name) { name.to_string() } else { format!("{name:?}") }
}

fn entries(all: &[Entry], level: usize) -> String {
    all.iter().map(|one| entry(one, level)).collect::<Vec<_>>().join(&line(level))
}

fn entry((key, held, doc): &Entry, level: usize) -> String {
    let doc = if doc.is_empty() { String::new() } else { format!("  # {doc}") };
    match held {
        Held::Beside(words) => format!("{key}: {words}{doc}"),
        Held::Under(block) => format!("{key}:{doc}{}{block}", line(level + 1)),
    }
}
