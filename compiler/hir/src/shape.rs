//! A type seen as a constraint on text.
//!
//! There are two views. [`shape_of`] is of values as they are: it reads arguments and tells the members of a union apart.
//! [`hole_shape`] is of what a model writes: there, members of a union that share a text get tags.

mod describe;
mod json_schema;
mod overlap;
mod recursion;

use crate::form;
use crate::program::{Field as Declared, Program};
use crate::types::{TextType, Type};
use indexmap::IndexMap;
use sgl_protocol::{Field, Form, Shape, Variant};

pub use describe::schema_text;
pub use json_schema::json_schema;
use overlap::Place;
pub(crate) use overlap::same_value;
pub(crate) use recursion::{Nominal, endless};

/// Why a type has no text form that a model could write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// Functions, transcripts, ranges and the like.
    NotText(Type),
    /// A map whose keys are no texts.
    Key(Type),
    /// Two members of a union that no value and no text tells apart.
    Same(Box<(Type, Type)>),
}

/// The shape of a type's values.
pub fn shape_of(program: &Program, ty: &Type) -> Result<Shape, WhyNot> {
    Walk { program, tags: false, form: None, definitions: IndexMap::new() }.whole(ty)
}

/// The shape of what a model writes in a hole of a type: as [`shape_of`], and tags where members of a union share a text;
/// in the form of the type.
pub fn hole_shape(program: &Program, ty: &Type) -> Result<Shape, WhyNot> {
    let form = form::of_type(program, ty);
    let shape = Walk { program, tags: true, form, definitions: IndexMap::new() }.whole(ty)?;
    Ok(in_form(form, shape))
}

fn in_form(form: Option<Form>, shape: Shape) -> Shape {
    match form {
        Some(form) => Shape::Formed { form, shape: Box::new(shape) },
        None => shape,
    }
}

struct Walk<'a> {
    program: &'a Program,
    /// Whether members of a union that share a text get tags.
    tags: bool,
    /// The form of the whole.
    form: Option<Form>,
    /// Types that contain themselves, by the number that refers to them; `None` while under way.
    definitions: IndexMap<Nominal, Option<Shape>>,
}

impl Walk<'_> {
    fn whole(mut self, ty: &Type) -> Result<Shape, WhyNot> {
        let root = self.shape(ty, true)?;
        if self.definitions.is_empty() {
            return Ok(root);
        }
        let definitions = self.definitions.into_values();
        let definitions = definitions.map(|shape| shape.expect("each definition is finished before its type is"));
        Ok(Shape::Recursive { definitions: definitions.collect(), root: Box::new(root) })
    }

    fn shape(&mut self, ty: &Type, top: bool) -> Result<Shape, WhyNot> {
        Ok(match ty {
            Type::Str(TextType { pattern, chars_max, until, .. }) => {
                Shape::Text { pattern: pattern.clone(), chars_max: *chars_max, until: until.clone() }
            }
            Type::Int { min, max } => Shape::Int { min: *min, max: *max },
            Type::Float { decimals, min, max } => Shape::Float { decimals: *decimals, min: *min, max: *max },
            Type::Bool => Shape::Bool,
            Type::LiteralBool(only) => Shape::LiteralBool(*only),
            Type::Literal(text) => Shape::Literal(text.clone()),
            Type::None | Type::Unit => Shape::Null,
            Type::Unknown => Shape::Literal("unknown".into()),
            Type::Optional(of) => {
                let inside = match of.as_ref() {
                    Type::Union(members) => members.as_slice(),
                    one => std::slice::from_ref(one),
                };
                let members: Vec<&Type> = std::iter::once(&Type::None).chain(inside).collect();
                self.union(&members, top)?
            }
            Type::Union(members) => self.union(&members.iter().collect::<Vec<_>>(), top)?,
            Type::List { item, min, max } => {
                Shape::List { item: Box::new(self.shape(item, false)?), min: *min, max: *max }
            }
            Type::Tuple(items) => {
                Shape::Tuple(items.iter().map(|item| self.shape(item, false)).collect::<Result<_, _>>()?)
            }
            Type::Record(fields) => {
                let field = |(name, ty): &(String, Type)| self.field(name, ty);
                let fields = fields.iter().map(field).collect::<Result<_, _>>()?;
                Shape::Record { name: String::new(), fields }
            }
            Type::Map(key, value) => {
                if !is_key(key) {
                    return Err(WhyNot::Key(key.as_ref().clone()));
                }
                let (key, value) = (Box::new(self.shape(key, false)?), Box::new(self.shape(value, false)?));
                Shape::Map { key, value, min: 0, max: None }
            }
            Type::Struct(id) => self.nominal(Nominal::Struct(*id))?,
            Type::Enum(id) => self.nominal(Nominal::Enum(*id))?,
            // A model writes values, never what constrains them.
            Type::Schema | Type::Image if self.tags => return Err(WhyNot::NotText(ty.clone())),
            Type::Image => Shape::Image,
            Type::Json | Type::Schema => Shape::Schema("true".into()),
            Type::OneOf(index) | Type::JsonAs(index) => Shape::Computed(*index),
            Type::Range
            | Type::Function(..)
            | Type::Prompt
            | Type::Never
            | Type::Error
            | Type::Apply(..)
            | Type::Variable(_) => {
                return Err(WhyNot::NotText(ty.clone()));
            }
        })
    }

    fn field(&mut self, name: &str, ty: &Type) -> Result<Field, WhyNot> {
        Ok(Field { name: name.to_string(), shape: self.shape(ty, false)? })
    }

    fn fields(&mut self, fields: &[Declared]) -> Result<Vec<Field>, WhyNot> {
        fields.iter().map(|field| self.field(&field.generated, &field.ty)).collect()
    }

    /// A struct or enum: one that contains itself is defined once, and referred to.
    fn nominal(&mut self, nominal: Nominal) -> Result<Shape, WhyNot> {
        if !recursion::contains_itself(self.program, nominal) {
            return self.body(nominal);
        }
        let index = match self.definitions.get_index_of(&nominal) {
            Some(index) => index,
            None => {
                let (index, _) = self.definitions.insert_full(nominal, None);
                let body = self.body(nominal)?;
                self.definitions[index] = Some(body);
                index
            }
        };
        Ok(Shape::Ref(u32::try_from(index).expect("fewer types than bytes of source")))
    }

    fn body(&mut self, nominal: Nominal) -> Result<Shape, WhyNot> {
        let program = self.program;
        match nominal {
            Nominal::Struct(id) => {
                let declared = &program.structs[id.index()];
                Ok(Shape::Record { name: declared.name.clone(), fields: self.fields(&declared.fields)? })
            }
            Nominal::Enum(id) => {
                let declared = &program.enums[id.index()];
                let name = declared.name.clone();
                if declared.variants.iter().all(|variant| variant.fields.is_empty()) {
                    let names = declared.variants.iter().map(|v| v.generated.clone()).collect();
                    return Ok(Shape::Enum { name, names });
                }
                let mut variants = Vec::new();
                for variant in &declared.variants {
                    let shape = Shape::Record { name: String::new(), fields: self.fields(&variant.fields)? };
                    variants.push(Variant { name: variant.generated.clone(), shape });
                }
                Ok(Shape::Tagged { name, variants })
            }
        }
    }

    fn union(&mut self, members: &[&Type], top: bool) -> Result<Shape, WhyNot> {
        let mut variants = Vec::new();
        for member in members {
            let shape = self.shape(member, top)?;
            variants.push(Variant { name: crate::show(self.program, member), shape });
        }
        if !self.tags {
            return Ok(Shape::Union(variants));
        }
        let plain = members.iter().map(|m| shape_of(self.program, m)).collect::<Result<Vec<_>, _>>()?;
        let place = if top { Place::Alone(self.form) } else { Place::Inside };
        let mut shared = false;
        for (index, one) in plain.iter().enumerate() {
            for (other_index, other) in plain.iter().enumerate().skip(index + 1) {
                let (a, b) = (members[index], members[other_index]);
                if !(top && is_none_or_text(a, b)) && overlap::share_a_text(one, other, place) {
                    shared = true;
                    if same_value(a, b) {
                        return Err(WhyNot::Same(Box::new((a.clone(), b.clone()))));
                    }
                }
            }
        }
        if !shared {
            return Ok(Shape::Union(variants));
        }
        let tags = tags(self.program, members);
        for (index, (variant, tag)) in variants.iter_mut().zip(tags).enumerate() {
            variant.name = tag;
            // A tag goes into the object itself, so what is only referred to is written out here.
            if let (Shape::Ref(_), Type::Struct(id)) = (&variant.shape, members[index]) {
                variant.shape = self.body(Nominal::Struct(*id))?;
            }
        }
        Ok(Shape::Tagged { name: String::new(), variants })
    }
}

/// The tags that the members of a union get in what a model writes, if they get any.
fn union_tags(program: &Program, members: &[Type], form: Option<Form>, top: bool) -> Option<Vec<String>> {
    let mut walk = Walk { program, tags: true, form, definitions: IndexMap::new() };
    match walk.union(&members.iter().collect::<Vec<_>>(), top) {
        Ok(Shape::Tagged { variants, .. }) => Some(variants.into_iter().map(|variant| variant.name).collect()),
        _ => None,
    }
}

/// Whether these are `none` and texts, which stand alone: there the text `null` is `none`, and every other one is itself.
fn is_none_or_text(a: &Type, b: &Type) -> bool {
    matches!((a, b), (Type::None, Type::Str(_)) | (Type::Str(_), Type::None))
}

/// Whether texts of the type are strings inside a structure.
fn is_key(ty: &Type) -> bool {
    match ty {
        Type::Str(_) | Type::Literal(_) => true,
        Type::Union(members) => members.iter().all(is_key),
        _ => false,
    }
}

/// A short name for each member of a union, all different.
fn tags(program: &Program, members: &[&Type]) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for member in members {
        let name = match member {
            Type::Str(TextType { alias: None, .. }) => "Str".to_string(),
            Type::Int { .. } => "Int".into(),
            Type::Float { .. } => "Float".into(),
            Type::Literal(text) => text.clone(),
            Type::List { .. } => "list".into(),
            Type::Map(..) => "map".into(),
            Type::Tuple(_) => "tuple".into(),
            Type::Record(_) => "record".into(),
            other => crate::show(program, other),
        };
        let same = tags.iter().filter(|tag| **tag == name || tag.starts_with(&format!("{name}_"))).count();
        tags.push(if same == 0 { name } else { format!("{name}_{}", same + 1) });
    }
    tags
}
