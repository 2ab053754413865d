//! The order of what prompts write: calls share what they have in common from the beginning, so what differs stands last.

use crate::subject::{Subject, plain};
use sgl_source::{Applicability, Code, Diagnostic, Edit, Span};
use sgl_syntax::ast::{
    Block, Expression, ExpressionKind, Function, Pattern, PatternKind, RoleName, Statement, StatementKind, Text,
    TextPart,
};
use sgl_syntax::visit::{Node, walk};
use std::collections::BTreeSet;

/// Bytes of constant text after a spliced value from which on the order is worth a word.
const LATE_BYTES_MIN: usize = 400;
/// Bytes of a system text from which on it is compared with others.
const TWIN_BYTES_MIN: usize = 80;
/// Words of a system text that are compared.
const TWIN_WORDS_MAX: usize = 1_000;

/// Names whose values differ from call to call: parameters, and what is computed of them.
fn varying(function: &Function) -> BTreeSet<&str> {
    let mut names: BTreeSet<&str> = function.parameters.iter().map(|p| p.name.value.as_str()).collect();
    walk(Node::Block(&function.body), &mut |node| {
        let Node::Statement(statement) = node else { return };
        match &statement.kind {
            StatementKind::Let { pattern, value, .. } | StatementKind::For { pattern, iterable: value, .. }
                if depends(value, &names) =>
            {
                bound(pattern, &mut names);
            }
            StatementKind::Var { name, value, .. } if depends(value, &names) => {
                names.insert(&name.value);
            }
            _ => {}
        }
    });
    names
}

fn bound<'a>(pattern: &'a Pattern, names: &mut BTreeSet<&'a str>) {
    walk(Node::Pattern(pattern), &mut |node| {
        if let Node::Pattern(Pattern { kind: PatternKind::Bind(name) | PatternKind::Typed(name, _), .. }) = node {
            names.insert(&name.value);
        }
    });
}

fn depends(e: &Expression, names: &BTreeSet<&str>) -> bool {
    let mut depends = false;
    walk(Node::Expression(e), &mut |node| {
        if let Node::Expression(Expression { kind: ExpressionKind::Name(name), .. }) = node {
            depends |= names.contains(name.as_str());
        }
    });
    depends
}

/// W0407: a value that differs from call to call stands before much text that does not: no two calls share that text.
pub(crate) fn late_constant(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for (function, _) in subject.functions() {
        let names = varying(function);
        let (mut splice, mut after, mut asked): (Option<Span>, usize, bool) = (None, 0, false);
        for statement in &function.body.statements {
            match &statement.kind {
                StatementKind::Role { .. } | StatementKind::Text(_) | StatementKind::Raw(_) => {}
                StatementKind::Let { .. } | StatementKind::Var { .. } => continue,
                _ => break,
            }
            walk(Node::Statement(statement), &mut |node| {
                let Node::Text(text) = node else { return };
                for part in &text.parts {
                    match part {
                        _ if asked => {}
                        TextPart::Splice(e) if splice.is_none() && depends(e, &names) => splice = Some(e.span),
                        TextPart::Literal(literal) if splice.is_some() => after += literal.value.len(),
                        TextPart::Hole(_) => asked = true,
                        TextPart::Splice(_) | TextPart::Literal(_) => {}
                    }
                }
            });
        }
        let Some(splice) = splice.filter(|_| after >= LATE_BYTES_MIN) else { continue };
        let message = format!("{after} bytes of constant text stand after a value that differs from call to call");
        let mut warning = Diagnostic::warning(Code::W0407, message, splice, "no call can share what comes after this")
            .with_help("write the constant text first, the value last");
        let edits =
            paragraphs(subject, function, splice, &names).or_else(|| statements(subject, function, splice, &names));
        if let Some(edits) = edits {
            warning = warning.with_edits("write the constant text first", Applicability::Probable, edits);
        }
        found.push(warning);
    }
}

/// Whether a text has a value that differs, and whether it has a hole.
fn kinds(text: &Text, names: &BTreeSet<&str>) -> (bool, bool) {
    let differs = text.parts.iter().any(|part| matches!(part, TextPart::Splice(e) if depends(e, names)));
    (differs, text.parts.iter().any(|part| matches!(part, TextPart::Hole(_))))
}

/// The text that the place is in, with its paragraphs in another order: those that differ last.
fn paragraphs(subject: &Subject<'_>, function: &Function, splice: Span, names: &BTreeSet<&str>) -> Option<Vec<Edit>> {
    let mut around = None;
    walk(Node::Block(&function.body), &mut |node| {
        if let Node::Text(text) = node
            && text.span.contains(splice)
        {
            around.get_or_insert(text);
        }
    });
    let text = around.filter(|text| !kinds(text, names).1)?;
    let source = subject.source(text.span);
    let (inner, separator) = if source.starts_with("\"\"\"") {
        (source.find('\n')? + 1..source.rfind('\n')?, "\n\n")
    } else {
        (1..source.len() - 1, "\\n\\n")
    };
    let inside = |at: usize| {
        let at = text.span.start as usize + at;
        text.parts.iter().any(|part| match part {
            TextPart::Splice(e) => e.span.range().contains(&at),
            TextPart::Literal(_) | TextPart::Hole(_) => false,
        })
    };
    let mut groups = Vec::new();
    let mut from = inner.start;
    for (at, _) in source[inner.clone()].match_indices(separator) {
        let at = inner.start + at;
        if !inside(at) && at >= from {
            groups.push(from..at);
            from = at + separator.len();
        }
    }
    groups.push(from..inner.end);
    let differs = |group: &std::ops::Range<usize>| {
        let (start, end) = (text.span.start as usize + group.start, text.span.start as usize + group.end);
        text.parts.iter().any(|part| {
            matches!(part, TextPart::Splice(e) if depends(e, names) && (start..end).contains(&(e.span.start as usize)))
        })
    };
    let (last, first): (Vec<_>, Vec<_>) = groups.iter().cloned().partition(differs);
    let moved: usize =
        first.iter().filter(|group| last.iter().any(|other| other.start < group.start)).map(|g| g.len()).sum();
    if moved < LATE_BYTES_MIN / 2 {
        return None;
    }
    let ordered: Vec<&str> = first.into_iter().chain(last).map(|group| &source[group]).collect();
    let start = text.span.start as usize;
    let span = Span::new(text.span.file, start + inner.start, start + inner.end);
    Some(vec![Edit { span, replacement: ordered.join(separator) }])
}

/// What a statement writes, if it is text alone: its role, whether it differs, and how many bytes of it are written out.
fn written<'a>(statement: &'a Statement, names: &BTreeSet<&str>) -> Option<(Option<&'a RoleName>, bool, usize)> {
    let (role, texts): (_, Vec<&Text>) = match &statement.kind {
        StatementKind::Text(text) => (None, vec![text]),
        StatementKind::Role { role, body } => {
            let text = |statement: &'a Statement| match &statement.kind {
                StatementKind::Text(text) => Some(text),
                _ => None,
            };
            (Some(role), body.statements.iter().map(text).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    let all: Vec<(bool, bool)> = texts.iter().map(|text| kinds(text, names)).collect();
    let literal = |part: &TextPart| if let TextPart::Literal(literal) = part { literal.value.len() } else { 0 };
    let bytes = texts.iter().flat_map(|text| &text.parts).map(literal).sum();
    (!all.iter().any(|(_, holes)| *holes)).then_some((role, all.iter().any(|(differs, _)| *differs), bytes))
}

/// The statement that the place is in after those that follow it and are the same in every call.
fn statements(subject: &Subject<'_>, function: &Function, splice: Span, names: &BTreeSet<&str>) -> Option<Vec<Edit>> {
    let mut blocks: Vec<&Block> = Vec::new();
    walk(Node::Block(&function.body), &mut |node| {
        if let Node::Block(block) = node
            && block.span.contains(splice)
        {
            blocks.push(block);
        }
        if let Node::Statement(Statement { kind: StatementKind::Role { body, .. }, .. }) = node
            && body.span.contains(splice)
        {
            blocks.push(body);
        }
    });
    blocks.iter().rev().find_map(|block| {
        let at = block.statements.iter().position(|statement| statement.span.contains(splice))?;
        let (role, ..) = written(&block.statements[at], names)?;
        let follow = block.statements[at + 1..].iter().map_while(|statement| {
            let (other, differs, bytes) = written(statement, names)?;
            (other == role && !differs && subject.stands_alone(statement.span)).then_some((statement, bytes))
        });
        let follow: Vec<(&Statement, usize)> = follow.collect();
        let moved: usize = follow.iter().map(|(_, bytes)| bytes).sum();
        let begin = block.statements[at].span;
        let begins_line = subject.source(Span { end: begin.start, ..subject.lines(begin) }).trim().is_empty();
        if moved < LATE_BYTES_MIN / 2 || !begins_line {
            return None;
        }
        let lines: Vec<Span> = follow.iter().map(|(statement, _)| subject.lines(statement.span)).collect();
        let before = subject.lines(block.statements[at].span);
        let replacement = lines.iter().map(|span| subject.source(*span)).collect();
        let insert = Edit { span: Span { end: before.start, ..before }, replacement };
        let remove = lines.into_iter().map(|span| Edit { span, replacement: String::new() });
        Some(std::iter::once(insert).chain(remove).collect())
    })
}

/// W0428: two prompts begin with system texts that are nearly the same: what they have in common comes after the first
/// difference, and is read for each.
pub(crate) fn twins(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let system = |function: &'_ Function| -> Option<(Expression, String)> {
        let Some(Statement { kind: StatementKind::Role { role: RoleName::System, body }, .. }) =
            function.body.statements.first()
        else {
            return None;
        };
        let [Statement { kind: StatementKind::Text(text), .. }] = body.statements.as_slice() else { return None };
        let whole = Expression { kind: ExpressionKind::Text(text.clone()), span: text.span };
        let said = plain(&whole).filter(|said| said.len() >= TWIN_BYTES_MIN)?;
        Some((whole, said))
    };
    let texts: Vec<(&str, Expression, String)> = subject
        .functions()
        .filter_map(|(function, _)| system(function).map(|(e, said)| (function.name.value.as_str(), e, said)))
        .collect();
    for (index, (name, text, said)) in texts.iter().enumerate() {
        let Some((other, first, _)) = texts[..index].iter().find(|(_, _, before)| are_twins(before, said)) else {
            continue;
        };
        found.push(
            Diagnostic::warning(
                Code::W0428,
                format!("the system text of `{name}` is nearly that of `{other}`"),
                text.span,
                "read for itself from the first difference on",
            )
            .with_label(first.span, "the other")
            .with_help("use one text for both, or write what differs at the end")
            .with_probable_fix("use the other text", text.span, subject.source(first.span)),
        );
    }
}

/// Whether two texts are not the same, differ early, and have most of their words in common, in order.
fn are_twins(a: &str, b: &str) -> bool {
    let words = |text: &str| text.split_whitespace().take(TWIN_WORDS_MAX).map(str::to_string).collect::<Vec<_>>();
    let (left, right) = (words(a), words(b));
    let begin = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    let longest = left.len().max(right.len());
    // What stands before the first difference is shared already.
    if a == b || begin * 5 >= longest * 4 {
        return false;
    }
    let mut row = vec![0usize; right.len() + 1];
    for word in &left {
        let mut diagonal = 0;
        for (index, other) in right.iter().enumerate() {
            let above = row[index + 1];
            row[index + 1] = if word == other { diagonal + 1 } else { above.max(row[index]) };
            diagonal = above;
        }
    }
    row[right.len()] * 20 >= longest * 17
}
