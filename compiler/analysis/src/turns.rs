//! Turns of prompts.

use crate::subject::{Subject, plain};
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{Block, ExpressionKind, FunctionKind, RoleName, Statement, StatementKind, Text, TextPart};
use sgl_syntax::visit::{Node, walk};

fn each_turn<'a>(subject: &Subject<'a>, look: &mut dyn FnMut(&'a RoleName, &'a Block, Span)) {
    subject.walk(&mut |node| {
        if let Node::Statement(statement) = node
            && let StatementKind::Role { role, body } = &statement.kind
        {
            look(role, body, statement.span);
        }
    });
}

/// W0413: a turn without text.
pub(crate) fn empty(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_turn(subject, &mut |_, body, span| {
        let blank = |statement: &Statement| match &statement.kind {
            StatementKind::Text(text) => text
                .parts
                .iter()
                .all(|part| matches!(part, TextPart::Literal(literal) if literal.value.trim().is_empty())),
            _ => false,
        };
        if body.statements.iter().all(blank) {
            found.push(
                Diagnostic::warning(Code::W0413, "this turn is empty", span, "nobody says anything")
                    .with_help("write what is said, or remove the turn"),
            );
        }
    });
}

/// W0414: a system turn after another turn of the same prompt; many chat templates refuse it or move it.
pub(crate) fn late_system(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for (function, _) in subject.functions() {
        let mut first: Option<Span> = None;
        for statement in &function.body.statements {
            let StatementKind::Role { role, .. } = &statement.kind else { continue };
            match (role, first) {
                (RoleName::System, Some(first)) => {
                    found.push(
                        Diagnostic::warning(
                            Code::W0414,
                            "the system's turn comes after another turn",
                            statement.span,
                            "many chat templates have it only at the beginning",
                        )
                        .with_label(first, "the conversation begins here")
                        .with_help("move it to the beginning of the prompt"),
                    );
                }
                (RoleName::System, None) => {}
                (_, first_turn) => first = first_turn.or(Some(statement.span)),
            }
        }
    }
}

/// W0422: `role("user")`.
pub(crate) fn named_like_a_keyword(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_turn(subject, &mut |role, _, span| {
        let RoleName::Other(name) = role else { return };
        let Some(word) = plain(name).filter(|word| ["system", "user", "assistant"].contains(&word.as_str())) else {
            return;
        };
        // From `role` to the bracket after the name.
        let rest = &subject.text[name.span.end as usize..];
        let Some(bracket) = rest.find(')') else { return };
        let whole = Span::new(span.file, span.start as usize, name.span.end as usize + bracket + 1);
        found.push(
            Diagnostic::warning(
                Code::W0422,
                format!("`role(\"{word}\")` has a word of its own"),
                whole,
                "the long way",
            )
            .with_help(format!("write `{word}`"))
            .with_fix(format!("write `{word}`"), whole, word),
        );
    });
}

/// The text of a turn that is one text statement.
fn only_text(body: &Block) -> Option<&Text> {
    match body.statements.as_slice() {
        [Statement { kind: StatementKind::Text(text), .. }] => Some(text),
        _ => None,
    }
}

/// W0427: blanks at the end of a turn: they are tokens of their own, and models seldom saw them there.
pub(crate) fn blank_end(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_turn(subject, &mut |_, body, _| {
        let Some(TextPart::Literal(last)) = only_text(body).and_then(|text| text.parts.last()) else { return };
        let kept = last.value.trim_end_matches([' ', '\t']);
        if kept.len() == last.value.len() || kept.is_empty() {
            return;
        }
        let source = subject.source(last.span);
        let blanks = source.len() - source.trim_end_matches([' ', '\t']).len();
        let place = Span { start: last.span.end - u32::try_from(blanks).unwrap_or(0), ..last.span };
        found.push(
            Diagnostic::warning(Code::W0427, "this turn ends with a blank", place, "a token of its own")
                .with_help("remove it")
                .with_probable_fix("remove it", place, ""),
        );
    });
}

/// W0416: a prompt that neither writes nor asks nor calls.
pub(crate) fn idle_prompt(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for (function, _) in subject.functions() {
        if function.kind != FunctionKind::Prompt {
            continue;
        }
        let mut busy = false;
        walk(Node::Block(&function.body), &mut |node| match node {
            Node::Hole(_) => busy = true,
            Node::Statement(s) => {
                busy |= matches!(
                    s.kind,
                    StatementKind::Try { .. }
                        | StatementKind::Retry { .. }
                        | StatementKind::Budget { .. }
                        | StatementKind::Role { .. }
                        | StatementKind::Text(_)
                        | StatementKind::Emit(_)
                        | StatementKind::Raw(_)
                );
            }
            Node::Expression(e) => {
                busy |= matches!(
                    e.kind,
                    ExpressionKind::Call(..)
                        | ExpressionKind::Inline(_)
                        | ExpressionKind::ScratchCall(_)
                        | ExpressionKind::Scratch(_)
                        | ExpressionKind::Fork(_)
                        | ExpressionKind::On(..)
                        | ExpressionKind::Select(..)
                        | ExpressionKind::Transcript
                );
            }
            _ => {}
        });
        if !busy {
            found.push(
                Diagnostic::warning(
                    Code::W0416,
                    format!("the prompt `{}` neither writes nor asks", function.name.value),
                    function.name.span,
                    "it only computes",
                )
                .with_help("declare it as `fn`"),
            );
        }
    }
}
