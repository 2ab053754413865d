//! [`Lanes`] as two 256-bit registers, for CPUs without AVX-512.
//!
//! The byte dot product has no instruction here: for the few products outside of tiles even and odd bytes are widened to 16
//! bits and multiplied with `vpmaddwd`; tiles have a form of their own.

mod tile;

use super::{InstructionSet, Kernel, Lanes, Level};
use crate::limits::LANES;
use crate::tile::Quantized;
use std::arch::x86_64::*;

/// Proof that the CPU has AVX2, FMA and F16C.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

/// Runs `kernel` with these instructions.
#[inline]
pub(super) fn run<K: Kernel>(set: InstructionSet, kernel: K) -> K::Output {
    assert!(set.0 == Level::Avx2, "an instruction set was mistaken for another");
    // SAFETY: a set of this level is made only where the CPU reported these features.
    unsafe { enabled(kernel) }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn enabled<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx2(()))
}

/// Lanes 0 to 7 and 8 to 15.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<T>(T, T);

/// An intrinsic that works on registers, or on memory that is as long as its type says.
macro_rules! intrinsic {
    ($call:expr) => {{
        // SAFETY: `self` is the proof that the CPU has the instruction; operands are values, or references to arrays
        // of 64 bytes (32 for halves) that two unaligned loads or stores fill exactly, the second from the middle.
        unsafe { $call }
    }};
}

/// The same intrinsic on both halves of its operands.
macro_rules! both {
    ($name:ident, $($operand:expr),+) => {
        intrinsic!(Pair($name($($operand.0),+), $name($($operand.1),+)))
    };
}

impl Lanes for Avx2 {
    const WIDE: bool = false;

    type Floats = Pair<__m256>;
    type Integers = Pair<__m256i>;

    #[inline(always)]
    fn splat(self, value: f32) -> Pair<__m256> {
        intrinsic!(Pair(_mm256_set1_ps(value), _mm256_set1_ps(value)))
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Pair<__m256> {
        intrinsic!(Pair(_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))))
    }

    #[inline(always)]
    fn store(self, floats: Pair<__m256>, to: &mut [f32; LANES]) {
        intrinsic!({
            _mm256_storeu_ps(to.as_mut_ptr(), floats.0);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), floats.1);
        });
    }

    #[inline(always)]
    fn widen_f16(self, from: &[u16; LANES]) -> Pair<__m256> {
        intrinsic!({
            let low = _mm_loadu_si128(from.as_ptr().cast());
            let high = _mm_loadu_si128(from.as_ptr().add(8).cast());
            Pair(_mm256_cvtph_ps(low), _mm256_cvtph_ps(high))
        })
    }

    #[inline(always)]
    fn widen_bf16(self, from: &[u16; LANES]) -> Pair<__m256> {
        intrinsic!({
            let low = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.as_ptr().cast()));
            let high = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.as_ptr().add(8).cast()));
            Pair(_mm256_castsi256_ps(_mm256_slli_epi32::<16>(low)), _mm256_castsi256_ps(_mm256_slli_epi32::<16>(high)))
        })
    }

    #[inline(always)]
    fn narrow_f16(self, floats: Pair<__m256>, to: &mut [u16; LANES]) {
        intrinsic!({
            let low = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(floats.0);
            let high = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(floats.1);
            _mm_storeu_si128(to.as_mut_ptr().cast(), low);
            _mm_storeu_si128(to.as_mut_ptr().add(8).cast(), high);
        });
    }

    #[inline(always)]
    fn add(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        both!(_mm256_add_ps, a, b)
    }

    #[inline(always)]
    fn mul(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        both!(_mm256_mul_ps, a, b)
    }

    #[inline(always)]
    fn div(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        both!(_mm256_div_ps, a, b)
    }

    #[inline(always)]
    fn mul_add(self, a: Pair<__m256>, b: Pair<__m256>, c: Pair<__m256>) -> Pair<__m256> {
        both!(_mm256_fmadd_ps, a, b, c)
    }

    #[inline(always)]
    fn max(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        both!(_mm256_max_ps, a, b)
    }

    #[inline(always)]
    fn min(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        both!(_mm256_min_ps, a, b)
    }

    #[inline(always)]
    fn round(self, a: Pair<__m256>) -> Pair<__m256> {
        intrinsic!(Pair(
            _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a.0),
            _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a.1),
        ))
    }

    #[inline(always)]
    fn two_to(self, exponents: Pair<__m256>) -> Pair<__m256> {
        intrinsic!({
            let bias = _mm256_set1_epi32(127);
            let low = _mm256_add_epi32(_mm256_cvtps_epi32(exponents.0), bias);
            let high = _mm256_add_epi32(_mm256_cvtps_epi32(exponents.1), bias);
            Pair(_mm256_castsi256_ps(_mm256_slli_epi32::<23>(low)), _mm256_castsi256_ps(_mm256_slli_epi32::<23>(high)))
        })
    }

    #[inline(always)]
    fn first(self, count: usize, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        intrinsic!({
            let count = _mm256_set1_epi32(count.min(LANES) as i32);
            let low = _mm256_cmpgt_epi32(count, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
            let high = _mm256_cmpgt_epi32(count, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15));
            Pair(
                _mm256_blendv_ps(b.0, a.0, _mm256_castsi256_ps(low)),
                _mm256_blendv_ps(b.1, a.1, _mm256_castsi256_ps(high)),
            )
        })
    }

    #[inline(always)]
    fn sum(self, a: Pair<__m256>) -> f32 {
        intrinsic!({
            let a = _mm256_add_ps(a.0, a.1);
            let a = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let a = _mm_add_ps(a, _mm_movehl_ps(a, a));
            _mm_cvtss_f32(_mm_add_ss(a, _mm_shuffle_ps::<1>(a, a)))
        })
    }

    #[inline(always)]
    fn greatest(self, a: Pair<__m256>) -> f32 {
        intrinsic!({
            let a = _mm256_max_ps(a.0, a.1);
            let a = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let a = _mm_max_ps(a, _mm_movehl_ps(a, a));
            _mm_cvtss_f32(_mm_max_ss(a, _mm_shuffle_ps::<1>(a, a)))
        })
    }

    #[inline(always)]
    fn transpose(self, rows: [Pair<__m256>; LANES]) -> [Pair<__m256>; LANES] {
        let mut columns = rows;
        for half in 0..2 {
            let (mut left, mut right) = ([rows[0].0; 8], [rows[0].0; 8]);
            for i in 0..8 {
                (left[i], right[i]) = (rows[8 * half + i].0, rows[8 * half + i].1);
            }
            let (left, right) = (transpose_eight(self, left), transpose_eight(self, right));
            for i in 0..8 {
                if half == 0 {
                    (columns[i].0, columns[8 + i].0) = (left[i], right[i]);
                } else {
                    (columns[i].1, columns[8 + i].1) = (left[i], right[i]);
                }
            }
        }
        columns
    }

    #[inline(always)]
    fn splat_integer(self, value: i32) -> Pair<__m256i> {
        intrinsic!(Pair(_mm256_set1_epi32(value), _mm256_set1_epi32(value)))
    }

    #[inline(always)]
    fn load_bytes(self, from: &[u16; 2 * LANES]) -> Pair<__m256i> {
        intrinsic!(Pair(_mm256_loadu_si256(from.as_ptr().cast()), _mm256_loadu_si256(from.as_ptr().add(LANES).cast()),))
    }

    #[inline(always)]
    fn as_floats(self, bits: Pair<__m256i>) -> Pair<__m256> {
        both!(_mm256_castsi256_ps, bits)
    }

    #[inline(always)]
    fn low_nibbles(self, bytes: Pair<__m256i>) -> Pair<__m256i> {
        intrinsic!({
            let mask = _mm256_set1_epi8(0x0f);
            Pair(_mm256_and_si256(bytes.0, mask), _mm256_and_si256(bytes.1, mask))
        })
    }

    #[inline(always)]
    fn high_nibbles(self, bytes: Pair<__m256i>) -> Pair<__m256i> {
        let shifted = intrinsic!(Pair(_mm256_srli_epi16::<4>(bytes.0), _mm256_srli_epi16::<4>(bytes.1)));
        self.low_nibbles(shifted)
    }

    #[inline(always)]
    fn add_integers(self, a: Pair<__m256i>, b: Pair<__m256i>) -> Pair<__m256i> {
        both!(_mm256_add_epi32, a, b)
    }

    #[inline(always)]
    fn dot4(self, sums: Pair<__m256i>, codes: Pair<__m256i>, activations: u32) -> Pair<__m256i> {
        intrinsic!({
            let activations = _mm256_set1_epi32(activations as i32);
            let even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(activations));
            let odd = _mm256_srai_epi16::<8>(activations);
            let mask = _mm256_set1_epi16(0x00ff);
            let low = _mm256_add_epi32(
                _mm256_madd_epi16(_mm256_and_si256(codes.0, mask), even),
                _mm256_madd_epi16(_mm256_srli_epi16::<8>(codes.0), odd),
            );
            let high = _mm256_add_epi32(
                _mm256_madd_epi16(_mm256_and_si256(codes.1, mask), even),
                _mm256_madd_epi16(_mm256_srli_epi16::<8>(codes.1), odd),
            );
            Pair(_mm256_add_epi32(sums.0, low), _mm256_add_epi32(sums.1, high))
        })
    }

    #[inline(always)]
    fn times_tile<Q: Quantized, const M: usize>(self, tile: &[u16], group: &[u32]) -> [Pair<__m256>; M] {
        tile::times::<Q, M>(self, tile, group)
    }

    #[inline(always)]
    fn dot_step(self, sums: Pair<__m256i>, codes: Pair<__m256i>, activations: u32) -> Pair<__m256i> {
        intrinsic!({
            let activations = _mm256_set1_epi32(activations.cast_signed());
            let low = _mm256_maddubs_epi16(codes.0, activations);
            let high = _mm256_maddubs_epi16(codes.1, activations);
            Pair(_mm256_add_epi16(sums.0, low), _mm256_add_epi16(sums.1, high))
        })
    }

    #[inline(always)]
    fn to_floats(self, integers: Pair<__m256i>) -> Pair<__m256> {
        both!(_mm256_cvtepi32_ps, integers)
    }

    #[inline(always)]
    fn narrow_bytes(self, floats: Pair<__m256>, to: &mut [i8; LANES]) {
        intrinsic!({
            // Lanes 0-3 and 8-11, then 4-7 and 12-15: packing goes by halves of registers.
            let words = _mm256_packs_epi32(_mm256_cvtps_epi32(floats.0), _mm256_cvtps_epi32(floats.1));
            let words = _mm256_permute4x64_epi64::<0b1101_1000>(words);
            let bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(to.as_mut_ptr().cast(), bytes);
        });
    }
}

/// Lane `j` of row `i` becomes lane `i` of row `j`.
#[inline(always)]
fn transpose_eight(_: Avx2, rows: [__m256; 8]) -> [__m256; 8] {
    intrinsic!({
        let mut pairs = rows;
        for i in 0..4 {
            pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
            pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
        }
        // `quads[4 * i + j]` holds, in each half `h`, column `4 * h + j` of rows `4 * i ..= 4 * i + 3`.
        let mut quads = rows;
        for i in 0..2 {
            let [a, b, c, d] = [pairs[4 * i], pairs[4 * i + 1], pairs[4 * i + 2], pairs[4 * i + 3]];
            quads[4 * i] = _mm256_shuffle_ps::<0x44>(a, c);
            quads[4 * i + 1] = _mm256_shuffle_ps::<0xee>(a, c);
            quads[4 * i + 2] = _mm256_shuffle_ps::<0x44>(b, d);
            quads[4 * i + 3] = _mm256_shuffle_ps::<0xee>(b, d);
        }
        let mut columns = rows;
        for j in 0..4 {
            columns[j] = _mm256_permute2f128_ps::<0x20>(quads[j], quads[4 + j]);
            columns[4 + j] = _mm256_permute2f128_ps::<0x31>(quads[j], quads[4 + j]);
        }
        columns
    })
}
