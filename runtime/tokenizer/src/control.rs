//! Control tokens: ids that mean something other than their text.

use rustc_hash::FxHashMap;

/// One control token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ControlToken {
    pub(crate) id: u32,
    pub(crate) text: String,
    /// Swallows the white space before it.
    pub(crate) strips_left: bool,
    /// Swallows the white space after it.
    pub(crate) strips_right: bool,
}

/// A stretch of a template's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'text> {
    Text(&'text str),
    Control(u32),
}

/// All control tokens of a vocabulary, findable in text.
#[derive(Clone, Debug, Default)]
pub(crate) struct ControlTokens {
    /// By first byte, the longest text first, so that the first match is the longest.
    by_first_byte: FxHashMap<u8, Vec<ControlToken>>,
    by_text: FxHashMap<String, u32>,
    by_id: FxHashMap<u32, String>,
}

impl ControlTokens {
    /// Tokens with an empty text can't occur in text and are left out of the search.
    pub(crate) fn new(tokens: impl IntoIterator<Item = ControlToken>) -> Self {
        let mut all = Self::default();
        for token in tokens {
            all.by_text.insert(token.text.clone(), token.id);
            all.by_id.insert(token.id, token.text.clone());
            let Some(&first) = token.text.as_bytes().first() else { continue };
            let bucket = all.by_first_byte.entry(first).or_default();
            let place = bucket.partition_point(|other| other.text.len() >= token.text.len());
            bucket.insert(place, token);
        }
        all
    }

    /// The id of the control token with this text.
    pub(crate) fn id_of(&self, text: &str) -> Option<u32> {
        self.by_text.get(text).copied()
    }

    /// The text of a control token.
    pub(crate) fn text_of(&self, id: u32) -> Option<&str> {
        self.by_id.get(&id).map(String::as_str)
    }

    /// Cuts `text` at its control tokens: leftmost first, the longest of those that start together.
    pub(crate) fn split<'text>(&self, text: &'text str) -> Vec<Piece<'text>> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((at, token)) = self.find(rest) {
            let (before, after) = (&rest[..at], &rest[at + token.text.len()..]);
            let before = if token.strips_left { before.trim_end() } else { before };
            if !before.is_empty() {
                pieces.push(Piece::Text(before));
            }
            pieces.push(Piece::Control(token.id));
            rest = if token.strips_right { after.trim_start() } else { after };
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        pieces
    }

    fn find(&self, text: &str) -> Option<(usize, &ControlToken)> {
        text.bytes().enumerate().find_map(|(at, byte)| {
            let bucket = self.by_first_byte.get(&byte)?;
            let tail = &text.as_bytes()[at..];
            bucket.iter().find(|token| tail.starts_with(token.text.as_bytes())).map(|t| (at, t))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: u32, text: &str) -> ControlToken {
        ControlToken { id, text: text.to_owned(), strips_left: false, strips_right: false }
    }

    #[test]
    fn text_is_cut_at_the_longest_control_token() {
        let control = ControlTokens::new([token(1, "<a"), token(2, "<ab>"), token(3, "<a>")]);
        assert_eq!(
            control.split("x<ab><ay"),
            [Piece::Text("x"), Piece::Control(2), Piece::Control(1), Piece::Text("y")]
        );
    }

    #[test]
    fn a_stripping_token_swallows_the_white_space_beside_it() {
        let stripping = ControlToken { strips_left: true, strips_right: true, ..token(7, "<s>") };
        let control = ControlTokens::new([stripping]);
        assert_eq!(control.split("a  <s>\n b"), [Piece::Text("a"), Piece::Control(7), Piece::Text("b")]);
    }
}
