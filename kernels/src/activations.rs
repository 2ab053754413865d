//! Inputs of a product as its kernel reads them, in groups of eight tokens, the last of what is left.
//!
//! The group is the innermost dimension but one, so that a kernel reaches all its tokens from one address:
//!
//! ```text
//! quantized, per block of 32 columns   [tokens][8 words of codes] [tokens] d  [tokens] s  [tokens] sums of codes
//! plain, per column                    [tokens] numbers
//! ```
//! Quantized: `d` = largest / 127, code = x / d to the nearest integer, `s` = d * (sum of codes). Everything is
//! 32-bit words; a token takes 11 words per block, or one word per column, whatever its group.

use crate::disjoint::DisjointSlice;
use crate::lanes::{InstructionSet, Kernel, Lanes};
use crate::limits::{BLOCK, GROUP_TOKENS, LANES};
use crate::{Format, ThreadPool};
use std::ops::Range;

/// Words of a block of one token: codes, `d`, `s`, sum of codes.
pub(crate) const BLOCK_WORDS: usize = BLOCK / 4 + 3;

/// Which tokens of `m` form group `index`: eight at a time, then what is left, so that a pass of a few tokens unpacks each weight
/// once.
pub(crate) fn group(m: usize, index: usize) -> Range<usize> {
    index * GROUP_TOKENS..m.min((index + 1) * GROUP_TOKENS)
}

/// How many groups `m` tokens form.
pub(crate) fn group_count(m: usize) -> usize {
    m.div_ceil(GROUP_TOKENS)
}

/// Words that a token takes as input of weights of `format`.
pub(crate) fn token_words(format: Format, cols: usize) -> usize {
    if format.is_quantized() { cols / BLOCK * BLOCK_WORDS } else { cols }
}

/// Brings `x`, `[m, cols]`, into the form that weights of `format` need; `words` is `[m, token_words]`.
pub(crate) fn prepare(
    set: InstructionSet,
    pool: &ThreadPool,
    format: Format,
    (x, cols): (&[f32], usize),
    words: &mut [u32],
) {
    let m = x.len() / cols;
    let token_words = token_words(format, cols);
    let words = DisjointSlice::new(words);
    let one_group = |index: usize| {
        let tokens = group(m, index);
        // SAFETY: groups are disjoint ranges of tokens, and each is the task of one thread.
        let words = unsafe { words.part(tokens.start * token_words..tokens.end * token_words) };
        let x = &x[tokens.start * cols..tokens.end * cols];
        match format.is_quantized() {
            true => set.run(Quantize { x, cols, words }),
            false => interleave(x, cols, words),
        }
    };
    // Waking a thread for one group costs more than the group.
    if group_count(m) < 4 {
        (0..group_count(m)).for_each(one_group);
    } else {
        pool.run(group_count(m), &one_group);
    }
}

fn interleave(x: &[f32], cols: usize, words: &mut [u32]) {
    let tokens = x.len() / cols;
    for (token, row) in x.chunks_exact(cols).enumerate() {
        for (&number, word) in row.iter().zip(words[token..].iter_mut().step_by(tokens)) {
            *word = number.to_bits();
        }
    }
}

/// Quantizes the tokens of one group.
struct Quantize<'a> {
    x: &'a [f32],
    cols: usize,
    words: &'a mut [u32],
}

impl Kernel for Quantize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, simd: L) {
        let Self { x, cols, words } = self;
        let tokens = x.len() / cols;
        for (token, row) in x.chunks_exact(cols).enumerate() {
            let blocks = words.chunks_exact_mut(tokens * BLOCK_WORDS);
            for (numbers, block) in row.as_chunks::<BLOCK>().0.iter().zip(blocks) {
                let codes = block[token * 8..].first_chunk_mut().expect("a block has codes");
                let (d, sum) = quantize_block(simd, numbers, codes);
                let [scales, weighted, sums] = [8, 9, 10].map(|field| field * tokens + token);
                block[scales] = d.to_bits();
                block[weighted] = (d * sum as f32).to_bits();
                block[sums] = sum.cast_unsigned();
            }
        }
    }
}

/// Writes the codes of 32 numbers; returns their scale and the sum of the codes.
#[inline(always)]
fn quantize_block<L: Lanes>(simd: L, numbers: &[f32; BLOCK], codes: &mut [u32; 8]) -> (f32, i32) {
    let (low, high) = numbers.split_at(LANES);
    let halves = [low, high].map(|half| half.first_chunk().expect("half of 32 is 16"));
    let [low, high] = [simd.load(halves[0]), simd.load(halves[1])];
    let minus = simd.splat(-1.0);
    let largest = simd.max(simd.max(low, simd.mul(low, minus)), simd.max(high, simd.mul(high, minus)));
    let largest = simd.greatest(largest);
    // Numbers too small to have an inverse are zero.
    let inverse = if largest > 1e-30 { 127.0 / largest } else { 0.0 };
    let inverse = simd.splat(inverse);
    let (low, high) = (simd.round(simd.mul(low, inverse)), simd.round(simd.mul(high, inverse)));
    for (half, words) in [low, high].into_iter().zip(codes.as_chunks_mut::<4>().0) {
        let mut bytes = [0i8; LANES];
        simd.narrow_bytes(half, &mut bytes);
        for (bytes, word) in bytes.as_chunks::<4>().0.iter().zip(words) {
            let [a, b, c, d] = *bytes;
            *word = u32::from_le_bytes([a.cast_unsigned(), b.cast_unsigned(), c.cast_unsigned(), d.cast_unsigned()]);
        }
    }
    // A sum of 32 integers of 8 bits is exact in f32.
    let sum = simd.sum(simd.add(low, high)) as i32;
    (largest / 127.0, sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::Portable;
    use crate::testing::numbers;

    #[test]
    fn groups_are_all_tokens_in_order() {
        for m in 0..70 {
            let mut next = 0;
            for index in 0..group_count(m) {
                let tokens = group(m, index);
                assert_eq!(tokens.start, next);
                assert!((1..=8).contains(&tokens.len()));
                assert!(tokens.len() == 8 || tokens.end == m);
                next = tokens.end;
            }
            assert_eq!(next, m);
        }
    }

    #[test]
    fn a_code_is_off_by_half_a_scale_at_most() {
        for seed in 0..50 {
            let x = numbers(seed, BLOCK, 5.0);
            let mut codes = [0; 8];
            let (d, sum) = quantize_block(Portable, x.as_slice().try_into().unwrap(), &mut codes);
            let codes: Vec<i8> = codes.iter().flat_map(|word| word.to_le_bytes()).map(u8::cast_signed).collect();
            assert_eq!(sum, codes.iter().map(|&code| i32::from(code)).sum::<i32>());
            for (&code, &x) in codes.iter().zip(&x) {
                assert!((f32::from(code) * d - x).abs() <= d * 0.500_01);
            }
        }
    }

    #[test]
    fn zeros_have_zero_codes() {
        let mut codes = [1; 8];
        assert_eq!(quantize_block(Portable, &[0.0; BLOCK], &mut codes), (0.0, 0));
        assert_eq!(codes, [0; 8]);
    }

    #[test]
    fn instruction_sets_quantize_alike_in_every_group_width() {
        let (m, cols) = (31, 96);
        let x = numbers(5, m * cols, 2.0);
        let pool = ThreadPool::new(2);
        let words = |set| {
            let mut words = vec![0; m * token_words(Format::Q4_1, cols)];
            prepare(set, &pool, Format::Q4_1, (&x, cols), &mut words);
            words
        };
        let expected = words(InstructionSet::available()[0]);
        for set in InstructionSet::available() {
            assert_eq!(words(set), expected, "{set:?}");
        }
    }
}
