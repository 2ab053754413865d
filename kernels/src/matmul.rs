//! `out = x · wᵀ`: activations times packed weights.
//!
//! **Arithmetic.** A product of `m` tokens takes `2 * m * rows * cols` operations and reads each weight once. Q4_1 is
//! 0.625 bytes per weight, so one token takes 3.2 operations per byte, while a core has about 16 (460 GOP/s of
//! `vpdpbusd` over 29 GB/s, Zen 4): up to 4 tokens are bound by memory, more by the dot product. In the inner loop 8
//! of 11 multiply-like instructions are dot products, so 73 % of the peak is the most this form can reach.
//!
//! **Loops.** A task is a run of weight tiles times a run of token groups. A tile (6 kB for 576 columns) stays in L1
//! while the groups of the task pass over it; weights come from memory once.
//!
//! **Order of sums**, the same for every group width, thread count and instruction set: for each row and token, over
//! the blocks in order, `sum = fma(dot, d_w * d_x, sum)`, then `sum = fma(m_w, s_x, sum)` where the format has
//! offsets; `dot` is an exact integer. Floats: sums over 32 columns, each an fma chain from zero, added in order.

mod kernel;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use crate::activations::{group_count, prepare, token_words};
use crate::disjoint::DisjointSlice;
use crate::elementwise::silu_mul;
use crate::error::{count_rows, expect_below, expect_len};
use crate::lanes::InstructionSet;
use crate::limits::{GROUP_TOKENS, LANES, TASK_GROUPS, TASK_PRODUCTS_MIN, TASK_SELECTED, TASKS_PER_THREAD};
use crate::{KernelError, Matrix, ThreadPool};
use kernel::{Product, Selection, Then};
use std::cell::Cell;

/// Multiplies each row of `x` with all rows of `w`.
///
/// Shapes: `x`: `[m, w.cols()]`, `out`: `[m, w.rows()]`. Quantized weights quantize `x` to 8 bits per block of 32;
/// floats multiply in f32. A row of `out` depends on its row of `x` alone.
///
/// Errors: [`KernelError::Rows`] or [`KernelError::Shape`] if a length does not fit.
pub fn matmul(pool: &ThreadPool, out: &mut [f32], x: &[f32], w: &Matrix) -> Result<(), KernelError> {
    matmul_on(InstructionSet::best(), pool, out, x, w)
}

/// Adds to each row of `out` what [`matmul`] would write to it: a block's output to the residual stream.
///
/// Shapes and errors: as [`matmul`].
pub fn matmul_add(pool: &ThreadPool, out: &mut [f32], x: &[f32], w: &Matrix) -> Result<(), KernelError> {
    products_on(InstructionSet::best(), pool, x, &mut [(out, w)], Then::Add)
}

/// Multiplies each row of `x` with the rows of several matrices, as one job: queries, keys and values.
///
/// Shapes: `x`: `[m, cols]`, each `out`: `[m, w.rows()]`, all matrices of as many columns. The numbers are those of [`matmul`].
///
/// Errors: as [`matmul`], before anything is written.
pub fn matmul_each(pool: &ThreadPool, x: &[f32], products: &mut [(&mut [f32], &Matrix)]) -> Result<(), KernelError> {
    products_on(InstructionSet::best(), pool, x, products, Then::Write)
}

/// Writes `silu(x · gateᵀ) * (x · upᵀ)`: the gated half of the feed-forward block.
///
/// Shapes: `x`: `[m, cols]`, `out`: `[m, rows]`, both matrices `[rows, cols]`. The numbers are those of two [`matmul`] and
/// [`silu_mul`].
///
/// Errors: as [`matmul`]; [`KernelError::Shape`] if the matrices differ in shape.
pub fn matmul_gated(
    pool: &ThreadPool,
    out: &mut [f32],
    x: &[f32],
    (gate, up): (&Matrix, &Matrix),
) -> Result<(), KernelError> {
    expect_len("matmul_gated", "rows of up", up.rows(), gate.rows())?;
    expect_len("matmul_gated", "columns of up", up.cols(), gate.cols())?;
    if gate.format() == up.format() {
        return products_on(InstructionSet::best(), pool, x, &mut [(out, gate)], Then::Gate(up));
    }
    let mut factor = vec![0.0; out.len()];
    matmul_each(pool, x, &mut [(&mut *out, gate), (&mut factor, up)])?;
    silu_mul(out, &factor)
}

/// Multiplies one row with selected rows of `w`: the logits of the tokens that a constraint allows.
///
/// Shapes: `x`: `[w.cols()]`, `out`, `selected`: `[n]`, any row in any order. The numbers are those of [`matmul`].
///
/// Errors: [`KernelError::Shape`] if a length does not fit, [`KernelError::Index`] if there is no such row.
pub fn matmul_rows(
    pool: &ThreadPool,
    out: &mut [f32],
    x: &[f32],
    w: &Matrix,
    selected: &[u32],
) -> Result<(), KernelError> {
    matmul_rows_on(InstructionSet::best(), pool, out, x, (w, selected))
}

fn matmul_on(
    set: InstructionSet,
    pool: &ThreadPool,
    out: &mut [f32],
    x: &[f32],
    w: &Matrix,
) -> Result<(), KernelError> {
    products_on(set, pool, x, &mut [(out, w)], Then::Write)
}

fn products_on(
    set: InstructionSet,
    pool: &ThreadPool,
    x: &[f32],
    products: &mut [(&mut [f32], &Matrix)],
    then: Then<'_>,
) -> Result<(), KernelError> {
    for (out, w) in &*products {
        let m = count_rows("matmul", "x", x.len(), w.cols())?;
        expect_len("matmul", "out", out.len(), m * w.rows())?;
    }
    // One job of products whose inputs take the same form.
    for job in products.chunk_by_mut(|(_, a), (_, b)| a.format().is_quantized() == b.format().is_quantized()) {
        run_job(set, pool, x, job, then);
    }
    Ok(())
}

/// Runs products of the same prepared activations, whose shapes were checked, as tasks of one job.
fn run_job(set: InstructionSet, pool: &ThreadPool, x: &[f32], products: &mut [(&mut [f32], &Matrix)], then: Then<'_>) {
    let Some((_, first)) = products.first() else { return };
    let (m, first) = (x.len() / first.cols(), *first);
    let groups = group_count(m);
    let tiles_per_task = tiles_per_task(pool, m, products.iter().map(|(_, w)| w.tile_count()).sum(), first.cols());
    let products: Vec<(DisjointSlice<'_, f32>, &Matrix)> =
        products.iter_mut().map(|(out, w)| (DisjointSlice::new(out), *w)).collect();
    let tile_tasks: usize = products.iter().map(|(_, w)| w.tile_count().div_ceil(tiles_per_task)).sum();
    with_prepared(set, pool, x, first, |activations| {
        pool.run(tile_tasks * groups.div_ceil(TASK_GROUPS), &|task| {
            let (mut part, first_group) = (task % tile_tasks, task / tile_tasks * TASK_GROUPS);
            for (out, weights) in &products {
                let tiles = weights.tile_count();
                if part < tiles.div_ceil(tiles_per_task) {
                    let tiles = part * tiles_per_task..tiles.min((part + 1) * tiles_per_task);
                    let groups = first_group..groups.min(first_group + TASK_GROUPS);
                    return kernel::product(set, Product { weights, activations, m, tiles, groups, out, then });
                }
                part -= tiles.div_ceil(tiles_per_task);
            }
        });
    });
}

fn matmul_rows_on(
    set: InstructionSet,
    pool: &ThreadPool,
    out: &mut [f32],
    x: &[f32],
    (w, selected): (&Matrix, &[u32]),
) -> Result<(), KernelError> {
    expect_len("matmul_rows", "x", x.len(), w.cols())?;
    expect_len("matmul_rows", "out", out.len(), selected.len())?;
    for &row in selected {
        expect_below("matmul_rows", "selected", row as usize, w.rows())?;
    }
    with_prepared(set, pool, x, w, |activations| {
        let out = DisjointSlice::new(out);
        pool.run(selected.len().div_ceil(TASK_SELECTED), &|task| {
            let range = task * TASK_SELECTED..selected.len().min((task + 1) * TASK_SELECTED);
            let selected = &selected[range.clone()];
            // SAFETY: the ranges of two tasks don't overlap.
            let out = unsafe { out.part(range) };
            kernel::selection(set, Selection { weights: w, activations, selected, out });
        });
    });
    Ok(())
}

/// Tiles of a task: some tasks for each thread, but none too short to be worth sharing.
fn tiles_per_task(pool: &ThreadPool, m: usize, tiles: usize, cols: usize) -> usize {
    let products_per_tile = LANES * cols * m.clamp(1, TASK_GROUPS * GROUP_TOKENS);
    let shared = tiles.div_ceil(pool.threads() * TASKS_PER_THREAD);
    shared.max(TASK_PRODUCTS_MIN.div_ceil(products_per_tile))
}

/// Calls `multiply` with the prepared activations, in memory that is kept from call to call.
fn with_prepared(set: InstructionSet, pool: &ThreadPool, x: &[f32], w: &Matrix, multiply: impl FnOnce(&[u32])) {
    thread_local! {
        static WORDS: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
    }
    let mut words = WORDS.take();
    let len = x.len() / w.cols() * token_words(w.format(), w.cols());
    if words.len() < len {
        words.resize(len, 0);
    }
    prepare(set, pool, w.format(), (x, w.cols()), &mut words[..len]);
    multiply(&words[..len]);
    WORDS.set(words);
}
