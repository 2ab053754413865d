//! What narrows a type as it is written: patterns, limits, ranges, lengths, and what a hole computes.

use crate::check::Context;
use crate::program::HoleOption;
use crate::types::{TextType, Type};
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{Expression, ExpressionKind, Refinement, UnaryOp};

/// A type with one more refinement.
pub(crate) fn refine(context: &mut Context<'_>, ty: Type, refinement: &Refinement, of: Span) -> Type {
    let (word, value) = match refinement {
        Refinement::Matching(e) => ("matching", e),
        Refinement::Until(e) => ("until", e),
        Refinement::Max(e) => ("max", e),
        Refinement::In(e) => ("in", e),
        Refinement::From(e) | Refinement::As(e) => {
            return computed(context, &ty, refinement, e, of);
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

/// `Str from xs` and `Json as s`: what is known only where the hole is reached.
fn computed(context: &mut Context<'_>, ty: &Type, refinement: &Refinement, value: &Expression, of: Span) -> Type {
    let (word, wanted, example) = match refinement {
        Refinement::As(_) => ("as", Type::Json, "Json as s"),
        _ => ("from", Type::text(), "Str from xs"),
    };
    if *ty == Type::Error {
        return Type::Error;
    }
    if *ty != wanted {
        let shown = context.show(ty);
        context.report(
            Diagnostic::error(
                Code::E0314,
                format!("`{shown}` has no refinement `{word}`"),
                value.span,
                "does not apply",
            )
            .with_label(of, format!("this is `{shown}`"))
            .with_help(format!("write `{example}`")),
        );
        return Type::Error;
    }
    let Some(parts) = &mut context.computed else {
        context.report(
            Diagnostic::error(Code::E0314, format!("`{word}` outside a hole"), value.span, "known only in a hole")
                .with_help(format!("write it where it is filled: `$[x: {example}]`")),
        );
        return Type::Error;
    };
    let Some(index) = u8::try_from(parts.len()).ok().filter(|index| *index < HoleOption::PARTS_MAX) else {
        let message = format!("a hole has at most {} computed parts", HoleOption::PARTS_MAX);
        context.report(Diagnostic::error(Code::E0601, message, value.span, "one too many"));
        return Type::Error;
    };
    let found = if word == "as" { Type::JsonAs(index) } else { Type::OneOf(index) };
    parts.push((value.clone(), found.clone()));
    found
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

/// The fewest and most elements of a list.
pub(crate) fn list_bound(context: &mut Context<'_>, e: &Expression) -> Option<(u32, Option<u32>)> {
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
