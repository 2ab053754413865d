//! Whether a value of one type may stand where another is wanted; type variables are found on the way.
//!
//! Refinements are subtypes. Between two refinements of `Str` the automata decide.

use crate::program::{GenericId, Program};
use crate::shape_of;
use crate::types::{TextType, Type};
use sgl_constrain::Automaton;

/// The type variables of one body.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    found: Vec<Option<Type>>,
}

impl Variables {
    /// A type that is not known yet.
    pub(crate) fn fresh(&mut self) -> Type {
        self.found.push(None);
        Type::Variable(u32::try_from(self.found.len() - 1).expect("fewer variables than bytes of source"))
    }

    /// The type with every variable that is known replaced.
    pub(crate) fn resolve(&self, ty: &Type) -> Type {
        let all = |types: &[Type]| types.iter().map(|ty| self.resolve(ty)).collect::<Vec<_>>();
        match ty {
            Type::Variable(id) => match &self.found[*id as usize] {
                Some(found) => self.resolve(found),
                None => ty.clone(),
            },
            Type::Optional(of) => self.resolve(of).optional(),
            Type::Union(members) => crate::resolve::union(all(members)),
            Type::List { item, min, max } => Type::List { item: Box::new(self.resolve(item)), min: *min, max: *max },
            Type::Map(k, v) => Type::Map(Box::new(self.resolve(k)), Box::new(self.resolve(v))),
            Type::Tuple(items) => Type::Tuple(all(items)),
            Type::Record(fields) => {
                Type::Record(fields.iter().map(|(name, ty)| (name.clone(), self.resolve(ty))).collect())
            }
            Type::Function(parameters, result) => Type::Function(all(parameters), Box::new(self.resolve(result))),
            Type::Apply(id, arguments) => Type::Apply(*id, all(arguments)),
            other => other.clone(),
        }
    }

    /// Whether `from` may stand where `to` is wanted.
    pub(crate) fn fits(&mut self, program: &Program, from: &Type, to: &Type) -> bool {
        let (from, to) = (self.resolve(from), self.resolve(to));
        match (&from, &to) {
            _ if from == to => true,
            (Type::Error | Type::Never, _) | (_, Type::Error) => true,
            (_, Type::Variable(id)) => self.bind(*id, &widen(&from)),
            (Type::Variable(id), _) => self.bind(*id, &to),
            (Type::None, Type::Optional(_)) => true,
            (Type::Optional(a), Type::Optional(b)) => self.fits(program, a, b),
            (_, Type::Optional(b)) => self.fits(program, &from, b),
            (Type::Union(members), _) => members.iter().all(|member| self.fits(program, member, &to)),
            (_, Type::Union(members)) => {
                members.iter().any(|member| self.fits(program, &from, member)) || covered(program, &from, members)
            }
            (Type::LiteralBool(_), Type::Bool) => true,
            (Type::Str(_) | Type::Literal(_), Type::Str(text)) => text_fits(program, &from, text, &to),
            (Type::Int { min, max }, Type::Int { min: low, max: high })
            | (
                Type::Float { decimals: None | Some(_), min, max },
                Type::Float { decimals: None, min: low, max: high },
            ) => within(*min, *max, *low, *high),
            (Type::Float { decimals: a, min, max }, Type::Float { decimals: b, min: low, max: high }) => {
                a == b && within(*min, *max, *low, *high)
            }
            (Type::List { item: a, min, max }, Type::List { item: b, min: low, max: high }) => {
                let inside =
                    within(Some(i64::from(*min)), max.map(i64::from), Some(i64::from(*low)), high.map(i64::from));
                inside && self.fits(program, a, b)
            }
            (Type::Map(a, b), Type::Map(c, d)) => self.fits(program, a, c) && self.fits(program, b, d),
            (Type::Tuple(a), Type::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.fits(program, a, b))
            }
            (Type::Record(a), Type::Record(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((n, a), (m, b))| n == m && self.fits(program, a, b))
            }
            (Type::Function(a, r), Type::Function(b, s)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.fits(program, b, a)) && self.fits(program, r, s)
            }
            (_, Type::Json) => is_json(&from),
            (_, Type::Apply(id, wanted)) => match origin(program, &from) {
                Some((own, given)) => own == *id && given.iter().zip(wanted).all(|(a, b)| self.same(program, a, b)),
                None => false,
            },
            _ => false,
        }
    }

    /// Makes two types one, as arguments of a generic type must be; variables of the second are found on the way.
    pub(crate) fn same(&mut self, program: &Program, from: &Type, to: &Type) -> bool {
        let (from, to) = (self.resolve(from), self.resolve(to));
        let mut all =
            |a: &[Type], b: &[Type]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same(program, a, b));
        match (&from, &to) {
            _ if from == to => true,
            (Type::Error | Type::Never, _) | (_, Type::Error) => true,
            (_, Type::Variable(id)) => self.bind(*id, &from),
            (Type::Variable(id), _) => self.bind(*id, &to),
            (Type::Optional(a), Type::Optional(b)) => self.same(program, a, b),
            (Type::List { item: a, min, max }, Type::List { item: b, min: low, max: high }) => {
                min == low && max == high && self.same(program, a, b)
            }
            (Type::Map(a, b), Type::Map(c, d)) => self.same(program, a, c) && self.same(program, b, d),
            (Type::Tuple(a), Type::Tuple(b)) => all(a, b),
            (Type::Function(a, r), Type::Function(b, s)) => all(a, b) && self.same(program, r, s),
            (Type::Apply(a, x), Type::Apply(b, y)) => a == b && all(x, y),
            (_, Type::Apply(id, wanted)) => {
                origin(program, &from).is_some_and(|(own, given)| own == *id && all(given, wanted))
            }
            (Type::Apply(id, given), _) => {
                origin(program, &to).is_some_and(|(own, wanted)| own == *id && all(given, wanted))
            }
            _ => false,
        }
    }

    fn bind(&mut self, id: u32, ty: &Type) -> bool {
        if *ty == Type::Variable(id) {
            return true;
        }
        if occurs(id, ty) {
            return false;
        }
        self.found[id as usize] = Some(ty.clone());
        true
    }
}

fn occurs(id: u32, ty: &Type) -> bool {
    match ty {
        Type::Variable(other) => *other == id,
        Type::Optional(of) => occurs(id, of),
        Type::List { item, .. } => occurs(id, item),
        Type::Map(k, v) => occurs(id, k) || occurs(id, v),
        Type::Union(all) | Type::Tuple(all) | Type::Apply(_, all) => all.iter().any(|ty| occurs(id, ty)),
        Type::Record(fields) => fields.iter().any(|(_, ty)| occurs(id, ty)),
        Type::Function(parameters, result) => parameters.iter().any(|ty| occurs(id, ty)) || occurs(id, result),
        _ => false,
    }
}

/// Whether every value of the type is JSON as it is.
pub(crate) fn is_json(ty: &Type) -> bool {
    match ty {
        Type::Str(_) | Type::Literal(_) | Type::Int { .. } | Type::Float { .. } | Type::None => true,
        Type::Bool | Type::LiteralBool(_) => true,
        Type::Json | Type::Schema => true,
        Type::Optional(of) | Type::List { item: of, .. } => is_json(of),
        Type::Map(key, value) => matches!(key.as_ref(), Type::Str(_) | Type::Literal(_)) && is_json(value),
        Type::Union(members) => members.iter().all(is_json),
        _ => false,
    }
}

/// The generic item and the arguments that a struct or enum is made of.
pub(crate) fn origin<'a>(program: &'a Program, ty: &Type) -> Option<(GenericId, &'a [Type])> {
    let origin = match ty {
        Type::Struct(id) => &program.structs[id.index()].origin,
        Type::Enum(id) => &program.enums[id.index()].origin,
        _ => return None,
    };
    origin.as_ref().map(|(id, arguments)| (*id, arguments.as_slice()))
}

/// The type without refinements: what a `var` or an element of a list may become.
pub(crate) fn widen(ty: &Type) -> Type {
    match ty {
        Type::Str(_) | Type::Literal(_) => Type::text(),
        Type::Int { .. } => Type::int(),
        Type::Float { .. } => Type::float(),
        Type::LiteralBool(_) => Type::Bool,
        Type::Optional(of) => widen(of).optional(),
        Type::Union(members) => crate::resolve::union(members.iter().map(widen).collect()),
        Type::List { item, .. } => Type::list(widen(item)),
        Type::Tuple(items) => Type::Tuple(items.iter().map(widen).collect()),
        Type::Record(fields) => Type::Record(fields.iter().map(|(n, ty)| (n.clone(), widen(ty))).collect()),
        other => other.clone(),
    }
}

fn within(min: Option<i64>, max: Option<i64>, low: Option<i64>, high: Option<i64>) -> bool {
    let above = low.is_none_or(|low| min.is_some_and(|min| min >= low));
    let below = high.is_none_or(|high| max.is_some_and(|max| max <= high));
    above && below
}

/// Whether several members together hold every value: `Str matching re"a|b"` is an `"a" | "b"`.
fn covered(program: &Program, from: &Type, members: &[Type]) -> bool {
    let same_kind: fn(&Type) -> bool = match from {
        Type::Str(text) if *text != TextType::default() => |ty| matches!(ty, Type::Str(_) | Type::Literal(_)),
        Type::Int { min: Some(_), max: Some(_) } => |ty| matches!(ty, Type::Int { .. }),
        _ => return false,
    };
    let members: Vec<Type> = members.iter().filter(|ty| same_kind(ty)).cloned().collect();
    let automaton = |ty: &Type| shape_of(program, ty).ok().and_then(|shape| Automaton::of_shape(&shape).ok());
    match (automaton(from), automaton(&Type::Union(members))) {
        (Some(given), Some(wanted)) => given.is_subset_of(&wanted).unwrap_or(false),
        _ => false,
    }
}

fn text_fits(program: &Program, from: &Type, text: &TextType, to: &Type) -> bool {
    let free = |text: &TextType| text.pattern.is_none() && text.chars_max.is_none() && text.until.is_none();
    if free(text) {
        return true;
    }
    // What ends before a delimiter is compared by the rest of its type, and by what the value can't contain.
    let Ok(wanted) = shape_of(program, to) else { return false };
    let Ok(wanted) = Automaton::of_shape(&wanted) else { return false };
    match from {
        Type::Literal(value) => wanted.accepts(value.as_bytes()),
        Type::Str(own) if free(own) => false,
        _ => {
            let Ok(given) = shape_of(program, from) else { return false };
            let Ok(given) = Automaton::of_shape(&given) else { return false };
            given.is_subset_of(&wanted).unwrap_or(false)
        }
    }
}
