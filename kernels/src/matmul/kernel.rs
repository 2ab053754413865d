//! The register tiles: 16 rows of weights times 1 to 8 tokens.

use crate::activations::{group, token_words};
use crate::disjoint::DisjointSlice;
use crate::elementwise::silu_mul_lanes;
use crate::lanes::{InstructionSet, Kernel, Lanes};
use crate::limits::{BLOCK, LANES};
use crate::tile::{BF16, F16, F32, Plain, Q4_0, Q4_1, Q8_0, Quantized};
use crate::{Format, Matrix};
use std::marker::PhantomData;
use std::ops::Range;

/// A run of tiles times a run of token groups.
pub(super) struct Product<'a> {
    pub(super) weights: &'a Matrix,
    /// Prepared for the format of the weights, all tokens.
    pub(super) activations: &'a [u32],
    /// Tokens.
    pub(super) m: usize,
    pub(super) tiles: Range<usize>,
    pub(super) groups: Range<usize>,
    /// `[m, rows]`; only the rows of `tiles` and the tokens of `groups` are written.
    pub(super) out: &'a DisjointSlice<'a, f32>,
    pub(super) then: Then<'a>,
}

/// What becomes of a product.
#[derive(Clone, Copy)]
pub(super) enum Then<'a> {
    /// It is the result.
    Write,
    /// It is added to what is there.
    Add,
    /// It is the gate of the product with these weights, of the same shape and format: the result is `silu(gate) * up`.
    Gate(&'a Matrix),
}

/// Selected rows times one token.
pub(super) struct Selection<'a> {
    pub(super) weights: &'a Matrix,
    /// One token, prepared for the format of the weights.
    pub(super) activations: &'a [u32],
    pub(super) selected: &'a [u32],
    /// As long as `selected`.
    pub(super) out: &'a mut [f32],
}

/// Runs a product with the kernel of its weights' format.
pub(super) fn product(set: InstructionSet, product: Product<'_>) {
    match product.weights.format() {
        Format::F32 => set.run(Of::<_, Columns<F32>>::new(product)),
        Format::F16 => set.run(Of::<_, Columns<F16>>::new(product)),
        Format::BF16 => set.run(Of::<_, Columns<BF16>>::new(product)),
        Format::Q4_0 => set.run(Of::<_, Blocks<Q4_0>>::new(product)),
        Format::Q4_1 => set.run(Of::<_, Blocks<Q4_1>>::new(product)),
        Format::Q8_0 => set.run(Of::<_, Blocks<Q8_0>>::new(product)),
    }
}

/// Runs a selection with the kernel of its weights' format.
pub(super) fn selection(set: InstructionSet, selection: Selection<'_>) {
    match selection.weights.format() {
        Format::F32 => set.run(Of::<_, Columns<F32>>::new(selection)),
        Format::F16 => set.run(Of::<_, Columns<F16>>::new(selection)),
        Format::BF16 => set.run(Of::<_, Columns<BF16>>::new(selection)),
        Format::Q4_0 => set.run(Of::<_, Blocks<Q4_0>>::new(selection)),
        Format::Q4_1 => set.run(Of::<_, Blocks<Q4_1>>::new(selection)),
        Format::Q8_0 => set.run(Of::<_, Blocks<Q8_0>>::new(selection)),
    }
}

/// Work, and the kind of tile it reads.
struct Of<W, T> {
    work: W,
    tile: PhantomData<T>,
}

impl<W, T> Of<W, T> {
    fn new(work: W) -> Self {
        Self { work, tile: PhantomData }
    }
}

/// How a tile is multiplied with a group of tokens.
trait Tile {
    /// For each of `M` tokens, 16 sums.
    fn times<L: Lanes, const M: usize>(simd: L, tile: &[u16], group: &[u32]) -> [L::Floats; M];
}

/// A tile of quantized blocks.
struct Blocks<Q>(PhantomData<Q>);

impl<Q: Quantized> Tile for Blocks<Q> {
    #[inline(always)]
    fn times<L: Lanes, const M: usize>(simd: L, tile: &[u16], group: &[u32]) -> [L::Floats; M] {
        simd.times_tile::<Q, M>(tile, group)
    }
}

/// A tile of float columns.
struct Columns<P>(PhantomData<P>);

impl<P: Plain> Tile for Columns<P> {
    #[inline(always)]
    fn times<L: Lanes, const M: usize>(simd: L, tile: &[u16], group: &[u32]) -> [L::Floats; M] {
        let mut sums = [simd.splat(0.0); M];
        for (columns, tokens) in tile.chunks(P::WORDS * BLOCK).zip(group.chunks(M * BLOCK)) {
            let mut block_sums = [simd.splat(0.0); M];
            for (column, x) in columns.chunks_exact(P::WORDS).zip(tokens.chunks_exact(M)) {
                let weights = P::column(simd, column);
                for t in 0..M {
                    let x = simd.splat(f32::from_bits(x[t]));
                    block_sums[t] = simd.mul_add(weights, x, block_sums[t]);
                }
            }
            for t in 0..M {
                sums[t] = simd.add(sums[t], block_sums[t]);
            }
        }
        sums
    }
}

impl<T: Tile> Kernel for Of<Product<'_>, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, simd: L) {
        let product = self.work;
        for tile in product.tiles.clone() {
            for index in product.groups.clone() {
                let tokens = group(product.m, index);
                match tokens.len() {
                    8 => product.multiply::<T, L, 8>(simd, tile, tokens.start),
                    7 => product.multiply::<T, L, 7>(simd, tile, tokens.start),
                    6 => product.multiply::<T, L, 6>(simd, tile, tokens.start),
                    5 => product.multiply::<T, L, 5>(simd, tile, tokens.start),
                    4 => product.multiply::<T, L, 4>(simd, tile, tokens.start),
                    3 => product.multiply::<T, L, 3>(simd, tile, tokens.start),
                    2 => product.multiply::<T, L, 2>(simd, tile, tokens.start),
                    _ => product.multiply::<T, L, 1>(simd, tile, tokens.start),
                }
            }
        }
    }
}

impl Product<'_> {
    /// One tile times the `M` tokens from `first`.
    #[inline(always)]
    fn multiply<T: Tile, L: Lanes, const M: usize>(&self, simd: L, tile: usize, first: usize) {
        let (rows, cols) = (self.weights.rows(), self.weights.cols());
        let words = token_words(self.weights.format(), cols);
        let group = &self.activations[first * words..(first + M) * words];
        let (matrices, count) = match self.then {
            Then::Gate(up) => ([self.weights, up], 2),
            Then::Write | Then::Add => ([self.weights; 2], 1),
        };
        let mut both = [[simd.splat(0.0); M]; 2];
        // A loop, so that the product is compiled once for each width.
        for (sums, weights) in both.iter_mut().zip(matrices).take(count) {
            *sums = T::times::<L, M>(simd, weights.tile(tile), group);
        }
        let [mut sums, up] = both;
        if count == 2 {
            for t in 0..M {
                sums[t] = silu_mul_lanes(simd, sums[t], up[t]);
            }
        }
        let first_row = tile * LANES;
        let width = LANES.min(rows - first_row);
        for (t, sums) in sums.into_iter().enumerate() {
            let start = (first + t) * rows + first_row;
            // SAFETY: tasks have disjoint tiles or disjoint groups, so no other task writes these rows of this token.
            let out = unsafe { self.out.part(start..start + width) };
            let mut lanes = [0.0; LANES];
            let to = match out.first_chunk_mut() {
                Some(out) => out,
                None => {
                    lanes[..width].copy_from_slice(out);
                    &mut lanes
                }
            };
            let sums = if matches!(self.then, Then::Add) { simd.add(simd.load(to), sums) } else { sums };
            simd.store(sums, to);
            if width < LANES {
                out.copy_from_slice(&lanes[..width]);
            }
        }
    }
}

impl<T: Tile> Kernel for Of<Selection<'_>, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, simd: L) {
        let Selection { weights, activations, selected, out } = self.work;
        let mut lanes = [0.0; LANES];
        let mut computed = None;
        for (&row, out) in selected.iter().zip(out) {
            let (tile, lane) = (row as usize / LANES, row as usize % LANES);
            if computed != Some(tile) {
                let [sums] = T::times::<L, 1>(simd, weights.tile(tile), activations);
                simd.store(sums, &mut lanes);
                computed = Some(tile);
            }
            *out = lanes[lane];
        }
    }
}
