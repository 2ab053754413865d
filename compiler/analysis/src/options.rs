//! Options of holes that change nothing.

use crate::subject::{Subject, int};
use sgl_protocol::Shape;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{ExpressionKind, Hole, HoleOption};
use sgl_syntax::visit::Node;

/// Options that only say how to draw.
const DRAWING: &[&str] = &["top_p", "top_k", "min_p", "seed"];

fn each_hole<'a>(subject: &Subject<'a>, look: &mut dyn FnMut(&'a Hole)) {
    subject.walk(&mut |node| {
        if let Node::Hole(hole) = node {
            look(hole);
        }
    });
}

/// The option with the comma before it.
fn with_comma(subject: &Subject<'_>, option: &HoleOption) -> Span {
    let before = &subject.text[..option.name.span.start as usize];
    let start = before.rfind(',').unwrap_or(option.name.span.start as usize);
    Span::new(option.name.span.file, start, option.value.span.end as usize)
}

/// The bytes of the longest text, if there is one and it is short.
fn longest(shape: &Shape) -> Option<usize> {
    match shape {
        Shape::Int { min: Some(min), max: Some(max) } => Some(min.to_string().len().max(max.to_string().len())),
        Shape::Text { chars_max: Some(chars), until: None, .. } => Some(*chars as usize * 4),
        shape => shape.members()?.iter().map(String::len).max(),
    }
}

/// W0408: a `max_tokens` that no value can reach, because a token has at least one byte.
pub(crate) fn needless_max_tokens(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_hole(subject, &mut |hole| {
        let Some(longest) = subject.shape(hole).and_then(longest) else { return };
        let Some(option) = hole.options.iter().find(|option| option.name.value == "max_tokens") else { return };
        let Some(limit) = int(&option.value).and_then(|n| usize::try_from(n).ok()) else { return };
        if limit >= longest {
            let span = option.name.span.to(option.value.span);
            found.push(
                Diagnostic::warning(
                    Code::W0408,
                    "this `max_tokens` limits nothing",
                    span,
                    format!("the longest text of the type has {longest} byte{}", if longest == 1 { "" } else { "s" }),
                )
                .with_help("leave it out: the type is bounded")
                .with_fix("leave out `max_tokens`", with_comma(subject, option), ""),
            );
        }
    });
}

/// W0409: an option about drawing where nothing is drawn.
pub(crate) fn without_effect(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_hole(subject, &mut |hole| {
        let zero = |option: &HoleOption| match &option.value.kind {
            ExpressionKind::Int(n) => *n == 0,
            ExpressionKind::Float(x, _) => *x == 0.0,
            _ => false,
        };
        let Some(cold) = hole.options.iter().find(|option| option.name.value == "temperature" && zero(option)) else {
            return;
        };
        for option in hole.options.iter().filter(|option| DRAWING.contains(&option.name.value.as_str())) {
            let name = &option.name.value;
            found.push(
                Diagnostic::warning(
                    Code::W0409,
                    format!("`{name}` changes nothing at temperature 0"),
                    option.name.span.to(option.value.span),
                    "the likeliest token is taken anyway",
                )
                .with_label(cold.name.span.to(cold.value.span), "nothing is drawn")
                .with_help("leave out one of them")
                .with_fix(format!("leave out `{name}`"), with_comma(subject, option), ""),
            );
        }
    });
}
