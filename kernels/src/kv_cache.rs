//! Keys and values of tokens, by slot.
//!
//! A slot holds one token in all layers; which token of which sequence is the caller's business, so that sequences
//! share to the token. Slots lie in segments of 64, `[segment][layer][kv_head][slot of the segment][head_dim]`, keys and values
//! apart, `head_dim` padded with zeros to 16: at 64 numbers in halves a row is two cache lines, and the 64 rows that a step
//! of attention reads are 8 kB in sequence. A cache whose first slots are used takes memory for these alone: with all slots
//! of a head in sequence, the first of each would take a huge page of its own, 360 MB for 30 layers of 3 heads.

use crate::KernelError;
use crate::error::{expect_below, expect_len};
use crate::lanes::{InstructionSet, Kernel, Lanes};
use crate::limits::{CACHE_SEGMENT, LANES};
use crate::region::Block;
use half::f16;

/// How keys and values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvFormat {
    /// Half precision: half the memory, 3 decimal digits.
    F16,
    /// Single precision, as computed.
    F32,
}

impl KvFormat {
    fn number_bytes(self) -> usize {
        match self {
            Self::F16 => size_of::<u16>(),
            Self::F32 => size_of::<f32>(),
        }
    }
}

/// Keys and values of as many tokens as there are slots.
#[derive(Debug)]
pub struct KvCache {
    layers: usize,
    kv_heads: usize,
    head_dim: usize,
    slots: usize,
    format: KvFormat,
    keys: Block,
    values: Block,
}

impl KvCache {
    /// An empty cache. Memory is taken from the system when a slot is first written.
    ///
    /// Panics if the size in bytes can't be addressed.
    pub fn new(layers: usize, kv_heads: usize, head_dim: usize, slots: usize, format: KvFormat) -> Self {
        let whole = slots.checked_next_multiple_of(CACHE_SEGMENT).expect("a cache is smaller than the address space");
        let sizes = [kv_heads, whole, head_dim.next_multiple_of(LANES), format.number_bytes()];
        let bytes = sizes.iter().try_fold(layers, |bytes, &size| bytes.checked_mul(size));
        let bytes = bytes.expect("a cache is smaller than the address space");
        let (keys, values) = (Block::alone(bytes), Block::alone(bytes));
        Self { layers, kv_heads, head_dim, slots, format, keys, values }
    }

    /// Slots are smaller than this.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Key-value heads of a layer.
    pub fn kv_heads(&self) -> usize {
        self.kv_heads
    }

    /// Numbers of a head.
    pub fn head_dim(&self) -> usize {
        self.head_dim
    }

    /// Layers.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// How numbers are stored.
    pub fn format(&self) -> KvFormat {
        self.format
    }

    /// Bytes of all slots.
    pub fn bytes(&self) -> usize {
        self.slots * self.slot_bytes()
    }

    /// Which row of [`Self::keys`] and [`Self::values`] a slot has for a head of a layer; each is of [`Self::row_bytes`].
    fn row(&self, layer: usize, head: usize, slot: u32) -> usize {
        let (segment, slot) = (slot as usize / CACHE_SEGMENT, slot as usize % CACHE_SEGMENT);
        ((segment * self.layers + layer) * self.kv_heads + head) * CACHE_SEGMENT + slot
    }

    /// Stores the key and the value of one token. Shapes: `key`, `value`: `[kv_heads, head_dim]`.
    ///
    /// Errors: as [`Self::store_batch`].
    pub fn store(&mut self, layer: usize, slot: u32, key: &[f32], value: &[f32]) -> Result<(), KernelError> {
        self.store_batch(layer, &[slot], key, value)
    }

    /// Stores the keys and values of tokens. Shapes: `slots`: `[m]`; `keys`, `values`: `[m, kv_heads, head_dim]`.
    ///
    /// Errors: [`KernelError::Index`] if there is no such layer or slot, [`KernelError::Shape`] if a length does not
    /// fit.
    pub fn store_batch(
        &mut self,
        layer: usize,
        slots: &[u32],
        keys: &[f32],
        values: &[f32],
    ) -> Result<(), KernelError> {
        expect_below("store", "layer", layer, self.layers)?;
        let token_len = self.kv_heads * self.head_dim;
        expect_len("store", "keys", keys.len(), slots.len() * token_len)?;
        expect_len("store", "values", values.len(), slots.len() * token_len)?;
        for &slot in slots {
            expect_below("store", "slots", slot as usize, self.slots)?;
        }
        for (index, &slot) in slots.iter().enumerate() {
            let token = index * token_len..(index + 1) * token_len;
            let heads = keys[token.clone()].chunks_exact(self.head_dim.max(1));
            let heads = heads.zip(values[token].chunks_exact(self.head_dim.max(1)));
            for (head, (key, value)) in heads.enumerate() {
                let start = self.row(layer, head, slot) * self.head_dim.next_multiple_of(LANES);
                write_row(&mut self.keys, self.format, start, key);
                write_row(&mut self.values, self.format, start, value);
            }
        }
        Ok(())
    }

    /// The key and the value of a slot, each `[kv_heads, head_dim]`.
    ///
    /// Errors: [`KernelError::Index`] if there is no such layer or slot.
    pub fn read(&self, layer: usize, slot: u32) -> Result<(Vec<f32>, Vec<f32>), KernelError> {
        expect_below("read", "layer", layer, self.layers)?;
        expect_below("read", "slot", slot as usize, self.slots)?;
        let row = |head: usize, of: fn(&Self, usize, usize) -> HeadRows<'_>| {
            let rows = of(self, layer, head);
            let start = rows.place().of(slot);
            (0..self.head_dim).map(|i| rows.number(start + i)).collect::<Vec<f32>>()
        };
        let keys = (0..self.kv_heads).flat_map(|head| row(head, Self::keys)).collect();
        let values = (0..self.kv_heads).flat_map(|head| row(head, Self::values)).collect();
        Ok((keys, values))
    }

    /// Bytes of one slot, as [`Self::save`] writes them.
    pub fn slot_bytes(&self) -> usize {
        2 * self.layers * self.kv_heads * self.row_bytes()
    }

    fn row_bytes(&self) -> usize {
        self.head_dim.next_multiple_of(LANES) * self.format.number_bytes()
    }

    /// Appends all that slots hold, slot by slot, as [`Self::restore`] reads it: in the cache's own format.
    ///
    /// Errors: [`KernelError::Index`] if there is no such slot.
    pub fn save(&self, slots: &[u32], to: &mut Vec<u8>) -> Result<(), KernelError> {
        let row = self.row_bytes();
        to.reserve(slots.len() * self.slot_bytes());
        for &slot in slots {
            expect_below("save", "slots", slot as usize, self.slots)?;
            for head in 0..self.layers * self.kv_heads {
                let start = self.row(0, head, slot) * row;
                to.extend_from_slice(&self.keys.as_slice::<u8>()[start..start + row]);
                to.extend_from_slice(&self.values.as_slice::<u8>()[start..start + row]);
            }
        }
        Ok(())
    }

    /// Writes what [`Self::save`] gave to as many slots, of this cache or of one of the same shape and format.
    ///
    /// Errors: [`KernelError::Index`] if there is no such slot, [`KernelError::Shape`] if the length does not fit.
    pub fn restore(&mut self, slots: &[u32], from: &[u8]) -> Result<(), KernelError> {
        expect_len("restore", "bytes", from.len(), slots.len() * self.slot_bytes())?;
        let row = self.row_bytes();
        let mut rows = from.chunks_exact(row.max(1));
        for &slot in slots {
            expect_below("restore", "slots", slot as usize, self.slots)?;
            for head in 0..self.layers * self.kv_heads {
                let start = self.row(0, head, slot) * row;
                for block in [&mut self.keys, &mut self.values] {
                    if let Some(row_bytes) = rows.next() {
                        block.as_mut_slice::<u8>()[start..start + row].copy_from_slice(row_bytes);
                    }
                }
            }
        }
        Ok(())
    }

    /// The keys of a head by slot.
    pub(crate) fn keys(&self, layer: usize, head: usize) -> HeadRows<'_> {
        self.head_rows(&self.keys, layer, head)
    }

    /// The values of a head by slot.
    pub(crate) fn values(&self, layer: usize, head: usize) -> HeadRows<'_> {
        self.head_rows(&self.values, layer, head)
    }

    fn head_rows<'a>(&self, block: &'a Block, layer: usize, head: usize) -> HeadRows<'a> {
        let stride = self.head_dim.next_multiple_of(LANES);
        let place = Place { stride, segment: self.layers * self.kv_heads * CACHE_SEGMENT * stride };
        let start = self.row(layer, head, 0) * stride;
        match self.format {
            KvFormat::F16 => HeadRows::F16(&block.as_slice()[start..], place),
            KvFormat::F32 => HeadRows::F32(&block.as_slice()[start..], place),
        }
    }
}

/// Where a slot's row begins among the numbers of a head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Numbers of a row: `head_dim`, padded to whole vectors with zeros.
    pub(crate) stride: usize,
    /// Numbers from one segment to the next.
    segment: usize,
}

impl Place {
    #[inline(always)]
    pub(crate) fn of(self, slot: u32) -> usize {
        slot as usize / CACHE_SEGMENT * self.segment + slot as usize % CACHE_SEGMENT * self.stride
    }
}

/// Numbers from a head's first row on, and where the others are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HeadRows<'a> {
    F16(&'a [u16], Place),
    F32(&'a [f32], Place),
}

impl HeadRows<'_> {
    fn place(self) -> Place {
        let (Self::F16(_, place) | Self::F32(_, place)) = self;
        place
    }

    fn number(self, index: usize) -> f32 {
        match self {
            Self::F16(numbers, _) => f16::from_bits(numbers[index]).to_f32(),
            Self::F32(numbers, _) => numbers[index],
        }
    }
}

fn write_row(block: &mut Block, format: KvFormat, start: usize, numbers: &[f32]) {
    match format {
        KvFormat::F16 => {
            let to = &mut block.as_mut_slice()[start..];
            InstructionSet::best().run(Narrow { numbers, to });
        }
        KvFormat::F32 => {
            block.as_mut_slice()[start..start + numbers.len()].copy_from_slice(numbers);
        }
    }
}

/// Writes numbers as halves, and zeros up to a multiple of 16.
struct Narrow<'a> {
    numbers: &'a [f32],
    to: &'a mut [u16],
}

impl Kernel for Narrow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, simd: L) {
        let (vectors, rest) = self.numbers.as_chunks::<LANES>();
        let mut to = self.to.as_chunks_mut().0.iter_mut();
        for (vector, to) in vectors.iter().zip(&mut to) {
            simd.narrow_f16(simd.load(vector), to);
        }
        if let (false, Some(to)) = (rest.is_empty(), to.next()) {
            let mut last = [0.0; LANES];
            last[..rest.len()].copy_from_slice(rest);
            simd.narrow_f16(simd.load(&last), to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::numbers;

    #[test]
    fn slots_keep_what_was_stored_in_them() {
        for (format, tolerance) in [(KvFormat::F32, 0.0), (KvFormat::F16, 5e-4)] {
            for head_dim in [6, 16, 20] {
                let mut cache = KvCache::new(2, 3, head_dim, 5, format);
                let len = 3 * head_dim;
                let (keys, values) = (numbers(1, 2 * len, 1.0), numbers(2, 2 * len, 1.0));
                cache.store_batch(1, &[4, 0], &keys, &values).unwrap();
                cache.store(0, 4, &values[..len], &keys[..len]).unwrap();
                let close = |found: &[f32], stored: &[f32]| {
                    found.len() == stored.len() && found.iter().zip(stored).all(|(a, b)| (a - b).abs() <= tolerance)
                };
                for (token, slot) in [4, 0].into_iter().enumerate() {
                    let (key, value) = cache.read(1, slot).unwrap();
                    assert!(close(&key, &keys[token * len..(token + 1) * len]));
                    assert!(close(&value, &values[token * len..(token + 1) * len]));
                }
                assert!(close(&cache.read(0, 4).unwrap().0, &values[..len]));
                assert!(close(&cache.read(1, 2).unwrap().0, &vec![0.0; len]));
            }
        }
    }

    #[test]
    fn what_is_saved_can_be_restored_elsewhere() {
        for format in [KvFormat::F32, KvFormat::F16] {
            let mut cache = KvCache::new(2, 3, 20, 5, format);
            let (keys, values) = (numbers(1, 120, 1.0), numbers(2, 120, 1.0));
            cache.store_batch(0, &[4, 0], &keys, &values).unwrap();
            cache.store_batch(1, &[4, 0], &values, &keys).unwrap();
            let mut bytes = Vec::new();
            cache.save(&[4, 0], &mut bytes).unwrap();
            assert_eq!(bytes.len(), 2 * cache.slot_bytes());
            let mut other = KvCache::new(2, 3, 20, 9, format);
            other.restore(&[8, 1], &bytes).unwrap();
            for layer in 0..2 {
                assert_eq!(other.read(layer, 8).unwrap(), cache.read(layer, 4).unwrap());
                assert_eq!(other.read(layer, 1).unwrap(), cache.read(layer, 0).unwrap());
            }
            assert!(other.restore(&[9], &bytes[..bytes.len() / 2]).is_err());
            assert!(other.restore(&[1], &bytes).is_err());
            assert!(cache.save(&[5], &mut bytes).is_err());
        }
    }

    #[test]
    fn slots_of_all_segments_are_apart() {
        let mut cache = KvCache::new(2, 2, 3, 2 * CACHE_SEGMENT + 5, KvFormat::F32);
        let token = |layer: usize, slot: u32| numbers((layer * 1_000 + slot as usize) as u64, 6, 1.0);
        for layer in 0..2 {
            for slot in 0..cache.slots() as u32 {
                cache.store(layer, slot, &token(layer, slot), &token(layer + 2, slot)).unwrap();
            }
        }
        for layer in 0..2 {
            for slot in 0..cache.slots() as u32 {
                assert_eq!(cache.read(layer, slot).unwrap(), (token(layer, slot), token(layer + 2, slot)));
            }
        }
    }

    #[test]
    fn the_cache_of_the_default_model_takes_23_kilobytes_per_token() {
        let cache = KvCache::new(30, 3, 64, 100, KvFormat::F16);
        assert_eq!((cache.slots(), cache.bytes()), (100, 100 * 23_040));
    }

    #[test]
    fn indices_and_shapes_outside_are_refused() {
        let mut cache = KvCache::new(1, 2, 4, 3, KvFormat::F32);
        let row = [0.0; 8];
        assert_eq!(cache.store(0, 2, &row, &row), Ok(()));
        assert!(matches!(cache.store(0, 3, &row, &row), Err(KernelError::Index { .. })));
        assert!(matches!(cache.store(1, 0, &row, &row), Err(KernelError::Index { .. })));
        assert!(matches!(cache.store(0, 0, &row[1..], &row), Err(KernelError::Shape { .. })));
        assert!(matches!(cache.store(0, 0, &row, &row[1..]), Err(KernelError::Shape { .. })));
        assert!(cache.read(0, 3).is_err());
    }
}
