//! How files store weights: GGUF's block formats and plain floats.
//!
//! A block is 32 numbers of one row; `d` and `m` are halves, `q` codes; element `j` of a 4-bit block is the lower half
//! of byte `j`, element `16 + j` the upper half.
//!
//! ```text
//! Q4_0  [d][16 bytes]     18 bytes   value = d * (q - 8)
//! Q4_1  [d][m][16 bytes]  20 bytes   value = d * q + m
//! Q8_0  [d][32 bytes]     34 bytes   value = d * q, q signed
//! ```

use crate::KernelError;
use crate::error::{count_rows, expect_len};
use crate::limits::BLOCK;
use half::{bf16, f16};

/// A layout of weights in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// IEEE single precision, little endian.
    F32,
    /// IEEE half precision, little endian.
    F16,
    /// The upper half of single precision, little endian.
    BF16,
    /// 4 bits and a scale per 32.
    Q4_0,
    /// 4 bits, a scale and an offset per 32.
    Q4_1,
    /// 8 bits and a scale per 32.
    Q8_0,
}

impl Format {
    /// Numbers in a block.
    pub const fn block_len(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q8_0 => BLOCK,
        }
    }

    /// Bytes of a block.
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q8_0 => 34,
        }
    }

    /// Whether numbers are codes that share a scale.
    pub const fn is_quantized(self) -> bool {
        self.block_len() > 1
    }
}

/// Writes the numbers that `bytes` stand for.
///
/// Errors: [`KernelError::Rows`] if `bytes` are not whole blocks, [`KernelError::Shape`] if `out` has not one element
/// for each number.
pub fn dequantize(format: Format, bytes: &[u8], out: &mut [f32]) -> Result<(), KernelError> {
    let blocks = count_rows("dequantize", "bytes", bytes.len(), format.block_bytes())?;
    expect_len("dequantize", "out", out.len(), blocks * format.block_len())?;
    let blocks = bytes.chunks_exact(format.block_bytes());
    for (block, out) in blocks.zip(out.chunks_exact_mut(format.block_len())) {
        dequantize_block(format, block, out);
    }
    Ok(())
}

fn dequantize_block(format: Format, block: &[u8], out: &mut [f32]) {
    let half_at = |index: usize| f16::from_le_bytes([block[index], block[index + 1]]).to_f32();
    match format {
        Format::F32 => out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]),
        Format::F16 => out[0] = half_at(0),
        Format::BF16 => out[0] = bf16::from_le_bytes([block[0], block[1]]).to_f32(),
        Format::Q4_0 => {
            let d = half_at(0);
            let (low, high) = out.split_at_mut(BLOCK / 2);
            for ((&byte, low), high) in block[2..].iter().zip(low).zip(high) {
                *low = d * f32::from((byte & 15) as i8 - 8);
                *high = d * f32::from((byte >> 4) as i8 - 8);
            }
        }
        Format::Q4_1 => {
            let (d, m) = (half_at(0), half_at(2));
            let (low, high) = out.split_at_mut(BLOCK / 2);
            for ((&byte, low), high) in block[4..].iter().zip(low).zip(high) {
                *low = d * f32::from(byte & 15) + m;
                *high = d * f32::from(byte >> 4) + m;
            }
        }
        Format::Q8_0 => {
            let d = half_at(0);
            for (&byte, out) in block[2..].iter().zip(out) {
                *out = d * f32::from(byte as i8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(halves: &[f32], codes: impl IntoIterator<Item = u8>) -> Vec<u8> {
        let halves = halves.iter().flat_map(|&half| f16::from_f32(half).to_le_bytes());
        halves.chain(codes).collect()
    }

    fn numbers(format: Format, bytes: &[u8]) -> Vec<f32> {
        let mut out = vec![0.0; bytes.len() / format.block_bytes() * format.block_len()];
        dequantize(format, bytes, &mut out).unwrap();
        out
    }

    #[test]
    fn q4_0_counts_from_minus_eight() {
        let found = numbers(Format::Q4_0, &block(&[0.5], (0..16).map(|i| i | (15 - i) << 4)));
        let expected = (0..16).map(|i| (i as f32 - 8.0) * 0.5);
        assert!(found.into_iter().eq(expected.clone().chain(expected.rev())));
    }

    #[test]
    fn q4_1_counts_from_its_offset() {
        let found = numbers(Format::Q4_1, &block(&[2.0, -3.0], (0..16).map(|i| i << 4)));
        assert_eq!(found[..16], [-3.0; 16]);
        assert!(found[16..].iter().copied().eq((0..16).map(|i| i as f32 * 2.0 - 3.0)));
    }

    #[test]
    fn q8_0_codes_are_signed() {
        let found = numbers(Format::Q8_0, &block(&[0.25], (0..32).map(|i| (i as u8) << 3)));
        assert_eq!((found[1], found[15], found[16], found[31]), (2.0, 30.0, -32.0, -2.0));
    }

    #[test]
    fn floats_are_themselves() {
        assert_eq!(numbers(Format::F32, &1.5f32.to_le_bytes()), [1.5]);
        assert_eq!(numbers(Format::F16, &f16::from_f32(-0.1).to_le_bytes()), [-0.099_975_586]);
        assert_eq!(numbers(Format::BF16, &bf16::from_f32(3.0).to_le_bytes()), [3.0]);
    }

    #[test]
    fn a_part_of_a_block_is_refused() {
        let rows = KernelError::Rows { kernel: "dequantize", operand: "bytes", row: 20, found: 19 };
        assert_eq!(dequantize(Format::Q4_1, &[0; 19], &mut [0.0; 32]), Err(rows));
        assert!(dequantize(Format::Q4_1, &[0; 20], &mut [0.0; 31]).is_err());
    }
}
