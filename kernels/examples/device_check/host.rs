//! Random inputs, and comparison with references in double precision.

use half::bf16;

/// Random numbers from a seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// About normal, deviation 1.
    pub(crate) fn number(&mut self) -> f32 {
        let z = self.bits();
        let sum: f32 = (0..4).map(|i| ((z >> (16 * i)) & 0xffff) as f32 / 65536.0 - 0.5).sum();
        sum * 1.732_050_8
    }

    pub(crate) fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.number()).collect()
    }

    pub(crate) fn narrow(&mut self, count: usize) -> Vec<bf16> {
        (0..count).map(|_| bf16::from_f32(self.number())).collect()
    }

    /// `0..count` in random order.
    pub(crate) fn order(&mut self, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..count).collect();
        for i in (1..count).rev() {
            all.swap(i, self.below(i + 1));
        }
        all
    }
}

/// How far an output is from its reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    /// |out - reference| / |reference|, over all numbers.
    pub(crate) error: f64,
    /// Numbers that are still poison.
    pub(crate) unwritten: usize,
}

pub(crate) fn compare(out: impl IntoIterator<Item = f32>, reference: &[f64]) -> Check {
    let (mut difference, mut norm, mut unwritten) = (0.0, 0.0, 0);
    for (out, reference) in out.into_iter().zip(reference) {
        if out.is_nan() {
            unwritten += 1;
            continue;
        }
        difference += (f64::from(out) - reference).powi(2);
        norm += reference.powi(2);
    }
    Check { error: (difference / norm.max(f64::MIN_POSITIVE)).sqrt(), unwritten }
}

pub(crate) fn wide(numbers: &[bf16]) -> impl Iterator<Item = f32> + '_ {
    numbers.iter().map(|x| x.to_f32())
}

/// Where two vectors differ in bits.
pub(crate) fn differences(a: &[bf16], b: &[bf16]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a.to_bits() != b.to_bits()).count()
}
