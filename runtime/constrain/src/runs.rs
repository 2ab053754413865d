//! Runs: text that a constraint leaves no choice about, as the tokens that a tokenizer would make of it.
//!
//! Forcing the tokens of a forced text is unsafe at its end: a longer token could stand there that the model, and the
//! tokenizer, would rather take (`"` and then `:`, where `":` is a token). Byte-pair merges never split, so if a place is a
//! token boundary of a whole text then the tokens before it are those of the text before it. Hence the tokens of a run that
//! may be taken are those that stay the same wherever an allowed token could reach over its end: the longest beginning that
//! the tokens of the run share with the tokens of the run cut at each such place.

use crate::automaton::StateId;
use crate::limits::{RUN_BYTES_MAX, RUNS_REMEMBERED_MAX};
use crate::masks::TokenMasks;
use crate::vocabulary::NO_TOKEN;
use std::sync::Arc;

/// Bytes after white space that are tried one by one.
const NEXT_MAX: usize = 32;

/// Turns text into tokens, as a prompt is.
pub type Encode<'a> = &'a dyn Fn(&str) -> Vec<u32>;

impl TokenMasks {
    /// The bytes that must come from a state on, up to where there is a choice or the text may end, and the state there.
    pub fn forced_bytes(&self, state: StateId) -> (Vec<u8>, StateId) {
        let mut bytes = Vec::new();
        let mut state = state;
        while bytes.len() < RUN_BYTES_MAX {
            let Some((byte, next)) = self.only_byte(state) else { break };
            bytes.push(byte);
            state = next;
        }
        (bytes, state)
    }

    /// The tokens of the text that must come after a state and the last token: the canonical ones, and only those that are
    /// the same whatever comes after it. Remembered.
    pub fn run(&self, state: StateId, last: Option<u32>, encode: Encode<'_>) -> Arc<[u32]> {
        if self.only_byte(state).is_none() {
            return Arc::new([]);
        }
        let key = (state, last.unwrap_or(NO_TOKEN));
        if let Some(known) = self.runs().get(&key) {
            return known.clone();
        }
        let made: Arc<[u32]> = self.make_run(state, last, encode).into();
        let mut runs = self.runs();
        if runs.len() >= RUNS_REMEMBERED_MAX {
            runs.clear();
        }
        runs.insert(key, made.clone());
        made
    }

    fn make_run(&self, state: StateId, last: Option<u32>, encode: Encode<'_>) -> Vec<u32> {
        let (forced, after) = self.forced_bytes(state);
        // Part of a character is no text; the end of the run is then inside of it.
        let whole = whole_characters(&forced);
        let before = last.and_then(|last| self.vocabulary().bytes(last)).unwrap_or_default();
        let Ok(before) = std::str::from_utf8(before) else { return Vec::new() };
        let Ok(text) = std::str::from_utf8(&forced[..whole]) else { return Vec::new() };
        let (mut tokens, mut kept) = (encode(&format!("{before}{text}")), 1);
        let mut before = before;
        // The last token was the model's own choice and stays, even where a tokenizer would have taken another.
        if before.is_empty() || tokens.first() != last.as_ref() {
            (tokens, kept, before) = (encode(text), 0, "");
        }
        let mut same = tokens.len();
        let mut cuts = self.reached_over(&forced, after);
        match self.after_space(text, after) {
            Some(next) => {
                for byte in next {
                    same = same.min(common(&tokens, &encode(&format!("{before}{text}{}", char::from(byte)))));
                }
            }
            None => {
                let spaces = forced.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
                cuts.extend(forced.len() - spaces..forced.len());
            }
        }
        for cut in cuts {
            if text.is_char_boundary(cut) {
                let shorter = encode(&format!("{before}{}", &text[..cut]));
                same = same.min(common(&tokens, &shorter));
            } else {
                same = same.min(tokens_within(self, &tokens, before.len() + cut));
            }
        }
        if same <= kept {
            return Vec::new();
        }
        tokens.truncate(same);
        tokens.drain(..kept);
        tokens
    }

    /// Where in a run a token can begin that reaches over its end: in order, every place once.
    fn reached_over(&self, forced: &[u8], after: StateId) -> Vec<usize> {
        let first = forced.len().saturating_sub(self.vocabulary().longest_bytes());
        (first..forced.len()).filter(|at| self.reaches_over(&forced[*at..], after)).collect()
    }

    /// Tokenizers look at what follows white space: the bytes that may come after a run that ends in some, none if nothing may or it
    /// ends in something else. `None` if they are too many to be tried, or white space again.
    fn after_space(&self, text: &str, after: StateId) -> Option<Vec<u8>> {
        if !text.ends_with(|last: char| last.is_ascii_whitespace()) {
            return Some(Vec::new());
        }
        let next: Vec<u8> = (0..=u8::MAX).filter(|byte| self.step(after, &[*byte]).is_some()).collect();
        let few = next.len() <= NEXT_MAX && next.iter().all(u8::is_ascii_graphic);
        few.then_some(next)
    }

    /// Whether a token begins with these bytes and goes on in an allowed way after them.
    fn reaches_over(&self, bytes: &[u8], after: StateId) -> bool {
        let Some(part) = self.vocabulary().below(bytes) else { return false };
        let mut found = false;
        self.below(part, after, |_, _| found = true);
        found
    }
}

fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.len(),
        Err(error) => error.valid_up_to(),
    }
}

fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// How many of the tokens end within so many bytes.
fn tokens_within(masks: &TokenMasks, tokens: &[u32], bytes: usize) -> usize {
    let mut end = 0;
    let ends_within = |token: &&u32| {
        end += masks.vocabulary().bytes(**token).map_or(usize::MAX / 2, <[u8]>::len);
        end <= bytes
    };
    tokens.iter().take_while(ends_within).count()
}

#[cfg(test)]
mod tests {
    use crate::{Automaton, TokenMasks, Vocabulary};
    use std::sync::Arc;

    /// Takes the longest token each time, which is what merges come to with these words.
    fn encode(words: &[&str], text: &str) -> Vec<u32> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let fits = (0u32..).zip(words).filter(|(_, word)| rest.starts_with(**word));
            let Some((id, word)) = fits.max_by_key(|(_, word)| word.len()) else { return Vec::new() };
            tokens.push(id);
            rest = &rest[word.len()..];
        }
        tokens
    }

    #[test]
    fn a_run_stops_where_an_allowed_token_could_reach_over_its_end() {
        let words = ["{", "\"", "a", "b", ":", " ", "}", "{\"", "\":", "ab", "1", "2", " 1", "é"];
        let tokens = words.map(|word| Some(word.as_bytes().into()));
        let vocabulary = Arc::new(Vocabulary::new(tokens.to_vec()));
        for (pattern, last, run) in [
            // `2` is a token of its own after a space, and nothing comes after the last one.
            (r#"\{"ab": [2}]"#, None, vec!["{\"", "ab", "\":", " "]),
            (r#"[ab]1 "#, Some("1"), vec![]),
            (r#"1 "#, Some("b"), vec!["1", " "]),
            (r#"1  *"#, Some("b"), vec!["1"]),
            // ` 1` may follow, so the space is left to the model.
            (r#"\{"ab": [12]\}"#, None, vec!["{\"", "ab", "\":"]),
            // ` 2` is no token, nor is `22`.
            (r#"\{"ab": (2|22)\}"#, None, vec!["{\"", "ab", "\":", " ", "2"]),
            (r#"\{"a":b?\}"#, None, vec!["{\"", "a", "\":"]),
            // `ab` is a token, and may come.
            (r#"\{"ab?""#, None, vec!["{\""]),
            (r#""ab":"#, Some("{"), vec!["\"", "ab", "\":"]),
            ("b1", Some("a"), vec!["b", "1"]),
            ("[ab]", None, vec![]),
            ("éb?", None, vec!["é"]),
        ] {
            let masks = TokenMasks::new(&Automaton::of_regex(pattern).unwrap(), &vocabulary).unwrap();
            let last = last.map(|last| words.iter().position(|word| *word == last).unwrap() as u32);
            let made = masks.run(masks.start(), last, &|text| encode(&words, text));
            let made: Vec<&str> = made.iter().map(|token| words[*token as usize]).collect();
            assert_eq!(made, run, "{pattern} after {last:?}");
        }
    }
}
