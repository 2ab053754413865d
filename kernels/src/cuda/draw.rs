//! The launcher of sampling.

use super::device::Shape;
use super::{Buffer, CudaError, Device};
use crate::KernelError;
use bytemuck::{Pod, Zeroable};
use std::ffi::c_void;

/// How one row of logits becomes a token.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct DrawRow {
    /// Of the random numbers.
    pub seed: u64,
    /// Which random number.
    pub position: u32,
    /// Row of the logits; below 0 for nothing to do.
    pub row: i32,
    /// 0 for the likeliest.
    pub temperature: f32,
    /// 1 for all.
    pub top_p: f32,
    /// 0 for all.
    pub min_p: f32,
    /// 0 for all.
    pub top_k: u32,
    /// Row of the mask table; below 0 for all tokens.
    pub mask: i32,
    /// 1 for none.
    pub repetition: f32,
    /// 0 for none.
    pub frequency: f32,
    /// 0 for none.
    pub presence: f32,
    /// First of the tokens that penalties look at.
    pub seen_from: i32,
    /// How many of them.
    pub seen_count: i32,
    /// At least 0: no draw, only this token's log-probability.
    pub token: i32,
    /// Where the answer goes.
    pub to: i32,
}

/// A token that penalties look at.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct SeenToken {
    /// Its id.
    pub token: u32,
    /// How often it was generated; 0 if it is only in the prompt.
    pub count: u32,
}

impl DrawRow {
    /// The likeliest token of a row.
    pub const fn greedy(row: i32, to: i32) -> Self {
        Self {
            seed: 0,
            position: 0,
            row,
            temperature: 0.0,
            top_p: 1.0,
            min_p: 0.0,
            top_k: 0,
            mask: -1,
            repetition: 1.0,
            frequency: 0.0,
            presence: 0.0,
            seen_from: 0,
            seen_count: 0,
            token: -1,
            to,
        }
    }
}

#[repr(C)]
struct Parameters {
    logits: u64,
    draws: u64,
    seen: u64,
    masks: u64,
    tokens: u64,
    logprobs: u64,
    vocabulary: i32,
    mask_words: i32,
}

impl Device {
    /// Draws `rows` tokens: row `i` as `draws[i]` says. Penalties change the logits.
    ///
    /// Indices inside `draws` (logits, masks, seen tokens, answers) are checked by whoever writes them.
    ///
    /// # Errors
    /// Lengths that don't fit; what the device says.
    pub fn sample(
        &self,
        (logits, vocabulary): (&Buffer<f32>, usize),
        draws: &Buffer<DrawRow>,
        seen: &Buffer<SeenToken>,
        masks: &Buffer<u32>,
        (tokens, logprobs): (&Buffer<i32>, &Buffer<f32>),
        rows: usize,
    ) -> Result<(), CudaError> {
        if draws.len() < rows {
            let found = draws.len();
            return Err(KernelError::Shape { kernel: "sample", operand: "draws", expected: rows, found }.into());
        }
        let mut parameters = Parameters {
            logits: logits.address,
            draws: draws.address,
            seen: seen.address,
            masks: masks.address,
            tokens: tokens.address,
            logprobs: logprobs.address,
            vocabulary: i32::try_from(vocabulary).unwrap_or(i32::MAX),
            mask_words: i32::try_from(vocabulary.div_ceil(32)).unwrap_or(i32::MAX),
        };
        let shape = Shape { grid: [rows, 1, 1], threads: 1024, shared: 0 };
        // SAFETY: lengths were compared above; indices inside `draws` are checked by whoever writes them.
        unsafe { self.launch("sample", shape, &mut [(&raw mut parameters).cast::<c_void>()]) }
    }
}
