//! Regular expressions as parts: small ones as automata, those with large counts piece by piece.

use super::{Bounds, Grammar, Node, NodeId};
use crate::automaton::Automaton;
use crate::error::ConstrainError;
use crate::limits::PATTERN_STATES_MAX;
use crate::pattern;
use regex_syntax::hir::{Hir, HirKind, Look};

impl Grammar {
    /// The texts that a regular expression matches as a whole. Large counts cost no states.
    ///
    /// # Errors
    /// Patterns that can't be read, look-around other than `^` at the beginning and `$` at the end where counts are large.
    pub fn regex(&mut self, pattern: &str) -> Result<NodeId, ConstrainError> {
        // The compiler of patterns expands counts, and stops early where that is much; then they are taken apart.
        match pattern::small_automaton(pattern, PATTERN_STATES_MAX) {
            Ok(automaton) => return Ok(self.leaf(automaton)),
            Err(ConstrainError::TooLarge { .. }) => {}
            Err(error) => return Err(error),
        }
        let hir = regex_syntax::parse(pattern).map_err(|error| ConstrainError::Pattern(error.to_string()))?;
        match self.hir(&without_anchors(&hir)) {
            // What can't be taken apart may still fit as a whole.
            Err(ConstrainError::Pattern(_)) => Ok(self.leaf(Automaton::of_regex(pattern)?)),
            other => other,
        }
    }

    fn hir(&mut self, hir: &Hir) -> Result<NodeId, ConstrainError> {
        match hir.kind() {
            HirKind::Repetition(repetition) if has_counts(hir) => {
                if let Some(character) = one_character(&repetition.sub) {
                    let text = Automaton::of_regex(&format!("(?:{character})*"))?.minimized();
                    let chars = Bounds::new(repetition.min, repetition.max);
                    return Ok(self.add(Node::Text { text, chars, quoted: false }));
                }
                let item = self.hir(&repetition.sub)?;
                Ok(self.repeat(item, None, Bounds::new(repetition.min, repetition.max)))
            }
            HirKind::Capture(capture) => self.hir(&capture.sub),
            HirKind::Concat(parts) if has_counts(hir) => {
                let parts = parts.iter().map(|part| self.hir(part)).collect::<Result<Vec<_>, _>>()?;
                Ok(self.sequence(&parts))
            }
            HirKind::Alternation(parts) if has_counts(hir) => {
                let parts = parts.iter().map(|part| self.hir(part)).collect::<Result<Vec<_>, _>>()?;
                Ok(self.choice(&parts))
            }
            HirKind::Look(look) => Err(ConstrainError::Pattern(format!("`{}` inside of large counts", look.as_char()))),
            HirKind::Empty
            | HirKind::Literal(_)
            | HirKind::Class(_)
            | HirKind::Repetition(_)
            | HirKind::Concat(_)
            | HirKind::Alternation(_) => Ok(self.leaf(Automaton::of_regex(&hir.to_string())?)),
        }
    }
}

/// The pattern of what is repeated, if that is one character.
fn one_character(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Capture(capture) => one_character(&capture.sub),
        HirKind::Class(_) => Some(hir.to_string()),
        HirKind::Literal(literal) if std::str::from_utf8(&literal.0).is_ok_and(|text| text.chars().count() == 1) => {
            Some(hir.to_string())
        }
        _ => None,
    }
}

fn has_counts(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.min > 1 || repetition.max.is_some_and(|max| max > 1) || has_counts(&repetition.sub)
        }
        HirKind::Capture(capture) => has_counts(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_counts),
        HirKind::Look(_) => true,
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) => false,
    }
}

/// A pattern is matched as a whole, so that `^` before it and `$` after it say nothing.
fn without_anchors(hir: &Hir) -> Hir {
    let HirKind::Concat(parts) = hir.kind() else { return hir.clone() };
    let is = |part: &Hir, look: Look| matches!(part.kind(), HirKind::Look(found) if *found == look);
    let from = usize::from(parts.first().is_some_and(|part| is(part, Look::Start)));
    let to = parts.len() - usize::from(parts.last().is_some_and(|part| is(part, Look::End)));
    Hir::concat(parts[from.min(to)..to].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_counts_are_taken_apart_and_mean_the_same() {
        for (pattern, fits, wrong) in [
            ("^[a-z]{2,100000}$", vec!["ab", "abc"], vec!["a", "aB", ""]),
            ("(?s:.){0,5000}x", vec!["x", "éx"], vec!["", "é"]),
            ("(ab{700}|c)+d?", vec!["c", "cd", "ccd"], vec!["ab", "d"]),
            (r"(\w+ ){3000}", vec![], vec!["a "]),
            (r"\PC{1,500}", vec!["a", "ab"], vec!["", "\u{1}"]),
        ] {
            let mut grammar = Grammar::new();
            let whole = grammar.regex(pattern).unwrap();
            grammar.set_start(whole);
            assert!(!matches!(grammar.node(whole), Node::Leaf(_)), "{pattern} was taken apart");
            for text in fits {
                assert!(grammar.accepts(text.as_bytes()), "{pattern}: {text}");
            }
            for text in wrong {
                assert!(!grammar.accepts(text.as_bytes()), "{pattern}: {text}");
            }
        }
    }
}
