//! How a model divides text that it has no choice about.
//!
//! Forced text can be written as several sequences of tokens, and a model that draws them one by one has habits of its own: where
//! the tokenizer writes `","` it may draw `"` and then `,"`. A draft that divides as the tokenizer does is refused there, and
//! each refusal is a pass (55 passes instead of 27 for the record of `json_character`). So what was drawn is remembered by what
//! the tokenizer would have written, and the next draft follows it: separators come again with each field. What is
//! remembered decides how many passes a text takes, never the text, for all of a draft is verified.

use crate::transcript::Writing;
use rustc_hash::FxHashMap;

/// Most habits that are remembered: 64 kB. With one more all are forgotten.
const HABITS_MAX: usize = 4_096;

/// A token of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drafted {
    pub(crate) token: u32,
    /// What the tokenizer would write here.
    pub(crate) plain: u32,
}

/// What was drawn lately where the tokenizer would have written another token.
#[derive(Debug, Default)]
pub(crate) struct Habits {
    drawn: FxHashMap<u32, u32>,
}

impl Habits {
    /// Notes what was drawn where the tokenizer would have written `plain`.
    pub(crate) fn saw(&mut self, plain: u32, drawn: u32) {
        if plain == drawn {
            self.drawn.remove(&plain);
            return;
        }
        if self.drawn.len() >= HABITS_MAX {
            self.drawn.clear();
        }
        self.drawn.insert(plain, drawn);
    }

    /// Divides a text that comes after the token `last` as it will probably be drawn, into at most so many tokens.
    pub(crate) fn divide(&self, text: &str, last: Option<u32>, most: usize, writing: &Writing) -> Vec<Drafted> {
        let mut draft = Vec::new();
        let (mut rest, mut plain) = (text, after(text, last, writing).into_iter());
        while !rest.is_empty() && draft.len() < most {
            let Some(token) = plain.next() else { break };
            let habit = self.drawn.get(&token).copied();
            let usual = habit.filter(|habit| tail(rest, *habit, writing).is_some());
            let drawn = usual.unwrap_or(token);
            let Some(left) = tail(rest, drawn, writing) else { break };
            draft.push(Drafted { token: drawn, plain: token });
            rest = left;
            if drawn != token {
                plain = after(rest, Some(drawn), writing).into_iter();
            }
        }
        draft
    }
}

/// The tokenizer's tokens of a text after a token, which stays as it is.
fn after(text: &str, last: Option<u32>, writing: &Writing) -> Vec<u32> {
    let before = last.and_then(|last| writing.vocabulary.bytes(last)).and_then(|bytes| std::str::from_utf8(bytes).ok());
    if let Some(before) = before.filter(|before| !before.is_empty()) {
        let mut together = writing.tokenizer.encode(&format!("{before}{text}"));
        if together.first() == last.as_ref() {
            together.remove(0);
            return together;
        }
    }
    writing.tokenizer.encode(text)
}

/// What is left of a text after a token, if it begins with it.
fn tail<'a>(text: &'a str, token: u32, writing: &Writing) -> Option<&'a str> {
    let bytes = writing.vocabulary.bytes(token).filter(|bytes| !bytes.is_empty())?;
    text.strip_prefix(std::str::from_utf8(bytes).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::words::tokenizer;

    fn texts(draft: &[Drafted], writing: &Writing) -> Vec<String> {
        draft
            .iter()
            .map(|drafted| String::from_utf8_lossy(writing.vocabulary.bytes(drafted.token).unwrap()).into_owned())
            .collect()
    }

    #[test]
    fn without_habits_a_draft_is_the_tokenizers() {
        let writing = Writing::new(tokenizer(), None);
        let text = "the answer: \"abc\", 123";
        let draft = Habits::default().divide(text, None, 64, &writing);
        assert!(draft.iter().all(|drafted| drafted.token == drafted.plain));
        let tokens: Vec<u32> = draft.iter().map(|drafted| drafted.token).collect();
        assert_eq!(tokens, writing.tokenizer.encode(text));
        assert_eq!(Habits::default().divide(text, None, 2, &writing).len(), 2);
        assert_eq!(Habits::default().divide("", None, 64, &writing), []);
    }

    #[test]
    fn a_draft_follows_what_was_drawn_and_still_is_the_text() {
        let writing = Writing::new(tokenizer(), None);
        let text = "the answer: \"abc\", 123 the answer";
        let plain = writing.tokenizer.encode(text);
        let whole = plain.iter().copied().find(|token| writing.vocabulary.bytes(*token).unwrap().len() > 1).unwrap();
        let first = writing.vocabulary.bytes(whole).unwrap()[0];
        let letter = writing.tokenizer.encode(&char::from(first).to_string())[0];
        let mut habits = Habits::default();
        habits.saw(whole, letter);
        let draft = habits.divide(text, None, 64, &writing);
        assert!(draft.contains(&Drafted { token: letter, plain: whole }));
        assert_eq!(texts(&draft, &writing).concat(), text);
        habits.saw(whole, whole);
        assert_eq!(habits.divide(text, None, 64, &writing).len(), plain.len());
    }

    #[test]
    fn a_habit_that_the_text_does_not_go_on_with_is_left_out() {
        let writing = Writing::new(tokenizer(), None);
        let plain = writing.tokenizer.encode("the")[0];
        let other = writing.tokenizer.encode("1")[0];
        let mut habits = Habits::default();
        habits.saw(plain, other);
        assert_eq!(texts(&habits.divide("the", None, 64, &writing), &writing).concat(), "the");
    }
}
