//! Inputs of tests: random by a seed, the same on every machine.

use crate::limits::BLOCK;
use crate::{Format, Matrix, dequantize};
use half::{bf16, f16};

/// A sequence of 64 random bits (SplitMix64, Steele et al. 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Between -1 and 1.
    pub(crate) fn number(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }
}

/// `count` numbers between `-largest` and `largest`.
pub(crate) fn numbers(seed: u64, count: usize, largest: f32) -> Vec<f32> {
    let mut random = Random(seed);
    (0..count).map(|_| random.number() * largest).collect()
}

/// The bytes of a random matrix as a file would hold them.
pub(crate) fn stored(seed: u64, format: Format, rows: usize, cols: usize) -> Vec<u8> {
    let mut random = Random(seed);
    let half = |number: f32| f16::from_f32(number).to_le_bytes();
    let mut bytes = Vec::new();
    for _ in 0..rows * cols / format.block_len() {
        match format {
            Format::F32 => bytes.extend(random.number().to_le_bytes()),
            Format::F16 => bytes.extend(half(random.number())),
            Format::BF16 => bytes.extend(bf16::from_f32(random.number()).to_le_bytes()),
            Format::Q4_0 | Format::Q8_0 => bytes.extend(half(random.number() * 0.1)),
            Format::Q4_1 => {
                bytes.extend(half(random.number() * 0.1));
                bytes.extend(half(random.number()));
            }
        }
        let codes = match format {
            Format::F32 | Format::F16 | Format::BF16 => 0,
            Format::Q4_0 | Format::Q4_1 => BLOCK / 2,
            Format::Q8_0 => BLOCK,
        };
        bytes.extend((0..codes).map(|_| random.next() as u8));
    }
    bytes
}

/// A random matrix: packed, and as numbers `[rows, cols]`.
pub(crate) fn matrix(seed: u64, format: Format, rows: usize, cols: usize) -> (Matrix, Vec<f32>) {
    let bytes = stored(seed, format, rows, cols);
    let mut plain = vec![0.0; rows * cols];
    dequantize(format, &bytes, &mut plain).expect("the bytes are whole blocks");
    (Matrix::pack(format, rows, cols, &bytes).expect("the bytes fit the shape"), plain)
}

/// All formats.
pub(crate) const FORMATS: [Format; 6] =
    [Format::F32, Format::F16, Format::BF16, Format::Q4_0, Format::Q4_1, Format::Q8_0];
