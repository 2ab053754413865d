//! Quantized tiles times tokens on AVX2, which has no instruction for the dot product of bytes.
//!
//! Of a block of 4-bit codes `vpmaddubsw` multiplies 32 bytes at once and adds neighbours in 16 bits: eight such sums, one per
//! four columns, are at most 8 * 2 * 15 * 127 = 30,480, so they add up without overflow, and one `vpmaddwd` at the end of the
//! block folds them. A code of 8 bits is two of 4.
//!
//! **Arithmetic.** 8 rows, 32 columns and a token are 512 operations and take 8 broadcasts from memory and 20 instructions that
//! compute: at four a cycle 5 cycles, about 100 operations a cycle, three quarters of what products and sums alone allow.
//!
//! A tile goes by in halves of 8 rows: 8 registers of codes and the sums of the tokens fill the 16 that there are. Each half is a
//! function of its own, or the compiler would keep the broadcasts of one for the other, for which there are no registers.

use super::{Avx2, Pair};
use crate::activations::BLOCK_WORDS;
use crate::lanes::Token;
use crate::limits::LANES;
use crate::tile::{PLANE, Quantized};
use std::arch::x86_64::*;
use std::hint::black_box;

/// For each of `M` tokens, the sums of 16 rows over all blocks, as [`crate::lanes::Lanes::times_tile`] promises.
#[inline(always)]
pub(super) fn times<Q: Quantized, const M: usize>(_: Avx2, tile: &[u16], group: &[u32]) -> [Pair<__m256>; M] {
    // SAFETY: the first operand is the proof that the CPU has these instructions.
    let [low, high] = unsafe { [half::<Q, M>(tile, group, 0), half::<Q, M>(tile, group, LANES / 2)] };
    let mut sums = [Pair(low[0], high[0]); M];
    for t in 1..M {
        sums[t] = Pair(low[t], high[t]);
    }
    sums
}

/// Eight rows from `first`, 0 or 8.
#[inline(never)]
#[target_feature(enable = "avx2,fma,f16c")]
fn half<Q: Quantized, const M: usize>(tile: &[u16], group: &[u32], first: usize) -> [__m256; M] {
    // Says to the compiler that nothing below lies outside of a block.
    let first = first & (LANES / 2);
    let mut sums = [_mm256_setzero_ps(); M];
    for (block, tokens) in tile.chunks_exact(Q::WORDS).zip(group.chunks_exact(M * BLOCK_WORDS)) {
        let (x, numbers) = tokens.split_at(M * 8);
        let x: &[Token; M] = x.as_chunks().0.first_chunk().expect("a group has the codes of its tokens");
        let planes = &block[Q::HALVES * LANES..];
        let dots = if Q::PLANES == 4 { nibble_dots(planes, first, x) } else { byte_dots(planes, first, x) };
        let scales = halves(block, first);
        let offsets = halves(block, if Q::HALVES == 2 { LANES + first } else { first });
        for t in 0..M {
            let bias = if Q::BIAS == 0 { 0 } else { -Q::BIAS * numbers[2 * M + t].cast_signed() };
            let dot = _mm256_cvtepi32_ps(_mm256_add_epi32(dots[t], _mm256_set1_epi32(bias)));
            let scale = _mm256_mul_ps(scales, _mm256_set1_ps(f32::from_bits(numbers[t])));
            sums[t] = _mm256_fmadd_ps(dot, scale, sums[t]);
            if Q::HALVES == 2 {
                sums[t] = _mm256_fmadd_ps(offsets, _mm256_set1_ps(f32::from_bits(numbers[M + t])), sums[t]);
            }
        }
    }
    sums
}

/// Eight halves, widened.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn halves(words: &[u16], from: usize) -> __m256 {
    let halves: &[u16; 8] = words[from..].first_chunk().expect("a block begins with its scales");
    // SAFETY: the array is the 16 bytes that are loaded.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(halves.as_ptr().cast()) })
}

/// The bytes of eight rows of a plane.
#[inline]
#[target_feature(enable = "avx2")]
fn plane(planes: &[u16], index: usize, first: usize) -> __m256i {
    let bytes: &[u16; LANES] = planes[index * PLANE + 2 * first..].first_chunk().expect("a block has its planes");
    // SAFETY: the array is the 32 bytes that are loaded.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn low(bytes: __m256i) -> __m256i {
    _mm256_and_si256(bytes, _mm256_set1_epi8(0x0f))
}

#[inline]
#[target_feature(enable = "avx2")]
fn high(bytes: __m256i) -> __m256i {
    low(_mm256_srli_epi16::<4>(bytes))
}

/// The dot product of 32 codes, none above 15, of each of eight rows, with a token.
#[inline]
#[target_feature(enable = "avx2")]
fn dot(codes: &[__m256i; 8], x: &Token) -> __m256i {
    let mut pairs = _mm256_maddubs_epi16(codes[0], _mm256_set1_epi32(x[0].cast_signed()));
    for quad in 1..8 {
        let products = _mm256_maddubs_epi16(codes[quad], _mm256_set1_epi32(x[quad].cast_signed()));
        pairs = _mm256_add_epi16(pairs, products);
    }
    _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))
}

#[inline]
#[target_feature(enable = "avx2")]
fn nibble_dots<const M: usize>(planes: &[u16], first: usize, x: &[Token; M]) -> [__m256i; M] {
    let [a, b, c, d] =
        [plane(planes, 0, first), plane(planes, 1, first), plane(planes, 2, first), plane(planes, 3, first)];
    let codes = [low(a), low(b), low(c), low(d), high(a), high(b), high(c), high(d)];
    let mut dots = [_mm256_setzero_si256(); M];
    for t in 0..M {
        dots[t] = dot(&codes, &x[t]);
    }
    dots
}

#[inline]
#[target_feature(enable = "avx2")]
fn byte_dots<const M: usize>(planes: &[u16], first: usize, x: &[Token; M]) -> [__m256i; M] {
    let bytes = [
        plane(planes, 0, first),
        plane(planes, 1, first),
        plane(planes, 2, first),
        plane(planes, 3, first),
        plane(planes, 4, first),
        plane(planes, 5, first),
        plane(planes, 6, first),
        plane(planes, 7, first),
    ];
    let [a, b, c, d, e, f, g, h] = bytes;
    let codes = [low(a), low(b), low(c), low(d), low(e), low(f), low(g), low(h)];
    let mut dots = [_mm256_setzero_si256(); M];
    for t in 0..M {
        dots[t] = dot(&codes, &x[t]);
    }
    let codes = [high(a), high(b), high(c), high(d), high(e), high(f), high(g), high(h)];
    // Another address as far as the compiler knows: it must not keep the broadcasts of all tokens.
    let x = black_box(x);
    for t in 0..M {
        dots[t] = _mm256_add_epi32(dots[t], _mm256_slli_epi32::<4>(dot(&codes, &x[t])));
    }
    dots
}
