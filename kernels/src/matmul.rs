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
use crate::error::{count_rows, expect_below, expect_len};
use crate::lanes::InstructionSet;
use crate::limits::{GROUP_TOKENS, LANES, TASK_GROUPS, TASK_PRODUCTS_MIN, TASK_SELECTED, TASKS_PER_THREAD};
use crate::{KernelError, Matrix, ThreadPool};
use kernel::{Product, Selection};
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
    let m = count_rows("matmul", "x", x.len(), w.cols())?;
    expect_len("matmul", "out", out.len(), m * w.rows())?;
    with_prepared(set, pool, x, w, |activations| {
        let (tiles, groups) = (w.tile_count(), group_count(m));
        let tiles_per_task = tiles_per_task(pool, m, w);
        let (tile_tasks, group_tasks) = (tiles.div_ceil(tiles_per_task), groups.div_ceil(TASK_GROUPS));
        let out = DisjointSlice::new(out);
        pool.run(tile_tasks * group_tasks, &|task| {
            let (first_tile, first_group) = (task % tile_tasks * tiles_per_task, task / tile_tasks * TASK_GROUPS);
            kernel::product(
                set,
                Product {
                    weights: w,
                    activations,
                    m,
                    tiles: first_tile..tiles.min(first_tile + tiles_per_task),
                    groups: first_group..groups.min(first_group + TASK_GROUPS),
                    out: &out,
                },
            );
        });
    });
    Ok(())
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
fn tiles_per_task(pool: &ThreadPool, m: usize, w: &Matrix) -> usize {
    let products_per_tile = LANES * w.cols() * m.clamp(1, TASK_GROUPS * GROUP_TOKENS);
    let shared = w.tile_count().div_ceil(pool.threads() * TASKS_PER_THREAD);
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
