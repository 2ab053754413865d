//! Stop texts in a stream of bytes.

/// The texts that end a hole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stops {
    texts: Vec<Vec<u8>>,
    longest: usize,
}

impl Stops {
    /// Empty texts never stop anything.
    pub(crate) fn new(texts: impl IntoIterator<Item = String>) -> Self {
        let texts: Vec<Vec<u8>> = texts.into_iter().filter(|text| !text.is_empty()).map(String::into_bytes).collect();
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        Self { texts, longest }
    }

    /// Where the first stop begins, if one ends in `bytes[known..]`.
    pub(crate) fn find(&self, bytes: &[u8], known: usize) -> Option<usize> {
        let from = known.saturating_sub(self.longest.saturating_sub(1));
        (from..bytes.len()).find(|at| self.texts.iter().any(|text| bytes[*at..].starts_with(text)))
    }

    /// How many bytes at the end may be the beginning of a stop.
    pub(crate) fn undecided(&self, bytes: &[u8]) -> usize {
        let most = self.longest.saturating_sub(1).min(bytes.len());
        let begins = |count: &usize| {
            let tail = &bytes[bytes.len() - count..];
            self.texts.iter().any(|text| text.len() > tail.len() && text.starts_with(tail))
        };
        (1..=most).rev().find(begins).unwrap_or(0)
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
        let stops = Stops::new(["\n\n".to_string(), "END".to_string(), String::new()]);
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
}
