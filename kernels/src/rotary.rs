//! Rotary position embedding: pairs of numbers of a head turn by an angle that grows with the position.
//!
//! 6 operations per pair, in place; the table, 8 bytes per position and pair, is made once.

use crate::KernelError;
use crate::error::{count_rows, expect_below, expect_len};

/// Which numbers of a head form a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotaryStyle {
    /// `2i` and `2i + 1`: GGUF's "NORM", whose rows of q and k are permuted for it.
    Interleaved,
    /// `i` and `i + head_dim / 2`: Hugging Face.
    HalfSplit,
}

/// Llama 3's stretching of low frequencies, by the names of `config.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct Llama3Scaling {
    /// By how much the lowest frequencies are slowed.
    pub factor: f32,
    /// Turns over the original context below which a frequency is slowed fully.
    pub low_freq_factor: f32,
    /// Turns over the original context above which a frequency stays as it is.
    pub high_freq_factor: f32,
    /// Positions before the stretching.
    pub original_context: f32,
}

impl Llama3Scaling {
    fn scale(&self, frequency: f64) -> f64 {
        let factor = f64::from(self.factor);
        let turns = f64::from(self.original_context) * frequency / std::f64::consts::TAU;
        let (low, high) = (f64::from(self.low_freq_factor), f64::from(self.high_freq_factor));
        if turns < low {
            frequency / factor
        } else if turns > high {
            frequency
        } else {
            let smooth = (turns - low) / (high - low);
            (1.0 - smooth) * frequency / factor + smooth * frequency
        }
    }
}

/// Cosines and sines of every position and pair.
#[derive(Clone, Debug)]
pub struct RotaryTable {
    head_dim: usize,
    /// `[context, head_dim / 2]` of cosine and sine.
    turns: Vec<[f32; 2]>,
}

impl RotaryTable {
    /// Makes the table for positions below `context`; pair `i` turns by `theta^(-2i / head_dim)` per position.
    ///
    /// Frequencies and angles are rounded to f32 where PyTorch rounds them; cosines and sines come from f64.
    ///
    /// Source: Su et al. 2021; Llama 3's scaling as in `transformers`.
    pub fn new(head_dim: usize, theta: f32, context: usize, scaling: Option<&Llama3Scaling>) -> Self {
        let frequency = |pair: usize| {
            let plain = f64::from(theta).powf(-(2.0 * pair as f64) / head_dim as f64);
            scaling.map_or(plain, |scaling| scaling.scale(plain)) as f32
        };
        let frequencies: Vec<f32> = (0..head_dim / 2).map(frequency).collect();
        let mut turns = Vec::with_capacity(context * frequencies.len());
        for position in 0..context {
            turns.extend(frequencies.iter().map(|frequency| {
                let (sine, cosine) = f64::from(position as f32 * frequency).sin_cos();
                [cosine as f32, sine as f32]
            }));
        }
        Self { head_dim, turns }
    }

    /// `[context, head_dim / 2]` of cosine and sine.
    pub fn turns(&self) -> &[[f32; 2]] {
        &self.turns
    }

    /// Positions are smaller than this.
    pub fn context(&self) -> usize {
        self.turns.len() / (self.head_dim / 2).max(1)
    }
}

/// Turns each head of each row by the row's position, in place.
///
/// Shapes: `x`: `[m, heads, head_dim]`; `positions`: `[m]`.
///
/// Errors: [`KernelError::Rows`] or [`KernelError::Shape`] if lengths don't fit the table or each other,
/// [`KernelError::Index`] if the table does not reach a position.
pub fn rotary(
    x: &mut [f32],
    positions: &[u32],
    heads: usize,
    head_dim: usize,
    table: &RotaryTable,
    style: RotaryStyle,
) -> Result<(), KernelError> {
    expect_len("rotary", "table", table.head_dim, head_dim)?;
    expect_len("rotary", "pairs", head_dim / 2 * 2, head_dim)?;
    let rows = count_rows("rotary", "x", x.len(), heads * head_dim)?;
    expect_len("rotary", "positions", positions.len(), rows)?;
    for &position in positions {
        expect_below("rotary", "positions", position as usize, table.context())?;
    }
    let pairs = head_dim / 2;
    for (row, &position) in x.chunks_exact_mut(heads * head_dim).zip(positions) {
        let turns = &table.turns[position as usize * pairs..][..pairs];
        for head in row.chunks_exact_mut(head_dim) {
            match style {
                RotaryStyle::Interleaved => turn_neighbours(head, turns),
                RotaryStyle::HalfSplit => turn_halves(head, turns),
            }
        }
    }
    Ok(())
}

fn turn_neighbours(head: &mut [f32], turns: &[[f32; 2]]) {
    for ([a, b], [cosine, sine]) in head.as_chunks_mut().0.iter_mut().zip(turns) {
        (*a, *b) = (*a * cosine - *b * sine, *b * cosine + *a * sine);
    }
}

fn turn_halves(head: &mut [f32], turns: &[[f32; 2]]) {
    let (low, high) = head.split_at_mut(turns.len());
    for ((a, b), [cosine, sine]) in low.iter_mut().zip(high).zip(turns) {
        (*a, *b) = (*a * cosine - *b * sine, *b * cosine + *a * sine);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::numbers;

    const HEADS: usize = 3;
    const DIM: usize = 8;

    fn turned(x: &[f32], positions: &[u32], style: RotaryStyle) -> Vec<f32> {
        let table = RotaryTable::new(DIM, 10_000.0, 100, None);
        let mut x = x.to_vec();
        rotary(&mut x, positions, HEADS, DIM, &table, style).unwrap();
        x
    }

    #[test]
    fn position_zero_changes_nothing() {
        let x = numbers(1, HEADS * DIM, 1.0);
        for style in [RotaryStyle::Interleaved, RotaryStyle::HalfSplit] {
            assert_eq!(turned(&x, &[0], style), x);
        }
    }

    #[test]
    fn a_pair_turns_by_its_frequency_times_the_position() {
        let x = numbers(1, HEADS * DIM, 1.0);
        let found = turned(&x, &[7], RotaryStyle::HalfSplit);
        for pair in 0..DIM / 2 {
            let angle = 7.0 * 10_000f64.powf(-(pair as f64) / 4.0);
            let (a, b) = (f64::from(x[pair]), f64::from(x[pair + DIM / 2]));
            let expected = [a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()];
            let found = [found[pair], found[pair + DIM / 2]].map(f64::from);
            assert!(found.iter().zip(expected).all(|(found, e)| (found - e).abs() < 1e-6));
        }
    }

    #[test]
    fn the_styles_differ_by_the_order_of_the_numbers() {
        let x = numbers(3, 2 * HEADS * DIM, 1.0);
        let interleave = |x: &[f32]| -> Vec<f32> {
            let heads = x.chunks_exact(DIM);
            heads.flat_map(|head| (0..DIM).map(|i| head[i / 2 + i % 2 * DIM / 2])).collect()
        };
        let halves = turned(&x, &[5, 99], RotaryStyle::HalfSplit);
        let neighbours = turned(&interleave(&x), &[5, 99], RotaryStyle::Interleaved);
        assert_eq!(interleave(&halves), neighbours);
    }

    #[test]
    fn llama_3_slows_low_frequencies_and_keeps_high_ones() {
        let scaling =
            Llama3Scaling { factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_context: 8192.0 };
        let tau = std::f64::consts::TAU;
        assert_eq!(scaling.scale(1.0), 1.0);
        assert_eq!(scaling.scale(1e-5), 1e-5 / 8.0);
        // 2.5 turns over the context are in the middle of 1 and 4.
        let middle = 2.5 * tau / 8192.0;
        assert!((scaling.scale(middle) / middle - (0.5 + 0.5 / 8.0)).abs() < 1e-12);
        assert_eq!(RotaryTable::new(64, 5e5, 40, Some(&scaling)).context(), 40);
    }

    #[test]
    fn positions_and_shapes_outside_the_table_are_refused() {
        let table = RotaryTable::new(DIM, 10_000.0, 100, None);
        let style = RotaryStyle::HalfSplit;
        let mut x = [0.0; HEADS * DIM];
        let beyond = rotary(&mut x, &[100], HEADS, DIM, &table, style);
        assert!(matches!(beyond, Err(KernelError::Index { index: 100, count: 100, .. })));
        assert!(rotary(&mut x, &[1, 2], HEADS, DIM, &table, style).is_err());
        assert!(rotary(&mut x, &[1], HEADS, DIM / 2, &table, style).is_err());
        assert!(rotary(&mut x[1..], &[1], HEADS, DIM, &table, style).is_err());
    }
}
