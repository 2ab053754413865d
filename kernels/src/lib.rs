//! Numbers on devices: the CPU, and in [`mod@cuda`] NVIDIA's.
//!
//! ```text
//! Format + bytes ──pack──> Matrix ─┐
//! activations [m, cols], f32 ──────┴─matmul──> [m, rows] ──rotary, KvCache::store──> attention ──> ...
//! ```
//! Each family is a file with the safe call, which checks shapes, and a folder with its kernel and the plain reference
//! that tests compare with: [`matmul()`], [`attention()`], [`rms_norm()`], [`rotary()`], elementwise.
//! Kernels are written once, over sixteen lanes, and compiled for AVX-512 VNNI, AVX2 and a portable form; the choice is
//! made at run time, once ([`instruction_set`] says what it was).
//!
//! Invariants
//! - A row of a result does not depend, to the bit, on the other rows of its batch, on the number of threads, on how
//!   a prompt was cut into chunks, or on the instruction set: the order of sums is fixed by positions and columns.
//! - Nothing is written when a call returns an error, and no call panics over the lengths or indices it is given.
//! - `unsafe` stands behind a safe function of the same file; only [`ThreadPool`] starts threads.

#![expect(unsafe_code, reason = "vector instructions, mapped memory, slices shared by tasks")]

mod activations;
mod attention;
pub mod cuda;
mod disjoint;
mod elementwise;
mod error;
mod format;
mod kv_cache;
mod lanes;
mod limits;
mod matmul;
mod matrix;
pub mod peak;
mod pool;
mod region;
mod rms_norm;
mod rotary;
#[cfg(test)]
mod testing;
mod tile;

pub use attention::{AttentionSpan, attention};
pub use elementwise::silu_mul;
pub use error::KernelError;
pub use format::{Format, dequantize};
pub use kv_cache::{KvCache, KvFormat};
pub use lanes::instruction_set;
pub use matmul::{matmul, matmul_add, matmul_each, matmul_gated, matmul_rows};
pub use matrix::Matrix;
pub use pool::ThreadPool;
pub use rms_norm::rms_norm;
pub use rotary::{Llama3Scaling, RotaryStyle, RotaryTable, rotary};
