//! Number by number: the gate of the feed-forward block.
//!
//! Two reads and a write for each number, of rows that the kernel before has left in L1 or L2.

use crate::KernelError;
use crate::error::expect_len;
use crate::lanes::{InstructionSet, Kernel, Lanes, exp};
use crate::limits::LANES;

/// Replaces `gate` by `silu(gate) * up`, where `silu(x) = x / (1 + e^-x)`. Shapes: the same, any.
///
/// Errors: [`KernelError::Shape`] if they are not.
/// Source: Shazeer 2020, SwiGLU.
pub fn silu_mul(gate: &mut [f32], up: &[f32]) -> Result<(), KernelError> {
    expect_len("silu_mul", "up", up.len(), gate.len())?;
    InstructionSet::best().run(SiluMul { gate, up });
    Ok(())
}

struct SiluMul<'a> {
    gate: &'a mut [f32],
    up: &'a [f32],
}

impl Kernel for SiluMul<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, simd: L) {
        let (gates, last_gates) = self.gate.as_chunks_mut::<LANES>();
        let (ups, last_ups) = self.up.as_chunks::<LANES>();
        for (gate, up) in gates.iter_mut().zip(ups) {
            silu_mul_vector(simd, gate, up);
        }
        let (mut gate, mut up) = ([0.0; LANES], [0.0; LANES]);
        gate[..last_gates.len()].copy_from_slice(last_gates);
        up[..last_ups.len()].copy_from_slice(last_ups);
        silu_mul_vector(simd, &mut gate, &up);
        last_gates.copy_from_slice(&gate[..last_gates.len()]);
    }
}

#[inline(always)]
fn silu_mul_vector<L: Lanes>(simd: L, gate: &mut [f32; LANES], up: &[f32; LANES]) {
    simd.store(silu_mul_lanes(simd, simd.load(gate), simd.load(up)), gate);
}

/// `silu(gate) * up` of sixteen numbers.
#[inline(always)]
pub(crate) fn silu_mul_lanes<L: Lanes>(simd: L, gate: L::Floats, up: L::Floats) -> L::Floats {
    let decay = exp(simd, simd.mul(gate, simd.splat(-1.0)));
    let silu = simd.div(gate, simd.add(simd.splat(1.0), decay));
    simd.mul(silu, up)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::Portable;
    use crate::testing::numbers;

    #[test]
    fn silu_mul_equals_its_definition_at_every_length() {
        for len in 0..50 {
            let (before, up) = (numbers(1, len, 20.0), numbers(2, len, 3.0));
            let mut gate = before.clone();
            silu_mul(&mut gate, &up).unwrap();
            for ((&found, &x), &up) in gate.iter().zip(&before).zip(&up) {
                let x = f64::from(x);
                let expected = x / (1.0 + (-x).exp()) * f64::from(up);
                assert!((f64::from(found) - expected).abs() <= 1e-6 * expected.abs());
            }
        }
    }

    #[test]
    fn silu_of_extremes_is_finite_and_a_nan_stays_one() {
        let mut gate = [-1e30, -100.0, 0.0, 100.0, 1e30, f32::NAN];
        silu_mul(&mut gate, &[1.0; 6]).unwrap();
        assert!(gate[0].abs() < 1e-7 && gate[1].abs() < 1e-30, "{gate:?}");
        assert_eq!(gate[2..5], [0.0, 100.0, 1e30]);
        assert!(gate[5].is_nan());
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let (before, up) = (numbers(1, 100, 20.0), numbers(2, 100, 3.0));
        let mut expected = before.clone();
        SiluMul { gate: &mut expected, up: &up }.run(Portable);
        for set in InstructionSet::available() {
            let mut gate = before.clone();
            set.run(SiluMul { gate: &mut gate, up: &up });
            assert_eq!(gate, expected, "{set:?}");
        }
    }

    #[test]
    fn operands_of_different_lengths_are_refused() {
        assert!(silu_mul(&mut [0.0], &[0.0; 2]).is_err());
    }
}
