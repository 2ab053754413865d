//! What a pass of a few rows costs, part by part, beside a pass of one: the price of a draft.
//!
//! **Arithmetic.** A pass reads all weights once, however many rows it has, and takes two operations per weight and row. So it
//! lasts at least `max(bytes / bandwidth, rows * operations / rate of byte products)`; both rates are measured first, on the same
//! threads. A draft pays if a pass of its rows costs less than the passes of one row that it saves.

use crate::median;
use serde_json::json;
use sgl_kernels::{AttentionSpan, KvFormat, ThreadPool, instruction_set, peak};
use sgl_model::{Batch, Output, OutputRows, Scratch, Transformer};
use std::path::Path;
use std::time::Instant;

/// Tokens that the rows see before themselves.
const CONTEXT: usize = 128;
/// Candidates of a row about which a constraint leaves little choice.
const FEW: usize = 12;
/// Passes per figure.
const ROUNDS: usize = 41;

/// Prints a line per number of rows.
pub(crate) fn run(model: &Path, threads: usize) -> Result<(), String> {
    let pool = ThreadPool::new(threads);
    let transformer = sgl_model::load(model, &pool).map_err(|error| error.to_string())?.transformer;
    let (bandwidth, rate) = roof(&pool);
    let bytes = transformer.weight_bytes() as f64;
    let line = json!({
        "instructions": instruction_set(), "threads": threads, "reads_gb_s": bandwidth / 1e9, "products_gop_s": rate / 1e9,
        "weights_mb": bytes / 1e6, "reading_ms": bytes / bandwidth * 1e3,
    });
    crate::print(&line.to_string());
    let mut rows = Rows::new(&transformer, &pool)?;
    let mut one = 0.0;
    for count in [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 32] {
        let times = rows.measure(count)?;
        let [layers, all, few] = times;
        let whole = layers + all;
        if count == 1 {
            one = whole;
        }
        let operations = count as f64 * operations(&transformer);
        let line = json!({
            "rows": count, "layers_ms": layers * 1e3, "all_logits_ms": all * 1e3, "few_logits_ms": few * 1e3,
            "of_one_row": whole / one, "draft_of_one_row": (layers + few) / one,
            "of_possible": (bytes / bandwidth).max(operations / rate) / whole,
        });
        crate::print(&line.to_string());
    }
    Ok(())
}

/// Bytes read and byte operations per second.
fn roof(pool: &ThreadPool) -> (f64, f64) {
    let memory = peak::Readable::new(96 << 20);
    let best = |probe: &dyn Fn() -> usize| {
        let rates = (0..9).map(|_| {
            let start = Instant::now();
            probe() as f64 / start.elapsed().as_secs_f64()
        });
        rates.fold(0.0, f64::max)
    };
    (best(&|| memory.read(pool)), best(&|| peak::dot_bytes(pool, 1_000_000)))
}

/// Operations of a row in all products.
fn operations(transformer: &Transformer) -> f64 {
    let config = transformer.config();
    let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
    let layer = config.hidden * (2 * queries + 2 * keys + 3 * config.feed_forward);
    2.0 * (config.layers * layer + config.vocabulary * config.hidden) as f64
}

/// Rows that are run again and again after the same context.
struct Rows<'a> {
    transformer: &'a Transformer,
    pool: &'a ThreadPool,
    cache: sgl_kernels::KvCache,
    scratch: Scratch,
    logits: Vec<f32>,
}

impl<'a> Rows<'a> {
    fn new(transformer: &'a Transformer, pool: &'a ThreadPool) -> Result<Self, String> {
        let cache = transformer.new_cache(2 * CONTEXT, KvFormat::F16);
        let mut rows = Self { transformer, pool, cache, scratch: Scratch::default(), logits: Vec::new() };
        rows.layers(0, CONTEXT)?;
        Ok(rows)
    }

    fn layers(&mut self, from: usize, count: usize) -> Result<(), String> {
        let places: Vec<u32> = (0..).take(from + count).collect();
        let tokens: Vec<u32> = places[from..].iter().map(|place| 1_000 + place).collect();
        let batch = Batch {
            tokens: &tokens,
            positions: &places[from..],
            slots: &places[from..],
            spans: &[AttentionSpan { rows: 0..count, context: &places }],
            outputs: &[],
        };
        let Self { transformer, pool, cache, scratch, .. } = self;
        transformer.run_layers(pool, scratch, cache, &batch).map_err(|error| error.to_string())
    }

    fn outputs(&mut self, count: usize, rows: OutputRows<'_>) -> Result<(), String> {
        let outputs: Vec<Output<'_>> = (0..count).map(|row| Output { row, rows }).collect();
        let Self { transformer, pool, scratch, logits, .. } = self;
        transformer.run_outputs(pool, scratch, &outputs, logits).map_err(|error| error.to_string())
    }

    /// Median seconds of the layers, of all logits of each row, and of a few of each.
    fn measure(&mut self, count: usize) -> Result<[f64; 3], String> {
        let few: Vec<u32> = (0..FEW as u32).map(|at| at * 997).collect();
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            let mut last = Instant::now();
            let mut lap = |times: &mut Vec<f64>| {
                times.push(last.elapsed().as_secs_f64());
                last = Instant::now();
            };
            self.layers(CONTEXT, count)?;
            lap(&mut times[0]);
            self.outputs(count, OutputRows::All)?;
            lap(&mut times[1]);
            self.outputs(count, OutputRows::Only(&few))?;
            lap(&mut times[2]);
        }
        Ok(times.map(median::of))
    }
}
