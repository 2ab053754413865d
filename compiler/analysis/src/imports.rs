//! Imports that nobody needs.

use crate::subject::Subject;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{ExpressionKind, Import, ItemKind, Mock, PatternKind, TypeKind};
use sgl_syntax::visit::Node;
use std::collections::BTreeSet;

fn imports<'a>(subject: &Subject<'a>) -> Vec<(&'a Import, Span)> {
    let of = subject.module.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Import(import) => Some((import, item.span)),
        _ => None,
    });
    of.collect()
}

/// The name by which this module calls the imported one.
fn local_name(import: &Import) -> &str {
    match &import.alias {
        Some(alias) => &alias.value,
        None => own_name(import),
    }
}

/// The last part of the path.
fn own_name(import: &Import) -> &str {
    let path = import.path.last().map_or("", |name| name.value.as_str());
    path.rsplit('/').next().unwrap_or(path)
}

/// Names that expressions, types and patterns begin with.
pub(crate) fn mentioned<'a>(subject: &Subject<'a>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    subject.walk(&mut |node| mention(node, &mut names));
    names
}

/// Adds what one piece of the tree names.
pub(crate) fn mention<'a>(node: Node<'a>, names: &mut BTreeSet<&'a str>) {
    match node {
        Node::Item(item) => {
            if let ItemKind::Test(test) = &item.kind {
                let tools = test.mocks.iter().filter_map(|mock| match mock {
                    Mock::Tool { tool, .. } => tool.first(),
                    Mock::Hole { .. } => None,
                });
                names.extend(tools.map(|name| name.value.as_str()));
            }
        }
        Node::Expression(e) => {
            if let ExpressionKind::Name(name) = &e.kind {
                names.insert(name);
            }
        }
        Node::Type(ty) => {
            if let TypeKind::Name { path, .. } = &ty.kind {
                names.extend(path.first().map(|name| name.value.as_str()));
            }
        }
        Node::Pattern(pattern) => {
            if let PatternKind::Variant { path, .. } = &pattern.kind {
                names.extend(path.first().map(|name| name.value.as_str()));
            }
        }
        _ => {}
    }
}

/// W0202: an import that nothing names.
pub(crate) fn unused(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let mentioned = mentioned(subject);
    for (import, span) in imports(subject) {
        let name = local_name(import);
        if mentioned.contains(name) {
            continue;
        }
        let warning =
            Diagnostic::warning(Code::W0202, format!("the module `{name}` is imported and not used"), span, "unused")
                .with_help("remove it");
        found.push(if subject.stands_alone(span) {
            warning.with_fix("remove the import", subject.lines(span), "")
        } else {
            warning
        });
    }
}

/// W0208: a module that is imported twice.
pub(crate) fn repeated(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let path = |import: &Import| import.path.iter().map(|name| name.value.clone()).collect::<Vec<_>>();
    let all = imports(subject);
    for (index, (import, span)) in all.iter().enumerate() {
        let first =
            all[..index].iter().find(|(other, _)| other.relative == import.relative && path(other) == path(import));
        if let Some((_, first)) = first {
            found.push(
                Diagnostic::warning(Code::W0208, "this module is imported twice", *span, "again here")
                    .with_label(*first, "first here")
                    .with_help("import it once"),
            );
        }
    }
}

/// W0207: `import ./shots as shots`.
pub(crate) fn needless_alias(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for (import, _) in imports(subject) {
        let Some(alias) = import.alias.as_ref().filter(|alias| alias.value == own_name(import)) else { continue };
        let path_end = import.path.last().map_or(alias.span.start, |name| name.span.end);
        let extra = Span { start: path_end, ..alias.span };
        found.push(
            Diagnostic::warning(
                Code::W0207,
                format!("the module is called `{}` anyway", alias.value),
                alias.span,
                "this says nothing new",
            )
            .with_help("leave out `as …`")
            .with_fix("leave out the name", extra, ""),
        );
    }
}
