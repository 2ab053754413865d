//! A text: a key of its first bytes stands before it, so that most texts are told apart without looking at them.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

/// Bytes of a text that its key holds.
const KEY_BYTES: usize = 7;
/// The last byte of the key of a text that is longer than that. Texts with other keys are equal where their keys are.
pub(crate) const LONG: u8 = 0xff;

/// A text that does not change.
#[derive(Clone)]
#[repr(C)]
pub struct Text {
    /// The first bytes, the rest zero; then the length, or [`LONG`].
    key: [u8; 8],
    text: Box<str>,
}

thread_local! {
    /// Texts of one ASCII character: programs make many of them, letter by letter.
    static LETTERS: [Rc<Text>; 128] = std::array::from_fn(|byte| Rc::new(Text::new(char::from(byte as u8).to_string())));
}

impl Text {
    fn new(text: impl Into<Box<str>>) -> Self {
        let text = text.into();
        let kept = text.len().min(KEY_BYTES);
        let mut key = [0; 8];
        key[..kept].copy_from_slice(&text.as_bytes()[..kept]);
        key[KEY_BYTES] = if text.len() > KEY_BYTES { LONG } else { kept as u8 };
        Self { key, text }
    }

    /// A text that may be shared.
    pub(crate) fn of(text: &str) -> Rc<Self> {
        match text.as_bytes() {
            [byte @ 0..128] => LETTERS.with(|letters| Rc::clone(&letters[usize::from(*byte)])),
            _ => Rc::new(Self::new(text)),
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && (self.key[KEY_BYTES] != LONG || self.text == other.text)
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_equal_where_their_bytes_are() {
        let texts = ["", "a", "\0", "a\0", "abcdef", "abcdefg", "abcdefgh", "abcdefghi", "abcdefghj", "é", "éé"];
        for (i, a) in texts.iter().enumerate() {
            for (j, b) in texts.iter().enumerate() {
                assert_eq!(Text::of(a) == Text::of(b), i == j, "{a:?} {b:?}");
                assert_eq!(Text::of(a).cmp(&Text::of(b)), a.cmp(b));
            }
        }
    }
}
