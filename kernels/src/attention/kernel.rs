//! One task of attention: a few queries, step by step over their context.

#![expect(clippy::needless_range_loop, reason = "several register arrays are indexed alike")]

use crate::disjoint::DisjointSlice;
use crate::kv_cache::Place;
use crate::lanes::{InstructionSet, Kernel, Lanes, exp};
use crate::limits::{ATTENTION_REGISTER_QUERIES, ATTENTION_STEP, LANES};
use std::ops::Range;

/// Vectors of a step's scores.
const STEP_VECTORS: usize = ATTENTION_STEP / LANES;
/// Vectors of scores, or of a weighted sum, that stay in registers for each of four queries: of 32 registers, or of 16 of half
/// the width. Sums that don't fit are loaded and stored with each product, which takes three times as long.
const PANEL: usize = 4;
const NARROW_PANEL: usize = 1;

/// The queries of a task.
pub(super) struct Queries<'a> {
    /// `[m, row_len]`
    pub(super) q: &'a [f32],
    /// `[m, row_len]`; only `heads` of `rows` are written.
    pub(super) out: &'a DisjointSlice<'a, f32>,
    pub(super) rows: Range<usize>,
    /// The heads that share a key-value head.
    pub(super) heads: Range<usize>,
    pub(super) head_dim: usize,
    pub(super) row_len: usize,
    /// Of the scores.
    pub(super) scale: f32,
    /// Slots of the positions up to that of the last row.
    pub(super) context: &'a [u32],
}

/// Keys and values of one head, by slot.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a, N> {
    pub(super) keys: &'a [N],
    pub(super) values: &'a [N],
    /// Where a slot's row is in both.
    pub(super) place: Place,
}

/// A stored number.
pub(super) trait Number: Copy {
    fn load<L: Lanes>(simd: L, from: &[Self; LANES]) -> L::Floats;
}

impl Number for u16 {
    #[inline(always)]
    fn load<L: Lanes>(simd: L, from: &[Self; LANES]) -> L::Floats {
        simd.widen_f16(from)
    }
}

impl Number for f32 {
    #[inline(always)]
    fn load<L: Lanes>(simd: L, from: &[Self; LANES]) -> L::Floats {
        simd.load(from)
    }
}

/// Numbers of scratch that `queries` queries need.
pub(super) fn scratch_len(queries: usize, head_dim: usize) -> usize {
    let stride = head_dim.next_multiple_of(LANES);
    (2 * ATTENTION_STEP + 2 * queries) * stride + 2 * queries
}

/// Attends on the given instructions; `scratch` is as long as [`scratch_len`] says, with anything in it.
pub(super) fn attend<N: Number>(set: InstructionSet, queries: Queries<'_>, rows: Rows<'_, N>, scratch: &mut [f32]) {
    set.run(Attend { queries, rows, scratch });
}

struct Attend<'a, N> {
    queries: Queries<'a>,
    rows: Rows<'a, N>,
    scratch: &'a mut [f32],
}

/// What a task keeps in scratch.
struct State<'a> {
    /// Keys of the step, `[stride, 64]`.
    keys: &'a mut [[f32; LANES]],
    /// Values of the step, `[64, stride]`.
    values: &'a mut [[f32; LANES]],
    /// Scaled queries, `[queries, stride]`, row by row, head by head.
    queries: &'a mut [f32],
    /// Weighted sums of values so far, `[queries, stride]`.
    sums: &'a mut [[f32; LANES]],
    /// Greatest scores so far, `[queries]`.
    greatest: &'a mut [f32],
    /// Sums of weights so far, `[queries]`.
    totals: &'a mut [f32],
    stride: usize,
}

impl<'a> State<'a> {
    fn new(scratch: &'a mut [f32], queries: usize, stride: usize) -> Self {
        let (keys, rest) = scratch.split_at_mut(ATTENTION_STEP * stride);
        let (values, rest) = rest.split_at_mut(ATTENTION_STEP * stride);
        let (scaled, rest) = rest.split_at_mut(queries * stride);
        let (sums, rest) = rest.split_at_mut(queries * stride);
        let (greatest, totals) = rest.split_at_mut(queries);
        scaled.fill(0.0);
        sums.fill(0.0);
        greatest.fill(f32::NEG_INFINITY);
        totals.fill(0.0);
        Self {
            keys: keys.as_chunks_mut().0,
            values: values.as_chunks_mut().0,
            queries: scaled,
            sums: sums.as_chunks_mut().0,
            greatest,
            totals,
            stride,
        }
    }
}

impl<N: Number> Kernel for Attend<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, simd: L) {
        let Self { queries, rows, scratch } = self;
        let sharing = queries.heads.len();
        let count = queries.rows.len() * sharing;
        let mut state = State::new(scratch, count, rows.place.stride);
        scale_queries(&queries, &mut state);
        // The first row sees this many positions, each next one more.
        let first_sees = queries.context.len() + 1 - queries.rows.len();
        for (step, slots) in queries.context.chunks(ATTENTION_STEP).enumerate() {
            load_keys(simd, rows, slots, state.keys);
            load_values(simd, rows, slots, state.values);
            let start = step * ATTENTION_STEP;
            let mut query = 0;
            while query < count {
                let row = query / sharing;
                let visible = (first_sees + row).saturating_sub(start).min(slots.len());
                // Queries may share registers if they see the same positions: all of them in a step that lies before
                // the first row, else only the heads of one row.
                let alike = if first_sees >= start + slots.len() { count - query } else { (row + 1) * sharing - query };
                let width = alike.min(ATTENTION_REGISTER_QUERIES);
                if visible > 0 {
                    match width {
                        4 => state.step::<L, 4>(simd, query, visible),
                        3 => state.step::<L, 3>(simd, query, visible),
                        2 => state.step::<L, 2>(simd, query, visible),
                        _ => state.step::<L, 1>(simd, query, visible),
                    }
                }
                query += width;
            }
        }
        write_out(&queries, &state);
    }
}

#[inline(always)]
fn scale_queries(queries: &Queries<'_>, state: &mut State<'_>) {
    let mut scaled = state.queries.chunks_exact_mut(state.stride);
    for row in queries.rows.clone() {
        for (head, scaled) in queries.heads.clone().zip(&mut scaled) {
            let start = row * queries.row_len + head * queries.head_dim;
            for (scaled, q) in scaled.iter_mut().zip(&queries.q[start..start + queries.head_dim]) {
                *scaled = q * queries.scale;
            }
        }
    }
}

#[inline(always)]
fn write_out(queries: &Queries<'_>, state: &State<'_>) {
    let mut sums = state.sums.chunks_exact(state.stride / LANES).zip(&*state.totals);
    for row in queries.rows.clone() {
        for (head, (sums, total)) in queries.heads.clone().zip(&mut sums) {
            let start = row * queries.row_len + head * queries.head_dim;
            // SAFETY: tasks differ in their rows or in their heads, so no other task writes this head of this row.
            let out = unsafe { queries.out.part(start..start + queries.head_dim) };
            let inverse = 1.0 / total;
            for (out, sum) in out.iter_mut().zip(sums.as_flattened()) {
                *out = sum * inverse;
            }
        }
    }
}

/// One vector of the row of a slot.
#[inline(always)]
fn vector<N>(numbers: &[N], start: usize) -> &[N; LANES] {
    numbers[start..].first_chunk().expect("rows are whole vectors")
}

/// Transposes the keys of up to 64 slots to `[stride, 64]`. Columns without a slot are zero or stale.
#[inline(always)]
fn load_keys<L: Lanes, N: Number>(simd: L, rows: Rows<'_, N>, slots: &[u32], to: &mut [[f32; LANES]]) {
    for (sixteen, slots) in slots.chunks(LANES).enumerate() {
        for from in (0..rows.place.stride).step_by(LANES) {
            let mut vectors = [simd.splat(0.0); LANES];
            for (loaded, &slot) in vectors.iter_mut().zip(slots) {
                *loaded = N::load(simd, vector(rows.keys, rows.place.of(slot) + from));
            }
            let columns = simd.transpose(vectors);
            for (i, column) in columns.into_iter().enumerate() {
                simd.store(column, &mut to[(from + i) * STEP_VECTORS + sixteen]);
            }
        }
    }
}

/// Widens the values of up to 64 slots to `[64, stride]`.
#[inline(always)]
fn load_values<L: Lanes, N: Number>(simd: L, rows: Rows<'_, N>, slots: &[u32], to: &mut [[f32; LANES]]) {
    let vectors = rows.place.stride / LANES;
    for (&slot, to) in slots.iter().zip(to.chunks_exact_mut(vectors)) {
        for (index, to) in to.iter_mut().enumerate() {
            let from = rows.place.of(slot) + index * LANES;
            simd.store(N::load(simd, vector(rows.values, from)), to);
        }
    }
}

impl State<'_> {
    /// Takes the first `visible` positions of the step into the `Q` queries from `first`.
    #[inline(always)]
    fn step<L: Lanes, const Q: usize>(&mut self, simd: L, first: usize, visible: usize) {
        let scores = self.scores::<L, Q>(simd, first);
        let mut weights = [[[0.0; LANES]; STEP_VECTORS]; Q];
        let mut decays = [0.0; Q];
        for query in 0..Q {
            let before = self.greatest[first + query];
            let (total, greatest) = softmax(simd, scores[query], visible, before, &mut weights[query]);
            // From minus infinity, before the first step, this is zero, as are the sums.
            let decay = first_lane(simd, exp(simd, simd.splat(before - greatest)));
            let totals = &mut self.totals[first + query];
            *totals = decay.mul_add(*totals, total);
            self.greatest[first + query] = greatest;
            decays[query] = decay;
        }
        let vectors = self.stride / LANES;
        let mut from = 0;
        while L::WIDE && from + PANEL <= vectors {
            self.add_values::<L, Q, PANEL>(simd, (first, from), &weights, decays, visible);
            from += PANEL;
        }
        while from < vectors {
            self.add_values::<L, Q, NARROW_PANEL>(simd, (first, from), &weights, decays, visible);
            from += NARROW_PANEL;
        }
    }

    /// Scores of 64 positions.
    #[inline(always)]
    fn scores<L: Lanes, const Q: usize>(&self, simd: L, first: usize) -> [[L::Floats; STEP_VECTORS]; Q] {
        let mut scores = [[simd.splat(0.0); STEP_VECTORS]; Q];
        if L::WIDE {
            self.add_scores::<L, Q, PANEL>(simd, first, 0, &mut scores);
        } else {
            for from in 0..STEP_VECTORS {
                self.add_scores::<L, Q, NARROW_PANEL>(simd, first, from, &mut scores);
            }
        }
        scores
    }

    /// Scores of `P` vectors of positions, from `from`.
    #[inline(always)]
    fn add_scores<L: Lanes, const Q: usize, const P: usize>(
        &self,
        simd: L,
        first: usize,
        from: usize,
        scores: &mut [[L::Floats; STEP_VECTORS]; Q],
    ) {
        let mut sums = [[simd.splat(0.0); P]; Q];
        let queries = &self.queries[first * self.stride..(first + Q) * self.stride];
        let keys = self.keys.as_chunks::<STEP_VECTORS>().0;
        for (i, keys) in keys[..self.stride].iter().enumerate() {
            let mut vectors = [simd.splat(0.0); P];
            for p in 0..P {
                vectors[p] = simd.load(&keys[from + p]);
            }
            for query in 0..Q {
                let q = simd.splat(queries[query * self.stride + i]);
                for p in 0..P {
                    sums[query][p] = simd.mul_add(q, vectors[p], sums[query][p]);
                }
            }
        }
        for query in 0..Q {
            scores[query][from..from + P].copy_from_slice(&sums[query]);
        }
    }

    /// Adds the weighted values of the step to `P` vectors, from `from`, of each of `Q` queries, from `first`.
    #[inline(always)]
    fn add_values<L: Lanes, const Q: usize, const P: usize>(
        &mut self,
        simd: L,
        (first, from): (usize, usize),
        weights: &[[[f32; LANES]; STEP_VECTORS]; Q],
        decays: [f32; Q],
        visible: usize,
    ) {
        let vectors = self.stride / LANES;
        let mut sums = [[simd.splat(0.0); P]; Q];
        for query in 0..Q {
            for p in 0..P {
                let before = simd.load(&self.sums[(first + query) * vectors + from + p]);
                sums[query][p] = simd.mul(before, simd.splat(decays[query]));
            }
        }
        for (position, values) in self.values.chunks_exact(vectors).take(visible).enumerate() {
            let values = &values[from..from + P];
            for query in 0..Q {
                let weight = simd.splat(weights[query].as_flattened()[position]);
                for p in 0..P {
                    sums[query][p] = simd.mul_add(weight, simd.load(&values[p]), sums[query][p]);
                }
            }
        }
        for query in 0..Q {
            for p in 0..P {
                let sum = &mut self.sums[(first + query) * vectors + from + p];
                simd.store(sums[query][p], sum);
            }
        }
    }
}

/// Turns scores of the first `visible` positions into weights relative to the greatest score so far, zero beyond.
///
/// Returns the sum of the weights and the greatest score, at least `before`.
#[inline(always)]
fn softmax<L: Lanes>(
    simd: L,
    mut scores: [L::Floats; STEP_VECTORS],
    visible: usize,
    before: f32,
    weights: &mut [[f32; LANES]; STEP_VECTORS],
) -> (f32, f32) {
    let hidden = simd.splat(f32::NEG_INFINITY);
    let mut greatest = hidden;
    for v in 0..STEP_VECTORS {
        scores[v] = simd.first(visible.saturating_sub(v * LANES), scores[v], hidden);
        greatest = simd.max(greatest, scores[v]);
    }
    let greatest = simd.greatest(simd.max(greatest, simd.splat(before)));
    let mut total = simd.splat(0.0);
    for v in 0..STEP_VECTORS {
        let weight = exp(simd, simd.add(scores[v], simd.splat(-greatest)));
        total = simd.add(total, weight);
        simd.store(weight, &mut weights[v]);
    }
    (simd.sum(total), greatest)
}

#[inline(always)]
fn first_lane<L: Lanes>(simd: L, a: L::Floats) -> f32 {
    let mut lanes = [0.0; LANES];
    simd.store(a, &mut lanes);
    lanes[0]
}
