//! Regular expressions to fragments, through the NFA compiler of regex-automata.

use crate::Automaton;
use crate::determinize::determinize;
use crate::error::ConstrainError;
use crate::limits::PATTERN_BYTES_MAX;
use crate::nfa::{Fragment, Nfa};
use regex_automata::nfa::thompson::{Compiler, Config, State, WhichCaptures};
use regex_automata::util::look::Look;

/// Whether a pattern can be read, and why not, in one line.
pub fn check_regex(pattern: &str) -> Result<(), String> {
    compile(pattern).map(|_| ()).map_err(|error| match error {
        ConstrainError::Pattern(why) => why,
        other => other.to_string(),
    })
}

/// The automaton of a pattern that the whole text must match.
pub(crate) fn automaton(pattern: &str) -> Result<Automaton, ConstrainError> {
    let mut nfa = Nfa::default();
    let whole = fragment(&mut nfa, pattern)?;
    determinize(&nfa, whole)
}

fn compile(pattern: &str) -> Result<regex_automata::nfa::thompson::NFA, ConstrainError> {
    let config =
        Config::new().which_captures(WhichCaptures::None).nfa_size_limit(Some(PATTERN_BYTES_MAX));
    Compiler::new().configure(config).build(pattern).map_err(|error| match error.size_limit() {
        Some(limit) => ConstrainError::TooLarge { what: "bytes of pattern", limit },
        None => ConstrainError::Pattern(reason(&error)),
    })
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

fn fragment(nfa: &mut Nfa, pattern: &str) -> Result<Fragment, ConstrainError> {
    let compiled = compile(pattern)?;
    let (first, end) = (nfa.edges.len(), {
        for _ in compiled.states() {
            nfa.state()?;
        }
        nfa.state()?
    });
    let node = |id: regex_automata::util::primitives::StateID| {
        u32::try_from(first + id.as_usize()).expect("under the limit")
    };
    for (index, state) in compiled.states().iter().enumerate() {
        let from = u32::try_from(first + index).expect("under the limit");
        match state {
            State::ByteRange { trans } => nfa.edge(from, trans.start, trans.end, node(trans.next)),
            State::Sparse(sparse) => {
                for trans in &sparse.transitions {
                    nfa.edge(from, trans.start, trans.end, node(trans.next));
                }
            }
            State::Dense(dense) => {
                for (byte, next) in (0..=255u8).zip(dense.transitions.iter()) {
                    if next.as_usize() != 0 {
                        nfa.edge(from, byte, byte, node(*next));
                    }
                }
            }
            // The whole text is matched, so its edges always hold where a pattern may name them.
            State::Look { look: Look::Start | Look::End, next } => nfa.skip(from, node(*next)),
            State::Look { look, .. } => {
                return Err(ConstrainError::Pattern(format!(
                    "look-around ({}) is not supported",
                    look.as_char()
                )));
            }
            State::Union { alternates } => {
                alternates.iter().for_each(|next| nfa.skip(from, node(*next)))
            }
            State::BinaryUnion { alt1, alt2 } => {
                nfa.skip(from, node(*alt1));
                nfa.skip(from, node(*alt2));
            }
            State::Capture { next, .. } => nfa.skip(from, node(*next)),
            State::Fail => {}
            State::Match { .. } => nfa.skip(from, end),
        }
    }
    Ok(Fragment { start: node(compiled.start_anchored()), end })
}
