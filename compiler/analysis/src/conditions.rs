//! Conditions that are decided already, or said in a roundabout way.

use crate::subject::{Subject, is_literal, is_quiet};
use sgl_source::{Code, Diagnostic};
use sgl_syntax::ast::{BinaryOp, Block, Expression, ExpressionKind, If, StatementKind, UnaryOp};
use sgl_syntax::visit::Node;

/// The conditions of a piece of the tree: of `if`, of a guard, of `while` unless it is the plain `true` of an endless loop.
fn conditions(node: Node<'_>) -> Option<&Expression> {
    match node {
        Node::Statement(statement) => match &statement.kind {
            StatementKind::If(tree) => Some(&tree.condition),
            StatementKind::While { condition, .. } if !matches!(condition.kind, ExpressionKind::Bool(true)) => {
                Some(condition)
            }
            StatementKind::Assert(e) => Some(e),
            _ => None,
        },
        Node::Expression(e) => match &e.kind {
            ExpressionKind::If(tree) => Some(&tree.condition),
            _ => None,
        },
        Node::Arm(arm) => arm.guard.as_ref(),
        _ => None,
    }
}

/// W0302: a condition that is always true or always false.
pub(crate) fn constant(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Some(condition) = conditions(node) else { return };
        if let Some(value) = decided(subject, condition) {
            found.push(
                Diagnostic::warning(
                    Code::W0302,
                    format!("this condition is always {value}"),
                    condition.span,
                    format!("always {value}"),
                )
                .with_help("ask what can be both, or leave the condition out"),
            );
        }
    });
}

/// The value of a condition that needs no run.
fn decided(subject: &Subject<'_>, e: &Expression) -> Option<bool> {
    match &e.kind {
        ExpressionKind::Bool(value) => Some(*value),
        ExpressionKind::Unary(UnaryOp::Not, inner) => decided(subject, inner).map(|value| !value),
        ExpressionKind::Binary(BinaryOp::And, a, b) => match (decided(subject, a), decided(subject, b)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        ExpressionKind::Binary(BinaryOp::Or, a, b) => match (decided(subject, a), decided(subject, b)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        ExpressionKind::Binary(op, a, b)
            if !is_literal(a) && is_quiet(a) && subject.source(a.span) == subject.source(b.span) =>
        {
            match op {
                BinaryOp::Equal | BinaryOp::LessEqual | BinaryOp::GreaterEqual => Some(true),
                BinaryOp::NotEqual | BinaryOp::Less | BinaryOp::Greater => Some(false),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Binary expressions of the module.
fn each_binary<'a>(
    subject: &Subject<'a>,
    look: &mut dyn FnMut(&'a Expression, BinaryOp, &'a Expression, &'a Expression),
) {
    subject.walk(&mut |node| {
        if let Node::Expression(e) = node
            && let ExpressionKind::Binary(op, left, right) = &e.kind
        {
            look(e, *op, left, right);
        }
    });
}

/// W0308: `x == true`.
pub(crate) fn compared_with_bool(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_binary(subject, &mut |e, op, left, right| {
        let value = match (&left.kind, &right.kind) {
            (_, ExpressionKind::Bool(value)) => *value,
            _ => return,
        };
        let keep = match op {
            BinaryOp::Equal => value,
            BinaryOp::NotEqual => !value,
            _ => return,
        };
        let text = subject.source(left.span);
        let simple =
            matches!(left.kind, ExpressionKind::Name(_) | ExpressionKind::Call(..) | ExpressionKind::Field(..));
        let replacement = match (keep, simple) {
            (true, _) => text.to_string(),
            (false, true) => format!("not {text}"),
            (false, false) => format!("not ({text})"),
        };
        found.push(
            Diagnostic::warning(Code::W0308, "a `Bool` is compared with a `Bool`", e.span, "it is a condition itself")
                .with_help(format!("write `{replacement}`"))
                .with_fix(format!("write `{replacement}`"), e.span, replacement),
        );
    });
}

/// The `Bool` that a block is.
fn value_of(block: &Block) -> Option<bool> {
    match block.statements.as_slice() {
        [only] => match &only.kind {
            StatementKind::Expression(Expression { kind: ExpressionKind::Bool(value), .. }) => Some(*value),
            _ => None,
        },
        _ => None,
    }
}

/// Choices of the module, with the place of the whole.
fn each_choice<'a>(subject: &Subject<'a>, look: &mut dyn FnMut(&'a If, sgl_source::Span)) {
    subject.walk(&mut |node| match node {
        Node::Statement(statement) => {
            if let StatementKind::If(tree) = &statement.kind {
                look(tree, statement.span);
            }
        }
        Node::Expression(e) => {
            if let ExpressionKind::If(tree) = &e.kind {
                look(tree, e.span);
            }
        }
        _ => {}
    });
}

/// W0309: `if c { true } else { false }`.
pub(crate) fn bool_of_bool(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_choice(subject, &mut |tree, span| {
        let Some(otherwise) = &tree.otherwise else { return };
        let (Some(yes), Some(no)) = (value_of(&tree.then), value_of(otherwise)) else { return };
        if yes == no {
            return;
        }
        let condition = subject.source(tree.condition.span);
        let replacement = if yes { condition.to_string() } else { format!("not ({condition})") };
        found.push(
            Diagnostic::warning(
                Code::W0309,
                "this `if` is its own condition",
                span,
                "`true` or `false`, as the condition",
            )
            .with_help(format!("write `{replacement}`"))
            .with_fix(format!("write `{replacement}`"), span, replacement),
        );
    });
}

/// W0310: `xs.len() == 0`.
pub(crate) fn length_is_zero(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_binary(subject, &mut |e, op, left, right| {
        let ExpressionKind::Call(callee, arguments) = &left.kind else { return };
        let ExpressionKind::Field(base, method) = &callee.kind else { return };
        let zero = matches!(right.kind, ExpressionKind::Int(0));
        if method.value != "len" || !arguments.is_empty() || !zero {
            return;
        }
        let base_text = subject.source(base.span);
        let replacement = match op {
            BinaryOp::Equal => format!("{base_text}.is_empty()"),
            BinaryOp::NotEqual | BinaryOp::Greater => format!("not {base_text}.is_empty()"),
            _ => return,
        };
        // Ranges and maps have a length and no `is_empty`.
        found.push(
            Diagnostic::warning(Code::W0310, "a length is compared with 0", e.span, "this asks whether it is empty")
                .with_help(format!("write `{replacement}`, of texts and lists"))
                .with_probable_fix(format!("write `{replacement}`"), e.span, replacement),
        );
    });
}

/// W0311: `not not x`, `not (a == b)`.
pub(crate) fn negations(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Node::Expression(e) = node else { return };
        let ExpressionKind::Unary(UnaryOp::Not, inner) = &e.kind else { return };
        let replacement = match &inner.kind {
            ExpressionKind::Unary(UnaryOp::Not, same) => subject.source(same.span).to_string(),
            ExpressionKind::Binary(op @ (BinaryOp::Equal | BinaryOp::NotEqual), a, b) => {
                let symbol = if *op == BinaryOp::Equal { "!=" } else { "==" };
                format!("{} {symbol} {}", subject.source(a.span), subject.source(b.span))
            }
            _ => return,
        };
        found.push(
            Diagnostic::warning(Code::W0311, "this says it by way of its opposite", e.span, "not the shortest way")
                .with_help(format!("write `{replacement}`"))
                .with_fix(format!("write `{replacement}`"), e.span, replacement),
        );
    });
}

/// W0314: both branches of an `if` are the same.
pub(crate) fn equal_arms(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_choice(subject, &mut |tree, _| {
        let Some(otherwise) = &tree.otherwise else { return };
        let inside = |block: &Block| subject.source(block.span).trim_matches(['{', '}', ' ', '\n', '\t']);
        if !tree.then.statements.is_empty() && inside(&tree.then) == inside(otherwise) {
            found.push(
                Diagnostic::warning(Code::W0314, "both branches do the same", otherwise.span, "the same as above")
                    .with_label(tree.then.span, "the first one")
                    .with_help("leave out the `if`, or change one of them"),
            );
        }
    });
}
