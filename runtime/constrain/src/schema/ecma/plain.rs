//! Patterns that look at no more than the ends of the text: through the parsed form of regex-syntax.

use super::Node;
use crate::automaton::Automaton;
use crate::error::ConstrainError;
use crate::pattern;
use regex_syntax::hir::{Class, Dot, Hir, Look, Repetition};

/// The texts in which the pattern is found.
pub(super) fn found_in(node: &Node) -> Result<Automaton, ConstrainError> {
    // Where the pattern is bound to an end of the text, nothing need be skipped there.
    let (first, last) = match node {
        Node::Sequence(parts) => (parts.first(), parts.last()),
        _ => (None, None),
    };
    let before = if first == Some(&Node::Start) { Hir::empty() } else { anything() };
    let after = if last == Some(&Node::End) { Hir::empty() } else { anything() };
    pattern::automaton_of_hir(&Hir::concat(vec![before, hir(node), after]))
}

fn anything() -> Hir {
    let any = Hir::dot(Dot::AnyChar);
    Hir::repetition(Repetition { min: 0, max: None, greedy: true, sub: Box::new(any) })
}

fn hir(node: &Node) -> Hir {
    match node {
        Node::Class(set) => Hir::class(Class::Unicode(set.clone())),
        Node::Sequence(parts) => Hir::concat(parts.iter().map(hir).collect()),
        Node::Choice(parts) => Hir::alternation(parts.iter().map(hir).collect()),
        Node::Repeat { item, min, max } => {
            Hir::repetition(Repetition { min: *min, max: *max, greedy: true, sub: Box::new(hir(item)) })
        }
        Node::Start => Hir::look(Look::Start),
        Node::End => Hir::look(Look::End),
        Node::Boundary { .. } | Node::Ahead { .. } => unreachable!("patterns that look around go another way"),
    }
}
