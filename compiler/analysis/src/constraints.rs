//! Holes whose constraint does not go with what stands around them.

use crate::subject::Subject;
use sgl_constrain::Automaton;
use sgl_protocol::Shape;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{Block, Hole, RoleName, Statement, StatementKind, Text, TextPart};
use sgl_syntax::visit::Node;

/// The text of a turn that is one text statement.
fn turn_text(body: &Block) -> Option<&Text> {
    match body.statements.as_slice() {
        [Statement { kind: StatementKind::Text(text), .. }] => Some(text),
        _ => None,
    }
}

/// W0404: an assistant's turn that is written out as an example, and is no text of the type that is asked for after it.
pub(crate) fn example_of_another_type(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.walk(&mut |node| {
        let Node::Block(block) = node else { return };
        let mut examples: Vec<(String, Span)> = Vec::new();
        for statement in &block.statements {
            let StatementKind::Role { role: RoleName::Assistant, body } = &statement.kind else { continue };
            let Some(text) = turn_text(body) else { continue };
            match text.parts.as_slice() {
                [TextPart::Literal(literal)] => examples.push((literal.value.clone(), literal.span)),
                [TextPart::Hole(hole)] => {
                    judge_examples(subject, hole, &examples, found);
                    examples.clear();
                }
                _ => {}
            }
        }
    });
}

fn judge_examples(subject: &Subject<'_>, hole: &Hole, examples: &[(String, Span)], found: &mut Vec<Diagnostic>) {
    let Some(shape) = subject.shape(hole).filter(|shape| !shape.is_free_text()) else { return };
    let Ok(automaton) = Automaton::of_shape(shape) else { return };
    for (text, span) in examples.iter().filter(|(text, _)| !automaton.accepts(text.as_bytes())) {
        found.push(
            Diagnostic::warning(
                Code::W0404,
                "this example is no text of the type that is asked for below",
                *span,
                format!("{text:?} could not be generated"),
            )
            .with_label(hole.span, "what is asked for")
            .with_help("write an example that the hole could hold"),
        );
    }
}

/// Holes of the module with the text around them.
fn each_hole<'a>(subject: &Subject<'a>, look: &mut dyn FnMut(&'a Hole, Option<&'a str>, Option<&'a str>)) {
    subject.walk(&mut |node| {
        let Node::Text(text) = node else { return };
        let literal = |part: Option<&'a TextPart>| match part {
            Some(TextPart::Literal(literal)) => Some(literal.value.as_str()),
            _ => None,
        };
        for (index, part) in text.parts.iter().enumerate() {
            if let TextPart::Hole(hole) = part {
                let before = index.checked_sub(1).and_then(|index| text.parts.get(index));
                look(hole, literal(before), literal(text.parts.get(index + 1)));
            }
        }
    });
}

/// W0405: a hole that can hold one text only.
pub(crate) fn single_text(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_hole(subject, &mut |hole, _, _| {
        let only = match subject.shape(hole) {
            Some(Shape::Int { min: Some(min), max: Some(max) }) if min == max => Some(min.to_string()),
            Some(shape) => shape.members().filter(|all| all.len() == 1).and_then(|all| all.into_iter().next()),
            None => None,
        };
        if let Some(only) = only {
            found.push(
                Diagnostic::warning(
                    Code::W0405,
                    "this hole can hold one text only",
                    hole.span,
                    format!("always {only:?}"),
                )
                .with_help("write the text, or widen the type"),
            );
        }
    });
}

/// W0406: a word that goes on inside a hole, or a hole that goes on as a word: a tokenizer would cut them elsewhere.
pub(crate) fn joins(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_hole(subject, &mut |hole, before, after| {
        let Some(automaton) = subject.shape(hole).and_then(|shape| Automaton::of_shape(shape).ok()) else { return };
        let word = |byte: &u8| byte.is_ascii_alphanumeric();
        // What may begin with a blank goes on after a word as texts do.
        let blank = automaton.step(automaton.start(), b' ').is_some();
        let begins = !blank && (0..=127u8).filter(word).any(|byte| automaton.step(automaton.start(), byte).is_some());
        let said = |text: &str| text.chars().all(char::is_alphanumeric) && !text.is_empty();
        if begins && before.and_then(|text| text.chars().last()).is_some_and(|c| said(&c.to_string())) {
            found.push(
                Diagnostic::warning(
                    Code::W0406,
                    "the word before this hole runs into it",
                    hole.span,
                    "the tokens of both depend on what is generated",
                )
                .with_help("put a space, a colon or a newline before the hole")
                .with_probable_fix(
                    "put a space before the hole",
                    Span { end: hole.span.start, ..hole.span },
                    " ",
                ),
            );
        }
        if after.and_then(|text| text.chars().next()).is_some_and(|c| said(&c.to_string())) {
            found.push(
                Diagnostic::warning(
                    Code::W0406,
                    "this hole runs into the word after it",
                    hole.span,
                    "the tokens of both depend on what is generated",
                )
                .with_help("put a space or a mark after the hole")
                .with_probable_fix(
                    "put a space after the hole",
                    Span { start: hole.span.end, ..hole.span },
                    " ",
                ),
            );
        }
    });
}
