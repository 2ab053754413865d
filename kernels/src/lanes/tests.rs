//! Every instruction set does what the portable one does, to the bit.

use super::*;

/// Runs every operation on two vectors and collects what comes out as bits.
struct Everything<'a> {
    a: &'a [f32; LANES],
    b: &'a [f32; LANES],
}

impl Kernel for Everything<'_> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn run<L: Lanes>(self, simd: L) -> Vec<u32> {
        let (a, b) = (simd.load(self.a), simd.load(self.b));
        let mut halves = [0; LANES];
        simd.narrow_f16(a, &mut halves);
        let small = simd.max(simd.min(a, simd.splat(127.0)), simd.splat(-127.0));
        let mut bytes = [0i8; LANES];
        simd.narrow_bytes(simd.round(small), &mut bytes);
        let mut raw = [0u16; 2 * LANES];
        for (i, raw) in raw.iter_mut().enumerate() {
            *raw = 0x9e37u16.wrapping_mul(i as u16 + 3);
        }
        let codes = simd.load_bytes(&raw);
        let dot = simd.dot4(simd.splat_integer(-77), codes, 0x80ff_7f03);
        let nibbles = simd.dot4(simd.low_nibbles(codes), simd.high_nibbles(codes), 0x81fe_0211);
        let mut rows = [a; LANES];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = simd.mul_add(a, simd.splat(i as f32), b);
        }
        let vectors = [
            simd.add(a, b),
            simd.mul(a, b),
            simd.div(a, b),
            simd.mul_add(a, b, a),
            simd.max(a, b),
            simd.min(a, b),
            simd.round(a),
            simd.two_to(simd.round(small)),
            exp(simd, a),
            simd.first(5, a, b),
            simd.first(16, a, b),
            simd.widen_f16(&halves),
            simd.widen_bf16(&halves),
            simd.as_floats(codes),
            simd.to_floats(dot),
            simd.to_floats(simd.add_integers(dot, nibbles)),
        ];
        let mut found = vec![simd.sum(a).to_bits(), simd.greatest(a).to_bits()];
        found.extend(halves.map(u32::from));
        found.extend(bytes.map(|byte| byte as u32));
        for vector in vectors.into_iter().chain(simd.transpose(rows)) {
            let mut lanes = [0.0; LANES];
            simd.store(vector, &mut lanes);
            found.extend(lanes.map(f32::to_bits));
        }
        found
    }
}

#[test]
fn every_instruction_set_agrees_with_the_portable_one_to_the_bit() {
    for seed in 0..200 {
        let a = crate::testing::numbers(seed, LANES, 30.0);
        let b = crate::testing::numbers(seed + 1000, LANES, 3.0);
        let (a, b) = (a.as_slice().try_into().unwrap(), b.as_slice().try_into().unwrap());
        let expected = Everything { a, b }.run(Portable);
        for set in InstructionSet::available() {
            assert_eq!(set.run(Everything { a, b }), expected, "{set:?}, seed {seed}");
        }
    }
}

#[test]
fn exp_is_within_two_units_in_the_last_place() {
    for step in -8_700..8_800i16 {
        let x = f32::from(step) * 0.01;
        let found = exp(Portable, [x; LANES])[0];
        let expected = f64::from(x).exp();
        let error = (f64::from(found) - expected).abs() / expected;
        assert!(error < 2.4e-7, "e^{x} is {found}, not {expected}");
    }
}

#[test]
fn exp_of_very_negative_numbers_is_zero_and_of_zero_is_one() {
    assert_eq!(exp(Portable, [f32::NEG_INFINITY; LANES])[0].to_bits(), 0);
    assert_eq!(exp(Portable, [-88.0; LANES])[0].to_bits(), 0);
    assert_eq!(exp(Portable, [0.0; LANES])[0], 1.0);
}

#[test]
fn the_best_set_is_one_of_those_available() {
    assert!(InstructionSet::available().contains(&InstructionSet::best()));
    assert!(!instruction_set().is_empty());
}
