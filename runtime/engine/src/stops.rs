//! What stops a stream of bytes: texts, and regular expressions.

use sgl_constrain::{Automaton, ConstrainError, StateId, pattern_automaton};
use std::sync::Arc;

/// What ends a hole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stops {
    texts: Vec<Vec<u8>>,
    longest: usize,
    patterns: Arc<[Automaton]>,
    /// Where a match of a pattern may have begun, which pattern, and how far it is; the earliest first.
    begun: Vec<(usize, usize, StateId)>,
    /// Bytes that the patterns have looked at.
    looked: usize,
}

impl Stops {
    /// Empty texts never stop anything.
    ///
    /// # Errors
    /// A pattern that can't be read, or that nothing at all matches: it would end every text before it begins.
    pub(crate) fn new(
        texts: impl IntoIterator<Item = String>,
        patterns: &[String],
    ) -> Result<Self, (String, ConstrainError)> {
        let texts: Vec<Vec<u8>> = texts.into_iter().filter(|text| !text.is_empty()).map(String::into_bytes).collect();
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        let automaton = |pattern: &String| {
            let made = pattern_automaton(pattern).and_then(|made| {
                if made.is_accepting(made.start()) { Err(ConstrainError::EmptyDelimiter) } else { Ok(made) }
            });
            made.map_err(|error| (pattern.clone(), error))
        };
        let patterns = patterns.iter().map(automaton).collect::<Result<_, _>>()?;
        Ok(Self { texts, longest, patterns, begun: Vec::new(), looked: 0 })
    }

    /// Where the first stop begins, if one ends in `bytes[known..]`, or for a pattern in what it has not looked at.
    pub(crate) fn find(&mut self, bytes: &[u8], known: usize) -> Option<usize> {
        let from = known.saturating_sub(self.longest.saturating_sub(1));
        let text = (from..bytes.len()).find(|at| self.texts.iter().any(|text| bytes[*at..].starts_with(text)));
        let matched = self.find_pattern(bytes);
        text.into_iter().chain(matched).min()
    }

    /// Where the match begins that ends first; of those that end at the same byte the earliest.
    fn find_pattern(&mut self, bytes: &[u8]) -> Option<usize> {
        let Self { patterns, begun, looked, .. } = self;
        if patterns.is_empty() {
            return None;
        }
        for (at, byte) in bytes.iter().enumerate().skip(*looked) {
            *looked = at + 1;
            begun.extend(patterns.iter().enumerate().map(|(index, pattern)| (at, index, pattern.start())));
            begun.retain_mut(|(_, index, state)| {
                let next = patterns[*index].step(*state, *byte);
                *state = next.unwrap_or(*state);
                next.is_some()
            });
            if let Some((from, ..)) = begun.iter().find(|(_, index, state)| patterns[*index].is_accepting(*state)) {
                return Some(*from);
            }
        }
        None
    }

    /// How many bytes at the end may be the beginning of a stop.
    pub(crate) fn undecided(&self, bytes: &[u8]) -> usize {
        let most = self.longest.saturating_sub(1).min(bytes.len());
        let begins = |count: &usize| {
            let tail = &bytes[bytes.len() - count..];
            self.texts.iter().any(|text| text.len() > tail.len() && text.starts_with(tail))
        };
        let text = (1..=most).rev().find(begins).unwrap_or(0);
        text.max(self.begun.first().map_or(0, |(from, ..)| bytes.len().saturating_sub(*from)))
    }
}

/// The length of the longest prefix that ends with a complete character. Bytes that are no UTF-8 count as complete.
pub(crate) fn complete(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match std::str::from_utf8(&bytes[at..]) {
            Ok(_) => return bytes.len(),
            Err(error) => match error.error_len() {
                None => return at + error.valid_up_to(),
                Some(wrong) => at += error.valid_up_to() + wrong,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_found_across_pieces_and_waited_for() {
        let mut stops = Stops::new(["\n\n".to_string(), "END".to_string(), String::new()], &[]).unwrap();
        assert_eq!(stops.find(b"ab\n\ncd", 3), Some(2));
        assert_eq!(stops.find(b"abEND", 4), Some(2));
        assert_eq!(stops.find(b"abEN", 0), None);
        assert_eq!(stops.undecided(b"abEN"), 2);
        assert_eq!(stops.undecided(b"ab\n"), 1);
        assert_eq!(stops.undecided(b"abc"), 0);
        assert_eq!(Stops::default().find(b"abc", 0), None);
    }

    #[test]
    fn characters_are_whole() {
        let text = "aé€".as_bytes();
        assert_eq!(complete(text), 6);
        assert_eq!(complete(&text[..5]), 3);
        assert_eq!(complete(&text[..2]), 1);
        assert_eq!(complete(b"a\xffb\xc3"), 3);
    }

    /// Where a stop is found if the text comes in pieces of so many bytes, and the most that could be told before.
    fn pieces(patterns: &[&str], text: &str, size: usize) -> (Option<usize>, usize) {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_string()).collect();
        let mut stops = Stops::new([], &patterns).unwrap();
        let (mut known, mut told) = (0, 0);
        while known < text.len() {
            let end = text.len().min(known + size);
            if let Some(at) = stops.find(&text.as_bytes()[..end], known) {
                return (Some(at), told);
            }
            told = told.max(end - stops.undecided(&text.as_bytes()[..end]));
            known = end;
        }
        (None, told)
    }

    #[test]
    fn a_pattern_stops_at_the_same_place_however_the_text_comes() {
        let cases: [(&[&str], &str, Option<usize>); 6] = [
            (&["[0-9]+ euros"], "it costs 12 euros in all", Some(9)),
            (&["[0-9]+ euros"], "it costs 12 dollars", None),
            (&["b+c", "ab"], "xxabbc", Some(2)),
            (&["(?i)the end"], "This is The End.", Some(8)),
            (&["é."], "caf\u{e9}s", Some(3)),
            (&["a[^b]*b", "cd"], "xacdb", Some(2)),
        ];
        for (patterns, text, expected) in cases {
            for size in 1..=text.len() {
                let (found, told) = pieces(patterns, text, size);
                assert_eq!(found, expected, "{patterns:?} in {text} by {size}");
                assert!(
                    told <= found.unwrap_or(text.len()),
                    "{patterns:?} in {text} by {size}: {told} bytes were told"
                );
            }
        }
        assert_eq!(pieces(&["[0-9]+ euros"], "it costs 12 dollars", 3).1, 19, "what begins no match is told");
    }

    #[test]
    fn a_pattern_that_matches_nothing_at_all_is_refused() {
        for pattern in ["a*", "(", "x{1,"] {
            assert!(Stops::new([], &[pattern.to_string()]).is_err(), "{pattern}");
        }
    }
}
