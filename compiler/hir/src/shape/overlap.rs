//! Whether two members of a union share a text, and whether they share a value.
//!
//! Structures are compared part by part; where two texts or numbers meet, their automata decide. A pair of references
//! that leads back to itself adds no text of its own, so it is taken to share none.

use crate::types::Type;
use sgl_constrain::Automaton;
use sgl_protocol::{Field, Form, Shape};

/// Where members of a union stand.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// Alone, in this form.
    Alone(Option<Form>),
    /// In a structure.
    Inside,
}

/// Whether some text belongs to both shapes. At the top, texts and names stand raw, beside structures in the form that is
/// given; elsewhere they are JSON strings, and then a form changes nothing, as each of its texts stands for one of JSON.
pub(super) fn share_a_text(a: &Shape, b: &Shape, place: Place) -> bool {
    let (a, b) = (View { shape: a, definitions: &[] }, View { shape: b, definitions: &[] });
    match place {
        Place::Alone(form) if is_raw(a.shape) || is_raw(b.shape) => raw(a, b, form),
        _ => Compare { open: Vec::new() }.inside(a, b),
    }
}

/// Whether a shape's texts stand without quotes at the top.
fn is_raw(shape: &Shape) -> bool {
    match shape {
        Shape::Text { .. } | Shape::Literal(_) | Shape::Enum { .. } | Shape::Grammar(_) | Shape::Computed(_) => true,
        Shape::Union(variants) => variants.iter().any(|v| is_raw(&v.shape)),
        _ => false,
    }
}

/// A raw text beside anything: by automata, or by what JSON can begin with where there is none.
fn raw(a: View<'_>, b: View<'_>, form: Option<Form>) -> bool {
    if let (Shape::Union(variants), other) | (other, Shape::Union(variants)) = (a.shape, b.shape) {
        return variants.iter().any(|v| share_a_text(&v.shape, other, Place::Alone(form)));
    }
    let begins = |shape: &Shape| match shape {
        // Blocks of YAML begin with anything.
        Shape::Ref(_) | Shape::Recursive { .. } if form == Some(Form::Yaml) => None,
        Shape::Ref(_) | Shape::Recursive { .. } => {
            Some(Shape::Text { pattern: Some("(?s)[\\[{\"].*".into()), chars_max: None, until: None })
        }
        Shape::Schema(_) | Shape::Grammar(_) | Shape::Computed(_) | Shape::Image => None,
        other => Some(super::in_form(form, other.clone())),
    };
    match (begins(a.shape), begins(b.shape)) {
        (Some(a), Some(b)) => shared(&a, &b),
        _ => true,
    }
}

/// A shape, and what references in it refer to.
#[derive(Clone, Copy)]
struct View<'a> {
    shape: &'a Shape,
    definitions: &'a [Shape],
}

impl<'a> View<'a> {
    fn of(self, shape: &'a Shape) -> Self {
        Self { shape, ..self }
    }
}

/// Pairs of references that are being compared, by address.
struct Compare {
    open: Vec<(*const Shape, *const Shape)>,
}

/// What JSON begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    String,
    Number,
    Bool,
    Null,
    List,
    Object,
}

fn kind(shape: &Shape) -> Option<Kind> {
    Some(match shape {
        Shape::Text { .. } | Shape::Literal(_) | Shape::Enum { .. } | Shape::Grammar(_) => Kind::String,
        Shape::Int { .. } | Shape::Float { .. } => Kind::Number,
        Shape::Bool | Shape::LiteralBool(_) => Kind::Bool,
        Shape::Null => Kind::Null,
        Shape::List { .. } | Shape::Tuple(_) => Kind::List,
        Shape::Record { .. } | Shape::Map { .. } | Shape::Tagged { .. } => Kind::Object,
        Shape::Union(_)
        | Shape::Formed { .. }
        | Shape::Ref(_)
        | Shape::Recursive { .. }
        | Shape::Schema(_)
        | Shape::Computed(_)
        | Shape::Image => {
            return None;
        }
    })
}

impl Compare {
    fn inside(&mut self, a: View<'_>, b: View<'_>) -> bool {
        match (a.shape, b.shape) {
            (Shape::Union(variants), _) => variants.iter().any(|v| self.inside(a.of(&v.shape), b)),
            (_, Shape::Union(variants)) => variants.iter().any(|v| self.inside(a, b.of(&v.shape))),
            (Shape::Recursive { definitions, root }, _) => self.inside(View { shape: root, definitions }, b),
            (_, Shape::Recursive { definitions, root }) => self.inside(a, View { shape: root, definitions }),
            (Shape::Ref(index), _) => match a.definitions.get(*index as usize) {
                Some(definition) => self.reference(a.of(definition), b),
                None => true,
            },
            (_, Shape::Ref(index)) => match b.definitions.get(*index as usize) {
                Some(definition) => self.reference(a, b.of(definition)),
                None => true,
            },
            (Shape::Schema(_) | Shape::Computed(_), _) | (_, Shape::Schema(_) | Shape::Computed(_)) => true,
            (one, other) if kind(one) != kind(other) => false,
            (Shape::LiteralBool(one), Shape::LiteralBool(other)) => one == other,
            (Shape::Bool | Shape::LiteralBool(_) | Shape::Null, _) => true,
            (Shape::List { item, min, max }, Shape::List { item: other, min: low, max: high }) => {
                let apart = max.is_some_and(|max| max < *low) || high.is_some_and(|high| high < *min);
                !apart && ((*min == 0 && *low == 0) || self.inside(a.of(item), b.of(other)))
            }
            (Shape::List { item, min, max }, Shape::Tuple(items)) => {
                within(items.len(), *min, *max) && items.iter().all(|i| self.inside(a.of(item), b.of(i)))
            }
            (Shape::Tuple(items), Shape::List { item, min, max }) => {
                within(items.len(), *min, *max) && items.iter().all(|i| self.inside(a.of(i), b.of(item)))
            }
            (Shape::Tuple(mine), Shape::Tuple(other)) => {
                mine.len() == other.len() && mine.iter().zip(other).all(|(m, o)| self.inside(a.of(m), b.of(o)))
            }
            (Shape::Tagged { variants, .. }, _) => variants.iter().any(|v| self.inside(a.of(&v.tagged_object()), b)),
            (_, Shape::Tagged { variants, .. }) => variants.iter().any(|v| self.inside(a, b.of(&v.tagged_object()))),
            (Shape::Record { fields, .. }, Shape::Record { fields: other, .. }) => {
                let same_keys = fields.iter().map(|f| &f.name).eq(other.iter().map(|f| &f.name));
                same_keys && fields.iter().zip(other).all(|(m, o)| self.inside(a.of(&m.shape), b.of(&o.shape)))
            }
            (Shape::Map { key, value, min, max }, Shape::Record { fields, .. })
            | (Shape::Record { fields, .. }, Shape::Map { key, value, min, max }) => {
                let (map, record) = if matches!(a.shape, Shape::Map { .. }) { (a, b) } else { (b, a) };
                let mut fits = |f: &Field| {
                    self.inside(map.of(key), record.of(&Shape::Literal(f.name.clone())))
                        && self.inside(map.of(value), record.of(&f.shape))
                };
                within(fields.len(), *min, *max) && fields.iter().all(&mut fits)
            }
            (Shape::Map { key, value, min, .. }, Shape::Map { key: k, value: v, min: low, .. }) => {
                (*min == 0 && *low == 0) || (self.inside(a.of(key), b.of(k)) && self.inside(a.of(value), b.of(v)))
            }
            // Two texts or two numbers: raw they differ exactly where they differ in quotes.
            (one, other) => shared(&without_end(one), &without_end(other)),
        }
    }

    fn reference(&mut self, a: View<'_>, b: View<'_>) -> bool {
        let pair = (std::ptr::from_ref(a.shape), std::ptr::from_ref(b.shape));
        if self.open.contains(&pair) {
            return false;
        }
        self.open.push(pair);
        let found = self.inside(a, b);
        self.open.pop();
        found
    }
}

fn within(count: usize, min: u32, max: Option<u32>) -> bool {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    count >= min && max.is_none_or(|max| count <= max)
}

/// Inside a structure a delimiter may not occur, and is never written.
fn without_end(shape: &Shape) -> Shape {
    match shape {
        Shape::Text { pattern, chars_max, .. } => {
            Shape::Text { pattern: pattern.clone(), chars_max: *chars_max, until: None }
        }
        other => other.clone(),
    }
}

/// By automata; where one can't be made, yes.
fn shared(a: &Shape, b: &Shape) -> bool {
    match (Automaton::of_shape(a), Automaton::of_shape(b)) {
        (Ok(a), Ok(b)) => !a.is_disjoint_from(&b).unwrap_or(false),
        _ => true,
    }
}

/// Whether members of a union that share a text also share a value, so that no tag could tell them apart.
pub(crate) fn same_value(a: &Type, b: &Type) -> bool {
    let all = |a: &[Type], b: &[Type]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b));
    let (a, b) = (&a.filled(), &b.filled());
    let texts = |ty: &Type| matches!(ty, Type::Str(_) | Type::Literal(_));
    match (a, b) {
        (a, b) if a == b => true,
        (Type::Json, other) | (other, Type::Json) => crate::assign::is_json(other),
        (a, b) if texts(a) && texts(b) => true,
        (Type::Int { .. }, Type::Int { .. }) | (Type::Float { .. }, Type::Float { .. }) => true,
        (Type::List { item: a, min, .. }, Type::List { item: b, min: low, .. }) => {
            (*min == 0 && *low == 0) || same_value(a, b)
        }
        (Type::Map(..), Type::Map(..)) => true,
        (Type::Tuple(a), Type::Tuple(b)) => all(a, b),
        (Type::Record(a), Type::Record(b)) => {
            a.iter().map(|(n, _)| n).eq(b.iter().map(|(n, _)| n))
                && a.iter().zip(b).all(|((_, a), (_, b))| same_value(a, b))
        }
        (Type::Optional(of), other) | (other, Type::Optional(of)) => same_value(of, other),
        (Type::Union(members), other) | (other, Type::Union(members)) => members.iter().any(|m| same_value(m, other)),
        _ => false,
    }
}
