//! A transformer on a CUDA device: weights, cache and activations live there; token ids go in, drawn tokens come out.
//!
//! ```text
//! Batch + Asks --place, pack--> one copy --graph or launches--> answers
//! ```
//! A pass in which every sequence has one new token is a recorded graph for its number of rows, rounded up; all others are
//! launched kernel by kernel. Both run the same launches (`pass`).
//!
//! Memory is planned when the model is opened: weights, activations for the largest pass, and keys and values in what is left.

mod cascade;
mod fill;
mod inputs;
mod masks;
mod options;
mod pass;
mod table;
mod weights;

pub use options::CudaOptions;
pub use weights::UploadError;

use crate::ModelConfig;
use crate::ask::{Answer, Ask};
use crate::batch::{Batch, ModelError};
use crate::checkpoint::Checkpoint;
use crate::weights::Naming;
use inputs::{Contents, Counts, Inputs, Views};
use masks::Masks;
use options::{SEEN_MAX, fits, most_tiles, pairs_max, supported};
use pass::{Activations, DECODE_ROWS_MAX, Pass, PassShape};
use sgl_kernels::cuda::{Buffer, CudaError, Device, DrawRow, Graph, KvLayer, Pinned};
use sgl_kernels::{RotaryTable, ThreadPool};
use std::collections::BTreeMap;
use std::sync::Arc;
use table::SlotTable;

/// Rows for which graphs are recorded; a pass takes the next larger one.
const GRAPH_ROWS: [usize; 20] = [1, 2, 4, 8, 12, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256];
/// Penalized tokens per row that a graph has room for.
const GRAPH_SEEN: usize = 16;

/// Cells of the table of slots: 256 MB.
const TABLE_CELLS: usize = 1 << 26;

/// A graph, and where its inputs are.
#[derive(Debug)]
struct Recorded {
    graph: Graph,
    counts: Counts,
}

/// A model on a device.
#[derive(Debug)]
pub struct CudaTransformer {
    // Graphs use the memory of all that follows: they are dropped first.
    graphs: BTreeMap<(usize, bool), Recorded>,
    device: Arc<Device>,
    config: ModelConfig,
    options: CudaOptions,
    weights: weights::DeviceWeights,
    cache: Vec<KvLayer>,
    slots: usize,
    turns: Buffer<[f32; 2]>,
    table: SlotTable,
    device_table: Buffer<i32>,
    stride: usize,
    inputs: Inputs,
    contents: Contents,
    activations: Activations,
    masks: Masks,
    tokens_here: Pinned<i32>,
    logprobs_here: Pinned<f32>,
}

impl CudaTransformer {
    /// A model with random weights, for measuring.
    ///
    /// # Errors
    /// The device's memory does not suffice, or the device fails.
    pub fn random(device: &Arc<Device>, config: ModelConfig, options: CudaOptions) -> Result<Self, UploadError> {
        supported(&config)?;
        fits(device, &config, &options)?;
        let weights = weights::DeviceWeights::random(device, &config, 1)?;
        Ok(Self::with(device, config, options, weights)?)
    }

    /// A checkpoint's model.
    pub(crate) fn upload(
        device: &Arc<Device>,
        checkpoint: &Checkpoint,
        naming: Naming,
        config: ModelConfig,
        options: CudaOptions,
        pool: &ThreadPool,
    ) -> Result<Self, UploadError> {
        supported(&config)?;
        fits(device, &config, &options)?;
        let weights = weights::DeviceWeights::upload(device, checkpoint, naming, &config, pool)?;
        Ok(Self::with(device, config, options, weights)?)
    }

    fn with(
        device: &Arc<Device>,
        config: ModelConfig,
        options: CudaOptions,
        weights: weights::DeviceWeights,
    ) -> Result<Self, CudaError> {
        let &ModelConfig { layers, kv_heads, head_dim, context, vocabulary, .. } = &config;
        let activations = Activations::new(device, &config, options.rows, options.outputs)?;
        let rotary = RotaryTable::new(head_dim, config.rope_theta, context, config.rope_scaling.as_ref());
        let turns = Buffer::of(device, rotary.turns())?;
        let sequences = (TABLE_CELLS / context).clamp(64, options.rows.max(64));
        let most = Counts {
            rows: options.rows,
            outputs: options.outputs,
            tiles: most_tiles(&config, options.rows),
            pairs: pairs_max(&options, context),
            seen: SEEN_MAX,
        };
        let inputs = Inputs::new(device, most)?;
        let device_table = Buffer::zeroed(device, sequences * context)?;
        // Those of a pass, and as many that stay.
        let masks = Masks::new(device, vocabulary, 2 * options.outputs)?;
        let slots = match options.slots {
            Some(slots) => slots,
            None => {
                let (free, _) = device.memory()?;
                let budget = (free as f64 * f64::from(options.memory_share)) as usize;
                budget / (layers * kv_heads * head_dim * 4)
            }
        };
        // One more, for the rows that fill up a graph.
        let layer = |_| KvLayer::new(device, slots + 1, kv_heads, head_dim);
        let cache = (0..layers).map(layer).collect::<Result<_, CudaError>>()?;
        device.synchronize()?;
        Ok(Self {
            graphs: BTreeMap::new(),
            device: device.clone(),
            table: SlotTable::new(sequences, context),
            stride: context,
            tokens_here: Pinned::zeroed(device, options.outputs)?,
            logprobs_here: Pinned::zeroed(device, options.outputs)?,
            contents: Contents::default(),
            config,
            options,
            weights,
            cache,
            slots,
            turns,
            device_table,
            inputs,
            activations,
            masks,
        })
    }

    /// What the numbers mean.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The device.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// Tokens whose keys and values there is room for.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Most sequences of a pass.
    pub fn sequences(&self) -> usize {
        self.device_table.len() / self.stride
    }

    /// Most outputs of a pass.
    pub fn outputs(&self) -> usize {
        self.options.outputs
    }

    /// Bytes of weights that a step reads, whatever the batch.
    pub fn weight_bytes_per_step(&self) -> usize {
        weights::DeviceWeights::bytes_per_step(&self.config)
    }

    /// Runs a batch and answers what is asked of its outputs, one ask per output. Rows of logits, in order, go to `logits`.
    ///
    /// # Errors
    /// [`ModelError::Batch`] before anything runs, if an index is outside the model or the cache, or there is more of
    /// something than the model was opened for; what the device says.
    pub fn run(
        &mut self,
        batch: &Batch<'_>,
        asks: &[Ask<'_>],
        answers: &mut Vec<Answer>,
        logits: &mut Vec<f32>,
    ) -> Result<(), ModelError> {
        self.check(batch, asks)?;
        let decode_rows = if self.options.deterministic {
            0
        } else {
            batch.spans.iter().take_while(|span| span.rows.len() == 1).count().min(DECODE_ROWS_MAX)
        };
        self.fill(batch, asks, decode_rows)?;
        let only_decodes = decode_rows == batch.spans.len() && !batch.outputs.is_empty();
        let graph_rows = GRAPH_ROWS.into_iter().find(|rows| *rows >= decode_rows);
        let graph_rows = graph_rows.filter(|rows| self.options.graphs && only_decodes && self.fits_graph(*rows));
        if graph_rows.is_some() && self.options.cascade {
            self.fill_shared(batch);
        }
        match graph_rows {
            Some(rows) => self.replay(rows)?,
            None => self.launch(batch, decode_rows)?,
        }
        self.collect(batch, asks, graph_rows.is_some(), answers, logits)
    }

    /// Launches the graph of the last pass again, `times` times, without looking at what it gives; for measuring.
    ///
    /// # Errors
    /// The last pass was no graph; what the device says.
    pub fn repeat(&self, rows: usize, times: usize) -> Result<(), ModelError> {
        let shares = self.contents.shared.iter().any(|tokens| *tokens > 0);
        let recorded = self.graphs.get(&(rows, shares));
        let recorded = recorded.ok_or_else(|| ModelError::Batch { detail: format!("no graph of {rows} rows") })?;
        for _ in 0..times {
            recorded.graph.launch()?;
        }
        Ok(())
    }

    fn check(&self, batch: &Batch<'_>, asks: &[Ask<'_>]) -> Result<(), ModelError> {
        batch.check(&self.config, self.slots)?;
        let most = |what: &str, found: usize, most: usize| {
            if found <= most {
                return Ok(());
            }
            Err(ModelError::Batch { detail: format!("{found} {what}; the model was opened for {most}") })
        };
        most("tokens", batch.tokens.len(), self.options.rows)?;
        most("outputs", batch.outputs.len(), self.options.outputs)?;
        if asks.len() != batch.outputs.len() {
            let detail = format!("{} outputs and {} asks", batch.outputs.len(), asks.len());
            return Err(ModelError::Batch { detail });
        }
        for ask in asks {
            let beyond = match ask {
                Ask::Score(token) => (*token as usize >= self.config.vocabulary).then_some(*token),
                Ask::Draw(draw) => draw.tokens().find(|token| *token as usize >= self.config.vocabulary),
                Ask::Logits => None,
            };
            if let Some(token) = beyond {
                return Err(ModelError::Batch { detail: format!("token {token} of {}", self.config.vocabulary) });
            }
        }
        Ok(())
    }

    fn graph_counts(&self, rows: usize) -> Counts {
        let tiles = self.prefix_tiles(rows).max(1);
        Counts { rows, outputs: rows, tiles, pairs: rows, seen: rows * GRAPH_SEEN }
    }

    /// Room for tiles of shared beginnings in a graph for so many rows; 0 if the pass at hand has none.
    fn prefix_tiles(&self, rows: usize) -> usize {
        if self.contents.tiles.is_empty() {
            return 0;
        }
        cascade::tiles_max(rows, self.config.heads / self.config.kv_heads)
    }

    fn fits_graph(&self, rows: usize) -> bool {
        let (counts, own) = (self.graph_counts(rows), self.contents.counts());
        rows <= self.options.rows.min(self.options.outputs) && own.pairs <= counts.pairs && own.seen <= counts.seen
    }

    /// Runs the graph for so many rows; the first time launch by launch, and then records it.
    fn replay(&mut self, rows: usize) -> Result<(), ModelError> {
        let counts = self.graph_counts(rows);
        let (prefix_tiles, shares) = (self.prefix_tiles(rows), !self.contents.tiles.is_empty());
        // In a graph all rows have logits, in order.
        for (draw, picked) in self.contents.draws.iter_mut().zip(&self.contents.picked) {
            if draw.row >= 0 {
                draw.row = *picked;
            }
        }
        let contents = &mut self.contents;
        let padding = self.slots as i32;
        contents.tokens.resize(rows, 0);
        contents.positions.resize(rows, 0);
        contents.slots.resize(rows, padding);
        contents.sequences.resize(rows, -1);
        contents.lengths.resize(rows, 0);
        contents.shared.resize(rows, 0);
        contents.tiles.resize(counts.tiles, [0; 4]);
        contents.tile_lengths.resize(counts.tiles, 0);
        contents.draws.resize(rows, DrawRow::greedy(-1, 0));
        self.inputs.upload(&self.contents, counts)?;
        if let Some(recorded) = self.graphs.get(&(rows, shares)) {
            debug_assert_eq!(recorded.counts, counts, "a graph's inputs stay where they are");
            return Ok(recorded.graph.launch()?);
        }
        let deterministic = self.options.deterministic;
        let shape =
            PassShape { rows, decode_rows: rows, tiles: 0, prefix_tiles, outputs: rows, picks: false, deterministic };
        let views = self.inputs.views(counts)?;
        let pass = self.pass(&views);
        pass.launch(shape)?;
        let graph = Graph::capture(&self.device, || pass.launch(shape))?;
        self.graphs.insert((rows, shares), Recorded { graph, counts });
        Ok(())
    }

    /// Launches a pass that no graph has.
    fn launch(&mut self, batch: &Batch<'_>, decode_rows: usize) -> Result<(), ModelError> {
        let counts = self.contents.counts();
        self.inputs.upload(&self.contents, counts)?;
        let views = self.inputs.views(counts)?;
        let shape = PassShape {
            rows: batch.tokens.len(),
            decode_rows,
            tiles: self.contents.tiles.len(),
            prefix_tiles: 0,
            outputs: batch.outputs.len(),
            picks: true,
            deterministic: self.options.deterministic,
        };
        Ok(self.pass(&views).launch(shape)?)
    }

    fn pass<'a>(&'a self, views: &'a Views) -> Pass<'a> {
        Pass {
            device: &self.device,
            config: &self.config,
            weights: &self.weights,
            activations: &self.activations,
            cache: &self.cache,
            turns: &self.turns,
            table: &self.device_table,
            stride: self.stride,
            masks: &self.masks.there,
            views,
        }
    }

    /// Reads the answers; rows of logits are those of the batch's rows if `in_order`, else of its outputs.
    fn collect(
        &mut self,
        batch: &Batch<'_>,
        asks: &[Ask<'_>],
        in_order: bool,
        answers: &mut Vec<Answer>,
        logits: &mut Vec<f32>,
    ) -> Result<(), ModelError> {
        let count = batch.outputs.len();
        self.activations.drawn.read_pinned(&mut self.tokens_here, count)?;
        self.activations.logprobs.read_pinned(&mut self.logprobs_here, count)?;
        self.device.synchronize()?;
        answers.clear();
        logits.clear();
        let size = self.config.vocabulary;
        for (index, ask) in asks.iter().enumerate() {
            let logprob = self.logprobs_here.as_slice()[index];
            answers.push(match ask {
                Ask::Score(_) => Answer::Score(logprob),
                Ask::Draw(_) => Answer::Token(self.tokens_here.as_slice()[index] as u32, logprob),
                Ask::Logits => {
                    let row = if in_order { batch.outputs[index].row } else { index };
                    let from = logits.len();
                    logits.resize(from + size, 0.0);
                    self.activations.logits.read(row * size, &mut logits[from..])?;
                    Answer::Logits
                }
            });
        }
        Ok(())
    }
}
