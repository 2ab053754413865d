//! Prompt text that looks like something it is not.

use crate::subject::{Subject, is_literal};
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{PatternKind, StatementKind, Text, TextPart};
use sgl_syntax::visit::{Node, walk};
use std::collections::BTreeSet;

/// What chat templates mark turns with.
const MARKERS: &[&str] = &[
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|user|>",
    "<|assistant|>",
    "<|system|>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
];

fn each_text<'a>(subject: &Subject<'a>, look: &mut dyn FnMut(&'a Text)) {
    subject.walk(&mut |node| {
        if let Node::Text(text) = node {
            look(text);
        }
    });
}

/// W0417: `{name}` in a text of a function that has a local of this name.
pub(crate) fn forgotten_dollar(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for (function, _) in subject.functions() {
        let mut names: BTreeSet<&str> = function.parameters.iter().map(|p| p.name.value.as_str()).collect();
        walk(Node::Block(&function.body), &mut |node| match node {
            Node::Pattern(pattern) => {
                if let PatternKind::Bind(name) = &pattern.kind {
                    names.insert(&name.value);
                }
            }
            Node::Hole(hole) => names.extend(hole.name.iter().map(|name| name.value.as_str())),
            Node::Statement(statement) => {
                if let StatementKind::Var { name, .. } = &statement.kind {
                    names.insert(&name.value);
                }
            }
            _ => {}
        });
        walk(Node::Block(&function.body), &mut |node| {
            let Node::Text(text) = node else { return };
            for part in &text.parts {
                let TextPart::Literal(literal) = part else { continue };
                let source = subject.source(literal.span);
                for (at, _) in source.match_indices('{') {
                    // Of two braces the outer one was looked at. With a dollar that is escaped or raw it is meant so.
                    if source[..at].ends_with(['{', '$']) {
                        continue;
                    }
                    let Some(length) = source[at..].find('}') else { continue };
                    let word = source[at + 1..at + length].trim_matches('{');
                    if names.contains(word) {
                        let start = literal.span.start as usize + at;
                        let place = Span::new(literal.span.file, start, start + length + 1);
                        found.push(
                            Diagnostic::warning(
                                Code::W0417,
                                format!("`{{{word}}}` is plain text here"),
                                place,
                                format!("the value of `{word}` is not written"),
                            )
                            .with_help(format!("a value is spliced with a dollar: `${{{word}}}`"))
                            .with_probable_fix(
                                format!("splice `{word}`"),
                                place,
                                format!("${{{word}}}"),
                            ),
                        );
                    }
                }
            }
        });
    }
}

/// W0418: a special token of some chat template, written out.
pub(crate) fn special_tokens(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_text(subject, &mut |text| {
        for part in &text.parts {
            let TextPart::Literal(literal) = part else { continue };
            let source = subject.source(literal.span);
            for marker in MARKERS {
                for (at, _) in source.match_indices(marker) {
                    let start = literal.span.start as usize + at;
                    found.push(
                        Diagnostic::warning(
                            Code::W0418,
                            format!("`{marker}` is plain text here"),
                            Span::new(literal.span.file, start, start + marker.len()),
                            "it opens or closes no turn",
                        )
                        .with_help("write turns: `system`, `user`, `assistant`; the model's template marks them"),
                    );
                }
            }
        }
    });
}

/// W0423: `"${"text"}"`.
pub(crate) fn spliced_literal(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_text(subject, &mut |text| {
        for part in &text.parts {
            let TextPart::Splice(e) = part else { continue };
            if is_literal(e) {
                found.push(
                    Diagnostic::warning(Code::W0423, "a literal is spliced into a text", e.span, "it never changes")
                        .with_help("write it into the text"),
                );
            }
        }
    });
}
