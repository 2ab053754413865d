//! Forks, choices and loops that ask more or less than they look like.

use crate::subject::{Subject, asks, int};
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{Block, ExpressionKind, ForkExpression, ForkHeader, StatementKind};
use sgl_syntax::visit::{Node, children, walk};

fn each_fork<'a>(subject: &Subject<'a>, look: &mut dyn FnMut(&'a ForkExpression, Span)) {
    subject.walk(&mut |node| {
        if let Node::Expression(e) = node
            && let ExpressionKind::Fork(fork) = &e.kind
        {
            look(fork, e.span);
        }
    });
}

/// Into how many branches it goes, and where that is written, if it is written.
fn count(fork: &ForkExpression, span: Span) -> Option<(i64, Span)> {
    match &fork.header {
        ForkHeader::Count(count, _) => int(count).map(|n| (n, count.span)),
        ForkHeader::Each(_, over, _) => match &over.kind {
            ExpressionKind::List(items) => Some((i64::try_from(items.len()).ok()?, over.span)),
            ExpressionKind::Range { start: Some(start), end: Some(end), inclusive } => {
                Some((int(end)? - int(start)? + i64::from(*inclusive), over.span))
            }
            _ => None,
        },
        ForkHeader::Named(all) => Some((i64::try_from(all.len()).ok()?, Span { end: span.start + 4, ..span })),
    }
}

/// W0411: a fork into one branch, or none.
pub(crate) fn few_branches(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_fork(subject, &mut |fork, span| {
        let Some((count, place)) = count(fork, span).filter(|(count, _)| *count < 2) else { return };
        let (message, help) = if count == 1 {
            ("this fork has one branch", "write `scratch { … }`, or fork into more")
        } else {
            ("this fork has no branch", "fork into at least two")
        };
        found.push(Diagnostic::warning(Code::W0411, message, place, "nothing runs side by side").with_help(help));
    });
}

/// W0412: a join that waits for more branches than there are.
pub(crate) fn join_beyond_branches(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_fork(subject, &mut |fork, span| {
        let (Some((count, place)), Some(join)) = (count(fork, span), &fork.join) else { return };
        let wanted = match join.policy.value.as_str() {
            "first" => join.arguments.first(),
            "vote" => join.arguments.iter().find(|a| a.name.as_ref().is_some_and(|name| name.value == "min")),
            _ => None,
        };
        let Some((argument, wanted)) = wanted.and_then(|argument| Some((argument, int(&argument.value)?))) else {
            return;
        };
        let first = join.policy.value == "first";
        if wanted > count || (first && wanted == count) {
            let help = if first { "leave out the join: `all` is what is meant" } else { "ask for fewer" };
            found.push(
                Diagnostic::warning(
                    Code::W0412,
                    format!("the join waits for {wanted} of {count} branch{}", if count == 1 { "" } else { "es" }),
                    argument.value.span,
                    "it never ends early",
                )
                .with_label(place, "the branches")
                .with_help(help),
            );
        }
    });
}

/// W0426: `select` among one option.
pub(crate) fn single_option(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Node::Expression(e) = node else { return };
        let ExpressionKind::Select(options, _) = &e.kind else { return };
        if let ExpressionKind::List(items) = &options.kind
            && items.len() == 1
        {
            found.push(
                Diagnostic::warning(Code::W0426, "`select` has one option", options.span, "there is nothing to choose")
                    .with_help("write the text, or add an option"),
            );
        }
    });
}

/// W0403: a loop that asks until the model says something, without a budget.
pub(crate) fn endless_asking(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for (function, _) in subject.functions() {
        look_for_loops(Node::Block(&function.body), found);
    }
}

/// Whether anything in the body ends the loop.
fn ends(body: &Block) -> bool {
    let mut ends = false;
    walk(Node::Block(body), &mut |node| {
        ends |= matches!(node, Node::Statement(s) if matches!(
            s.kind,
            StatementKind::Break | StatementKind::Return(_) | StatementKind::Yield(_)
        ));
    });
    ends
}

fn look_for_loops(node: Node<'_>, found: &mut Vec<Diagnostic>) {
    if let Node::Statement(statement) = node {
        let open: Option<&Block> = match &statement.kind {
            // What is in a budget ends.
            StatementKind::Budget { .. } => return,
            StatementKind::While { condition, body } if matches!(condition.kind, ExpressionKind::Bool(true)) => {
                Some(body)
            }
            StatementKind::WhileLet { body, .. } => Some(body),
            _ => None,
        };
        // One that nothing ends is reported as such.
        if open.is_some_and(|body| asks(body) && ends(body)) {
            let head = Span { end: statement.span.start + 5, ..statement.span };
            found.push(
                Diagnostic::warning(
                    Code::W0403,
                    "this loop asks until it is satisfied, without a budget",
                    head,
                    "nothing bounds what it costs",
                )
                .with_help("put it into `budget (steps: 8, tokens: 4_000) { … }`, or count its rounds"),
            );
        }
    }
    children(node, &mut |child| look_for_loops(child, found));
}
