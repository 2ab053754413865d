//! The forward pass of a Llama, as the paper draws it.
//!
//! ```text
//! x = embedding[tokens]
//! for each layer:  x += output(attention(rotary(q(norm(x))), cache))
//!                  x += down(silu(gate(norm(x))) * up(norm(x)))
//! logits = embedding or output · norm(x)
//! ```
//! All activations are f32 rows, one for each token of the batch; no step mixes rows but attention, and that only
//! through the cache.

use crate::batch::{Batch, ModelError, OutputRows, check_outputs};
use crate::weights::{Layer, Weights};
use crate::{ModelConfig, Output};
use sgl_kernels::{
    KvCache, KvFormat, Matrix, RotaryTable, ThreadPool, attention, matmul, matmul_add, matmul_each, matmul_gated,
    matmul_rows, rms_norm, rotary,
};

/// A model, ready to run. Immutable: any number of batches may share it.
#[derive(Debug)]
pub struct Transformer {
    config: ModelConfig,
    weights: Weights,
    rotary: RotaryTable,
}

/// Activations of one pass, kept to be used again.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The residual stream, `[tokens, hidden]`.
    x: Vec<f32>,
    /// `x` normalized, `[tokens, hidden]`.
    h: Vec<f32>,
    /// `[tokens, heads, head_dim]`
    q: Vec<f32>,
    /// `[tokens, kv_heads, head_dim]`
    k: Vec<f32>,
    /// `[tokens, kv_heads, head_dim]`
    v: Vec<f32>,
    /// What the heads saw, `[tokens, heads, head_dim]`.
    seen: Vec<f32>,
    /// `silu(gate) * up`, `[tokens, feed_forward]`.
    gate: Vec<f32>,
    /// Logits of selected vocabulary rows.
    selected: Vec<f32>,
}

impl Scratch {
    fn resize(&mut self, tokens: usize, config: &ModelConfig) {
        let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        self.x.resize(tokens * config.hidden, 0.0);
        self.h.resize(tokens * config.hidden, 0.0);
        self.q.resize(tokens * queries, 0.0);
        self.k.resize(tokens * keys, 0.0);
        self.v.resize(tokens * keys, 0.0);
        self.seen.resize(tokens * queries, 0.0);
        self.gate.resize(tokens * config.feed_forward, 0.0);
    }
}

impl Transformer {
    pub(crate) fn new(config: ModelConfig, weights: Weights) -> Self {
        let rotary = RotaryTable::new(config.head_dim, config.rope_theta, config.context, config.rope_scaling.as_ref());
        Self { config, weights, rotary }
    }

    /// What the numbers mean.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// An empty cache with room for `slots` tokens.
    pub fn new_cache(&self, slots: usize, format: KvFormat) -> KvCache {
        let &ModelConfig { layers, kv_heads, head_dim, .. } = &self.config;
        KvCache::new(layers, kv_heads, head_dim, slots, format)
    }

    /// Bytes of weights that one token reads.
    pub fn weight_bytes(&self) -> usize {
        let layer = |layer: &Layer| {
            let Layer { query, key, value, attention_output, gate, up, down, .. } = layer;
            [query, key, value, attention_output, gate, up, down].map(Matrix::bytes).iter().sum::<usize>()
        };
        self.weights.layers.iter().map(layer).sum::<usize>() + self.output().bytes()
    }

    /// Runs a batch: stores its keys and values in `kv`, and writes the wanted logits.
    ///
    /// `logits` becomes `[outputs, vocabulary]`, f32, in the order of `batch.outputs`.
    ///
    /// Errors: [`ModelError::Batch`] before anything is written, if an index is outside the model or the cache.
    pub fn forward(
        &self,
        pool: &ThreadPool,
        scratch: &mut Scratch,
        kv: &mut KvCache,
        batch: &Batch<'_>,
        logits: &mut Vec<f32>,
    ) -> Result<(), ModelError> {
        batch.check(&self.config, kv.slots(), 0)?;
        self.run_layers(pool, scratch, kv, batch)?;
        self.logits(pool, scratch, batch.outputs, logits)
    }

    /// The first half of [`Transformer::forward`]: all of it but the outputs, which may be decided while this runs.
    ///
    /// Errors: as [`Transformer::forward`].
    pub fn run_layers(
        &self,
        pool: &ThreadPool,
        scratch: &mut Scratch,
        kv: &mut KvCache,
        batch: &Batch<'_>,
    ) -> Result<(), ModelError> {
        batch.check(&self.config, kv.slots(), 0)?;
        scratch.resize(batch.tokens.len(), &self.config);
        self.embed(batch.tokens, &mut scratch.x)?;
        for (index, layer) in self.weights.layers.iter().enumerate() {
            self.attend(pool, scratch, kv, batch, (index, layer))?;
            self.feed_forward(pool, scratch, layer)?;
        }
        Ok(())
    }

    /// The second half of [`Transformer::forward`]: the logits of these rows of the batch that was run last.
    ///
    /// Errors: [`ModelError::Batch`] if there is no such row or token.
    pub fn run_outputs(
        &self,
        pool: &ThreadPool,
        scratch: &mut Scratch,
        outputs: &[Output<'_>],
        logits: &mut Vec<f32>,
    ) -> Result<(), ModelError> {
        check_outputs(outputs, scratch.x.len() / self.config.hidden.max(1), &self.config)?;
        self.logits(pool, scratch, outputs, logits)
    }

    fn embed(&self, tokens: &[u32], x: &mut [f32]) -> Result<(), ModelError> {
        for (&token, row) in tokens.iter().zip(x.chunks_exact_mut(self.config.hidden)) {
            self.weights.embedding.read_row(token as usize, row)?;
        }
        Ok(())
    }

    fn attend(
        &self,
        pool: &ThreadPool,
        scratch: &mut Scratch,
        kv: &mut KvCache,
        batch: &Batch<'_>,
        (index, layer): (usize, &Layer),
    ) -> Result<(), ModelError> {
        let &ModelConfig { heads, kv_heads, head_dim, rms_eps, rotary: style, .. } = &self.config;
        let Scratch { x, h, q, k, v, seen, .. } = scratch;
        rms_norm(h, x, &layer.attention_norm, rms_eps)?;
        matmul_each(pool, h, &mut [(&mut *q, &layer.query), (&mut *k, &layer.key), (&mut *v, &layer.value)])?;
        rotary(q, batch.positions, heads, head_dim, &self.rotary, style)?;
        rotary(k, batch.positions, kv_heads, head_dim, &self.rotary, style)?;
        kv.store_batch(index, batch.slots, k, v)?;
        let scale = 1.0 / (head_dim as f32).sqrt();
        attention(pool, seen, q, kv, index, batch.spans, heads, scale)?;
        matmul_add(pool, x, seen, &layer.attention_output)?;
        Ok(())
    }

    fn feed_forward(&self, pool: &ThreadPool, scratch: &mut Scratch, layer: &Layer) -> Result<(), ModelError> {
        let Scratch { x, h, gate, .. } = scratch;
        rms_norm(h, x, &layer.feed_forward_norm, self.config.rms_eps)?;
        matmul_gated(pool, gate, h, (&layer.gate, &layer.up))?;
        matmul_add(pool, x, gate, &layer.down)?;
        Ok(())
    }

    /// Normalizes the rows that are asked for and multiplies them with the output matrix: those that want the whole
    /// vocabulary together, so that its weights are read once, the others one by one.
    fn logits(
        &self,
        pool: &ThreadPool,
        scratch: &mut Scratch,
        outputs: &[Output<'_>],
        logits: &mut Vec<f32>,
    ) -> Result<(), ModelError> {
        let &ModelConfig { hidden, vocabulary, rms_eps, .. } = &self.config;
        let Scratch { x, h, selected, .. } = scratch;
        let whole: Vec<usize> = (0..outputs.len()).filter(|at| matches!(outputs[*at].rows, OutputRows::All)).collect();
        logits.resize(outputs.len() * vocabulary, 0.0);
        h.resize(whole.len().max(1) * hidden, 0.0);
        let normalize = |at: usize, row: &mut [f32]| {
            let from = outputs[at].row * hidden;
            rms_norm(row, &x[from..from + hidden], &self.weights.norm, rms_eps)
        };
        for (at, row) in whole.iter().zip(h.chunks_exact_mut(hidden)) {
            normalize(*at, row)?;
        }
        matmul(pool, &mut logits[..whole.len() * vocabulary], &h[..whole.len() * hidden], self.output())?;
        // They lie in front of all others, and go to their places from the last on: none is behind its place.
        for (from, at) in whole.iter().enumerate().rev().filter(|(from, at)| from != *at) {
            logits.copy_within(from * vocabulary..(from + 1) * vocabulary, at * vocabulary);
        }
        let row = &mut h[..hidden];
        for (at, out) in logits.chunks_exact_mut(vocabulary).enumerate() {
            let OutputRows::Only(ids) = outputs[at].rows else { continue };
            normalize(at, row)?;
            selected.resize(ids.len(), 0.0);
            matmul_rows(pool, selected, row, self.output(), ids)?;
            out.fill(f32::NEG_INFINITY);
            for (&id, &logit) in ids.iter().zip(&*selected) {
                out[id as usize] = logit;
            }
        }
        Ok(())
    }

    fn output(&self) -> &Matrix {
        self.weights.output.as_ref().unwrap_or(&self.weights.embedding)
    }
}
