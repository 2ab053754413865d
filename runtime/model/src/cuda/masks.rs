//! Which tokens may come, as rows of bits that stay on the device.
//!
//! States of a constraint come again, and free text has one mask for all: a row that is there already is not sent again. Rows
//! are found by a hash of what was asked and compared with it, so that a collision costs a row and never a wrong mask.

use crate::ask::Allowed;
use rustc_hash::{FxHashMap, FxHasher};
use sgl_kernels::cuda::{Buffer, CudaError, Device, Pinned};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What a row was made of.
#[derive(Debug, PartialEq, Eq)]
enum Held {
    Words(Box<[u64]>),
    Few(Box<[u32]>),
}

impl Held {
    fn is(&self, allowed: Allowed<'_>) -> bool {
        match (self, allowed) {
            (Self::Words(held), Allowed::Words(words)) => **held == *words,
            (Self::Few(held), Allowed::Few(ids)) => **held == *ids,
            _ => false,
        }
    }
}

/// The rows.
#[derive(Debug)]
pub(super) struct Masks {
    pub(super) there: Buffer<u32>,
    here: Pinned<u32>,
    /// Words of 32 tokens in a row.
    words: usize,
    held: Vec<Held>,
    /// How many of them the device has.
    sent: usize,
    by_hash: FxHashMap<u64, usize>,
    /// Rows of this pass by where their words lie: many draws share one mask.
    by_place: FxHashMap<(usize, usize), i32>,
}

impl Masks {
    /// Room for `rows` masks of a vocabulary.
    pub(super) fn new(device: &Arc<Device>, vocabulary: usize, rows: usize) -> Result<Self, CudaError> {
        let words = vocabulary.div_ceil(32);
        Ok(Self {
            there: Buffer::zeroed(device, rows * words)?,
            here: Pinned::zeroed(device, rows * words)?,
            words,
            held: Vec::new(),
            sent: 0,
            by_hash: FxHashMap::default(),
            by_place: FxHashMap::default(),
        })
    }

    /// Begins a pass that asks for up to `count` masks: forgets all rows if there might be no room.
    pub(super) fn begin(&mut self, count: usize) {
        self.by_place.clear();
        if (self.held.len() + count) * self.words > self.there.len() {
            self.held.clear();
            self.sent = 0;
            self.by_hash.clear();
        }
    }

    /// The row of a mask, to be sent if it is new; -1 if everything is allowed.
    pub(super) fn row(&mut self, allowed: Allowed<'_>) -> i32 {
        let mut hasher = FxHasher::default();
        let place = match allowed {
            Allowed::All => return -1,
            Allowed::Words(words) => (words.as_ptr().addr(), words.len()),
            Allowed::Few(ids) => (ids.as_ptr().addr(), ids.len()),
        };
        if let Some(row) = self.by_place.get(&place) {
            return *row;
        }
        match allowed {
            Allowed::All => {}
            Allowed::Words(words) => words.hash(&mut hasher),
            Allowed::Few(ids) => ids.hash(&mut hasher),
        }
        let hash = hasher.finish();
        let known = self.by_hash.get(&hash).copied().filter(|row| self.held[*row].is(allowed));
        let row = match known {
            Some(row) => row,
            None => self.hold(allowed, hash),
        };
        self.by_place.insert(place, row as i32);
        row as i32
    }

    /// Sends the rows that are new, in one piece.
    pub(super) fn send(&mut self) -> Result<(), CudaError> {
        let new = self.held.len() - self.sent;
        self.there.send(&self.here, self.sent * self.words, new * self.words)?;
        self.sent = self.held.len();
        Ok(())
    }

    fn hold(&mut self, allowed: Allowed<'_>, hash: u64) -> usize {
        let row = self.held.len();
        let at = row * self.words;
        let bits = &mut self.here.as_mut_slice()[at..at + self.words];
        write(allowed, bits);
        self.held.push(match allowed {
            Allowed::Words(words) => Held::Words(words.into()),
            Allowed::Few(ids) => Held::Few(ids.into()),
            Allowed::All => Held::Few(Box::default()),
        });
        self.by_hash.insert(hash, row);
        row
    }
}

/// Writes the bits of what is allowed. Tokens beyond the row are not in the vocabulary.
fn write(allowed: Allowed<'_>, bits: &mut [u32]) {
    match allowed {
        Allowed::All => bits.fill(u32::MAX),
        Allowed::Words(words) => {
            bits.fill(0);
            for (to, word) in bits.chunks_mut(2).zip(words) {
                to[0] = *word as u32;
                if let Some(upper) = to.get_mut(1) {
                    *upper = (*word >> 32) as u32;
                }
            }
        }
        Allowed::Few(ids) => {
            bits.fill(0);
            ids.iter().for_each(|id| bits[*id as usize / 32] |= 1 << (id % 32));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_words_or_ids() {
        let mut bits = [7u32; 3];
        write(Allowed::Words(&[0x8000_0001_0000_0002, 5]), &mut bits);
        assert_eq!(bits, [2, 0x8000_0001, 5]);
        write(Allowed::Few(&[0, 33, 95]), &mut bits);
        assert_eq!(bits, [1, 2, 1 << 31]);
    }

    #[test]
    fn what_is_held_is_compared_by_contents_and_kind() {
        let held = Held::Few([1, 2].into());
        assert!(held.is(Allowed::Few(&[1, 2])));
        assert!(!held.is(Allowed::Few(&[1, 3])));
        assert!(!held.is(Allowed::Words(&[6])));
    }
}
