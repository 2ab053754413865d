//! Regular expressions to fragments, through the NFA compiler of regex-automata.

use crate::Automaton;
use crate::determinize::{determinize, determinize_within};
use crate::error::ConstrainError;
use crate::limits::{PATTERN_BYTES_MAX, SMALL_PATTERN_BYTES_MAX};
use crate::nfa::{Fragment, Nfa};
use regex_automata::nfa::thompson::{BuildError, Compiler, Config, NFA, State, WhichCaptures};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;
use regex_syntax::hir::Hir;

/// Whether a pattern can be read, and why not, in one line.
pub fn check_regex(pattern: &str) -> Result<(), String> {
    compile(pattern).map(|_| ()).map_err(|error| match error {
        ConstrainError::Pattern(why) => why,
        other => other.to_string(),
    })
}

/// The automaton of a pattern that the whole text must match.
///
/// # Errors
/// A pattern that can't be read, looks around, or is too large.
pub fn automaton(pattern: &str) -> Result<Automaton, ConstrainError> {
    automaton_of(&compile(pattern)?)
}

/// The automaton of a pattern that the whole text must match, if it has at most so many states; gives up early.
pub(crate) fn small_automaton(pattern: &str, states_max: usize) -> Result<Automaton, ConstrainError> {
    let compiled = compiler(SMALL_PATTERN_BYTES_MAX).build(pattern).map_err(|error| refused(&error))?;
    let mut nfa = Nfa::default();
    let whole = fragment(&mut nfa, &compiled)?;
    determinize_within(&nfa, whole, states_max)
}

/// The automaton of a parsed pattern that the whole text must match.
pub(crate) fn automaton_of_hir(hir: &Hir) -> Result<Automaton, ConstrainError> {
    automaton_of(&compiler(PATTERN_BYTES_MAX).build_from_hir(hir).map_err(|error| refused(&error))?)
}

fn automaton_of(compiled: &NFA) -> Result<Automaton, ConstrainError> {
    let mut nfa = Nfa::default();
    let whole = fragment(&mut nfa, compiled)?;
    determinize(&nfa, whole)
}

fn compile(pattern: &str) -> Result<NFA, ConstrainError> {
    compiler(PATTERN_BYTES_MAX).build(pattern).map_err(|error| refused(&error))
}

fn compiler(bytes_max: usize) -> Compiler {
    let config = Config::new().which_captures(WhichCaptures::None).nfa_size_limit(Some(bytes_max));
    let mut compiler = Compiler::new();
    compiler.configure(config);
    compiler
}

fn refused(error: &BuildError) -> ConstrainError {
    match error.size_limit() {
        Some(limit) => ConstrainError::TooLarge { what: "bytes of pattern", limit },
        None => ConstrainError::Pattern(reason(error)),
    }
}

/// The parser's own words, without its drawing.
fn reason(error: &dyn std::error::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let text = deepest.to_string();
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("unknown fault");
    line.trim().trim_start_matches("error: ").to_string()
}

/// What is known of the text around a place in a pattern that asks for it with `^` or `$`.
#[derive(Clone, Copy)]
struct Around {
    /// Bytes came before.
    begun: bool,
    /// No byte may come after.
    ended: bool,
}

/// The pattern as a fragment. A pattern with `^` or `$` gets a copy of its states for each [`Around`].
fn fragment(nfa: &mut Nfa, compiled: &NFA) -> Result<Fragment, ConstrainError> {
    let count = compiled.states().len();
    let asks = compiled.states().iter().any(|state| matches!(state, State::Look { .. }));
    let (first, copies) = (nfa.edges.len(), if asks { 4 } else { 1 });
    for _ in 0..count * copies {
        nfa.state()?;
    }
    let end = nfa.state()?;
    let node = |id: StateID, around: Around| {
        let copy = if asks { usize::from(around.begun) + 2 * usize::from(around.ended) } else { 0 };
        u32::try_from(first + copy * count + id.as_usize()).expect("under the limit")
    };
    for copy in 0..copies {
        let around = Around { begun: copy & 1 == 1, ended: copy & 2 == 2 };
        for (index, state) in compiled.states().iter().enumerate() {
            let from = node(StateID::must(index), around);
            let mut byte_edge = |low, high, next| {
                if !around.ended {
                    nfa.edge(from, low, high, node(next, Around { begun: true, ended: false }));
                }
            };
            match state {
                State::ByteRange { trans } => byte_edge(trans.start, trans.end, trans.next),
                State::Sparse(sparse) => {
                    sparse.transitions.iter().for_each(|t| byte_edge(t.start, t.end, t.next));
                }
                State::Dense(dense) => {
                    for (byte, next) in (0..=255u8).zip(dense.transitions.iter()) {
                        if *next != StateID::ZERO {
                            byte_edge(byte, byte, *next);
                        }
                    }
                }
                State::Look { look: Look::Start, next } if !around.begun => {
                    nfa.skip(from, node(*next, around));
                }
                State::Look { look: Look::Start, .. } | State::Fail => {}
                State::Look { look: Look::End, next } => {
                    nfa.skip(from, node(*next, Around { ended: true, ..around }));
                }
                State::Look { look, .. } => {
                    let sign = look.as_char();
                    return Err(ConstrainError::Pattern(format!("look-around ({sign}) is not supported")));
                }
                State::Union { alternates } => {
                    alternates.iter().for_each(|next| nfa.skip(from, node(*next, around)));
                }
                State::BinaryUnion { alt1, alt2 } => {
                    nfa.skip(from, node(*alt1, around));
                    nfa.skip(from, node(*alt2, around));
                }
                State::Capture { next, .. } => nfa.skip(from, node(*next, around)),
                State::Match { .. } => nfa.skip(from, end),
            }
        }
    }
    Ok(Fragment { start: node(compiled.start_anchored(), Around { begun: false, ended: false }), end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_hold_only_at_the_ends() {
        let cases = [
            ("^ab$", "ab", true),
            ("a^b", "ab", false),
            ("a$b", "ab", false),
            ("(a|^b)+", "ba", true),
            ("(a|^b)+", "ab", false),
            ("(a$|b)+", "ba", true),
            ("(a$|b)+", "ab", false),
            ("^$", "", true),
            ("$^", "", true),
            ("(^a|b$|c)*", "acb", true),
            ("(^a|b$|c)*", "cab", false),
        ];
        for (pattern, text, fits) in cases {
            assert_eq!(automaton(pattern).unwrap().accepts(text.as_bytes()), fits, "{pattern} on {text}");
        }
    }

    #[test]
    fn other_look_around_is_refused() {
        for pattern in ["\\bab", "(?m)^a", "(?-u:\\B)a"] {
            assert!(matches!(automaton(pattern), Err(ConstrainError::Pattern(_))), "{pattern}");
        }
    }
}
