//! Byte offsets to lines and columns.

/// A place as people and editors count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// In UTF-16 code units, from 0, as the editor protocol counts.
    pub column_utf16: usize,
}

/// The position of byte `offset`, which is clamped to a character boundary of `text`.
pub fn position(text: &str, offset: usize) -> Position {
    let offset = text.floor_char_boundary(offset.min(text.len()));
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let in_line = &before[line_start..];
    Position {
        line: before.bytes().filter(|b| *b == b'\n').count() + 1,
        column: in_line.chars().count() + 1,
        column_utf16: in_line.encode_utf16().count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_utf16_units() {
        let at = position("a\né😀x", "a\né😀".len());
        assert_eq!(at, Position { line: 2, column: 3, column_utf16: 3 });
    }
}
