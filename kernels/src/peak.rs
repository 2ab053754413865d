//! What the machine can do at most: the denominators of the bench.
//!
//! Each probe is one call per thread of a pool; the caller holds the clock.

use crate::ThreadPool;
use crate::lanes::{InstructionSet, Kernel, Lanes};
use crate::limits::LANES;
use crate::region::Block;
use std::hint::black_box;

/// Independent chains of products: more than latency (4) times the most units a core has (2).
const CHAINS: usize = 12;

/// Memory that is only read: as large as the weights whose speed is in question, on huge pages.
#[derive(Debug)]
pub struct Readable {
    memory: Block,
}

impl Readable {
    /// Takes and writes `bytes` of memory, a multiple of 64.
    pub fn new(bytes: usize) -> Self {
        let mut memory = Block::alone(bytes.next_multiple_of(64));
        memory.as_mut_slice::<u8>().fill(1);
        Self { memory }
    }

    /// Reads all of it once, a part on each thread, and returns how many bytes that were.
    pub fn read(&self, pool: &ThreadPool) -> usize {
        let vectors = self.memory.as_slice::<u16>().as_chunks::<{ 2 * LANES }>().0;
        let parts: Vec<_> = vectors.chunks(vectors.len().div_ceil(pool.threads() * 4)).collect();
        pool.run(parts.len(), &|part| {
            black_box(InstructionSet::best().run(Sum { vectors: parts[part] }));
        });
        self.memory.len_bytes()
    }
}

struct Sum<'a> {
    vectors: &'a [[u16; 2 * LANES]],
}

impl Kernel for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<L: Lanes>(self, simd: L) -> f32 {
        let mut sums = [simd.splat_integer(0); 8];
        for vectors in self.vectors.as_chunks::<8>().0 {
            for i in 0..8 {
                sums[i] = simd.add_integers(sums[i], simd.load_bytes(&vectors[i]));
            }
        }
        let mut total = sums[0];
        for &sum in &sums[1..] {
            total = simd.add_integers(total, sum);
        }
        simd.sum(simd.to_floats(total))
    }
}

/// Multiplies and adds bytes, as products of quantized weights do, `rounds` times on each thread.
///
/// Returns how many operations that were: 2 for each pair of bytes.
pub fn dot_bytes(pool: &ThreadPool, rounds: usize) -> usize {
    pool.run(pool.threads(), &|_| {
        black_box(InstructionSet::best().run(Dots { rounds: black_box(rounds) }));
    });
    pool.threads() * rounds * CHAINS * LANES * 4 * 2
}

struct Dots {
    rounds: usize,
}

impl Kernel for Dots {
    type Output = f32;

    #[inline(always)]
    fn run<L: Lanes>(self, simd: L) -> f32 {
        let total = if L::WIDE {
            chains::<L, CHAINS>(simd, self.rounds)
        } else {
            // Registers of half the width hold half of the chains.
            let half = chains::<L, { CHAINS / 2 }>(simd, self.rounds);
            simd.add_integers(half, chains::<L, { CHAINS / 2 }>(simd, self.rounds))
        };
        simd.sum(simd.to_floats(total))
    }
}

#[inline(always)]
fn chains<L: Lanes, const N: usize>(simd: L, rounds: usize) -> L::Integers {
    let mut activations: u32 = black_box(0x0201_0302);
    let mut sums = [simd.splat_integer(0); N];
    for _ in 0..rounds {
        // Codes and activations differ from step to step, so that no product can be computed once for all.
        activations = activations.wrapping_add(3);
        for i in 0..N {
            sums[i] = simd.dot_step(sums[i], sums[(i + 1) % N], activations);
        }
    }
    let mut total = sums[0];
    for &sum in &sums[1..] {
        total = simd.add_integers(total, sum);
    }
    total
}

/// Multiplies and adds f32, as products of float weights and attention do, `rounds` times on each thread.
///
/// Returns how many operations that were: 2 for each pair of numbers.
pub fn multiply_floats(pool: &ThreadPool, rounds: usize) -> usize {
    pool.run(pool.threads(), &|_| {
        black_box(InstructionSet::best().run(Multiplies { rounds: black_box(rounds) }));
    });
    pool.threads() * rounds * CHAINS * LANES * 2
}

struct Multiplies {
    rounds: usize,
}

impl Kernel for Multiplies {
    type Output = f32;

    #[inline(always)]
    fn run<L: Lanes>(self, simd: L) -> f32 {
        let (a, b) = (simd.splat(black_box(0.999)), simd.splat(black_box(0.5)));
        let mut sums = [b; CHAINS];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = simd.mul_add(*sum, a, b);
            }
        }
        let mut total = sums[0];
        for &sum in &sums[1..] {
            total = simd.add(total, sum);
        }
        simd.sum(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_count_what_they_did() {
        let pool = ThreadPool::new(2);
        assert_eq!(Readable::new(1000).read(&pool), 1024);
        assert_eq!(dot_bytes(&pool, 10), 2 * 10 * CHAINS * 128);
        assert_eq!(multiply_floats(&pool, 10), 2 * 10 * CHAINS * 32);
    }
}
