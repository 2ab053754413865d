//! Launchers of what works row by row: embedding, normalization, the turn and the store, silu, random numbers.

use super::device::Shape;
use super::{Buffer, CudaError, Device, RotaryTarget};
use crate::KernelError;
use half::bf16;
use std::ffi::c_void;

/// Threads of a block that handles one row; 16 numbers each stay in registers.
const NORM_THREADS_MAX: usize = 1024;

fn room(kernel: &'static str, operand: &'static str, found: usize, expected: usize) -> Result<(), CudaError> {
    if found >= expected { Ok(()) } else { Err(KernelError::Shape { kernel, operand, expected, found }.into()) }
}

/// The parameters of `rotary/kernel.cu`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Turns {
    q: u64,
    keys: u64,
    values: u64,
    qkv: u64,
    turns: u64,
    positions: u64,
    slots: u64,
    rows: i32,
    heads: i32,
    kv_heads: i32,
    head_dim: i32,
    interleaved: i32,
}

macro_rules! arguments {
    ($($value:expr),* $(,)?) => { [$((&raw const $value).cast_mut().cast::<c_void>()),*] };
}

impl Device {
    /// `x[row] = embedding[tokens[row]]` for `rows` rows; token `-1 - i` stands for `drawn[i]`.
    ///
    /// The tokens must be below the embedding's rows: whoever writes them checks.
    ///
    /// # Errors
    /// Lengths that don't fit; what the device says.
    pub fn embed(
        &self,
        x: &Buffer<f32>,
        embedding: &Buffer<bf16>,
        tokens: &Buffer<i32>,
        drawn: &Buffer<i32>,
        rows: usize,
        hidden: usize,
    ) -> Result<(), CudaError> {
        room("embed", "x", x.len(), rows * hidden)?;
        room("embed", "tokens", tokens.len(), rows)?;
        let width = number(hidden);
        let mut arguments = arguments![x.address, embedding.address, tokens.address, drawn.address, width];
        let shape = Shape { grid: [rows, 1, 1], threads: 256, shared: 0 };
        // SAFETY: lengths were compared above; tokens are indices of the embedding by contract.
        unsafe { self.launch("embed", shape, &mut arguments) }
    }

    /// `table[index] = value` for the first `counts[0]` pairs; a negative index is skipped. Indices are checked by whoever
    /// writes them.
    ///
    /// # Errors
    /// What the device says.
    pub fn scatter(
        &self,
        table: &Buffer<i32>,
        pairs: &Buffer<[i32; 2]>,
        counts: &Buffer<i32>,
    ) -> Result<(), CudaError> {
        let mut arguments = arguments![table.address, pairs.address, counts.address];
        let blocks = pairs.len().div_ceil(256).clamp(1, 64);
        let shape = Shape { grid: [blocks, 1, 1], threads: 256, shared: 0 };
        // SAFETY: `counts[0]` is at most the pairs' number, and indices are inside the table, by contract.
        unsafe { self.launch("scatter", shape, &mut arguments) }
    }

    /// `x += delta`, then `out = x / rms(x) * weight`, for `rows` rows. With `picked`, row `i` of `out` is that of row
    /// `picked[i]` of x, and x stays as it is.
    ///
    /// # Errors
    /// Lengths that don't fit; what the device says.
    pub fn add_rms_norm(
        &self,
        (x, delta): (&Buffer<f32>, Option<&Buffer<bf16>>),
        weight: &Buffer<f32>,
        out: &Buffer<bf16>,
        picked: Option<&Buffer<i32>>,
        rows: usize,
        eps: f32,
    ) -> Result<(), CudaError> {
        let hidden = weight.len();
        if hidden > NORM_THREADS_MAX * 16 || !hidden.is_multiple_of(4) {
            let supported = "multiples of 4 up to 16384";
            return Err(CudaError::Unsupported { what: "the hidden size", found: hidden, supported });
        }
        room("add_rms_norm", "out", out.len(), rows * hidden)?;
        match picked {
            Some(picked) => room("add_rms_norm", "picked", picked.len(), rows)?,
            None => {
                room("add_rms_norm", "x", x.len(), rows * hidden)?;
                room("add_rms_norm", "delta", delta.map_or(usize::MAX, Buffer::len), rows * hidden)?;
            }
        }
        let (delta, picked) = (delta.map_or(0, |delta| delta.address), picked.map_or(0, |picked| picked.address));
        let width = number(hidden);
        let mut arguments = arguments![x.address, delta, weight.address, out.address, picked, width, eps];
        // Few threads with much each: several rows of a multiprocessor are then at different points, and memory is never idle.
        let threads = hidden.div_ceil(16).next_multiple_of(32).clamp(128, NORM_THREADS_MAX);
        let shape = Shape { grid: [rows, 1, 1], threads, shared: 0 };
        // SAFETY: lengths were compared above; picked rows are rows of x by contract of the caller, who checks the batch.
        unsafe { self.launch("add_rms_norm", shape, &mut arguments) }
    }

    /// Turns and stores `rows` rows of `target.qkv`.
    pub(super) fn rotary_store(&self, target: &RotaryTarget<'_>, rows: usize) -> Result<(), CudaError> {
        let RotaryTarget { q, qkv, cache, turns, positions, slots, heads, kv_heads, head_dim, interleaved } = *target;
        room("rotary_store", "qkv", qkv.len(), rows * (heads + 2 * kv_heads) * head_dim)?;
        room("rotary_store", "q", q.len(), rows * heads * head_dim)?;
        if !head_dim.is_multiple_of(16) {
            let supported = "multiples of 16";
            return Err(CudaError::Unsupported { what: "a head's size", found: head_dim, supported });
        }
        let parameters = Turns {
            q: q.address,
            keys: cache.keys.address,
            values: cache.values.address,
            qkv: qkv.address,
            turns: turns.address,
            positions: positions.address,
            slots: slots.address,
            rows: number(rows),
            heads: number(heads),
            kv_heads: number(kv_heads),
            head_dim: number(head_dim),
            interleaved: i32::from(interleaved),
        };
        let mut arguments = arguments![parameters];
        let units = rows * (heads + 2 * kv_heads) * head_dim / 16;
        let shape = Shape { grid: [units.div_ceil(256), 1, 1], threads: 256, shared: 0 };
        // SAFETY: lengths were compared above; positions and slots are checked by whoever writes them.
        unsafe { self.launch("rotary_store", shape, &mut arguments) }
    }

    /// `out[m, width] = silu(both[m, ..width]) * both[m, width..]`.
    ///
    /// # Errors
    /// Lengths that don't fit; what the device says.
    pub fn silu_mul(&self, out: &Buffer<bf16>, both: &Buffer<bf16>, m: usize, width: usize) -> Result<(), CudaError> {
        if !width.is_multiple_of(8) {
            let supported = "multiples of 8";
            return Err(CudaError::Unsupported { what: "the feed-forward size", found: width, supported });
        }
        room("silu_mul", "out", out.len(), m * width)?;
        room("silu_mul", "both", both.len(), 2 * m * width)?;
        let columns = number(width);
        let mut arguments = arguments![out.address, both.address, columns];
        let shape = Shape { grid: [width.div_ceil(8 * 256), m, 1], threads: 256, shared: 0 };
        // SAFETY: lengths were compared above.
        unsafe { self.launch("silu_mul", shape, &mut arguments) }
    }

    /// Fills with numbers that look normal with deviation `scale`.
    ///
    /// # Errors
    /// What the device says.
    pub fn fill_random(&self, out: &Buffer<bf16>, seed: u64, scale: f32) -> Result<(), CudaError> {
        let count = out.len() as u64;
        let mut arguments = arguments![out.address, count, seed, scale];
        let shape = Shape { grid: [self.facts().multiprocessors.max(1) * 8, 1, 1], threads: 256, shared: 0 };
        // SAFETY: the kernel writes `count` numbers.
        unsafe { self.launch("fill_random", shape, &mut arguments) }
    }

    /// Fills with a pattern that no result has, so that what a kernel does not write shows.
    ///
    /// # Errors
    /// What the device says.
    pub fn poison<T: bytemuck::Pod>(&self, out: &Buffer<T>) -> Result<(), CudaError> {
        let (count, bits) = ((out.len() * size_of::<T>() / 4) as u64, 0x7fc1_7fc1u32);
        let mut arguments = arguments![out.address, count, bits];
        let shape = Shape { grid: [self.facts().multiprocessors.max(1) * 4, 1, 1], threads: 256, shared: 0 };
        // SAFETY: the kernel writes `count` words of 4 bytes.
        unsafe { self.launch("fill_bits", shape, &mut arguments) }
    }
}

fn number(size: usize) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}
