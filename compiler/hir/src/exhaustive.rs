//! Whether the arms of a `match` cover every value, and which arm covers none.
//!
//! Maranget, "Warnings for pattern matching" (2007): a row is useful if some value fits it and no row above.

use crate::program::{ExpressionKind, Pattern, Program};
use crate::types::Type;

/// Patterns that are looked at per `match`, after expansion: bounds the exponential worst case.
const STEPS_MAX: usize = 100_000;

/// Integers of a range that are looked at one by one.
const INTS_MAX: i64 = 64;

/// A way a value of a type can be built.
#[derive(Clone, Debug, PartialEq)]
enum Constructor {
    /// Tuple, struct, record: the only way.
    Only(usize),
    Variant(u16, String, usize),
    Bool(bool),
    Text(String),
    Int(i64),
    Float(f64),
    None,
    Unknown,
    /// Not `none`, but a value of this type.
    Some(Type),
    /// A member of a union.
    Member(Type),
}

/// A value that no row covers, as a person would write it; `None` if there is none.
pub(crate) fn missing(program: &Program, ty: &Type, rows: &[&Pattern]) -> Option<String> {
    let rows: Vec<Vec<&Pattern>> = rows.iter().map(|row| vec![*row]).collect();
    let mut steps = 0;
    witness(program, &rows, std::slice::from_ref(ty), &mut steps).map(|all| all.into_iter().next().unwrap_or_default())
}

/// Whether `row` covers a value that `rows` do not.
pub(crate) fn useful(program: &Program, ty: &Type, rows: &[&Pattern], row: &Pattern) -> bool {
    // A row is useful if with it replaced by nothing something is missing that it covers: specialise by the row itself.
    let rows: Vec<Vec<&Pattern>> = rows.iter().map(|r| vec![*r]).collect();
    let mut steps = 0;
    row_useful(program, &rows, std::slice::from_ref(ty), &[row], &mut steps)
}

static WILDCARD: Pattern = Pattern::Wildcard;

fn constructors(program: &Program, ty: &Type) -> Option<Vec<Constructor>> {
    Some(match ty {
        Type::Bool => vec![Constructor::Bool(true), Constructor::Bool(false)],
        Type::Int { min: Some(min), max: Some(max) } if max.checked_sub(*min).is_some_and(|n| n < INTS_MAX) => {
            (*min..=*max).map(Constructor::Int).collect()
        }
        Type::LiteralBool(only) => vec![Constructor::Bool(*only)],
        Type::Literal(text) => vec![Constructor::Text(text.clone())],
        Type::None => vec![Constructor::None],
        Type::Unknown => vec![Constructor::Unknown],
        Type::Optional(of) => vec![Constructor::None, Constructor::Some(of.as_ref().clone())],
        Type::Tuple(items) => vec![Constructor::Only(items.len())],
        Type::Record(fields) => vec![Constructor::Only(fields.len())],
        Type::Struct(id) => vec![Constructor::Only(program.structs[id.index()].fields.len())],
        Type::Enum(id) => (0u16..)
            .zip(&program.enums[id.index()].variants)
            .map(|(index, v)| Constructor::Variant(index, v.name.clone(), v.fields.len()))
            .collect(),
        Type::Union(members) => {
            let mut all = Vec::new();
            for member in members {
                match member {
                    Type::Literal(text) => all.push(Constructor::Text(text.clone())),
                    Type::LiteralBool(only) => all.push(Constructor::Bool(*only)),
                    Type::Unknown => all.push(Constructor::Unknown),
                    other => all.push(Constructor::Member(other.clone())),
                }
            }
            all
        }
        _ => return None,
    })
}

/// The types of a constructor's parts.
fn parts(program: &Program, ty: &Type, constructor: &Constructor) -> Vec<Type> {
    match (constructor, ty) {
        (Constructor::Some(of), _) => vec![of.clone()],
        (Constructor::Member(member), _) => vec![member.clone()],
        (Constructor::Only(_), Type::Tuple(items)) => items.clone(),
        (Constructor::Only(_), Type::Record(fields)) => fields.iter().map(|(_, ty)| ty.clone()).collect(),
        (Constructor::Only(_), Type::Struct(id)) => {
            program.structs[id.index()].fields.iter().map(|f| f.ty.clone()).collect()
        }
        (Constructor::Variant(index, ..), Type::Enum(id)) => {
            let variant = &program.enums[id.index()].variants[usize::from(*index)];
            variant.fields.iter().map(|f| f.ty.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// The row's first pattern, taken apart by a constructor: `None` if it does not fit.
fn specialise<'a>(row: &[&'a Pattern], constructor: &Constructor, arity: usize) -> Vec<Vec<&'a Pattern>> {
    let (first, rest) = (row[0], &row[1..]);
    let with = |mut parts: Vec<&'a Pattern>| {
        parts.extend(rest);
        vec![parts]
    };
    match (first, constructor) {
        (Pattern::Or(all), _) => all
            .iter()
            .flat_map(|one| {
                let mut row = row.to_vec();
                row[0] = one;
                specialise(&row, constructor, arity)
            })
            .collect(),
        (Pattern::Wildcard | Pattern::Bind(_), _) => with(vec![&WILDCARD; arity]),
        // What fits a value that is there fits the inside of an optional.
        (Pattern::Member(ty, _, inner), Constructor::Some(of)) if ty == of => with(vec![inner]),
        (Pattern::None, Constructor::Some(_)) => Vec::new(),
        (_, Constructor::Some(_)) => with(vec![first]),
        (Pattern::None, Constructor::None) | (Pattern::Unknown, Constructor::Unknown) => with(Vec::new()),
        (Pattern::None | Pattern::Unknown, _) => Vec::new(),
        (Pattern::Member(ty, _, inner), Constructor::Member(member)) if ty == member => with(vec![inner]),
        (Pattern::Member(..), _) => Vec::new(),
        (_, Constructor::Member(member)) => {
            let possible = match first {
                Pattern::Literal(e) => match &e.kind {
                    ExpressionKind::Bool(_) => *member == Type::Bool,
                    ExpressionKind::Int(_) => matches!(member, Type::Int { .. }),
                    ExpressionKind::Float(_) => matches!(member, Type::Float { .. }),
                    _ => matches!(member, Type::Str(_)),
                },
                Pattern::Variant(id, ..) => *member == Type::Enum(*id),
                _ => true,
            };
            if possible { with(vec![first]) } else { Vec::new() }
        }
        (Pattern::Variant(_, index, inner), Constructor::Variant(other, ..)) if index == other => {
            with(inner.iter().collect())
        }
        (Pattern::Fields(inner), Constructor::Only(_)) => with(inner.iter().collect()),
        (Pattern::Literal(e), _) => {
            let same = match (&e.kind, constructor) {
                (ExpressionKind::Bool(a), Constructor::Bool(b)) => a == b,
                (ExpressionKind::Text(a), Constructor::Text(b)) => a == b,
                (ExpressionKind::Int(a), Constructor::Int(b)) => a == b,
                (ExpressionKind::Float(a), Constructor::Float(b)) => a == b,
                _ => false,
            };
            if same { with(Vec::new()) } else { Vec::new() }
        }
        _ => Vec::new(),
    }
}

/// Constructors that the rows' first patterns name, for types without a finite list.
fn named(rows: &[Vec<&Pattern>]) -> Vec<Constructor> {
    let mut all: Vec<Constructor> = Vec::new();
    let mut waiting: Vec<&Pattern> = rows.iter().map(|row| row[0]).collect();
    while let Some(pattern) = waiting.pop() {
        let found = match pattern {
            Pattern::Or(inner) => {
                waiting.extend(inner);
                None
            }
            Pattern::Literal(e) => match &e.kind {
                ExpressionKind::Int(n) => Some(Constructor::Int(*n)),
                ExpressionKind::Float(x) => Some(Constructor::Float(*x)),
                ExpressionKind::Text(text) => Some(Constructor::Text(text.clone())),
                _ => None,
            },
            _ => None,
        };
        all.extend(found.filter(|c| !all.contains(c)));
    }
    all
}

fn arity(program: &Program, ty: &Type, constructor: &Constructor) -> usize {
    parts(program, ty, constructor).len()
}

fn witness(program: &Program, rows: &[Vec<&Pattern>], types: &[Type], steps: &mut usize) -> Option<Vec<String>> {
    *steps += 1;
    if *steps > STEPS_MAX {
        return None;
    }
    let Some(ty) = types.first() else { return rows.is_empty().then(Vec::new) };
    // Where no row looks inside there is nothing to take apart; a recursive type could be taken apart for ever.
    let finite = if looked_into(rows) { constructors(program, ty) } else { None };
    for constructor in finite.clone().unwrap_or_default() {
        let inner = parts(program, ty, &constructor);
        let count = inner.len();
        let special: Vec<_> = rows.iter().flat_map(|row| specialise(row, &constructor, count)).collect();
        let mut next = inner;
        next.extend_from_slice(&types[1..]);
        if let Some(mut found) = witness(program, &special, &next, steps) {
            let rest = found.split_off(count);
            let mut all = vec![write(program, &constructor, &found)];
            all.extend(rest);
            return Some(all);
        }
    }
    if finite.is_some() {
        return None;
    }
    let open: Vec<Vec<&Pattern>> = rows.iter().flat_map(|row| default(row)).collect();
    let mut found = witness(program, &open, &types[1..], steps)?;
    found.insert(0, "_".into());
    Some(found)
}

/// Whether some row's first pattern does not fit everything.
fn looked_into(rows: &[Vec<&Pattern>]) -> bool {
    rows.iter().any(|row| !matches!(row[0], Pattern::Wildcard | Pattern::Bind(_)))
}

/// Rows that cover every value of an open type.
fn default<'a>(row: &[&'a Pattern]) -> Vec<Vec<&'a Pattern>> {
    match row[0] {
        Pattern::Wildcard | Pattern::Bind(_) => vec![row[1..].to_vec()],
        Pattern::Or(all) => all
            .iter()
            .flat_map(|one| {
                let mut row = row.to_vec();
                row[0] = one;
                default(&row)
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn row_useful(program: &Program, rows: &[Vec<&Pattern>], types: &[Type], row: &[&Pattern], steps: &mut usize) -> bool {
    *steps += 1;
    let Some(ty) = types.first() else { return rows.is_empty() };
    if *steps > STEPS_MAX {
        return true;
    }
    let looked = looked_into(rows) || looked_into(&[row.to_vec()]);
    let finite = if looked { constructors(program, ty) } else { None };
    let all = finite.clone().unwrap_or_else(|| named(&[rows, &[row.to_vec()]].concat()));
    for constructor in &all {
        let count = arity(program, ty, constructor);
        let mut next = parts(program, ty, constructor);
        next.extend_from_slice(&types[1..]);
        let special: Vec<_> = rows.iter().flat_map(|r| specialise(r, constructor, count)).collect();
        for own in specialise(row, constructor, count) {
            if row_useful(program, &special, &next, &own, steps) {
                return true;
            }
        }
    }
    if finite.is_some() {
        return false;
    }
    let open: Vec<Vec<&Pattern>> = rows.iter().flat_map(|r| default(r)).collect();
    default(row).into_iter().any(|own| row_useful(program, &open, &types[1..], &own, steps))
}

fn write(program: &Program, constructor: &Constructor, inner: &[String]) -> String {
    match constructor {
        Constructor::Only(_) => format!("({})", inner.join(", ")),
        Constructor::Variant(_, name, 0) => name.clone(),
        Constructor::Variant(_, name, _) => format!("{name}({})", inner.join(", ")),
        Constructor::Bool(value) => value.to_string(),
        Constructor::Text(text) => format!("{text:?}"),
        Constructor::Int(value) => value.to_string(),
        Constructor::Float(value) => value.to_string(),
        Constructor::None => "none".into(),
        Constructor::Unknown => "Unknown".into(),
        Constructor::Some(_) => inner.first().cloned().unwrap_or_default(),
        Constructor::Member(_) if inner.first().is_some_and(|inner| inner != "_") => inner[0].clone(),
        Constructor::Member(ty) => format!("x: {}", crate::show(program, ty)),
    }
}
