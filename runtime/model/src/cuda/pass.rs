//! The launches of one forward pass, in order: layers and logits, which a graph can hold, and the draw, which is decided later.
//!
//! ```text
//! table <- pairs;  x = embedding[tokens]
//! for each layer:  h = norm(x += d);  q, cache = turn(qkv(h));  a = attention(q, cache);  d = output(a)
//!                  h = norm(x += d);  s = swiglu(h);  d = down(s)
//! logits = output(norm(x + d)[picked]);  tokens = draw(logits)
//! ```
//! Nothing here reads or writes host memory, so that the same launches are captured as a graph.

use super::cascade::{CASCADE_ROWS_MAX, PREFIX_PARTS};
use super::draws::Draws;
use super::inputs::Views;
use super::options::CudaOptions;
use super::weights::{DeviceWeights, Matrix};
use crate::ModelConfig;
use half::bf16;
use sgl_kernels::RotaryStyle;
use sgl_kernels::cuda::{
    Buffer, Codes, CudaError, DecodeShape, Device, Epilogue, ExtendShape, KvLayer, Linear, LinearFp8, PrefixShape,
    RotaryTarget, decode_groups, decode_parts, decode_scratch, planned_rows,
};
use std::sync::Arc;

/// Activations of a pass, and what it leaves behind.
#[derive(Debug)]
pub(super) struct Activations {
    /// The residual stream, `[rows, hidden]`.
    x: Buffer<f32>,
    /// What a block adds to it.
    delta: Buffer<bf16>,
    /// `x` normalized.
    h: Buffer<bf16>,
    qkv: Buffer<bf16>,
    q: Buffer<bf16>,
    /// What the heads saw.
    seen: Buffer<bf16>,
    both: Buffer<bf16>,
    swiglu: Buffer<bf16>,
    /// The input of a product with codes, as codes.
    codes: Option<Codes>,
    /// Parts of decode attention.
    sums: Buffer<f32>,
    done: Buffer<u32>,
    /// The picked rows, normalized.
    last: Buffer<bf16>,
    /// `[outputs, vocabulary]`
    pub(super) logits: Buffer<f32>,
    /// Drawn tokens, `[rows]`, and their log-probabilities after them: one copy brings both.
    pub(super) answers: Buffer<i32>,
    drawn: Buffer<i32>,
    logprobs: Buffer<f32>,
}

/// Most rows that decode attention has scratch for.
pub(super) const DECODE_ROWS_MAX: usize = 512;

impl Activations {
    /// Bytes for the largest passes.
    pub(super) fn bytes(config: &ModelConfig, options: &CudaOptions) -> usize {
        let &ModelConfig { hidden, feed_forward, heads, kv_heads, head_dim, vocabulary, .. } = config;
        let (rows, outputs) = (planned_rows(options.rows), planned_rows(options.outputs));
        let codes = if options.fp8 { widest(config) + 4 } else { 0 };
        let per_row = hidden * 8 + (2 * heads + heads + 2 * kv_heads) * head_dim * 2 + feed_forward * 6 + codes;
        rows * per_row + outputs * (vocabulary * 4 + hidden * 2) + 4 * scratch(config)
    }

    pub(super) fn new(
        device: &Arc<Device>,
        config: &ModelConfig,
        &CudaOptions { rows, outputs, fp8, .. }: &CudaOptions,
    ) -> Result<Self, CudaError> {
        let &ModelConfig { hidden, feed_forward, heads, kv_heads, head_dim, vocabulary, .. } = config;
        let answers = Buffer::zeroed(device, 2 * rows)?;
        let (drawn, logprobs) = (answers.part(0, rows)?, answers.part(rows * 4, rows)?);
        let (rows, outputs) = (planned_rows(rows), planned_rows(outputs));
        Ok(Self {
            x: Buffer::zeroed(device, rows * hidden)?,
            delta: Buffer::zeroed(device, rows * hidden)?,
            h: Buffer::zeroed(device, rows * hidden)?,
            qkv: Buffer::zeroed(device, rows * (heads + 2 * kv_heads) * head_dim)?,
            q: Buffer::zeroed(device, rows * heads * head_dim)?,
            seen: Buffer::zeroed(device, rows * heads * head_dim)?,
            both: Buffer::zeroed(device, rows * 2 * feed_forward)?,
            swiglu: Buffer::zeroed(device, rows * feed_forward)?,
            codes: fp8.then(|| Codes::new(device, rows, widest(config))).transpose()?,
            sums: Buffer::zeroed(device, scratch(config))?,
            done: Buffer::zeroed(device, DECODE_ROWS_MAX * decode_groups(heads, kv_heads))?,
            last: Buffer::zeroed(device, outputs * hidden)?,
            logits: Buffer::zeroed(device, outputs * vocabulary)?,
            answers,
            drawn,
            logprobs,
        })
    }
}

impl Activations {
    /// Gives the inputs of products numbers as real ones: zeros are faster.
    pub(super) fn randomize(&self, device: &Arc<Device>) -> Result<(), CudaError> {
        [&self.h, &self.seen, &self.swiglu, &self.last].into_iter().try_for_each(|x| device.fill_random(x, 1, 1.0))
    }
}

/// The longest row that goes into a product of a block.
fn widest(config: &ModelConfig) -> usize {
    config.hidden.max(config.feed_forward).max(config.heads * config.head_dim)
}

fn scratch(config: &ModelConfig) -> usize {
    let &ModelConfig { heads, kv_heads, head_dim, .. } = config;
    let needed = |rows| decode_scratch(rows, heads, kv_heads, head_dim, decode_parts(rows, heads, kv_heads).0);
    let shared = |rows| {
        let parts = decode_parts(rows, heads, kv_heads).0 + PREFIX_PARTS;
        decode_scratch(rows, heads, kv_heads, head_dim, parts)
    };
    let alone = (1..=DECODE_ROWS_MAX).map(needed).max().unwrap_or(0);
    alone.max((1..=CASCADE_ROWS_MAX).map(shared).max().unwrap_or(0))
}

/// How many of what a pass has.
#[derive(Clone, Copy, Debug)]
pub(super) struct PassShape {
    pub(super) rows: usize,
    /// The first rows, one per sequence.
    pub(super) decode_rows: usize,
    pub(super) tiles: usize,
    /// Room for tiles of shared beginnings; 0 if no rows share one.
    pub(super) prefix_tiles: usize,
    /// Rows of logits; 0 if they are launched later, piece by piece.
    pub(super) outputs: usize,
    /// Whether they are of picked rows, instead of all rows in order.
    pub(super) picks: bool,
    pub(super) deterministic: bool,
}

/// What a pass computes with.
pub(super) struct Pass<'a> {
    pub(super) device: &'a Arc<Device>,
    pub(super) config: &'a ModelConfig,
    pub(super) weights: &'a DeviceWeights,
    pub(super) activations: &'a Activations,
    pub(super) cache: &'a [KvLayer],
    pub(super) turns: &'a Buffer<[f32; 2]>,
    pub(super) table: &'a Buffer<i32>,
    pub(super) stride: usize,
    pub(super) views: &'a Views,
}

impl Pass<'_> {
    /// Launches all but the draw.
    pub(super) fn launch(&self, shape: PassShape) -> Result<(), CudaError> {
        let &Pass { device, config, weights, activations: a, views, .. } = self;
        let PassShape { rows, outputs, deterministic, .. } = shape;
        let &ModelConfig { hidden, feed_forward, heads, head_dim, rms_eps, .. } = config;
        device.scatter(self.table, &views.pairs, &views.counts)?;
        device.embed(&a.x, &weights.embedding, &views.tokens, &a.drawn, rows, hidden)?;
        for (index, layer) in weights.layers.iter().enumerate() {
            let delta = (index > 0).then_some(&a.delta);
            device.add_rms_norm((&a.x, delta), &layer.attention_norm, &a.h, None, rows, rms_eps)?;
            let rotary = Epilogue::Rotary(self.rotary(&self.cache[index]));
            self.product(&layer.qkv, (&a.h, rows, hidden), rotary, deterministic)?;
            self.attend(shape, &self.cache[index])?;
            let seen = (&a.seen, rows, heads * head_dim);
            self.product(&layer.attention_output, seen, Epilogue::Plain(&a.delta), deterministic)?;
            device.add_rms_norm((&a.x, Some(&a.delta)), &layer.feed_forward_norm, &a.h, None, rows, rms_eps)?;
            let swiglu = Epilogue::SwiGlu { out: &a.swiglu, both: &a.both };
            self.product(&layer.gate_up, (&a.h, rows, hidden), swiglu, deterministic)?;
            let activated = (&a.swiglu, rows, feed_forward);
            self.product(&layer.down, activated, Epilogue::Plain(&a.delta), deterministic)?;
        }
        match outputs {
            0 => Ok(()),
            _ => self.logits(shape.picks.then_some(&views.picked), outputs, deterministic),
        }
    }

    /// Measures the ways to do the products of a pass of so many rows, and those of its logits if it may have so many, where that
    /// was not done before. What they write is of no use.
    pub(super) fn tune(&self, rows: usize, outputs: bool) -> Result<(), CudaError> {
        let &Pass { device, config, weights, activations: a, .. } = self;
        let &ModelConfig { hidden, feed_forward, heads, head_dim, .. } = config;
        let (Some(layer), Some(cache)) = (weights.layers.first(), self.cache.first()) else { return Ok(()) };
        let tune = |matrix: &Matrix, x, k, epilogue: Epilogue<'_>| match (matrix, &a.codes) {
            (Matrix::Codes(weight), Some(room)) => device.tune_fp8(LinearFp8 { weight, x, room, m: rows, k }, epilogue),
            (Matrix::Full(weight), _) => device.tune(Linear { weight, x, m: rows, k }, epilogue),
            (Matrix::Codes(_), None) => Ok(()),
        };
        tune(&layer.qkv, &a.h, hidden, Epilogue::Rotary(self.rotary(cache)))?;
        tune(&layer.attention_output, &a.seen, heads * head_dim, Epilogue::Plain(&a.delta))?;
        tune(&layer.gate_up, &a.h, hidden, Epilogue::SwiGlu { out: &a.swiglu, both: &a.both })?;
        tune(&layer.down, &a.swiglu, feed_forward, Epilogue::Plain(&a.delta))?;
        if outputs {
            let linear = Linear { weight: &weights.output, x: &a.last, m: rows, k: hidden };
            device.tune(linear, Epilogue::Logits(&a.logits))?;
        }
        Ok(())
    }

    /// Launches a product of a block: `rows` rows of `k` numbers of `x`.
    fn product(
        &self,
        matrix: &Matrix,
        (x, rows, k): (&Buffer<bf16>, usize, usize),
        epilogue: Epilogue<'_>,
        deterministic: bool,
    ) -> Result<(), CudaError> {
        match (matrix, &self.activations.codes) {
            (Matrix::Codes(weight), Some(room)) => {
                self.device.linear_fp8(LinearFp8 { weight, x, room, m: rows, k }, epilogue)
            }
            (Matrix::Full(weight), _) => self.device.linear(Linear { weight, x, m: rows, k }, epilogue, deterministic),
            (Matrix::Codes(_), None) => {
                let what = "the number of rows for which codes have room";
                Err(CudaError::Unsupported { what, found: 0, supported: "models that were opened with fp8" })
            }
        }
    }

    /// Launches the logits of picked rows, or of all in order.
    pub(super) fn logits(
        &self,
        picked: Option<&Buffer<i32>>,
        outputs: usize,
        deterministic: bool,
    ) -> Result<(), CudaError> {
        let (a, weights, &ModelConfig { hidden, rms_eps, .. }) = (self.activations, self.weights, self.config);
        self.device.add_rms_norm((&a.x, Some(&a.delta)), &weights.norm, &a.last, picked, outputs, rms_eps)?;
        let linear = Linear { weight: &weights.output, x: &a.last, m: outputs, k: hidden };
        self.device.linear(linear, Epilogue::Logits(&a.logits), deterministic)
    }

    /// Launches the draw of so many outputs.
    pub(super) fn draw(&self, draws: &Draws, outputs: usize) -> Result<(), CudaError> {
        let a = self.activations;
        let (logits, answers) = ((&a.logits, self.config.vocabulary), (&a.drawn, &a.logprobs));
        self.device.sample(logits, &draws.rows, &draws.seen, &draws.masks.there, answers, outputs)
    }

    fn rotary<'b>(&'b self, cache: &'b KvLayer) -> RotaryTarget<'b> {
        let &ModelConfig { heads, kv_heads, head_dim, rotary, .. } = self.config;
        RotaryTarget {
            q: &self.activations.q,
            qkv: &self.activations.qkv,
            cache,
            turns: self.turns,
            positions: &self.views.positions,
            slots: &self.views.slots,
            heads,
            kv_heads,
            head_dim,
            interleaved: rotary == RotaryStyle::Interleaved,
        }
    }

    fn attend(&self, shape: PassShape, cache: &KvLayer) -> Result<(), CudaError> {
        let &ModelConfig { heads, kv_heads, head_dim, .. } = self.config;
        let (a, views) = (self.activations, self.views);
        if shape.decode_rows > 0 {
            let (parts, part_min) = decode_parts(shape.decode_rows, heads, kv_heads);
            let decode = DecodeShape {
                q: &a.q,
                out: &a.seen,
                table: self.table,
                stride: self.stride,
                sequences: &views.sequences,
                lengths: &views.lengths,
                sums: &a.sums,
                done: &a.done,
                rows: shape.decode_rows,
                heads,
                kv_heads,
                head_dim,
                parts,
                part_min,
                shared: (shape.prefix_tiles > 0).then_some((&views.shared, PREFIX_PARTS)),
            };
            if shape.prefix_tiles > 0 {
                let prefix = PrefixShape {
                    decode: &decode,
                    tiles: &views.tiles,
                    lengths: &views.tile_lengths,
                    tile_count: shape.prefix_tiles,
                    members: &views.members,
                };
                self.device.attention_prefix(&prefix, cache)?;
            }
            self.device.attention_decode(&decode, cache)?;
        }
        if shape.tiles > 0 {
            let extend = ExtendShape {
                q: &a.q,
                out: &a.seen,
                table: self.table,
                stride: self.stride,
                tiles: &views.tiles,
                lengths: &views.tile_lengths,
                tile_count: shape.tiles,
                portable: false,
                heads,
                kv_heads,
                head_dim,
            };
            self.device.attention_extend(&extend, cache)?;
        }
        Ok(())
    }
}
