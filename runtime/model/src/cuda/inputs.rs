//! What changes from pass to pass, packed into one copy to the device.

use bytemuck::Pod;
use sgl_kernels::cuda::{Buffer, CudaError, Device, DrawRow, Pinned, SeenToken};
use std::sync::Arc;

/// How many of each there is room for in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) rows: usize,
    pub(super) outputs: usize,
    pub(super) tiles: usize,
    pub(super) pairs: usize,
    pub(super) seen: usize,
}

/// Byte offsets of the parts, for given counts; each part is aligned to 16 bytes.
#[derive(Clone, Copy, Debug)]
struct Layout {
    parts: [usize; 13],
    bytes: usize,
}

impl Layout {
    fn new(counts: Counts) -> Self {
        let Counts { rows, outputs, tiles, pairs, seen } = counts;
        let sizes = [
            16,
            outputs * size_of::<DrawRow>(),
            seen * size_of::<SeenToken>(),
            tiles * 16,
            tiles * 4,
            pairs * 8,
            rows * 4,
            rows * 4,
            rows * 4,
            rows * 4,
            rows * 4,
            rows * 4,
            rows * 4,
        ];
        let mut at = 0;
        let parts = sizes.map(|size| {
            let start = at;
            at += size.next_multiple_of(16);
            start
        });
        // The picked rows come last, in place of nothing else.
        Self { parts, bytes: at + (outputs * 4).next_multiple_of(16) }
    }

    fn picked(&self, counts: Counts) -> usize {
        self.bytes - (counts.outputs * 4).next_multiple_of(16)
    }
}

/// The contents of a pass's inputs.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) draws: Vec<DrawRow>,
    pub(super) seen: Vec<SeenToken>,
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
            outputs: self.draws.len().max(1),
            tiles: self.tiles.len().max(1),
            pairs: self.pairs.len().max(1),
            seen: self.seen.len().max(1),
        }
    }
}

/// The parts on the device.
#[derive(Debug)]
pub(super) struct Views {
    pub(super) counts: Buffer<i32>,
    pub(super) draws: Buffer<DrawRow>,
    pub(super) seen: Buffer<SeenToken>,
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
    here: Pinned<u8>,
    there: Buffer<u8>,
}

impl Inputs {
    /// Room for passes of up to these counts.
    pub(super) fn new(device: &Arc<Device>, most: Counts) -> Result<Self, CudaError> {
        let bytes = Layout::new(most).bytes;
        Ok(Self { here: Pinned::zeroed(device, bytes)?, there: Buffer::zeroed(device, bytes)? })
    }

    /// Where the parts are on the device when they are packed for `counts`.
    pub(super) fn views(&self, counts: Counts) -> Result<Views, CudaError> {
        let layout = Layout::new(counts);
        let p = layout.parts;
        let Counts { rows, outputs, tiles, pairs, seen } = counts;
        Ok(Views {
            counts: self.there.part(p[0], 4)?,
            draws: self.there.part(p[1], outputs)?,
            seen: self.there.part(p[2], seen)?,
            tiles: self.there.part(p[3], tiles)?,
            tile_lengths: self.there.part(p[4], tiles)?,
            pairs: self.there.part(p[5], pairs)?,
            tokens: self.there.part(p[6], rows)?,
            positions: self.there.part(p[7], rows)?,
            slots: self.there.part(p[8], rows)?,
            sequences: self.there.part(p[9], rows)?,
            lengths: self.there.part(p[10], rows)?,
            members: self.there.part(p[11], rows)?,
            shared: self.there.part(p[12], rows)?,
            picked: self.there.part(layout.picked(counts), outputs)?,
        })
    }

    /// Packs for `counts`, which are at least the contents' own, and begins the copy.
    pub(super) fn upload(&mut self, contents: &Contents, counts: Counts) -> Result<(), CudaError> {
        let layout = Layout::new(counts);
        let here = self.here.as_mut_slice();
        let p = layout.parts;
        put(here, p[0], &[contents.pairs.len() as i32]);
        put(here, p[1], &contents.draws);
        put(here, p[2], &contents.seen);
        put(here, p[3], &contents.tiles);
        put(here, p[4], &contents.tile_lengths);
        put(here, p[5], &contents.pairs);
        put(here, p[6], &contents.tokens);
        put(here, p[7], &contents.positions);
        put(here, p[8], &contents.slots);
        put(here, p[9], &contents.sequences);
        put(here, p[10], &contents.lengths);
        put(here, p[11], &contents.members);
        put(here, p[12], &contents.shared);
        put(here, layout.picked(counts), &contents.picked);
        self.there.write_pinned(0, &self.here, layout.bytes)
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
        let counts = Counts { rows: 5, outputs: 3, tiles: 2, pairs: 7, seen: 1 };
        let layout = Layout::new(counts);
        let starts = [&layout.parts[..], &[layout.picked(counts), layout.bytes]].concat();
        assert!(starts.iter().all(|start| start.is_multiple_of(16)));
        assert!(starts.is_sorted());
        assert_eq!(layout.parts[2] - layout.parts[1], 3 * size_of::<DrawRow>());
        assert!(layout.bytes - layout.picked(counts) >= 12);
    }
}
