//! Tests that can't fail.

use crate::subject::Subject;
use sgl_source::{Code, Diagnostic};
use sgl_syntax::ast::{ExpressionKind, ItemKind, StatementKind};
use sgl_syntax::visit::{Node, walk};

/// W0801: a test that asserts nothing.
pub(crate) fn assertions(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for item in &subject.module.items {
        let ItemKind::Test(test) = &item.kind else { continue };
        let mut asserts = false;
        walk(Node::Block(&test.body), &mut |node| match node {
            Node::Statement(statement) => asserts |= matches!(statement.kind, StatementKind::Assert(_)),
            Node::Expression(e) => {
                if let ExpressionKind::Call(callee, _) = &e.kind
                    && let ExpressionKind::Name(name) = &callee.kind
                {
                    asserts |= name.starts_with("assert_");
                }
            }
            _ => {}
        });
        if !asserts {
            found.push(
                Diagnostic::warning(
                    Code::W0801,
                    format!("the test {:?} asserts nothing", test.name.value),
                    test.name.span,
                    "it can only fail by a fault",
                )
                .with_help("say what must hold: `assert …`, `assert_eq(found, expected)`"),
            );
        }
    }
}
