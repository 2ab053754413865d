//! [`Lanes`] as one 512-bit register, with the byte dot product of AVX-512 VNNI.

use super::{InstructionSet, Kernel, Lanes, Level};
use crate::limits::LANES;
use std::arch::x86_64::*;

/// Proof that the CPU has AVX-512 F, BW, DQ, VL and VNNI, and AVX2, FMA and F16C.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

/// Runs `kernel` with these instructions.
#[inline]
pub(super) fn run<K: Kernel>(set: InstructionSet, kernel: K) -> K::Output {
    assert!(set.0 == Level::Avx512, "an instruction set was mistaken for another");
    // SAFETY: a set of this level is made only where the CPU reported these features.
    unsafe { enabled(kernel) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
fn enabled<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx512(()))
}

/// An intrinsic that works on registers, or on memory that is as long as its type says.
macro_rules! intrinsic {
    ($call:expr) => {{
        // SAFETY: `self` is the proof that the CPU has the instruction; operands are values, or references to arrays
        // of 64 bytes (32 for halves, 16 for bytes) that the unaligned loads and stores fill exactly.
        unsafe { $call }
    }};
}

impl Lanes for Avx512 {
    const WIDE: bool = true;

    type Floats = __m512;
    type Integers = __m512i;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        intrinsic!(_mm512_set1_ps(value))
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> __m512 {
        intrinsic!(_mm512_loadu_ps(from.as_ptr()))
    }

    #[inline(always)]
    fn store(self, floats: __m512, to: &mut [f32; LANES]) {
        intrinsic!(_mm512_storeu_ps(to.as_mut_ptr(), floats));
    }

    #[inline(always)]
    fn widen_f16(self, from: &[u16; LANES]) -> __m512 {
        intrinsic!(_mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())))
    }

    #[inline(always)]
    fn widen_bf16(self, from: &[u16; LANES]) -> __m512 {
        intrinsic!({
            let halves = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.as_ptr().cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(halves))
        })
    }

    #[inline(always)]
    fn narrow_f16(self, floats: __m512, to: &mut [u16; LANES]) {
        intrinsic!({
            let halves = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(floats);
            _mm256_storeu_si256(to.as_mut_ptr().cast(), halves);
        });
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_div_ps(a, b))
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        intrinsic!(_mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_max_ps(a, b))
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_min_ps(a, b))
    }

    #[inline(always)]
    fn round(self, a: __m512) -> __m512 {
        intrinsic!(_mm512_roundscale_ps::<_MM_FROUND_TO_NEAREST_INT>(a))
    }

    #[inline(always)]
    fn two_to(self, exponents: __m512) -> __m512 {
        intrinsic!({
            let biased = _mm512_add_epi32(_mm512_cvtps_epi32(exponents), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(biased))
        })
    }

    #[inline(always)]
    fn first(self, count: usize, a: __m512, b: __m512) -> __m512 {
        let mask = ((1u32 << count.min(LANES)) - 1) as u16;
        intrinsic!(_mm512_mask_mov_ps(b, mask, a))
    }

    #[inline(always)]
    fn sum(self, a: __m512) -> f32 {
        intrinsic!({
            let a = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a));
            let a = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let a = _mm_add_ps(a, _mm_movehl_ps(a, a));
            _mm_cvtss_f32(_mm_add_ss(a, _mm_shuffle_ps::<1>(a, a)))
        })
    }

    #[inline(always)]
    fn greatest(self, a: __m512) -> f32 {
        intrinsic!({
            let a = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a));
            let a = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let a = _mm_max_ps(a, _mm_movehl_ps(a, a));
            _mm_cvtss_f32(_mm_max_ss(a, _mm_shuffle_ps::<1>(a, a)))
        })
    }

    #[inline(always)]
    fn transpose(self, rows: [__m512; LANES]) -> [__m512; LANES] {
        intrinsic!({
            let mut pairs = rows;
            for i in 0..8 {
                pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
            }
            // `quads[4 * i + j]` holds, in each quarter `q`, column `4 * q + j` of rows `4 * i ..= 4 * i + 3`.
            let mut quads = rows;
            for i in 0..4 {
                let [a, b, c, d] = [pairs[4 * i], pairs[4 * i + 1], pairs[4 * i + 2], pairs[4 * i + 3]];
                quads[4 * i] = _mm512_shuffle_ps::<0x44>(a, c);
                quads[4 * i + 1] = _mm512_shuffle_ps::<0xee>(a, c);
                quads[4 * i + 2] = _mm512_shuffle_ps::<0x44>(b, d);
                quads[4 * i + 3] = _mm512_shuffle_ps::<0xee>(b, d);
            }
            let mut columns = rows;
            for j in 0..4 {
                let low_even = _mm512_shuffle_f32x4::<0x88>(quads[j], quads[4 + j]);
                let low_odd = _mm512_shuffle_f32x4::<0xdd>(quads[j], quads[4 + j]);
                let high_even = _mm512_shuffle_f32x4::<0x88>(quads[8 + j], quads[12 + j]);
                let high_odd = _mm512_shuffle_f32x4::<0xdd>(quads[8 + j], quads[12 + j]);
                columns[j] = _mm512_shuffle_f32x4::<0x88>(low_even, high_even);
                columns[8 + j] = _mm512_shuffle_f32x4::<0xdd>(low_even, high_even);
                columns[4 + j] = _mm512_shuffle_f32x4::<0x88>(low_odd, high_odd);
                columns[12 + j] = _mm512_shuffle_f32x4::<0xdd>(low_odd, high_odd);
            }
            columns
        })
    }

    #[inline(always)]
    fn splat_integer(self, value: i32) -> __m512i {
        intrinsic!(_mm512_set1_epi32(value))
    }

    #[inline(always)]
    fn load_bytes(self, from: &[u16; 2 * LANES]) -> __m512i {
        intrinsic!(_mm512_loadu_si512(from.as_ptr().cast()))
    }

    #[inline(always)]
    fn as_floats(self, bits: __m512i) -> __m512 {
        intrinsic!(_mm512_castsi512_ps(bits))
    }

    #[inline(always)]
    fn low_nibbles(self, bytes: __m512i) -> __m512i {
        intrinsic!(_mm512_and_si512(bytes, _mm512_set1_epi8(0x0f)))
    }

    #[inline(always)]
    fn high_nibbles(self, bytes: __m512i) -> __m512i {
        intrinsic!(_mm512_and_si512(_mm512_srli_epi16::<4>(bytes), _mm512_set1_epi8(0x0f)))
    }

    #[inline(always)]
    fn add_integers(self, a: __m512i, b: __m512i) -> __m512i {
        intrinsic!(_mm512_add_epi32(a, b))
    }

    #[inline(always)]
    fn dot4(self, sums: __m512i, codes: __m512i, activations: u32) -> __m512i {
        intrinsic!(_mm512_dpbusd_epi32(sums, codes, _mm512_set1_epi32(activations as i32)))
    }

    #[inline(always)]
    fn to_floats(self, integers: __m512i) -> __m512 {
        intrinsic!(_mm512_cvtepi32_ps(integers))
    }

    #[inline(always)]
    fn narrow_bytes(self, floats: __m512, to: &mut [i8; LANES]) {
        intrinsic!({
            let bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(floats));
            _mm_storeu_si128(to.as_mut_ptr().cast(), bytes);
        });
    }
}
