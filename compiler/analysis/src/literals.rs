//! Literals that say something twice, or that no run gets past.

use crate::subject::{Subject, int, is_literal, plain};
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{BinaryOp, ExpressionKind, PatternKind, TextPart, TypeExpression, TypeKind};
use sgl_syntax::visit::Node;

/// Reports each entry whose text stood before.
fn twice<'a>(
    all: impl Iterator<Item = (String, Span)>,
    found: &mut Vec<Diagnostic>,
    warning: impl Fn(&str, Span) -> Diagnostic + 'a,
) {
    let mut seen: Vec<(String, Span)> = Vec::new();
    for (text, span) in all {
        match seen.iter().find(|(other, _)| *other == text) {
            Some((_, first)) => found.push(warning(&text, span).with_label(*first, "first here")),
            None => seen.push((text, span)),
        }
    }
}

/// W0304: an alternative of a pattern that stands there twice.
pub(crate) fn alternatives(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Node::Pattern(pattern) = node else { return };
        let PatternKind::Or(all) = &pattern.kind else { return };
        let texts = all.iter().map(|p| (subject.source(p.span).trim().to_string(), p.span));
        twice(texts, found, |text, span| {
            Diagnostic::warning(Code::W0304, format!("the alternative `{text}` is written twice"), span, "again here")
                .with_help("remove one of them")
        });
    });
}

/// W0305: a key of a map that is written twice.
pub(crate) fn keys(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Node::Expression(e) = node else { return };
        let ExpressionKind::Map(pairs) = &e.kind else { return };
        let literal = pairs.iter().filter(|(key, _)| is_literal(key));
        let texts = literal.map(|(key, _)| (subject.source(key.span).to_string(), key.span));
        twice(texts, found, |text, span| {
            Diagnostic::warning(Code::W0305, format!("the key {text} is written twice"), span, "this one wins")
                .with_help("remove one of them")
        });
    });
}

/// W0306 and W0307: an option of `select`, and a member of a union, that is written twice.
pub(crate) fn members(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| match node {
        Node::Expression(e) => {
            let ExpressionKind::Select(options, _) = &e.kind else { return };
            let ExpressionKind::List(items) = &options.kind else { return };
            let texts = items.iter().filter_map(|item| Some((plain(item)?, item.span)));
            twice(texts, found, |text, span| {
                Diagnostic::warning(Code::W0306, format!("the option {text:?} is written twice"), span, "again here")
                    .with_help("remove one of them")
            });
        }
        Node::Type(TypeExpression { kind: TypeKind::Union(all), .. }) => {
            let texts = all.iter().map(|ty| (subject.source(ty.span).trim().to_string(), ty.span));
            twice(texts, found, |text, span| {
                Diagnostic::warning(Code::W0307, format!("the member `{text}` is written twice"), span, "again here")
                    .with_help("remove one of them")
            });
        }
        _ => {}
    });
}

/// W0312: a division by a literal zero.
pub(crate) fn division_by_zero(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Node::Expression(e) = node else { return };
        let ExpressionKind::Binary(BinaryOp::Divide | BinaryOp::Remainder, _, right) = &e.kind else { return };
        if int(right) == Some(0) {
            found.push(
                Diagnostic::warning(Code::W0312, "this divides by zero", right.span, "the run ends here")
                    .with_help("divide by something else"),
            );
        }
    });
}

/// W0313: a range without numbers in it.
pub(crate) fn empty_ranges(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Node::Expression(e) = node else { return };
        let ExpressionKind::Range { start: Some(start), end: Some(end), inclusive } = &e.kind else { return };
        let (Some(from), Some(to)) = (int(start), int(end)) else { return };
        if from > to || (from == to && !inclusive) {
            let help = if from > to { "write the smaller number first" } else { "to include the end write `..=`" };
            found.push(
                Diagnostic::warning(
                    Code::W0313,
                    "no number is in this range",
                    e.span,
                    format!("from {from} to before {to}"),
                )
                .with_help(help),
            );
        }
    });
}

/// W0316: `"${x.to_str()}"`.
pub(crate) fn text_of_text(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Node::Text(text) = node else { return };
        for part in &text.parts {
            let TextPart::Splice(e) = part else { continue };
            let ExpressionKind::Call(callee, arguments) = &e.kind else { continue };
            let ExpressionKind::Field(base, method) = &callee.kind else { continue };
            if method.value != "to_str" || !arguments.is_empty() {
                continue;
            }
            let extra = Span { start: base.span.end, ..e.span };
            found.push(
                Diagnostic::warning(Code::W0316, "`${…}` makes a text by itself", extra, "needless here")
                    .with_help("leave out `.to_str()`")
                    .with_fix("leave out `.to_str()`", extra, ""),
            );
        }
    });
}
