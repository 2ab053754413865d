//! Calls of prompts that wait for one another without need.

use crate::subject::{Subject, is_quiet};
use sgl_source::{Applicability, Code, Diagnostic, Edit, Span};
use sgl_syntax::ast::{
    Argument, Block, Expression, ExpressionKind, FunctionKind, Name, Pattern, PatternKind, Statement, StatementKind,
};
use sgl_syntax::visit::{Node, children, walk};
use std::collections::BTreeSet;

/// W0429: each turn of a loop calls a prompt and waits for it, and no call needs anything of the turn before.
pub(crate) fn one_after_the_other(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let prompts: BTreeSet<&str> = subject
        .functions()
        .filter(|(function, _)| function.kind == FunctionKind::Prompt)
        .map(|(function, _)| function.name.value.as_str())
        .collect();
    subject.walk(&mut |node| {
        let Node::Statement(statement) = node else { return };
        let StatementKind::For { pattern, iterable, body } = &statement.kind else { return };
        if !is_quiet(iterable) || leaves(body) {
            return;
        }
        let mut calls = Vec::new();
        fresh_calls(Node::Block(body), &prompts, &mut calls);
        let changed = changed(body);
        // Two calls in a turn may need each other; one is clear.
        let [call] = calls.as_slice() else { return };
        if names(call.0).iter().any(|name| changed.contains(name)) || !waits(body, call.0) {
            return;
        }
        let name = call.1;
        let warning = Diagnostic::warning(
            Code::W0429,
            format!("each turn of this loop waits for `{name}`, and no turn needs the one before"),
            call.0.span,
            "asked one after the other",
        )
        .with_label(Span { end: statement.span.start + 3, ..statement.span }, "the loop")
        .with_help(format!("call it for all at once before the loop: `[{name}(…) for … in …]`"));
        let edits = all_at_once(subject, statement, (pattern, iterable, body), call.0);
        found.push(warning.with_edits("call it for all at once", Applicability::Probable, edits));
    });
}

/// Whether the loop may be left before its end: then not every call is wanted.
fn leaves(body: &Block) -> bool {
    let mut leaves = false;
    walk(Node::Block(body), &mut |node| {
        leaves |= matches!(node, Node::Statement(s) if matches!(
            s.kind,
            StatementKind::Break
                | StatementKind::Continue
                | StatementKind::Return(_)
                | StatementKind::Yield(_)
                | StatementKind::Try { .. }
                | StatementKind::Retry { .. }
                | StatementKind::Budget { .. }
                | StatementKind::If(_)
                | StatementKind::Match { .. }
                | StatementKind::For { .. }
                | StatementKind::While { .. }
                | StatementKind::WhileLet { .. }
        ));
    });
    leaves
}

/// Calls of prompts on transcripts of their own, with the prompt's name.
fn fresh_calls<'a>(node: Node<'a>, prompts: &BTreeSet<&str>, found: &mut Vec<(&'a Expression, &'a str)>) {
    if let Node::Expression(e) = node {
        match &e.kind {
            // These go on with the transcript here.
            ExpressionKind::Inline(_) | ExpressionKind::ScratchCall(_) | ExpressionKind::Scratch(_) => return,
            ExpressionKind::Fork(_) | ExpressionKind::On(..) | ExpressionKind::Comprehension(_) => return,
            ExpressionKind::Closure(..) => return,
            ExpressionKind::Call(callee, _) => {
                if let ExpressionKind::Name(name) = &callee.kind
                    && prompts.contains(name.as_str())
                {
                    found.push((e, name));
                }
            }
            _ => {}
        }
    }
    children(node, &mut |child| fresh_calls(child, prompts, found));
}

/// Names that get a value in the body, other than by the loop itself.
fn changed(body: &Block) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    walk(Node::Block(body), &mut |node| match node {
        Node::Pattern(Pattern { kind: PatternKind::Bind(name) | PatternKind::Typed(name, _), .. })
        | Node::Statement(Statement { kind: StatementKind::Var { name, .. }, .. }) => {
            names.insert(name.value.as_str());
        }
        Node::Statement(Statement { kind: StatementKind::Assign { target, .. }, .. }) => {
            names.extend(self::names(target));
        }
        Node::Hole(hole) => names.extend(hole.name.iter().map(|name: &Name| name.value.as_str())),
        _ => {}
    });
    names
}

fn names_of(pattern: &Pattern) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    walk(Node::Pattern(pattern), &mut |node| {
        if let Node::Pattern(Pattern { kind: PatternKind::Bind(name) | PatternKind::Typed(name, _), .. }) = node {
            names.insert(name.value.as_str());
        }
    });
    names
}

fn names(e: &Expression) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    walk(Node::Expression(e), &mut |node| {
        if let Node::Expression(Expression { kind: ExpressionKind::Name(name), .. }) = node {
            names.insert(name.as_str());
        }
    });
    names
}

/// The name that a `let` gives the call, and its statement.
fn named<'a>(body: &'a Block, call: &Expression) -> Option<(&'a Name, &'a Statement)> {
    body.statements.iter().find_map(|statement| match &statement.kind {
        StatementKind::Let { pattern: Pattern { kind: PatternKind::Bind(name), .. }, value, .. }
            if value.span == call.span =>
        {
            Some((name, statement))
        }
        _ => None,
    })
}

/// Whether the turn reads what the call gives. A value that is only put into a list is not waited for.
fn waits(body: &Block, call: &Expression) -> bool {
    let name = named(body, call).map(|(name, _)| name.value.as_str());
    let is_it = |e: &Expression| {
        e.span == call.span || matches!((&e.kind, name), (ExpressionKind::Name(read), Some(name)) if read == name)
    };
    let (mut read, mut kept) = (0, 0);
    walk(Node::Block(body), &mut |node| {
        let Node::Expression(e) = node else { return };
        read += usize::from(is_it(e));
        if let ExpressionKind::Call(callee, arguments) = &e.kind
            && matches!(&callee.kind, ExpressionKind::Field(_, method) if method.value == "push")
        {
            kept += arguments.iter().filter(|Argument { value, .. }| is_it(value)).count();
        }
    });
    // The call itself is the value of its `let`.
    read - usize::from(name.is_some()) > kept
}

/// All calls before the loop, and the loop over their values.
fn all_at_once(
    subject: &Subject<'_>,
    statement: &Statement,
    (pattern, iterable, body): (&Pattern, &Expression, &Block),
    call: &Expression,
) -> Vec<Edit> {
    let named = named(body, call);
    let name = named.map_or_else(|| "answer".to_string(), |(name, _)| name.value.clone());
    let all = (1..).map(|n| if n == 1 { format!("{name}s") } else { format!("{name}s_{n}") });
    let all = all.into_iter().find(|all| !subject.text.contains(all.as_str())).unwrap_or_default();
    let over = match &iterable.kind {
        ExpressionKind::Range { .. } => format!("({}).to_list()", subject.source(iterable.span)),
        ExpressionKind::Binary(..) => format!("({})", subject.source(iterable.span)),
        _ => subject.source(iterable.span).to_string(),
    };
    let (of, asked) = (subject.source(pattern.span), subject.source(call.span));
    let lines = subject.lines(statement.span);
    let indent = &subject.text[lines.start as usize..statement.span.start as usize];
    let before = Span { end: statement.span.start, ..statement.span };
    let each = Span { end: iterable.span.end, ..pattern.span };
    // An element that only the call reads is not needed any more.
    let own: BTreeSet<&str> = names_of(pattern);
    let mut needed = false;
    walk(Node::Block(body), &mut |node| {
        if let Node::Expression(e) = node
            && let ExpressionKind::Name(read) = &e.kind
        {
            needed |= own.contains(read.as_str()) && !call.span.contains(e.span);
        }
    });
    let header = if needed { format!("({of}, {name}) in {over}.zip({all})") } else { format!("{name} in {all}") };
    let use_it = match named {
        Some((_, statement)) if subject.stands_alone(statement.span) => {
            Edit { span: subject.lines(statement.span), replacement: String::new() }
        }
        Some((_, statement)) => Edit { span: statement.span, replacement: String::new() },
        None => Edit { span: call.span, replacement: name.clone() },
    };
    vec![
        Edit { span: before, replacement: format!("let {all} = [{asked} for {of} in {over}]\n{indent}") },
        Edit { span: each, replacement: header },
        use_it,
    ]
}
