//! Items and names of a module.

use crate::imports::mention;
use crate::subject::Subject;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{Expression, ExpressionKind, FunctionKind, Item, ItemKind, Name, StatementKind};
use sgl_syntax::visit::{Node, walk};
use std::collections::BTreeSet;

/// The name of an item, and what it is.
fn named(item: &Item) -> Option<(&Name, &'static str)> {
    Some(match &item.kind {
        ItemKind::Const(c) => (&c.name, "constant"),
        ItemKind::Type(t) => (&t.name, "type"),
        ItemKind::Struct(s) => (&s.name, "struct"),
        ItemKind::Enum(e) => (&e.name, "enum"),
        ItemKind::Function(f) if f.kind == FunctionKind::Function => (&f.name, "function"),
        ItemKind::Function(f) => (&f.name, "prompt"),
        _ => return None,
    })
}

/// W0203: an item that is neither exported nor needed by one that is, or by a test.
pub(crate) fn unused(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let items = &subject.module.items;
    // Whatever is no item with a name (a test, an eval) starts by itself.
    let starts = |item: &Item| match named(item) {
        Some((name, _)) => item.exported || name.value == "main",
        None => !matches!(item.kind, ItemKind::Import(_)),
    };
    let mut open: Vec<&Item> = items.iter().filter(|item| starts(item)).collect();
    if open.is_empty() {
        return;
    }
    let mut names = BTreeSet::new();
    let mut seen: Vec<Span> = open.iter().map(|item| item.span).collect();
    while let Some(item) = open.pop() {
        walk(Node::Item(item), &mut |node| mention(node, &mut names));
        for other in items {
            let wanted =
                named(other).is_some_and(|(name, _)| names.contains(name.value.as_str()) || has_variant(other, &names));
            if wanted && !seen.contains(&other.span) {
                seen.push(other.span);
                open.push(other);
            }
        }
    }
    for item in items {
        let Some((name, what)) = named(item) else { continue };
        if seen.contains(&item.span) || name.value.starts_with('_') {
            continue;
        }
        found.push(
            Diagnostic::warning(
                Code::W0203,
                format!("the {what} `{}` is never used", name.value),
                name.span,
                "nothing that can be started needs it",
            )
            .with_help("remove it, put `pub` before it, or test it"),
        );
    }
}

/// Whether a variant of the enum is named without the enum's name.
fn has_variant(item: &Item, names: &BTreeSet<&str>) -> bool {
    match &item.kind {
        ItemKind::Enum(e) => e.variants.iter().any(|variant| names.contains(variant.name.value.as_str())),
        _ => false,
    }
}

/// W0206: a `var` that is never assigned to again.
pub(crate) fn never_changed(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for item in &subject.module.items {
        let mut changed = BTreeSet::new();
        walk(Node::Item(item), &mut |node| {
            if let Node::Statement(statement) = node
                && let StatementKind::Assign { target, .. } = &statement.kind
            {
                changed.extend(root(target));
            }
        });
        walk(Node::Item(item), &mut |node| {
            let Node::Statement(statement) = node else { return };
            let StatementKind::Var { name, .. } = &statement.kind else { return };
            if changed.contains(name.value.as_str()) || name.value.starts_with('_') {
                return;
            }
            let word = Span { end: statement.span.start + 3, ..statement.span };
            found.push(
                Diagnostic::warning(
                    Code::W0206,
                    format!("`{}` is a `var` and never changes", name.value),
                    name.span,
                    "never assigned to again",
                )
                .with_help("declare it with `let`")
                .with_fix("declare it with `let`", word, "let"),
            );
        });
    }
}

/// The name that an assignment changes.
fn root(target: &Expression) -> Option<&str> {
    match &target.kind {
        ExpressionKind::Name(name) => Some(name),
        ExpressionKind::Field(base, _) | ExpressionKind::Index(base, _) => root(base),
        _ => None,
    }
}

/// W0209: a type named like a value, or a function named like a type.
pub(crate) fn case_of_names(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for item in &subject.module.items {
        let Some((name, what)) = named(item) else { continue };
        let capital = name.value.trim_start_matches('_').starts_with(char::is_uppercase);
        let (wrong, should) = match what {
            "constant" => (false, ""),
            "function" | "prompt" => (capital, "a small letter, as values do"),
            _ => (!capital, "a capital, as types do"),
        };
        if wrong {
            found.push(
                Diagnostic::warning(
                    Code::W0209,
                    format!("the {what} `{}` is named like {}", name.value, if capital { "a type" } else { "a value" }),
                    name.span,
                    "misleading",
                )
                .with_help(format!("let its name begin with {should}")),
            );
        }
    }
}
