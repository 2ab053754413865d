//! Types as written to types, and paths to definitions.

use crate::alias;
use crate::check::Context;
use crate::declare::Definition;
use crate::types::{TextType, Type};
use sgl_source::{Code, Diagnostic, Span, did_you_mean};
use sgl_syntax::ast::{Expression, ExpressionKind, Name, Refinement, TypeExpression, TypeKind, UnaryOp};

/// Types that the language itself has.
const BUILT_IN: &[&str] = &["Str", "Int", "Float", "Bool", "Unknown", "Prompt"];
/// Types that are planned.
const PLANNED: &[&str] = &["Json", "Image", "Schema", "Tool", "ToolCall"];

/// The type that an alias stands for.
pub(crate) fn alias(context: &mut Context<'_>, module: usize, id: usize, at: Span) -> Type {
    if context.aliases_open.contains(&id) {
        let name = context.aliases[id].1.name.clone();
        context.report(
            Diagnostic::error(
                Code::E0211,
                format!("the type `{}` stands for itself", name.value),
                at,
                "used in its own definition",
            )
            .with_help("make it a `struct`"),
        );
        return Type::Error;
    }
    context.aliases_open.push(id);
    let (home, tree) = context.aliases[id];
    let before = context.diagnostics.len();
    let found = ty(context, home, &tree.ty);
    // The alias's own faults are reported where it is defined, once.
    if tree.name.span != at || home != module {
        let fresh = context.diagnostics.split_off(before);
        context.diagnostics.extend(fresh.into_iter().filter(|d| d.code == Code::E0211));
    }
    context.aliases_open.pop();
    found
}

/// A type as written.
pub(crate) fn ty(context: &mut Context<'_>, module: usize, tree: &TypeExpression) -> Type {
    match &tree.kind {
        TypeKind::Name { path, arguments } => {
            if let Some(first) = arguments.first() {
                unbuilt(context, "a type with arguments", first.span);
                return Type::Error;
            }
            named(context, module, path)
        }
        TypeKind::FloatDigits(digits) => match u8::try_from(digits.value) {
            Ok(decimals) if decimals <= 9 => Type::Float { decimals: Some(decimals), min: None, max: None },
            _ => {
                context.report(Diagnostic::error(
                    Code::E0314,
                    "a `Float` has at most 9 digits after the point",
                    digits.span,
                    "too many",
                ));
                Type::Error
            }
        },
        TypeKind::LiteralText(text) => Type::Literal(text.clone()),
        TypeKind::LiteralInt(value) => Type::Int { min: Some(*value), max: Some(*value) },
        TypeKind::LiteralBool(_) => {
            unbuilt(context, "a literal `Bool` type", tree.span);
            Type::Error
        }
        TypeKind::Optional(of) => ty(context, module, of).optional(),
        TypeKind::Union(members) => {
            let members = members.iter().map(|member| ty(context, module, member)).collect();
            union(members)
        }
        TypeKind::List(item, bound) => {
            let item = ty(context, module, item);
            let (min, max) =
                bound.as_ref().map_or(Some((0, None)), |bound| list_bound(context, bound)).unwrap_or((0, None));
            Type::List { item: Box::new(item), min, max }
        }
        TypeKind::Map(key, value) => {
            let (key, value) = (ty(context, module, key), ty(context, module, value));
            Type::Map(Box::new(key), Box::new(value))
        }
        TypeKind::Tuple(items) if items.is_empty() => Type::Unit,
        TypeKind::Tuple(items) => Type::Tuple(items.iter().map(|item| ty(context, module, item)).collect()),
        TypeKind::Record(fields) => {
            Type::Record(fields.iter().map(|f| (f.name.value.clone(), ty(context, module, &f.ty))).collect())
        }
        TypeKind::Function(parameters, result) => {
            let parameters = parameters.iter().map(|p| ty(context, module, p)).collect();
            Type::Function(parameters, Box::new(ty(context, module, result)))
        }
        TypeKind::Refined(of, refinements) => {
            let mut found = ty(context, module, of);
            for refinement in refinements {
                found = refine(context, found, refinement, of.span);
            }
            found
        }
        TypeKind::Error => Type::Error,
    }
}

fn unbuilt(context: &mut Context<'_>, what: &str, span: Span) {
    context.report(
        Diagnostic::error(Code::E0104, format!("{what} is not built yet"), span, "planned, and refused until then")
            .with_help("use one of the types in docs/language.md"),
    );
}

/// A union without nesting and repetition; `none` in it makes it optional.
pub(crate) fn union(members: Vec<Type>) -> Type {
    let mut flat: Vec<Type> = Vec::new();
    let mut optional = false;
    let mut waiting: Vec<Type> = members.into_iter().rev().collect();
    while let Some(member) = waiting.pop() {
        match member {
            Type::Union(inner) => waiting.extend(inner.into_iter().rev()),
            Type::Optional(inner) => {
                optional = true;
                waiting.push(*inner);
            }
            Type::None => optional = true,
            Type::Never => {}
            other if flat.contains(&other) => {}
            other => flat.push(other),
        }
    }
    if flat.contains(&Type::Error) {
        return Type::Error;
    }
    let whole = match flat.len() {
        0 if optional => return Type::None,
        0 => return Type::Never,
        1 => flat.remove(0),
        _ => Type::Union(flat),
    };
    if optional { whole.optional() } else { whole }
}

fn named(context: &mut Context<'_>, module: usize, path: &[Name]) -> Type {
    let last = path.last().expect("a path has a name");
    if let [name] = path {
        let found = match name.value.as_str() {
            "Str" => Some(Type::text()),
            "Int" => Some(Type::int()),
            "Float" => Some(Type::float()),
            "Bool" => Some(Type::Bool),
            "Unknown" => Some(Type::Unknown),
            "Prompt" => Some(Type::Prompt),
            other => alias::find(other),
        };
        if let Some(found) = found {
            return found;
        }
        if PLANNED.contains(&name.value.as_str()) {
            unbuilt(context, &format!("the type `{}`", name.value), name.span);
            return Type::Error;
        }
    }
    match definition(context, module, path) {
        Ok(Definition::Struct(id)) => Type::Struct(id),
        Ok(Definition::Enum(id)) => Type::Enum(id),
        Ok(Definition::Alias(id)) => alias(context, module, id, last.span),
        Ok(Definition::Lost) => Type::Error,
        Ok(_) => {
            context.report(Diagnostic::error(
                Code::E0202,
                format!("`{}` is not a type", last.value),
                last.span,
                "a value",
            ));
            Type::Error
        }
        Err(Some(diagnostic)) => {
            context.report(*diagnostic);
            Type::Error
        }
        Err(None) => {
            let types = context.names[module]
                .all
                .iter()
                .filter(|(_, (d, ..))| matches!(d, Definition::Struct(_) | Definition::Enum(_) | Definition::Alias(_)));
            let known: Vec<&str> = types
                .map(|(name, _)| name.as_str())
                .chain(BUILT_IN.iter().copied())
                .chain(alias::ALIASES.iter().map(|(name, _)| *name))
                .collect();
            let near = did_you_mean(&last.value, known).map(|near| format!("did you mean `{near}`?"));
            context.report(
                Diagnostic::error(
                    Code::E0202,
                    format!("unknown type `{}`", last.value),
                    last.span,
                    "no type has this name",
                )
                .with_help_if(near),
            );
            Type::Error
        }
    }
}

/// What a path stands for. `Err(None)`: its first name is unknown; `Err(Some(_))`: what is wrong with the rest of it.
pub(crate) fn definition(
    context: &Context<'_>,
    module: usize,
    path: &[Name],
) -> Result<Definition, Option<Box<Diagnostic>>> {
    let first = &path[0];
    let Some((found, ..)) = context.names[module].all.get(&first.value) else { return Err(None) };
    let mut found = *found;
    for name in &path[1..] {
        if matches!(found, Definition::Lost) {
            return Ok(found);
        }
        let Definition::Module(target) = found else { return Err(None) };
        found = member(context, target, name)?;
    }
    Ok(found)
}

/// An exported name of a module.
pub(crate) fn member(context: &Context<'_>, target: usize, name: &Name) -> Result<Definition, Option<Box<Diagnostic>>> {
    let names = &context.names[target].all;
    let home = &context.modules[target].name;
    match names.get(&name.value) {
        Some((definition, true, _)) => Ok(*definition),
        Some((_, false, span)) => Err(Some(Box::new(
            Diagnostic::error(
                Code::E0205,
                format!("`{}` is private to the module `{home}`", name.value),
                name.span,
                "not exported",
            )
            .with_label(*span, "defined here")
            .with_help("put `pub` before its definition"),
        ))),
        None => {
            let exported = names.iter().filter(|(_, (_, exported, _))| *exported).map(|(name, _)| name.as_str());
            let near = did_you_mean(&name.value, exported).map(|near| format!("did you mean `{near}`?"));
            let message = format!("the module `{home}` has no `{}`", name.value);
            Err(Some(Box::new(Diagnostic::error(Code::E0201, message, name.span, "unknown name").with_help_if(near))))
        }
    }
}

fn refine(context: &mut Context<'_>, ty: Type, refinement: &Refinement, of: Span) -> Type {
    let (word, value) = match refinement {
        Refinement::Matching(e) => ("matching", e),
        Refinement::Until(e) => ("until", e),
        Refinement::Max(e) => ("max", e),
        Refinement::In(e) => ("in", e),
        Refinement::From(e) | Refinement::As(e) => {
            let word = if matches!(refinement, Refinement::From(_)) { "from" } else { "as" };
            context.report(
                Diagnostic::error(
                    Code::E0104,
                    format!("the refinement `{word}` is not built yet"),
                    e.span,
                    "planned, and refused until then",
                )
                .with_help("use an `enum`, or `select(xs)`"),
            );
            return Type::Error;
        }
    };
    if ty == Type::Error {
        return ty;
    }
    let refined = match (word, &ty) {
        ("matching", Type::Str(text)) => match regex(context, value) {
            Some(pattern) => Some(Type::Str(TextType { pattern: Some(pattern), alias: None, ..text.clone() })),
            None => return Type::Error,
        },
        ("until", Type::Str(text)) => match &value.kind {
            ExpressionKind::Text(literal) => plain(literal)
                .filter(|until| !until.is_empty())
                .map(|until| Type::Str(TextType { until: Some(until), alias: None, ..text.clone() })),
            _ => None,
        },
        ("max", Type::Str(text)) => integer(value)
            .and_then(|n| u32::try_from(n).ok())
            .map(|max| Type::Str(TextType { chars_max: Some(max), alias: None, ..text.clone() })),
        ("in", Type::Int { .. }) => range(value, integer).map(|(min, max)| Type::Int { min, max }),
        ("in", Type::Float { decimals: Some(d), .. }) => {
            let (d, scale) = (*d, 10f64.powi(i32::from(*d)));
            range(value, |e| number(e).map(|n| (n * scale).round() as i64)).map(|(min, max)| Type::Float {
                decimals: Some(d),
                min,
                max,
            })
        }
        ("in", Type::Float { decimals: None, .. }) => {
            context.report(
                Diagnostic::error(
                    Code::E0314,
                    "a range of `Float` needs a number of digits",
                    value.span,
                    "which digits?",
                )
                .with_help("write for instance `Float(2) in 0.0..=1.0`"),
            );
            return Type::Error;
        }
        _ => {
            let shown = context.show(&ty);
            let has = match &ty {
                Type::Str(_) => "a `Str` can be refined by `matching`, `until` and `max`",
                Type::Int { .. } | Type::Float { .. } => "a number can be refined by `in`",
                _ => "`Str`, `Int` and `Float` can be refined",
            };
            context.report(
                Diagnostic::error(
                    Code::E0314,
                    format!("`{shown}` has no refinement `{word}`"),
                    value.span,
                    "does not apply",
                )
                .with_label(of, format!("this is `{shown}`"))
                .with_help(has),
            );
            return Type::Error;
        }
    };
    refined.unwrap_or_else(|| {
        let wanted = match word {
            "until" => "a text that is not empty, such as `until \"\\n\"`",
            "max" => "a number of characters, such as `max 80`",
            _ => "a range of numbers that is not empty, such as `in 0..=10`",
        };
        context.report(
            Diagnostic::error(Code::E0313, format!("`{word}` needs {wanted}"), value.span, "this is none")
                .with_help("write the value out: it is part of the type"),
        );
        Type::Error
    })
}

fn regex(context: &mut Context<'_>, value: &Expression) -> Option<String> {
    let ExpressionKind::Regex(pattern) = &value.kind else {
        context.report(
            Diagnostic::error(Code::E0313, "`matching` needs a regular expression", value.span, "this is none")
                .with_help("write for instance `matching re\"[a-z]+\"`"),
        );
        return None;
    };
    match sgl_constrain::check_regex(pattern) {
        Ok(()) => Some(pattern.clone()),
        Err(why) => {
            context.report(
                Diagnostic::error(Code::E0006, "this regular expression can't be read", value.span, why)
                    .with_help("the syntax is that of the Rust crate `regex`, without look-around and back-references"),
            );
            None
        }
    }
}

/// The text of a literal without splices.
pub(crate) fn plain(text: &sgl_syntax::ast::Text) -> Option<String> {
    let mut out = String::new();
    for part in &text.parts {
        match part {
            sgl_syntax::ast::TextPart::Literal(literal) => out.push_str(&literal.value),
            _ => return None,
        }
    }
    Some(out)
}

/// An integer literal.
pub(crate) fn integer(e: &Expression) -> Option<i64> {
    match &e.kind {
        ExpressionKind::Int(value) => Some(*value),
        ExpressionKind::Unary(UnaryOp::Negate, inner) => integer(inner).and_then(i64::checked_neg),
        _ => None,
    }
}

/// A number literal.
pub(crate) fn number(e: &Expression) -> Option<f64> {
    match &e.kind {
        ExpressionKind::Int(value) => Some(*value as f64),
        ExpressionKind::Float(value, _) => Some(*value),
        ExpressionKind::Unary(UnaryOp::Negate, inner) => number(inner).map(|n| -n),
        _ => None,
    }
}

/// Inclusive bounds of a range of literals; `None` if it is no such thing, or empty.
fn range(e: &Expression, bound: impl Fn(&Expression) -> Option<i64>) -> Option<(Option<i64>, Option<i64>)> {
    let ExpressionKind::Range { start, end, inclusive } = &e.kind else { return None };
    let min = match start {
        Some(start) => Some(bound(start)?),
        None => None,
    };
    let max = match end {
        Some(end) if *inclusive => Some(bound(end)?),
        Some(end) => Some(bound(end)?.checked_sub(1)?),
        None => None,
    };
    match (min, max) {
        (Some(min), Some(max)) if min > max => None,
        both => Some(both),
    }
}

fn list_bound(context: &mut Context<'_>, e: &Expression) -> Option<(u32, Option<u32>)> {
    let exact = integer(e).map(|n| (Some(n), Some(n)));
    let Some((min, max)) = exact.or_else(|| range(e, integer)) else {
        context.report(
            Diagnostic::error(
                Code::E0313,
                "the length of a list is a number or a range of numbers",
                e.span,
                "this is neither",
            )
            .with_help("write for instance `[Int; 1..=5]`"),
        );
        return None;
    };
    let length = |n: i64| u32::try_from(n).ok();
    let bounds = length(min.unwrap_or(0)).zip(max.map_or(Some(None), |max| length(max).map(Some)));
    if bounds.is_none() {
        context.report(Diagnostic::error(
            Code::E0313,
            "a list has between 0 and 4294967295 elements",
            e.span,
            "out of range",
        ));
    }
    bounds
}
