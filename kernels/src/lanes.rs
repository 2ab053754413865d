//! Sixteen numbers at a time: kernels are written once over [`Lanes`] and compiled for each instruction set.
//!
//! The rules that make all instruction sets agree to the bit: a product and a sum are fused only where the kernel
//! writes [`Lanes::mul_add`], reductions follow one tree (8, 4, 2, 1 apart), and nothing depends on how wide the
//! machine's registers really are. The set is chosen at run time, once, by [`InstructionSet::best`].
//!
//! `#[inline(always)]` everywhere below a [`Kernel`] is load-bearing: the code must end up inside the one function
//! that enables the instruction set, else intrinsics become calls.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

pub(crate) use portable::Portable;

use crate::activations::BLOCK_WORDS;
use crate::limits::LANES;
use crate::tile::{self, Quantized};
use std::sync::OnceLock;

/// A token's 32 activations of a block, as signed bytes, four to a word.
pub(crate) type Token = [u32; 8];

/// A value is the proof that the CPU has the instructions, so that all methods are safe.
pub(crate) trait Lanes: Copy {
    /// Whether there are 32 registers of sixteen numbers, and not 16 of eight: how many sums a kernel may keep.
    const WIDE: bool;
    /// Sixteen f32.
    type Floats: Copy;
    /// Sixteen i32, or sixteen times four bytes.
    type Integers: Copy;

    fn splat(self, value: f32) -> Self::Floats;
    fn load(self, from: &[f32; LANES]) -> Self::Floats;
    fn store(self, floats: Self::Floats, to: &mut [f32; LANES]);
    /// From IEEE half precision; exact.
    fn widen_f16(self, from: &[u16; LANES]) -> Self::Floats;
    /// From bfloat16; exact.
    fn widen_bf16(self, from: &[u16; LANES]) -> Self::Floats;
    /// To IEEE half precision, to nearest, ties to even.
    fn narrow_f16(self, floats: Self::Floats, to: &mut [u16; LANES]);

    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn div(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a * b + c`, rounded once.
    fn mul_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    /// `a` where it is greater, else `b`.
    fn max(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a` where it is less, else `b`.
    fn min(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// To the nearest integer, ties to even.
    fn round(self, a: Self::Floats) -> Self::Floats;
    /// Two to the power of integers from -127, which gives 0, to 127.
    fn two_to(self, exponents: Self::Floats) -> Self::Floats;
    /// The first `count` lanes of `a`, then lanes of `b`.
    fn first(self, count: usize, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The sum of all lanes, 8, then 4, 2, 1 apart.
    fn sum(self, a: Self::Floats) -> f32;
    /// The greatest of all lanes, none of which may be a NaN.
    fn greatest(self, a: Self::Floats) -> f32;
    /// Lane `j` of row `i` becomes lane `i` of row `j`.
    fn transpose(self, rows: [Self::Floats; LANES]) -> [Self::Floats; LANES];

    fn splat_integer(self, value: i32) -> Self::Integers;
    /// 64 bytes.
    fn load_bytes(self, from: &[u16; 2 * LANES]) -> Self::Integers;
    /// The same bits, read as f32.
    fn as_floats(self, bits: Self::Integers) -> Self::Floats;
    /// The lower half of each byte.
    fn low_nibbles(self, bytes: Self::Integers) -> Self::Integers;
    /// The upper half of each byte.
    fn high_nibbles(self, bytes: Self::Integers) -> Self::Integers;
    fn add_integers(self, a: Self::Integers, b: Self::Integers) -> Self::Integers;
    /// Adds to each lane the exact dot product of its four unsigned bytes with the four signed bytes of
    /// `activations`.
    fn dot4(self, sums: Self::Integers, codes: Self::Integers, activations: u32) -> Self::Integers;
    /// For each of `M` tokens, the sums of a quantized tile's 16 rows: over the blocks in order, `sum = fma(dot, d_w * d_x, sum)`, then
    /// `sum = fma(m_w, s_x, sum)` where the format has offsets; `dot` is exact. No activation is -128.
    #[inline(always)]
    fn times_tile<Q: Quantized, const M: usize>(self, tile: &[u16], group: &[u32]) -> [Self::Floats; M] {
        let mut sums = [self.splat(0.0); M];
        for (block, tokens) in tile.chunks_exact(Q::WORDS).zip(group.chunks_exact(M * BLOCK_WORDS)) {
            let (x, numbers) = tokens.split_at(M * 8);
            let x = x.as_chunks().0.first_chunk().expect("a group has the codes of its tokens");
            let mut starts = [0; M];
            if Q::BIAS != 0 {
                for t in 0..M {
                    starts[t] = -Q::BIAS * numbers[2 * M + t].cast_signed();
                }
            }
            let dots = tile::dots::<Q, Self, M>(self, block, x, starts);
            let (scales, offsets) = tile::scales::<Q, Self>(self, block);
            for t in 0..M {
                let scale = self.mul(scales, self.splat(f32::from_bits(numbers[t])));
                sums[t] = self.mul_add(self.to_floats(dots[t]), scale, sums[t]);
                if let Some(offsets) = offsets {
                    sums[t] = self.mul_add(offsets, self.splat(f32::from_bits(numbers[M + t])), sums[t]);
                }
            }
        }
        sums
    }
    /// The fastest step of a chain of byte products, as measuring needs it: where the machine sums bytes in fewer bits, these wrap.
    #[inline(always)]
    fn dot_step(self, sums: Self::Integers, codes: Self::Integers, activations: u32) -> Self::Integers {
        self.dot4(sums, codes, activations)
    }
    fn to_floats(self, integers: Self::Integers) -> Self::Floats;
    /// Integers from floats that are integers of at most 8 bits, as bytes.
    fn narrow_bytes(self, floats: Self::Floats, to: &mut [i8; LANES]);
}

/// Work that is compiled once for each instruction set.
pub(crate) trait Kernel {
    type Output;

    /// Must be `#[inline(always)]`, as must be all it calls.
    fn run<L: Lanes>(self, simd: L) -> Self::Output;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// Instructions that this CPU has: made only by [`InstructionSet::available`], which asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InstructionSet(Level);

impl InstructionSet {
    /// All that this CPU has, the best last.
    pub(crate) fn available() -> Vec<Self> {
        let mut sets = vec![Self(Level::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 =
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni");
            if avx2 {
                sets.push(Self(Level::Avx2));
            }
            if avx2 && avx512 {
                sets.push(Self(Level::Avx512));
            }
        }
        sets
    }

    /// The fastest one, found once.
    pub(crate) fn best() -> Self {
        static BEST: OnceLock<InstructionSet> = OnceLock::new();
        *BEST.get_or_init(|| *Self::available().last().expect("the portable set is available everywhere"))
    }

    /// Runs the version of `kernel` for these instructions.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Level::Portable => kernel.run(Portable),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::run(self, kernel),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512::run(self, kernel),
        }
    }
}

/// The name of the instruction set that the kernels use on this machine.
pub fn instruction_set() -> &'static str {
    match InstructionSet::best().0 {
        Level::Portable => "portable",
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => "AVX2",
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => "AVX-512 VNNI",
    }
}

/// `e^x` to about 2 units in the last place; 0 below -87.7, and as at 88 above 88. A NaN stays one.
///
/// Source: Cephes `expf`: e^x = 2^n * e^r with |r| <= ln(2)/2, ln(2) in two parts, a polynomial of degree 6.
#[inline(always)]
pub(crate) fn exp<L: Lanes>(simd: L, x: L::Floats) -> L::Floats {
    let x = simd.min(simd.splat(88.0), simd.max(simd.splat(-88.0), x));
    let n = simd.round(simd.mul(x, simd.splat(std::f32::consts::LOG2_E)));
    let r = simd.mul_add(n, simd.splat(-0.693_359_4), x);
    let r = simd.mul_add(n, simd.splat(2.121_944_4e-4), r);
    let coefficients = [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5, 1.0, 1.0];
    let mut sum = simd.splat(1.987_569_1e-4);
    for coefficient in coefficients {
        sum = simd.mul_add(sum, r, simd.splat(coefficient));
    }
    simd.mul(sum, simd.two_to(n))
}

#[cfg(test)]
mod tests;
