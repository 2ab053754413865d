//! Text as an automaton: a pattern, a count of characters, a delimiter that it does not contain.

use crate::automaton::{Automaton, DEAD, Table};
use crate::determinize::{determinize, trim};
use crate::error::ConstrainError;
use crate::limits::DFA_STATES_MAX;
use crate::nfa::Nfa;
use crate::pattern;
use rustc_hash::FxHashMap;

/// Any valid UTF-8.
const ANY: &str = r"(?s:.)*";

/// Texts of the pattern with at most so many characters.
pub(crate) fn bounded(
    pattern: Option<&str>,
    chars_max: Option<u32>,
) -> Result<Automaton, ConstrainError> {
    let base = pattern::automaton(pattern.unwrap_or(ANY))?;
    match chars_max {
        None => Ok(base),
        // A continuation byte of UTF-8 begins no character.
        Some(max) => product(&base, (0u32, true), |(count, _), byte| {
            let count = count + u32::from(byte & 0xc0 != 0x80);
            (count <= max).then_some((count, true))
        }),
    }
}

/// Texts of `base` that do not contain the delimiter, each alone or with the delimiter after it.
pub(crate) fn until(base: &Automaton, delimiter: &[u8]) -> Result<Automaton, ConstrainError> {
    let fail = failure(delimiter);
    let without = product(base, (0u32, true), |(matched, _), byte| {
        let mut matched = matched as usize;
        while matched > 0 && delimiter[matched] != byte {
            matched = fail[matched - 1];
        }
        matched += usize::from(delimiter[matched] == byte);
        (matched < delimiter.len())
            .then(|| (u32::try_from(matched).expect("a short delimiter"), true))
    })?;
    let mut nfa = Nfa::default();
    let text = nfa.embed(&without, false)?;
    let close = nfa.literal(delimiter)?;
    let end = nfa.state()?;
    nfa.skip(text.end, end);
    nfa.skip(text.end, close.start);
    nfa.skip(close.end, end);
    determinize(&nfa, crate::nfa::Fragment { start: text.start, end })
}

/// Knuth, Morris and Pratt's failure function.
fn failure(delimiter: &[u8]) -> Vec<usize> {
    let mut fail = vec![0; delimiter.len()];
    let mut matched = 0;
    for at in 1..delimiter.len() {
        while matched > 0 && delimiter[matched] != delimiter[at] {
            matched = fail[matched - 1];
        }
        matched += usize::from(delimiter[matched] == delimiter[at]);
        fail[at] = matched;
    }
    fail
}

/// The automaton run beside a second one that is given by its steps: its state is a number and whether it accepts.
pub(crate) fn product(
    base: &Automaton,
    start: (u32, bool),
    step: impl Fn((u32, bool), u8) -> Option<(u32, bool)>,
) -> Result<Automaton, ConstrainError> {
    let table = base.table();
    let mut ids: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    let mut pairs = vec![(table.start, start)];
    ids.insert((table.start, start.0), 0);
    let mut next = Vec::new();
    let mut classes = [0u8; 256];
    for byte in 0..=255u8 {
        classes[usize::from(byte)] = byte;
    }
    let mut at = 0;
    while at < pairs.len() {
        let (state, beside) = pairs[at];
        for byte in 0..=255u8 {
            let target = table.step(state, byte);
            let both = if target == DEAD { None } else { step(beside, byte).map(|b| (target, b)) };
            next.push(match both {
                None => DEAD,
                Some((target, beside)) => match ids.get(&(target, beside.0)) {
                    Some(id) => *id,
                    None => {
                        if pairs.len() >= DFA_STATES_MAX {
                            return Err(ConstrainError::TooLarge {
                                what: "states",
                                limit: DFA_STATES_MAX,
                            });
                        }
                        let id = u32::try_from(pairs.len()).expect("under the limit");
                        ids.insert((target, beside.0), id);
                        pairs.push((target, beside));
                        id
                    }
                },
            });
        }
        at += 1;
    }
    let accepting = pairs
        .iter()
        .map(|(state, (_, accepts))| *accepts && table.accepting[*state as usize])
        .collect();
    Ok(trim(Table { start: 0, classes, class_count: 256, next, accepting }))
}
