//! [`Lanes`] as plain arrays: the definition of what each operation means, and what runs on other machines.

use super::Lanes;
use crate::limits::LANES;
use half::{bf16, f16};

/// Needs nothing of the CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

/// Applies an expression to each lane.
macro_rules! each {
    ($lane:ident => $value:expr) => {{
        let mut lanes = [Default::default(); LANES];
        for ($lane, lane) in lanes.iter_mut().enumerate() {
            *lane = $value;
        }
        lanes
    }};
}

/// Folds lanes 8, 4, 2, 1 apart.
macro_rules! tree {
    ($lanes:expr, $fold:expr) => {{
        let mut lanes = $lanes;
        for apart in [8, 4, 2, 1] {
            for lane in 0..apart {
                lanes[lane] = $fold(lanes[lane], lanes[lane + apart]);
            }
        }
        lanes[0]
    }};
}

impl Lanes for Portable {
    const WIDE: bool = false;

    type Floats = [f32; LANES];
    type Integers = [i32; LANES];

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Floats {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::Floats {
        *from
    }

    #[inline(always)]
    fn store(self, floats: Self::Floats, to: &mut [f32; LANES]) {
        *to = floats;
    }

    #[inline(always)]
    fn widen_f16(self, from: &[u16; LANES]) -> Self::Floats {
        each!(i => f16::from_bits(from[i]).to_f32())
    }

    #[inline(always)]
    fn widen_bf16(self, from: &[u16; LANES]) -> Self::Floats {
        each!(i => bf16::from_bits(from[i]).to_f32())
    }

    #[inline(always)]
    fn narrow_f16(self, floats: Self::Floats, to: &mut [u16; LANES]) {
        *to = each!(i => f16::from_f32(floats[i]).to_bits());
    }

    #[inline(always)]
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        each!(i => a[i] + b[i])
    }

    #[inline(always)]
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        each!(i => a[i] * b[i])
    }

    #[inline(always)]
    fn div(self, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        each!(i => a[i] / b[i])
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats {
        each!(i => a[i].mul_add(b[i], c[i]))
    }

    #[inline(always)]
    fn max(self, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        each!(i => if a[i] > b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn min(self, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        each!(i => if a[i] < b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn round(self, a: Self::Floats) -> Self::Floats {
        each!(i => a[i].round_ties_even())
    }

    #[inline(always)]
    fn two_to(self, exponents: Self::Floats) -> Self::Floats {
        each!(i => f32::from_bits(((exponents[i] as i32).wrapping_add(127) as u32) << 23))
    }

    #[inline(always)]
    fn first(self, count: usize, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        each!(i => if i < count { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn sum(self, a: Self::Floats) -> f32 {
        tree!(a, |a: f32, b: f32| a + b)
    }

    #[inline(always)]
    fn greatest(self, a: Self::Floats) -> f32 {
        tree!(a, |a: f32, b: f32| if a > b { a } else { b })
    }

    #[inline(always)]
    fn transpose(self, rows: [Self::Floats; LANES]) -> [Self::Floats; LANES] {
        let mut columns = [[0.0; LANES]; LANES];
        for (i, row) in rows.iter().enumerate() {
            for (j, &value) in row.iter().enumerate() {
                columns[j][i] = value;
            }
        }
        columns
    }

    #[inline(always)]
    fn splat_integer(self, value: i32) -> Self::Integers {
        [value; LANES]
    }

    #[inline(always)]
    fn load_bytes(self, from: &[u16; 2 * LANES]) -> Self::Integers {
        each!(i => (u32::from(from[2 * i]) | u32::from(from[2 * i + 1]) << 16) as i32)
    }

    #[inline(always)]
    fn as_floats(self, bits: Self::Integers) -> Self::Floats {
        each!(i => f32::from_bits(bits[i] as u32))
    }

    #[inline(always)]
    fn low_nibbles(self, bytes: Self::Integers) -> Self::Integers {
        each!(i => bytes[i] & 0x0f0f_0f0f)
    }

    #[inline(always)]
    fn high_nibbles(self, bytes: Self::Integers) -> Self::Integers {
        each!(i => (bytes[i] >> 4) & 0x0f0f_0f0f)
    }

    #[inline(always)]
    fn add_integers(self, a: Self::Integers, b: Self::Integers) -> Self::Integers {
        each!(i => a[i].wrapping_add(b[i]))
    }

    #[inline(always)]
    fn dot4(self, sums: Self::Integers, codes: Self::Integers, activations: u32) -> Self::Integers {
        let [a, b, c, d] = activations.to_le_bytes().map(|byte| i32::from(byte as i8));
        each!(i => {
            let [e, f, g, h] = codes[i].to_le_bytes().map(i32::from);
            sums[i].wrapping_add(a * e + b * f + c * g + d * h)
        })
    }

    #[inline(always)]
    fn to_floats(self, integers: Self::Integers) -> Self::Floats {
        each!(i => integers[i] as f32)
    }

    #[inline(always)]
    fn narrow_bytes(self, floats: Self::Floats, to: &mut [i8; LANES]) {
        *to = each!(i => floats[i] as i8);
    }
}
