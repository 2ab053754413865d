//! Text as an automaton: a pattern, a count of characters, a delimiter that it does not contain.

use crate::automaton::{Automaton, DEAD, Table};
use crate::determinize::{determinize, trim};
use crate::error::ConstrainError;
use crate::grammar::Bounds;
use crate::limits::PRODUCT_STATES_MAX;
use crate::nfa::{Fragment, Nfa};
use crate::pattern;
use rustc_hash::FxHashMap;

/// Any valid UTF-8.
const ANY: &str = r"(?s:.)*";

/// Texts of the pattern with at most so many characters.
pub(crate) fn bounded(pattern: Option<&str>, chars_max: Option<u32>) -> Result<Automaton, ConstrainError> {
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

/// Texts of `base` with so many characters, each count a state of its own.
pub(crate) fn counted(base: &Automaton, chars: Bounds) -> Result<Automaton, ConstrainError> {
    let Some(most) = chars.max.or(Some(chars.min)).filter(|most| chars.max.is_some() || *most > 0) else {
        return Ok(base.clone());
    };
    product(base, (0, chars.min == 0), |(count, _), byte| {
        let count = count + u32::from(byte & 0xc0 != 0x80);
        let capped = if chars.max.is_none() { count.min(most) } else { count };
        (capped <= most).then_some((capped, capped >= chars.min))
    })
}

/// Texts of `base` that do not contain the delimiter.
pub(crate) fn without(base: &Automaton, delimiter: &[u8]) -> Result<Automaton, ConstrainError> {
    let length = delimiter_length(delimiter)?;
    let matched = matcher(delimiter);
    product(base, (0, true), |(at, _), byte| {
        let at = matched(at, byte);
        (at < length).then_some((at, true))
    })
}

/// Texts of `base` that do not contain the delimiter, each alone or with the delimiter after it.
///
/// The delimiter ends the text where it is first complete, so `a` can't stand before the delimiter `aa`; nothing follows it.
pub(crate) fn until(base: &Automaton, delimiter: &[u8]) -> Result<Automaton, ConstrainError> {
    let open = without(base, delimiter)?;
    let closed = closed(base, delimiter)?;
    let mut nfa = Nfa::default();
    let parts = [nfa.embed(&open, false)?, nfa.embed(&closed, false)?];
    let whole = nfa.choice(&parts)?;
    determinize(&nfa, whole)
}

/// Texts of `base` after which the delimiter is complete for the first time where it ends.
pub(crate) fn before(base: &Automaton, delimiter: &[u8]) -> Result<Automaton, ConstrainError> {
    let closed = closed(base, delimiter)?;
    let table = closed.table();
    let ends = |state: u32| {
        let end = delimiter.iter().try_fold(state, |at, byte| Some(table.step(at, *byte)).filter(|to| *to != DEAD));
        end.is_some_and(|end| table.accepting[end as usize])
    };
    let accepting = (0u32..).take(closed.state_count()).map(ends).collect();
    let Table { start, classes, class_count, ref next, .. } = *table;
    Ok(trim(&Table { start, classes, class_count, next: next.clone(), accepting }))
}

/// Texts of `base` with the delimiter after them, which is complete nowhere before.
fn closed(base: &Automaton, delimiter: &[u8]) -> Result<Automaton, ConstrainError> {
    let mut followed = Nfa::default();
    let text = followed.embed(base, false)?;
    let close = followed.literal(delimiter)?;
    followed.skip(text.end, close.start);
    let followed = determinize(&followed, Fragment { start: text.start, end: close.end })?;
    let length = delimiter_length(delimiter)?;
    let matched = matcher(delimiter);
    product(&followed, (0, false), |(at, _), byte| {
        if at == length {
            return None;
        }
        let at = matched(at, byte);
        Some((at, at == length))
    })
}

fn delimiter_length(delimiter: &[u8]) -> Result<u32, ConstrainError> {
    match u32::try_from(delimiter.len()) {
        Ok(0) | Err(_) => Err(ConstrainError::EmptyDelimiter),
        Ok(length) => Ok(length),
    }
}

/// From the bytes of the delimiter that were matched before a byte, those matched after it.
fn matcher(delimiter: &[u8]) -> impl Fn(u32, u8) -> u32 + '_ {
    let fail = failure(delimiter);
    move |matched, byte| {
        let mut matched = matched as usize;
        while matched > 0 && delimiter[matched] != byte {
            matched = fail[matched - 1];
        }
        matched += usize::from(delimiter[matched] == byte);
        u32::try_from(matched).expect("at most the delimiter's length")
    }
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
                        if pairs.len() >= PRODUCT_STATES_MAX {
                            return Err(ConstrainError::TooLarge { what: "states", limit: PRODUCT_STATES_MAX });
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
    let accepting = pairs.iter().map(|(state, (_, accepts))| *accepts && table.accepting[*state as usize]).collect();
    Ok(trim(&Table { start: 0, classes, class_count: 256, next, accepting }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_ends_a_text_where_it_is_first_complete() {
        for (delimiter, alphabet) in [("aa", "ab"), ("aba", "ab"), ("ab", "abc"), ("\n", "a\n")] {
            let ends = until(&bounded(None, None).unwrap(), delimiter.as_bytes()).unwrap();
            let mut texts = vec![String::new()];
            for _ in 0..6 {
                let longer = texts.iter().flat_map(|text| alphabet.chars().map(move |c| format!("{text}{c}")));
                texts = longer.chain([String::new()]).collect();
                for text in &texts {
                    let place = text.find(delimiter);
                    let fits = place.is_none_or(|at| at + delimiter.len() == text.len());
                    assert_eq!(ends.accepts(text.as_bytes()), fits, "{text:?} until {delimiter:?}");
                    let end = text.bytes().try_fold(ends.start(), |state, byte| ends.step(state, byte));
                    assert_eq!(end.is_some_and(|end| ends.is_final(end)), fits && place.is_some(), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn a_delimiter_may_follow_where_the_pattern_allows_an_end() {
        let ends = until(&bounded(Some("[ab]{2}"), Some(5)).unwrap(), b"b").unwrap();
        for (text, fits) in [("aa", true), ("aab", true), ("ab", false), ("aba", false), ("a", false)] {
            assert_eq!(ends.accepts(text.as_bytes()), fits, "{text}");
        }
    }
}
