//! Weights as kernels read them: tiles of 16 output rows, one row in each lane.
//!
//! A tile runs over all columns, in units of a block of 32 columns (quantized) or of one column (floats):
//!
//! ```text
//! Q4_0  [16 d][4 planes]           288 bytes   Q4_1  [16 d][16 m][4 planes]   320 bytes
//! Q8_0  [16 d][8 planes]           544 bytes   floats [16 numbers]
//! ```
//! `d` and `m` are halves. A plane is 64 bytes, four for each lane. Plane `p` of 4-bit codes holds columns
//! `4p..4p+4` in the lower halves of its bytes and `16+4p..16+4p+4` in the upper; plane `p` of 8-bit codes holds
//! columns `4p..4p+4`. So four bytes of a lane meet four bytes of activations in one `vpdpbusd`.
//!
//! Codes are unsigned. What they are too large by, 8 in Q4_0 and 128 in Q8_0 (whose codes are stored with the sign
//! bit flipped), is taken off the integer sum, exactly. Packing moves bytes and flips bits, nothing else.

use crate::Format;
use crate::lanes::{Lanes, Planes, Token};
use crate::limits::LANES;

/// 16-bit words of 16 halves.
const HALVES: usize = LANES;
/// 16-bit words of a plane.
const PLANE: usize = 2 * LANES;

/// How a quantized format lies in a tile.
pub(crate) trait Quantized: Copy {
    /// 16-bit words of 16 rows and 32 columns.
    const WORDS: usize;
    /// What codes are too large by.
    const BIAS: i32;

    /// For each of `M` tokens, in 16 lanes: `starts` plus the dot product of the codes of 32 columns with the token's.
    fn dots<L: Lanes, const M: usize>(simd: L, block: &[u16], x: &[Token; M], starts: [i32; M]) -> [L::Integers; M];

    /// `d` of each row, and `m` in formats that have one.
    fn scales<L: Lanes>(simd: L, block: &[u16]) -> (L::Floats, Option<L::Floats>);
}

/// How floats lie in a tile.
pub(crate) trait Plain: Copy {
    /// 16-bit words of 16 rows and one column.
    const WORDS: usize;

    fn column<L: Lanes>(simd: L, column: &[u16]) -> L::Floats;
}

/// 16-bit words of a tile's unit: one block of columns, or one column.
pub(crate) fn unit_words(format: Format) -> usize {
    match format {
        Format::F32 => F32::WORDS,
        Format::F16 => F16::WORDS,
        Format::BF16 => BF16::WORDS,
        Format::Q4_0 => Q4_0::WORDS,
        Format::Q4_1 => Q4_1::WORDS,
        Format::Q8_0 => Q8_0::WORDS,
    }
}

#[derive(Clone, Copy)]
pub(crate) struct F32;
#[derive(Clone, Copy)]
pub(crate) struct F16;
#[derive(Clone, Copy)]
pub(crate) struct BF16;
#[derive(Clone, Copy)]
pub(crate) struct Q4_0;
#[derive(Clone, Copy)]
pub(crate) struct Q4_1;
#[derive(Clone, Copy)]
pub(crate) struct Q8_0;

#[inline(always)]
fn part<const N: usize>(words: &[u16], from: usize) -> &[u16; N] {
    words[from..].first_chunk().expect("a block is as long as its format says")
}

/// The planes of a block, which follow its halves.
#[inline(always)]
fn planes<const N: usize>(words: &[u16], from: usize) -> &Planes<N> {
    let planes = words[from..].as_chunks::<PLANE>().0;
    planes.first_chunk().expect("a block is as long as its format says")
}

impl Quantized for Q4_0 {
    const WORDS: usize = HALVES + 4 * PLANE;
    const BIAS: i32 = 8;

    #[inline(always)]
    fn dots<L: Lanes, const M: usize>(simd: L, block: &[u16], x: &[Token; M], starts: [i32; M]) -> [L::Integers; M] {
        simd.dot_nibbles(planes(block, HALVES), x, starts)
    }

    #[inline(always)]
    fn scales<L: Lanes>(simd: L, block: &[u16]) -> (L::Floats, Option<L::Floats>) {
        (simd.widen_f16(part(block, 0)), None)
    }
}

impl Quantized for Q4_1 {
    const WORDS: usize = 2 * HALVES + 4 * PLANE;
    const BIAS: i32 = 0;

    #[inline(always)]
    fn dots<L: Lanes, const M: usize>(simd: L, block: &[u16], x: &[Token; M], starts: [i32; M]) -> [L::Integers; M] {
        simd.dot_nibbles(planes(block, 2 * HALVES), x, starts)
    }

    #[inline(always)]
    fn scales<L: Lanes>(simd: L, block: &[u16]) -> (L::Floats, Option<L::Floats>) {
        (simd.widen_f16(part(block, 0)), Some(simd.widen_f16(part(block, HALVES))))
    }
}

impl Quantized for Q8_0 {
    const WORDS: usize = HALVES + 8 * PLANE;
    const BIAS: i32 = 128;

    #[inline(always)]
    fn dots<L: Lanes, const M: usize>(simd: L, block: &[u16], x: &[Token; M], starts: [i32; M]) -> [L::Integers; M] {
        simd.dot_bytes(planes(block, HALVES), x, starts)
    }

    #[inline(always)]
    fn scales<L: Lanes>(simd: L, block: &[u16]) -> (L::Floats, Option<L::Floats>) {
        (simd.widen_f16(part(block, 0)), None)
    }
}

impl Plain for F32 {
    const WORDS: usize = 2 * LANES;

    #[inline(always)]
    fn column<L: Lanes>(simd: L, column: &[u16]) -> L::Floats {
        simd.as_floats(simd.load_bytes(part(column, 0)))
    }
}

impl Plain for F16 {
    const WORDS: usize = LANES;

    #[inline(always)]
    fn column<L: Lanes>(simd: L, column: &[u16]) -> L::Floats {
        simd.widen_f16(part(column, 0))
    }
}

impl Plain for BF16 {
    const WORDS: usize = LANES;

    #[inline(always)]
    fn column<L: Lanes>(simd: L, column: &[u16]) -> L::Floats {
        simd.widen_bf16(part(column, 0))
    }
}

/// Where a file's block of row `lane` goes in a tile's unit: its `index`th 16-bit word, and where that comes from.
///
/// Calls `word(place in the unit, place in the block's 16-bit words)` for each word of a block.
pub(crate) fn words_of_block(format: Format, lane: usize, mut word: impl FnMut(usize, usize)) {
    let (halves, planes) = match format {
        Format::F16 | Format::BF16 => (1, 0),
        // A float is two words side by side.
        Format::F32 => return (0..2).for_each(|half| word(2 * lane + half, half)),
        Format::Q4_0 => (1, 4),
        Format::Q4_1 => (2, 4),
        Format::Q8_0 => (1, 8),
    };
    for half in 0..halves {
        word(half * HALVES + lane, half);
    }
    for plane in 0..planes {
        for half in 0..2 {
            let place = halves * HALVES + plane * PLANE + 2 * lane + half;
            word(place, halves + 2 * plane + half);
        }
    }
}

/// What is flipped in the `index`th word of a file's block: the signs of signed codes.
pub(crate) fn flipped(format: Format, index: usize) -> u16 {
    if format == Format::Q8_0 && index > 0 { 0x8080 } else { 0 }
}
