//! Reads little-endian numbers and strings, and never past the end.

use super::GgufError;

/// A place in a file.
pub(super) struct Cursor<'file> {
    bytes: &'file [u8],
    offset: usize,
}

impl<'file> Cursor<'file> {
    pub(super) fn new(bytes: &'file [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes that are left.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.offset
    }

    pub(super) fn take(&mut self, count: u64, what: &'static str) -> Result<&'file [u8], GgufError> {
        let truncated = GgufError::Truncated { what, offset: self.offset };
        let count = usize::try_from(count).map_err(|_| truncated.clone())?;
        let rest = &self.bytes[self.offset..];
        let taken = rest.get(..count).ok_or(truncated)?;
        self.offset += count;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], GgufError> {
        let taken = self.take(N as u64, what)?;
        Ok(taken.try_into().expect("`take` gives as many bytes as asked"))
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    pub(super) fn text(&mut self, what: &'static str) -> Result<String, GgufError> {
        let length = self.u64(what)?;
        let offset = self.offset;
        let bytes = self.take(length, what)?;
        let text = std::str::from_utf8(bytes).map_err(|_| GgufError::Text { offset })?;
        Ok(text.to_owned())
    }

    /// A count of things that take at least one byte each, so that it can't exceed what is left.
    pub(super) fn count(&mut self, what: &'static str, max: u64) -> Result<u64, GgufError> {
        let count = self.u64(what)?;
        let max = max.min(self.left() as u64);
        if count > max { Err(GgufError::TooMany { what, count, max }) } else { Ok(count) }
    }
}
