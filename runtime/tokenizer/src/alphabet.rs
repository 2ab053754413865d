//! How a vocabulary spells bytes as text.
//!
//! A vocabulary file holds strings, a model speaks bytes. Two spellings are in use: GPT-2's byte-level alphabet, in
//! which each byte is one printable character (`Ġ` is a space), and SentencePiece's, in which `▁` is a space and
//! `<0x0A>` is a byte.

/// A spelling of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// One character for each byte, as in GPT-2.
    ByteLevel,
    /// Plain text with `▁` for a space, and `<0xNN>` for a byte that is no text.
    SentencePiece,
}

impl Alphabet {
    /// The bytes that `token` stands for. A token that the alphabet can't spell is plain text.
    pub(crate) fn bytes(self, token: &str) -> Box<[u8]> {
        match self {
            Self::ByteLevel => byte_level(token).unwrap_or_else(|| token.as_bytes().into()),
            Self::SentencePiece => match byte_escape(token) {
                Some(byte) => Box::new([byte]),
                None => token.replace('▁', " ").into_bytes().into_boxed_slice(),
            },
        }
    }
}

/// The bytes of a byte-level token, or `None` if a character is not of the alphabet.
fn byte_level(token: &str) -> Option<Box<[u8]>> {
    token.chars().map(byte_of).collect()
}

/// GPT-2 keeps the printable bytes of Latin-1 and shifts the other 68, in order, to U+0100 and up.
fn byte_of(character: char) -> Option<u8> {
    match u32::from(character) {
        code @ (0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) => u8::try_from(code).ok(),
        shifted @ 0x100..=0x143 => (0..=u8::MAX)
            .filter(|byte| !matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff))
            .nth(shifted as usize - 0x100),
        _ => None,
    }
}

/// The byte of `<0xNN>`.
fn byte_escape(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() != 2 {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_level_token_spells_space_and_newline_with_shifted_letters() {
        assert_eq!(&*Alphabet::ByteLevel.bytes("ĠHi"), b" Hi");
        assert_eq!(&*Alphabet::ByteLevel.bytes("Ċ"), b"\n");
    }

    #[test]
    fn the_byte_level_alphabet_has_one_character_for_every_byte() {
        let mut bytes: Vec<u8> = (0..=0x143).filter_map(char::from_u32).filter_map(byte_of).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn a_token_outside_the_alphabet_is_plain_text() {
        assert_eq!(&*Alphabet::ByteLevel.bytes("漢"), "漢".as_bytes());
    }

    #[test]
    fn a_sentencepiece_token_spells_spaces_and_single_bytes() {
        assert_eq!(&*Alphabet::SentencePiece.bytes("▁the"), b" the");
        assert_eq!(&*Alphabet::SentencePiece.bytes("<0x0A>"), b"\n");
        assert_eq!(&*Alphabet::SentencePiece.bytes("<0x0AB>"), b"<0x0AB>");
    }
}
