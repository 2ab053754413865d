//! Products with weights, and what follows each product.
//!
//! Few rows have the skinny kernel, whose epilogue does what follows; other rows have cuBLASLt and a second kernel, or the tiled
//! kernel: `choose` says which. In deterministic mode only our own two are used: they sum each row in the same way, to the bit,
//! whatever the batch.

use super::blas::Dense;
use super::choose::Candidate;
use super::device::Shape;
use super::{Buffer, CudaError, Device, KvLayer};
use crate::KernelError;
use half::bf16;
use std::ffi::c_void;

/// A product `y[m, rows of w] = x[m, k] w^T`.
#[derive(Clone, Copy, Debug)]
pub struct Linear<'a> {
    /// `[n, k]`; for [`Epilogue::SwiGlu`] the gate's rows before the up's.
    pub weight: &'a Buffer<bf16>,
    /// `[m, k]`
    pub x: &'a Buffer<bf16>,
    /// Rows of x.
    pub m: usize,
    /// Columns of x and w; a multiple of 64.
    pub k: usize,
}

/// What becomes of a product.
#[derive(Clone, Copy, Debug)]
pub enum Epilogue<'a> {
    /// `[m, n]` as it is.
    Plain(&'a Buffer<bf16>),
    /// `[m, n]` in single precision.
    Logits(&'a Buffer<f32>),
    /// `silu(first half) * second half`, `[m, n / 2]`; `both` is room for `[m, n]`.
    SwiGlu {
        /// The result.
        out: &'a Buffer<bf16>,
        /// Room for both halves.
        both: &'a Buffer<bf16>,
    },
    /// Queries, keys and values side by side: turned, and stored where they belong.
    Rotary(RotaryTarget<'a>),
}

/// Where turned queries, keys and values go.
#[derive(Clone, Copy, Debug)]
pub struct RotaryTarget<'a> {
    /// `[m, heads, head_dim]`
    pub q: &'a Buffer<bf16>,
    /// Room for `[m, (heads + 2 kv_heads) * head_dim]`.
    pub qkv: &'a Buffer<bf16>,
    /// The layer's cache.
    pub cache: &'a KvLayer,
    /// `[context, head_dim / 2]`: cosine and sine.
    pub turns: &'a Buffer<[f32; 2]>,
    /// `[m]`, below `context`.
    pub positions: &'a Buffer<i32>,
    /// `[m]`, slots of the cache.
    pub slots: &'a Buffer<i32>,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Numbers of a head; a multiple of 16.
    pub head_dim: usize,
    /// Whether neighbours turn together, instead of halves.
    pub interleaved: bool,
}

/// The parameters of `matmul/epilogue.cu`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Parameters {
    w: u64,
    x: u64,
    y: u64,
    m: i32,
    n: i32,
    k: i32,
    q: u64,
    keys: u64,
    values: u64,
    turns: u64,
    positions: u64,
    slots: u64,
    heads: i32,
    kv_heads: i32,
    head_dim: i32,
    interleaved: i32,
}

/// Names of the skinny kernels: by variant, then by epilogue.
pub(super) const SKINNY: [((usize, usize), [&str; 4]); 4] = [
    ((1, 1), ["skinny_1_1_plain", "skinny_1_1_logits", "skinny_1_1_swiglu", "skinny_1_1_rotary"]),
    ((2, 1), ["skinny_2_1_plain", "skinny_2_1_logits", "skinny_2_1_swiglu", "skinny_2_1_rotary"]),
    ((2, 2), ["skinny_2_2_plain", "skinny_2_2_logits", "skinny_2_2_swiglu", "skinny_2_2_rotary"]),
    ((4, 2), ["skinny_4_2_plain", "skinny_4_2_logits", "skinny_4_2_swiglu", "skinny_4_2_rotary"]),
];

/// A tiled kernel.
#[derive(Debug)]
pub(super) struct Tiled {
    /// Rows of x of a block.
    x: usize,
    /// Rows of w of a block.
    w: usize,
    /// Stages of the rows of both, 128 bytes each.
    stages: usize,
    /// By epilogue.
    names: [&'static str; 4],
}

/// The tiled kernels.
pub(super) const TILED: [Tiled; 2] = [
    Tiled {
        x: 64,
        w: 32,
        stages: 8,
        names: ["tiled_64_plain", "tiled_64_logits", "tiled_64_swiglu", "tiled_64_rotary"],
    },
    Tiled {
        x: 128,
        w: 64,
        stages: 4,
        names: ["tiled_128_plain", "tiled_128_logits", "tiled_128_swiglu", "tiled_128_rotary"],
    },
];

/// Rows that a product of `m` rows is planned for: few enough that plans are reused, close enough that little is wasted.
pub fn planned_rows(m: usize) -> usize {
    let step = match m {
        0..=8 => 8,
        9..=256 => 16,
        257..=512 => 32,
        513..=1024 => 64,
        1025..=2048 => 128,
        _ => 256,
    };
    m.next_multiple_of(step)
}

impl Epilogue<'_> {
    pub(super) fn index(&self) -> u8 {
        match self {
            Self::Plain(_) => 0,
            Self::Logits(_) => 1,
            Self::SwiGlu { .. } => 2,
            Self::Rotary(_) => 3,
        }
    }

    /// Where a plain product goes: address, numbers of room.
    pub(super) fn product(&self) -> (u64, usize) {
        match self {
            Self::Plain(y) => (y.address, y.len()),
            Self::Logits(y) => (y.address, y.len()),
            Self::SwiGlu { both, .. } => (both.address, both.len()),
            Self::Rotary(target) => (target.qkv.address, target.qkv.len()),
        }
    }

    /// Numbers of room in the final result, as `(operand, room, needed)`.
    fn room(&self, m: usize, n: usize) -> (&'static str, usize, usize) {
        match self {
            Self::Plain(y) => ("y", y.len(), m * n),
            Self::Logits(y) => ("y", y.len(), m * n),
            Self::SwiGlu { out, .. } => ("out", out.len(), m * n / 2),
            Self::Rotary(target) => ("q", target.q.len(), m * target.heads * target.head_dim),
        }
    }
}

impl Device {
    /// Does a product and what follows it.
    ///
    /// # Errors
    /// Operands that don't fit each other, before anything is launched; what the device says.
    pub fn linear(&self, linear: Linear<'_>, epilogue: Epilogue<'_>, deterministic: bool) -> Result<(), CudaError> {
        let n = check(&linear, &epilogue)?;
        let chosen = if deterministic { invariant_for(linear.m, n) } else { self.choice(&linear, n, &epilogue)? };
        self.run(chosen, &linear, n, &epilogue)
    }

    pub(super) fn run(
        &self,
        candidate: Candidate,
        linear: &Linear<'_>,
        n: usize,
        epilogue: &Epilogue<'_>,
    ) -> Result<(), CudaError> {
        match candidate {
            Candidate::Skinny(columns, tiles) => {
                let grid = [linear.m.div_ceil(columns * 8), n.div_ceil(tiles * 16), 1];
                let names = SKINNY
                    .iter()
                    .find(|(known, _)| *known == (columns, tiles))
                    .map_or(&SKINNY[0].1, |(_, names)| names);
                self.own(names, Shape { grid, threads: 256, shared: 0 }, linear, n, epilogue)
            }
            Candidate::Tiled(which) => {
                let Tiled { x, w, stages, names } = &TILED[which];
                let grid = [linear.m.div_ceil(*x), n.div_ceil(*w), 1];
                let shape = Shape { grid, threads: 128, shared: stages * (x + w) * 128 };
                self.own(names, shape, linear, n, epilogue)
            }
            Candidate::Blas { rows, algorithm } => {
                let plan = self.plan(Dense::narrow(rows, n, linear.k, epilogue))?;
                let operands = (linear.weight.address, linear.x.address, epilogue.product().0);
                // SAFETY: `candidates` has this only where the operands have room for the planned rows.
                self.with_blas(|blas| unsafe { blas.multiply(self, &plan, algorithm, operands, None) })?;
                self.follow(epilogue, linear.m, n)
            }
        }
    }

    /// Launches what follows a product whose kernel only stored it.
    pub(super) fn follow(&self, epilogue: &Epilogue<'_>, m: usize, n: usize) -> Result<(), CudaError> {
        match epilogue {
            Epilogue::Plain(_) | Epilogue::Logits(_) => Ok(()),
            Epilogue::SwiGlu { out, both } => self.silu_mul(out, both, m, n / 2),
            Epilogue::Rotary(target) => self.rotary_store(target, m),
        }
    }

    /// Launches a kernel of ours, whose epilogue does what follows.
    fn own(
        &self,
        names: &[&'static str; 4],
        shape: Shape,
        linear: &Linear<'_>,
        n: usize,
        epilogue: &Epilogue<'_>,
    ) -> Result<(), CudaError> {
        let number = |size: usize| i32::try_from(size).unwrap_or(i32::MAX);
        let mut parameters = Parameters {
            w: linear.weight.address,
            x: linear.x.address,
            y: epilogue.product().0,
            m: number(linear.m),
            n: number(n),
            k: number(linear.k),
            q: 0,
            keys: 0,
            values: 0,
            turns: 0,
            positions: 0,
            slots: 0,
            heads: 0,
            kv_heads: 0,
            head_dim: 0,
            interleaved: 0,
        };
        match epilogue {
            Epilogue::Plain(_) | Epilogue::Logits(_) => {}
            Epilogue::SwiGlu { out, .. } => {
                parameters.y = out.address;
                parameters.n = number(n / 2);
            }
            Epilogue::Rotary(target) => {
                parameters.q = target.q.address;
                (parameters.keys, parameters.values) = (target.cache.keys.address, target.cache.values.address);
                parameters.turns = target.turns.address;
                (parameters.positions, parameters.slots) = (target.positions.address, target.slots.address);
                (parameters.heads, parameters.kv_heads) = (number(target.heads), number(target.kv_heads));
                parameters.head_dim = number(target.head_dim);
                parameters.interleaved = i32::from(target.interleaved);
            }
        }
        let mut arguments = [(&raw mut parameters).cast::<c_void>()];
        // SAFETY: `check` compared all lengths. Rows of w beyond n are clamped by the kernels where n is no multiple of 16; there
        // are no whole tiles beyond it, because a skinny kernel of several tiles is chosen for multiples of them only, and the
        // tiled kernels clamp them.
        unsafe { self.launch(names[usize::from(epilogue.index())], shape, &mut arguments) }
    }
}

/// The skinny kernel that reads the weights once for as many of `m` rows as it can.
pub(super) fn skinny_for(m: usize) -> (usize, usize) {
    match m {
        0..=8 => (1, 1),
        9..=16 => (2, 1),
        _ => (4, 2),
    }
}

/// The kernel whose sums are the same for every number of rows: among those the fastest for `m` rows of x and `n` of w.
pub(super) fn invariant_for(m: usize, n: usize) -> Candidate {
    let (columns, tiles) = skinny_for(m);
    match m {
        _ if m <= 32 && n.is_multiple_of(tiles * 16) => Candidate::Skinny(columns, tiles),
        ..=16 => Candidate::Skinny(columns, 1),
        17..=64 => Candidate::Tiled(0),
        _ => Candidate::Tiled(1),
    }
}

/// Compares all lengths; gives the rows of w.
pub(super) fn check(linear: &Linear<'_>, epilogue: &Epilogue<'_>) -> Result<usize, CudaError> {
    let Linear { weight, x, m, k } = *linear;
    let shape = |operand, expected, found| {
        if found >= expected {
            return Ok(());
        }
        Err(CudaError::Kernel(KernelError::Shape { kernel: "linear", operand, expected, found }))
    };
    if k == 0 || !k.is_multiple_of(64) {
        return Err(CudaError::Unsupported { what: "a product's inner size", found: k, supported: "multiples of 64" });
    }
    if !weight.len().is_multiple_of(k) {
        return Err(KernelError::Rows { kernel: "linear", operand: "weight", row: k, found: weight.len() }.into());
    }
    let n = weight.len() / k;
    let tile = if matches!(epilogue, Epilogue::Plain(_) | Epilogue::Logits(_)) { 1 } else { 16 };
    if !n.is_multiple_of(tile) {
        return Err(CudaError::Unsupported { what: "a product's outer size", found: n, supported: "multiples of 16" });
    }
    shape("x", m * k, x.len())?;
    let (operand, room, needed) = epilogue.room(m, n);
    shape(operand, needed, room)?;
    if let Epilogue::Rotary(target) = epilogue {
        let RotaryTarget { heads, kv_heads, head_dim, .. } = *target;
        if !head_dim.is_multiple_of(16) {
            return Err(CudaError::Unsupported {
                what: "a head's size",
                found: head_dim,
                supported: "multiples of 16",
            });
        }
        shape("weight", (heads + 2 * kv_heads) * head_dim * k, weight.len())?;
        shape("positions", m, target.positions.len())?;
        shape("slots", m, target.slots.len())?;
    }
    Ok(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planned_rows_waste_little() {
        for m in 1..5_000 {
            let rows = planned_rows(m);
            assert!(rows >= m && (rows - m) * 8 <= m.max(120), "{m} rows are planned as {rows}");
        }
    }

    #[test]
    fn every_row_count_has_an_invariant_kernel() {
        for m in 1..200 {
            for n in [64, 48, 1_000] {
                let known = match invariant_for(m, n) {
                    Candidate::Skinny(columns, tiles) => {
                        let whole = tiles == 1 || n % (tiles * 16) == 0;
                        whole && m <= columns * 8 && SKINNY.iter().any(|(known, _)| *known == (columns, tiles))
                    }
                    Candidate::Tiled(which) => m > 16 && which < TILED.len(),
                    Candidate::Blas { .. } => false,
                };
                assert!(known, "{m} rows of x, {n} of w");
            }
        }
    }
}
