//! Causal attention over keys and values by slot, for any mix of prefill and decode.
//!
//! **Arithmetic.** A query and a position take `4 * head_dim` operations; a key-value head of a position is read once
//! for the queries of a task, that is for all heads that share it and, in prefill, for up to 16 rows. Decode at 1,024
//! positions of SmolLM2 reads 23.6 MB of halves in all layers, a quarter of the weights; prefill of 512 takes 9.1
//! GFLOP, 40 ms of one core's f32 peak.
//!
//! **Steps.** Positions go by in steps of 64 that begin at multiples of 64. The keys of a step are transposed once,
//! so that 16 scores form in the lanes of one register without horizontal sums; the softmax is running (Milakov and
//! Gimelshein 2018): the greatest score so far, the sum of weights, the weighted sum of values.
//!
//! **Order of operations**, the same for every batch, chunking and thread count, because it depends on positions
//! alone: a score is an fma chain over the head; within a step the weighted sum is an fma chain over the positions;
//! steps follow one another.

mod kernel;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use crate::disjoint::DisjointSlice;
use crate::error::{count_rows, expect_below, expect_len};
use crate::kv_cache::HeadRows;
use crate::lanes::InstructionSet;
use crate::limits::ATTENTION_QUERIES;
use crate::{KernelError, KvCache, ThreadPool};
use kernel::{Queries, Rows, scratch_len};
use std::cell::Cell;
use std::ops::Range;

/// Queries of one sequence, and what they see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttentionSpan<'a> {
    /// Rows of `q`. Row `i` of them is at position `context.len() - rows.len() + i`.
    pub rows: Range<usize>,
    /// The slot of each position. A row sees the positions up to and including its own.
    pub context: &'a [u32],
}

/// Writes what each head of each row sees: the values of its context, weighted by the softmax of the scores.
///
/// Shapes: `q`, `out`: `[m, heads, head_dim]`; `heads` is a multiple of the cache's key-value heads, and consecutive
/// heads share one. `scale` multiplies the scores. Spans are ordered by rows; rows of no span are left as they are.
///
/// Errors: [`KernelError::Heads`], [`KernelError::Rows`], [`KernelError::Shape`] if sizes don't fit,
/// [`KernelError::Overlap`] if spans are out of order, [`KernelError::Index`] if a layer, row or slot does not exist.
#[expect(clippy::too_many_arguments, reason = "all are operands of one formula")]
pub fn attention(
    pool: &ThreadPool,
    out: &mut [f32],
    q: &[f32],
    kv: &KvCache,
    layer: usize,
    spans: &[AttentionSpan<'_>],
    heads: usize,
    scale: f32,
) -> Result<(), KernelError> {
    attention_on(InstructionSet::best(), pool, out, (q, heads, scale), (kv, layer), spans)
}

fn attention_on(
    set: InstructionSet,
    pool: &ThreadPool,
    out: &mut [f32],
    (q, heads, scale): (&[f32], usize, f32),
    (kv, layer): (&KvCache, usize),
    spans: &[AttentionSpan<'_>],
) -> Result<(), KernelError> {
    if kv.kv_heads() == 0 || heads == 0 || !heads.is_multiple_of(kv.kv_heads()) {
        return Err(KernelError::Heads { heads, kv_heads: kv.kv_heads() });
    }
    let row_len = heads * kv.head_dim();
    let m = count_rows("attention", "q", q.len(), row_len)?;
    expect_len("attention", "out", out.len(), q.len())?;
    expect_below("attention", "layer", layer, kv.layers())?;
    check_spans(spans, m, kv.slots())?;

    let sharing = heads / kv.kv_heads();
    let units = units(spans, kv.kv_heads(), (ATTENTION_QUERIES / sharing).max(1));
    let out = DisjointSlice::new(out);
    pool.run(units.len(), &|index| {
        let Unit { kv_head, ref rows, context } = units[index];
        let queries = Queries {
            q,
            out: &out,
            rows: rows.clone(),
            heads: kv_head * sharing..(kv_head + 1) * sharing,
            head_dim: kv.head_dim(),
            row_len,
            scale,
            context,
        };
        with_scratch(scratch_len(rows.len() * sharing, kv.head_dim()), |scratch| {
            match (kv.keys(layer, kv_head), kv.values(layer, kv_head)) {
                (HeadRows::F16(keys, place), HeadRows::F16(values, _)) => {
                    kernel::attend(set, queries, Rows { keys, values, place }, scratch);
                }
                (HeadRows::F32(keys, place), HeadRows::F32(values, _)) => {
                    kernel::attend(set, queries, Rows { keys, values, place }, scratch);
                }
                _ => unreachable!("keys and values of a cache have one format"),
            }
        });
    });
    Ok(())
}

fn check_spans(spans: &[AttentionSpan<'_>], m: usize, slots: usize) -> Result<(), KernelError> {
    let mut previous_end = 0;
    for AttentionSpan { rows, context } in spans {
        if rows.start < previous_end || rows.end < rows.start {
            return Err(KernelError::Overlap { start: rows.start, previous_end });
        }
        previous_end = rows.end;
        expect_below("attention", "rows", rows.end, m + 1)?;
        if context.len() < rows.len() {
            let (expected, found) = (rows.len(), context.len());
            let (kernel, operand) = ("attention", "context");
            return Err(KernelError::Shape { kernel, operand, expected, found });
        }
        if let Some(&slot) = context.iter().find(|&&slot| slot as usize >= slots) {
            expect_below("attention", "context", slot as usize, slots)?;
        }
    }
    Ok(())
}

/// A task: some rows of a span, and the heads that share a key-value head.
struct Unit<'a> {
    kv_head: usize,
    rows: Range<usize>,
    /// What the last of the rows sees.
    context: &'a [u32],
}

/// Cuts spans into tasks, those that see most first, so that none of them is left for the end.
fn units<'a>(spans: &[AttentionSpan<'a>], kv_heads: usize, rows_max: usize) -> Vec<Unit<'a>> {
    let mut units = Vec::new();
    for AttentionSpan { rows, context } in spans {
        for start in rows.clone().step_by(rows_max) {
            let rows_here = start..rows.end.min(start + rows_max);
            let seen = context.len() - (rows.end - rows_here.end);
            units.extend((0..kv_heads).map(|kv_head| Unit {
                kv_head,
                rows: rows_here.clone(),
                context: &context[..seen],
            }));
        }
    }
    units.sort_by_key(|unit| std::cmp::Reverse(unit.context.len()));
    units
}

/// Memory that a thread keeps from call to call.
fn with_scratch(len: usize, attend: impl FnOnce(&mut [f32])) {
    thread_local! {
        static NUMBERS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    }
    let mut numbers = NUMBERS.take();
    if numbers.len() < len {
        numbers.resize(len, 0.0);
    }
    attend(&mut numbers[..len]);
    NUMBERS.set(numbers);
}
