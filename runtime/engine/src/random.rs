//! Random numbers that depend on a seed and a position, and on nothing that happened before.

/// A number in [0, 1) for position `position` of the stream `seed` (the finaliser of SplitMix64; Steele, Lea, Flood 2014).
pub(crate) fn uniform(seed: u64, position: u64) -> f64 {
    let mut z = seed ^ position.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    // The upper 53 bits are a float's mantissa.
    (z >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_even_and_repeatable() {
        let numbers: Vec<f64> = (0..10_000).map(|position| uniform(7, position)).collect();
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!(numbers.iter().all(|x| (0.0..1.0).contains(x)));
        assert_eq!(uniform(7, 3), numbers[3]);
        assert_ne!(uniform(8, 3), numbers[3]);
    }
}
