//! What changes from pass to pass, packed into one copy to the device.
//!
//! There are two buffers here, taken in turn: one is filled while the other's copy may still wait for the pass before.

use bytemuck::Pod;
use sgl_kernels::cuda::{Buffer, CudaError, Device, Pinned};
use std::sync::Arc;

/// How many of each there is room for in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) rows: usize,
    /// Rows that are picked for outputs.
    pub(super) picked: usize,
    pub(super) tiles: usize,
    /// Changes of the table. They come last: room that is not used is not copied.
    pub(super) pairs: usize,
}

/// Byte offsets of the parts, for given counts; each part is aligned to 16 bytes.
#[derive(Clone, Copy, Debug)]
struct Layout {
    parts: [usize; 12],
    bytes: usize,
}

impl Layout {
    fn new(counts: Counts) -> Self {
        let Counts { rows, picked, tiles, pairs } = counts;
        let numbers = rows * 4;
        let sizes = [
            16,
            tiles * 16,
            tiles * 4,
            numbers,
            numbers,
            numbers,
            numbers,
            numbers,
            numbers,
            numbers,
            picked * 4,
            pairs * 8,
        ];
        let mut bytes = 0;
        let parts = sizes.map(|size: usize| {
            let start = bytes;
            bytes += size.next_multiple_of(16);
            start
        });
        Self { parts, bytes }
    }
}

/// The contents of a pass's inputs.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) tiles: Vec<[i32; 4]>,
    pub(super) tile_lengths: Vec<i32>,
    pub(super) pairs: Vec<[i32; 2]>,
    pub(super) tokens: Vec<i32>,
    pub(super) positions: Vec<i32>,
    pub(super) slots: Vec<i32>,
    pub(super) sequences: Vec<i32>,
    pub(super) lengths: Vec<i32>,
    pub(super) members: Vec<i32>,
    pub(super) shared: Vec<i32>,
    pub(super) picked: Vec<i32>,
}

impl Contents {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Exactly as much room as they take; at least one of each, so that every part has an address.
    pub(super) fn counts(&self) -> Counts {
        Counts {
            rows: self.tokens.len().max(1),
            picked: self.picked.len().max(1),
            tiles: self.tiles.len().max(1),
            pairs: self.pairs.len().max(1),
        }
    }
}

/// The parts on the device.
#[derive(Debug)]
pub(super) struct Views {
    pub(super) counts: Buffer<i32>,
    pub(super) tiles: Buffer<[i32; 4]>,
    pub(super) tile_lengths: Buffer<i32>,
    pub(super) pairs: Buffer<[i32; 2]>,
    pub(super) tokens: Buffer<i32>,
    pub(super) positions: Buffer<i32>,
    pub(super) slots: Buffer<i32>,
    pub(super) sequences: Buffer<i32>,
    pub(super) lengths: Buffer<i32>,
    pub(super) members: Buffer<i32>,
    pub(super) shared: Buffer<i32>,
    pub(super) picked: Buffer<i32>,
}

/// The inputs of a pass, here and on the device.
#[derive(Debug)]
pub(super) struct Inputs {
    here: [Pinned<u8>; 2],
    turn: usize,
    there: Buffer<u8>,
}

impl Inputs {
    /// Room for passes of up to these counts.
    pub(super) fn new(device: &Arc<Device>, most: Counts) -> Result<Self, CudaError> {
        let bytes = Layout::new(most).bytes;
        let here = [Pinned::zeroed(device, bytes)?, Pinned::zeroed(device, bytes)?];
        Ok(Self { here, turn: 0, there: Buffer::zeroed(device, bytes)? })
    }

    /// Where the parts are on the device when they are packed for `counts`.
    pub(super) fn views(&self, counts: Counts) -> Result<Views, CudaError> {
        let p = Layout::new(counts).parts;
        let Counts { rows, picked, tiles, pairs } = counts;
        Ok(Views {
            counts: self.there.part(p[0], 4)?,
            tiles: self.there.part(p[1], tiles)?,
            tile_lengths: self.there.part(p[2], tiles)?,
            tokens: self.there.part(p[3], rows)?,
            positions: self.there.part(p[4], rows)?,
            slots: self.there.part(p[5], rows)?,
            sequences: self.there.part(p[6], rows)?,
            lengths: self.there.part(p[7], rows)?,
            members: self.there.part(p[8], rows)?,
            shared: self.there.part(p[9], rows)?,
            picked: self.there.part(p[10], picked)?,
            pairs: self.there.part(p[11], pairs)?,
        })
    }

    /// Packs for `counts`, which are at least the contents' own, and begins the copy. The copy of the pass before the one before
    /// must have ended: that pass was read.
    pub(super) fn upload(&mut self, contents: &Contents, counts: Counts) -> Result<(), CudaError> {
        let p = Layout::new(counts).parts;
        self.turn = 1 - self.turn;
        let from = &mut self.here[self.turn];
        let here = from.as_mut_slice();
        put(here, p[0], &[contents.pairs.len() as i32]);
        put(here, p[1], &contents.tiles);
        put(here, p[2], &contents.tile_lengths);
        put(here, p[3], &contents.tokens);
        put(here, p[4], &contents.positions);
        put(here, p[5], &contents.slots);
        put(here, p[6], &contents.sequences);
        put(here, p[7], &contents.lengths);
        put(here, p[8], &contents.members);
        put(here, p[9], &contents.shared);
        put(here, p[10], &contents.picked);
        put(here, p[11], &contents.pairs);
        self.there.write_pinned(0, from, p[11] + size_of_val(&contents.pairs[..]))
    }
}

fn put<T: Pod>(here: &mut [u8], at: usize, numbers: &[T]) {
    let bytes = bytemuck::cast_slice(numbers);
    here[at..at + bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_aligned_and_do_not_overlap() {
        let layout = Layout::new(Counts { rows: 5, picked: 3, tiles: 2, pairs: 7 });
        let starts = [&layout.parts[..], &[layout.bytes]].concat();
        assert!(starts.iter().all(|start| start.is_multiple_of(16)));
        assert!(starts.is_sorted());
        assert_eq!((layout.parts[2] - layout.parts[1], layout.parts[4] - layout.parts[3]), (32, 32));
        assert!(layout.bytes - layout.parts[11] >= 56);
    }
}
