//! A text: its length and first bytes stand before it, so that most texts are told apart without looking at them.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

/// Bytes of a text that are kept beside it.
const HEAD_BYTES: usize = 8;

/// A text that does not change.
#[derive(Clone)]
#[repr(C)]
pub struct Text {
    /// Bytes in all.
    len: u64,
    /// The first bytes, the rest zero.
    head: [u8; HEAD_BYTES],
    text: Box<str>,
}

thread_local! {
    /// Texts of one ASCII character: programs make many of them, letter by letter.
    static LETTERS: [Rc<Text>; 128] = std::array::from_fn(|byte| Rc::new(Text::new(char::from(byte as u8).to_string())));
}

impl Text {
    fn new(text: impl Into<Box<str>>) -> Self {
        let text = text.into();
        let kept = text.len().min(HEAD_BYTES);
        let mut head = [0; HEAD_BYTES];
        head[..kept].copy_from_slice(&text.as_bytes()[..kept]);
        Self { len: text.len() as u64, head, text }
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
        self.len == other.len && self.head == other.head && (self.text.len() <= HEAD_BYTES || self.text == other.text)
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
        let texts = ["", "a", "\0", "a\0", "abcdefgh", "abcdefghi", "abcdefghj", "é", "éé"];
        for (i, a) in texts.iter().enumerate() {
            for (j, b) in texts.iter().enumerate() {
                assert_eq!(Text::of(a) == Text::of(b), i == j, "{a:?} {b:?}");
                assert_eq!(Text::of(a).cmp(&Text::of(b)), a.cmp(b));
            }
        }
    }
}
