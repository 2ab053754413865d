//! A transformer on a CUDA device: weights, cache and activations live there; token ids go in, drawn tokens come out.
//!
//! ```text
//! Batch --begin: place, pack, one copy, graph or launches--> logits --ask: draws, masks--> answers --read-->
//! ```
//! A pass in which every sequence has few new tokens is a recorded graph for its number of rows, rounded up; all others are
//! launched kernel by kernel. Both run the same launches (`pass`). The next pass may be begun before the last is read (`step`).
//!
//! Memory is planned when the model is opened: weights, activations for the largest pass, and keys and values in what is left.

mod cascade;
mod draws;
mod fill;
mod inputs;
mod masks;
mod moments;
mod options;
mod pass;
mod step;
mod table;
mod weights;

pub use moments::PassTimes;
pub use options::CudaOptions;
pub use weights::UploadError;

use crate::ModelConfig;
use crate::checkpoint::Checkpoint;
use crate::weights::Naming;
use draws::Draws;
use inputs::{Contents, Counts, Inputs};
use moments::Moments;
use options::{fits, most_tiles, pairs_max, supported};
use pass::Activations;
use sgl_kernels::cuda::{Buffer, CudaError, Device, Graph, KvLayer, Pinned};
use sgl_kernels::{RotaryTable, ThreadPool};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use step::Begun;
use table::SlotTable;

/// Rows for which graphs are recorded; a pass takes the next larger one.
const GRAPH_ROWS: [usize; 25] =
    [1, 2, 4, 8, 12, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 288, 320, 384, 448, 512];

/// Passes of a shape that are launched kernel by kernel before one is recorded: a recording takes several milliseconds, which many
/// passes of a small model take to come back, and which a program that has few of that shape does not see again.
const RECORDED_AFTER: u32 = 3;

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
    /// Passes that could have been a graph that there was not.
    unrecorded: BTreeMap<(usize, bool), u32>,
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
    draws: Draws,
    /// Drawn tokens, then their log-probabilities as bits.
    answers_here: Pinned<i32>,
    /// Rows of logits that were asked for; grows.
    logits_here: Pinned<f32>,
    /// Those that were begun and not read.
    passes: VecDeque<Begun>,
    /// Of this pass and the one before, in turn.
    moments: [Moments; 2],
    turn: usize,
    /// How many outputs of the last pass have drawn tokens.
    drawn: usize,
    /// Whether there was a pass before.
    follows: bool,
    /// The graph of the last pass, if it was one.
    replayed: Option<(usize, bool)>,
}

impl CudaTransformer {
    /// A model with random weights, for measuring.
    ///
    /// # Errors
    /// The device's memory does not suffice, or the device fails.
    pub fn random(device: &Arc<Device>, config: ModelConfig, options: CudaOptions) -> Result<Self, UploadError> {
        supported(device, &config, &options)?;
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
        supported(device, &config, &options)?;
        fits(device, &config, &options)?;
        let weights = weights::DeviceWeights::upload(device, checkpoint, naming, &config, pool)?;
        Ok(Self::with(device, config, options, weights)?)
    }

    fn with(
        device: &Arc<Device>,
        config: ModelConfig,
        options: CudaOptions,
        mut weights: weights::DeviceWeights,
    ) -> Result<Self, CudaError> {
        let &ModelConfig { layers, kv_heads, head_dim, context, vocabulary, .. } = &config;
        if options.fp8 {
            weights.quantize(device, &config)?;
        }
        let activations = Activations::new(device, &config, &options)?;
        let rotary = RotaryTable::new(head_dim, config.rope_theta, context, config.rope_scaling.as_ref());
        let turns = Buffer::of(device, rotary.turns())?;
        let sequences = (TABLE_CELLS / context).clamp(64, options.rows.max(64));
        let most = Counts {
            rows: options.rows,
            picked: options.rows,
            tiles: most_tiles(&config, options.rows),
            pairs: pairs_max(&options, context),
        };
        let inputs = Inputs::new(device, most)?;
        let device_table = Buffer::zeroed(device, sequences * context)?;
        let draws = Draws::new(device, vocabulary, options.outputs)?;
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
        let model = Self {
            graphs: BTreeMap::new(),
            unrecorded: BTreeMap::new(),
            device: device.clone(),
            table: SlotTable::new(sequences, context),
            stride: context,
            answers_here: Pinned::zeroed(device, 2 * options.rows)?,
            logits_here: Pinned::zeroed(device, 0)?,
            passes: VecDeque::new(),
            moments: [Moments::new(device)?, Moments::new(device)?],
            turn: 0,
            drawn: 0,
            follows: false,
            replayed: None,
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
            draws,
        };
        if !model.options.deterministic {
            model.tune(most)?;
        }
        Ok(model)
    }

    /// Measures the ways to do each product, for the numbers of rows of graphs and of a full pass.
    fn tune(&self, most: Counts) -> Result<(), CudaError> {
        self.activations.randomize(&self.device)?;
        // Positions and slots are zeros: buffers begin so.
        let views = self.inputs.views(most)?;
        let all = GRAPH_ROWS.into_iter().chain([1_024, 2_048, most.rows]);
        for rows in all.filter(|rows| *rows <= most.rows) {
            self.pass(&views).tune(rows, rows <= self.options.outputs)?;
        }
        self.device.keep_choices();
        Ok(())
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

    /// Bytes of weights that a step reads, whatever the batch.
    pub fn weight_bytes_per_step(&self) -> usize {
        weights::DeviceWeights::bytes_per_step(&self.config, self.options.fp8)
    }
}
