//! The seam between scheduling and computing.

use sgl_kernels::{KvCache, ThreadPool};
use sgl_model::{Batch, Scratch, Transformer};

/// What runs batches: the model with its cache. Tests have one that computes nothing.
pub(crate) trait Forward: std::fmt::Debug {
    /// Most tokens of a sequence.
    fn context(&self) -> usize;
    /// Logits per row.
    fn vocabulary(&self) -> usize;
    /// Runs a batch. `logits` becomes `[outputs, vocabulary]`. The error says what the device said.
    fn forward(&mut self, batch: &Batch<'_>, logits: &mut Vec<f32>) -> Result<(), String>;
}

/// A transformer on the CPU.
#[derive(Debug)]
pub(crate) struct Cpu {
    pub(crate) transformer: Transformer,
    pub(crate) pool: ThreadPool,
    pub(crate) scratch: Scratch,
    pub(crate) cache: KvCache,
}

impl Forward for Cpu {
    fn context(&self) -> usize {
        self.transformer.config().context
    }

    fn vocabulary(&self) -> usize {
        self.transformer.config().vocabulary
    }

    fn forward(&mut self, batch: &Batch<'_>, logits: &mut Vec<f32>) -> Result<(), String> {
        let Self { transformer, pool, scratch, cache } = self;
        transformer.forward(pool, scratch, cache, batch, logits).map_err(|error| error.to_string())
    }
}
