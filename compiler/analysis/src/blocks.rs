//! Statements that do nothing, or not what they look like.

use crate::subject::{Subject, is_quiet};
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{Block, Expression, ExpressionKind, Statement, StatementKind};
use sgl_syntax::visit::{Node, walk};

/// Methods that give a new value and leave the old one as it is.
const GIVE_NEW: &[&str] = &[
    "push",
    "concat",
    "reverse",
    "sort",
    "sort_by",
    "map",
    "filter",
    "unique",
    "take",
    "drop",
    "insert",
    "remove",
    "upper",
    "lower",
    "trim",
    "replace",
    "repeat",
    "pad_start",
    "flatten",
    "clamp",
];

/// W0103: a value that is computed and dropped.
pub(crate) fn dropped_values(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Node::Block(block) = node else { return };
        // The last expression of a block may be its value.
        let Some((_, before)) = block.statements.split_last() else { return };
        for statement in before {
            let StatementKind::Expression(e) = &statement.kind else { continue };
            if let Some((base, method)) = gives_new(e) {
                let warning = Diagnostic::warning(
                    Code::W0103,
                    format!("`{method}` gives a new value, which is dropped"),
                    e.span,
                    "nothing changes here",
                );
                let name = subject.source(base.span);
                found.push(if matches!(base.kind, ExpressionKind::Name(_)) {
                    warning.with_help(format!("assign it: `{name} = {}`", subject.source(e.span))).with_probable_fix(
                        "assign it",
                        e.span,
                        format!("{name} = {}", subject.source(e.span)),
                    )
                } else {
                    warning.with_help("bind it with `let`, or assign it")
                });
            } else if is_quiet(e) && !matches!(e.kind, ExpressionKind::If(_) | ExpressionKind::Match(..)) {
                found.push(
                    Diagnostic::warning(Code::W0103, "this value is computed and dropped", e.span, "nobody gets it")
                        .with_help("remove it, return it, or bind it with `let`"),
                );
            }
        }
    });
}

fn gives_new(e: &Expression) -> Option<(&Expression, &str)> {
    let ExpressionKind::Call(callee, _) = &e.kind else { return None };
    let ExpressionKind::Field(base, method) = &callee.kind else { return None };
    GIVE_NEW.contains(&method.value.as_str()).then_some((base, method.value.as_str()))
}

/// W0104: a block without a statement.
pub(crate) fn empty_blocks(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let mut say = |what: &str, block: &Block| {
        if block.statements.is_empty() {
            found.push(
                Diagnostic::warning(Code::W0104, format!("{what} is empty"), block.span, "nothing happens here")
                    .with_help("write what happens, or remove it"),
            );
        }
    };
    subject.walk(&mut |node| {
        let Node::Statement(statement) = node else { return };
        match &statement.kind {
            StatementKind::If(tree) => {
                say("this branch", &tree.then);
                tree.otherwise.iter().for_each(|block| say("this branch", block));
            }
            StatementKind::For { body, .. }
            | StatementKind::While { body, .. }
            | StatementKind::WhileLet { body, .. } => say("the body of this loop", body),
            _ => {}
        }
    });
}

/// The body of a loop.
fn body(statement: &Statement) -> Option<&Block> {
    match &statement.kind {
        StatementKind::For { body, .. } | StatementKind::While { body, .. } | StatementKind::WhileLet { body, .. } => {
            Some(body)
        }
        _ => None,
    }
}

/// W0105: `continue` where the loop goes on anyway.
pub(crate) fn needless_continue(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Node::Statement(statement) = node else { return };
        let last = body(statement).and_then(|body| body.statements.last());
        if let Some(last) = last.filter(|last| matches!(last.kind, StatementKind::Continue)) {
            let warning = Diagnostic::warning(
                Code::W0105,
                "this `continue` changes nothing",
                last.span,
                "the loop goes on anyway",
            )
            .with_help("remove it");
            found.push(if subject.stands_alone(last.span) {
                warning.with_fix("remove it", subject.lines(last.span), "")
            } else {
                warning
            });
        }
    });
}

/// W0106: `x = x`.
pub(crate) fn assigned_to_itself(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Node::Statement(statement) = node else { return };
        if let StatementKind::Assign { target, op: None, value } = &statement.kind
            && subject.source(target.span) == subject.source(value.span)
            && is_quiet(value)
        {
            found.push(
                Diagnostic::warning(Code::W0106, "this assigns a value to itself", statement.span, "nothing changes")
                    .with_help("remove it, or assign what was meant"),
            );
        }
    });
}

/// W0107: a loop whose body always leaves it.
pub(crate) fn loops_once(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Node::Statement(statement) = node else { return };
        let Some(body) = body(statement) else { return };
        let leaves =
            |s: &Statement| matches!(s.kind, StatementKind::Break | StatementKind::Return(_) | StatementKind::Yield(_));
        let Some(leave) = body.statements.iter().find(|s| leaves(s)) else { return };
        let mut goes_on = false;
        walk(Node::Block(body), &mut |node| {
            goes_on |= matches!(node, Node::Statement(s) if matches!(s.kind, StatementKind::Continue));
        });
        if !goes_on {
            let head =
                Span { end: statement.span.start + 5.min(statement.span.end - statement.span.start), ..statement.span };
            found.push(
                Diagnostic::warning(
                    Code::W0107,
                    "this loop runs at most once",
                    leave.span,
                    "the first round ends here",
                )
                .with_label(head, "the loop")
                .with_help("leave it under a condition, or write no loop"),
            );
        }
    });
}
