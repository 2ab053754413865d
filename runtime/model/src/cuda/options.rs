//! How a model is opened on a device, and what that takes.

use super::pass::Activations;
use super::weights::DeviceWeights;
use crate::ModelConfig;
use sgl_kernels::cuda::{CudaError, Device, EXTEND_TILE_ROWS};
use std::sync::Arc;

/// Penalized tokens of as many outputs as are drawn at a time: 2,048 each of 512.
pub(super) const SEEN_MAX: usize = 1 << 20;

/// How a model is opened on a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CudaOptions {
    /// Most tokens of a pass.
    pub rows: usize,
    /// Most outputs of a pass whose logits are there at a time; a pass may have more.
    pub outputs: usize,
    /// Tokens whose keys and values are kept; none takes what the device has left.
    pub slots: Option<usize>,
    /// Share of the device's free memory that may be used.
    pub memory_share: f32,
    /// Whether a row's result must not depend on the rest of the batch. Slower.
    pub deterministic: bool,
    /// Whether the matrices of the blocks are brought to 8-bit floats when they are loaded. Hopper only.
    pub fp8: bool,
    /// Whether passes that only decode are recorded and replayed.
    pub graphs: bool,
    /// Whether beginnings that sequences share are attended to once for all of them. Off is for comparison.
    pub cascade: bool,
}

impl Default for CudaOptions {
    fn default() -> Self {
        Self {
            rows: 4096,
            outputs: 512,
            slots: None,
            memory_share: 0.9,
            deterministic: false,
            fp8: false,
            graphs: true,
            cascade: true,
        }
    }
}

/// Tiles of attention of a pass at most, shared beginnings included.
pub(super) fn most_tiles(config: &ModelConfig, rows: usize) -> usize {
    let group = config.heads / config.kv_heads;
    (rows * group).div_ceil(EXTEND_TILE_ROWS) + rows
}

/// Cells of the table that one pass may write without waiting.
pub(super) fn pairs_max(options: &CudaOptions, context: usize) -> usize {
    GRAPH_PAIRS.max(options.rows + 4 * context.min(1 << 16))
}

/// The same for a graph.
pub(super) const GRAPH_PAIRS: usize = 1 << 14;

/// Refuses what no kernel is compiled for, before anything is loaded.
pub(super) fn supported(device: &Device, config: &ModelConfig, options: &CudaOptions) -> Result<(), CudaError> {
    let refuse = |what, found, supported| Err(CudaError::Unsupported { what, found, supported });
    if options.fp8 {
        device.require_fp8()?;
        if options.deterministic {
            return refuse("the deterministic mode's weights", 8, "16 bits: sums of fp8 products depend on the batch");
        }
    }
    if !matches!(config.head_dim, 64 | 128) {
        return refuse("a head's size", config.head_dim, "64 and 128");
    }
    if !config.hidden.is_multiple_of(64) {
        return refuse("the hidden size", config.hidden, "multiples of 64");
    }
    if !config.feed_forward.is_multiple_of(64) {
        return refuse("the feed-forward size", config.feed_forward, "multiples of 64");
    }
    Ok(())
}

/// Refuses a model that can't fit, with the numbers.
pub(super) fn fits(device: &Arc<Device>, config: &ModelConfig, options: &CudaOptions) -> Result<(), CudaError> {
    let (free, total) = device.memory()?;
    let slots = options.slots.unwrap_or(0) * config.layers * config.kv_heads * config.head_dim * 4;
    let wanted = DeviceWeights::bytes(config) + Activations::bytes(config, options) + slots;
    if wanted <= free { Ok(()) } else { Err(CudaError::OutOfMemory { wanted, free, total }) }
}
