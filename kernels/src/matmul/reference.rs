//! The product in its plainest form: numbers times numbers, in f64.

use crate::limits::BLOCK;

/// `[m, rows]` from `x`, `[m, cols]`, and `weights`, `[rows, cols]`.
pub(super) fn matmul(x: &[f32], weights: &[f32], cols: usize) -> Vec<f64> {
    let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum() };
    let rows = |x| weights.chunks_exact(cols).map(move |weights| dot(x, weights));
    x.chunks_exact(cols).flat_map(rows).collect()
}

/// What quantization to 8 bits per block of 32 makes of `x`: the only loss that a quantized product may have.
pub(super) fn quantized(x: &[f32]) -> Vec<f32> {
    let block = |block: &[f32]| {
        let largest = block.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
        let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let scale = largest / 127.0;
        block.iter().map(|x| (x * inverse).round_ties_even() * scale).collect::<Vec<f32>>()
    };
    x.chunks(BLOCK).flat_map(block).collect()
}
