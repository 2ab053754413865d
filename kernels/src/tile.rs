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
use crate::lanes::{Lanes, Token};
use crate::limits::LANES;

/// 16-bit words of 16 halves.
const HALVES: usize = LANES;
/// 16-bit words of a plane.
pub(crate) const PLANE: usize = 2 * LANES;

/// How a quantized format lies in a tile: 16 halves for each scale, then planes.
pub(crate) trait Quantized: Copy {
    /// Scales of a row: `d`, or `d` and `m`.
    const HALVES: usize;
    /// 4 of 4-bit codes, 8 of 8-bit codes.
    const PLANES: usize;
    /// What codes are too large by.
    const BIAS: i32;
    /// 16-bit words of 16 rows and 32 columns.
    const WORDS: usize = Self::HALVES * HALVES + Self::PLANES * PLANE;
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

/// For each of `M` tokens, in 16 lanes: `starts` plus the dot product of a block's codes of 32 columns with the token's.
#[inline(always)]
pub(crate) fn dots<Q: Quantized, L: Lanes, const M: usize>(
    simd: L,
    block: &[u16],
    x: &[Token; M],
    starts: [i32; M],
) -> [L::Integers; M] {
    let planes = block[Q::HALVES * HALVES..].as_chunks::<PLANE>().0;
    let mut quads = [simd.splat_integer(0); 8];
    for plane in 0..Q::PLANES {
        let bytes = simd.load_bytes(&planes[plane]);
        if Q::PLANES == 4 {
            quads[plane] = simd.low_nibbles(bytes);
            quads[4 + plane] = simd.high_nibbles(bytes);
        } else {
            quads[plane] = bytes;
        }
    }
    let mut dots = [simd.splat_integer(0); M];
    for t in 0..M {
        // Two chains, because a dot product takes 4 cycles and the other tokens may be too few to hide it.
        let mut even = simd.splat_integer(starts[t]);
        let mut odd = simd.splat_integer(0);
        for pair in 0..4 {
            even = simd.dot4(even, quads[2 * pair], x[t][2 * pair]);
            odd = simd.dot4(odd, quads[2 * pair + 1], x[t][2 * pair + 1]);
        }
        dots[t] = simd.add_integers(even, odd);
    }
    dots
}

/// `d` of each row of a block, and `m` in formats that have one.
#[inline(always)]
pub(crate) fn scales<Q: Quantized, L: Lanes>(simd: L, block: &[u16]) -> (L::Floats, Option<L::Floats>) {
    let offsets = if Q::HALVES == 2 { Some(simd.widen_f16(part(block, HALVES))) } else { None };
    (simd.widen_f16(part(block, 0)), offsets)
}

impl Quantized for Q4_0 {
    const HALVES: usize = 1;
    const PLANES: usize = 4;
    const BIAS: i32 = 8;
}

impl Quantized for Q4_1 {
    const HALVES: usize = 2;
    const PLANES: usize = 4;
    const BIAS: i32 = 0;
}

impl Quantized for Q8_0 {
    const HALVES: usize = 1;
    const PLANES: usize = 8;
    const BIAS: i32 = 128;
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
