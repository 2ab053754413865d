//! A transformer on a CUDA device: its speed with random weights, and its agreement with the CPU on a real model.
//!
//! ```text
//! cargo run --release -p sgl_model --example cuda_bench -- decode         # Llama-3-8B's shape
//! cargo run --release -p sgl_model --example cuda_bench -- deterministic  # the same; also `fp8`
//! cargo run --release -p sgl_model --example cuda_bench -- prefill
//! cargo run --release -p sgl_model --example cuda_bench -- kernels decode|deterministic|fp8|prefill  # few passes, no graphs, for a profiler
//! cargo run --release -p sgl_model --example cuda_bench -- branches       # 64 sequences that share 8,192 tokens
//! cargo run --release -p sgl_model --example cuda_bench -- parity MODEL TEXT.txt [TOKENS]
//! cargo run --release -p sgl_model --example cuda_bench -- logits MODEL TEXT.txt FOLDER
//! ```
//! A decode step is timed twice: as its graph and draw alone, repeated without the host, and as a caller sees it, who begins a step
//! and then reads the tokens of the one before; the device's idle time is by its own clock, copies included. The floor is the
//! bytes of weights and of keys and values over what a copy reaches on the device at hand; the combined floor takes for the weights
//! the greater of that and their operations over what a large product reaches.

use sgl_kernels::cuda::{Buffer, Device, Epilogue, Event, Linear};
use sgl_kernels::{AttentionSpan, KvFormat, RotaryStyle, ThreadPool};
use sgl_model::{
    Allowed, Ask, Batch, CudaOptions, CudaTransformer, Draw, ModelConfig, Output, OutputRows, PassTimes, Scratch, load,
    load_cuda, token_drawn_by,
};
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

type Outcome = Result<(), Box<dyn Error>>;

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").ok();
}

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["decode"] => decode(CudaOptions { rows: 4096, outputs: 256, ..CudaOptions::default() }),
        ["fp8"] => decode(CudaOptions { rows: 4096, outputs: 256, fp8: true, ..CudaOptions::default() }),
        ["deterministic"] => decode(CudaOptions {
            rows: 4096,
            outputs: 256,
            deterministic: true,
            graphs: false,
            ..CudaOptions::default()
        }),
        ["prefill"] => prefill(&[(1, 512), (1, 1024), (1, 4096), (1, 8192), (8, 1024), (32, 128)], 6),
        ["kernels", "prefill"] => prefill(&[(32, 128)], 2),
        ["kernels", way @ ("decode" | "deterministic" | "fp8")] => kernels(way, 256, 256),
        ["branches"] => branches(),
        ["logits", model, text, folder] => logits_to(Path::new(model), Path::new(text), Path::new(folder)),
        ["parity", model, text] => parity(Path::new(model), Path::new(text), 400),
        ["parity", model, text, tokens] => parity(Path::new(model), Path::new(text), tokens.parse()?),
        _ => Err("usage: see the head of this file".into()),
    }
}

fn llama_3_8b() -> ModelConfig {
    ModelConfig {
        layers: 32,
        hidden: 4096,
        feed_forward: 14336,
        heads: 32,
        kv_heads: 8,
        head_dim: 128,
        vocabulary: 128_256,
        context: 20_480,
        rms_eps: 1e-5,
        rope_theta: 500_000.0,
        rope_scaling: None,
        rotary: RotaryStyle::HalfSplit,
        tied_embeddings: false,
    }
}

fn greedy() -> Ask<'static> {
    Ask::Draw(Draw {
        seed: 0,
        position: 0,
        temperature: 0.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        repetition_penalty: 1.0,
        frequency_penalty: 0.0,
        presence_penalty: 0.0,
        seen: Vec::new(),
        allowed: Allowed::All,
    })
}

/// Sequences that decode side by side, each with slots of its own.
struct Running {
    contexts: Vec<Vec<u32>>,
    tokens: Vec<u32>,
    next_slot: u32,
}

impl Running {
    /// Sequences with `length` tokens behind them; their slots hold whatever they hold.
    fn new(count: usize, length: usize) -> Self {
        let context = |index: usize| (0..length as u32).map(|i| (index * length) as u32 + i).collect();
        let tokens = (0..count as u32).map(|i| 1_000 + 17 * i).collect();
        Self { contexts: (0..count).map(context).collect(), tokens, next_slot: (count * length) as u32 }
    }

    /// Begins a step.
    fn begin(&mut self, model: &mut CudaTransformer) -> Outcome {
        let rows = self.contexts.len();
        for context in &mut self.contexts {
            context.push(self.next_slot);
            self.next_slot += 1;
        }
        let positions: Vec<u32> = self.contexts.iter().map(|context| context.len() as u32 - 1).collect();
        let slots: Vec<u32> = self.contexts.iter().filter_map(|context| context.last().copied()).collect();
        let spans: Vec<AttentionSpan<'_>> = self
            .contexts
            .iter()
            .enumerate()
            .map(|(row, context)| AttentionSpan { rows: row..row + 1, context })
            .collect();
        let outputs: Vec<Output<'_>> = (0..rows).map(|row| Output { row, rows: OutputRows::All }).collect();
        model.begin(&Batch {
            tokens: &self.tokens,
            positions: &positions,
            slots: &slots,
            spans: &spans,
            outputs: &outputs,
        })?;
        // From here on what is drawn stays on the device.
        self.tokens = (0..rows as u32).map(token_drawn_by).collect();
        Ok(())
    }

    /// Some steps: the milliseconds of each, and the device's times.
    fn steps(&mut self, model: &mut CudaTransformer, count: usize) -> Result<Vec<(f64, PassTimes)>, Box<dyn Error>> {
        let asks: Vec<Ask<'_>> = self.contexts.iter().map(|_| greedy()).collect();
        let (mut answers, mut logits, mut all) = (Vec::new(), Vec::new(), Vec::new());
        self.begin(model)?;
        model.ask(&asks)?;
        for _ in 0..count {
            let started = Instant::now();
            self.begin(model)?;
            let times = model.read(&mut answers, &mut logits)?;
            model.ask(&asks)?;
            all.push((started.elapsed().as_secs_f64() * 1e3, times));
        }
        model.read(&mut answers, &mut logits)?;
        Ok(all)
    }
}

/// Bytes per second of a copy on the device, read and written.
fn bandwidth(device: &std::sync::Arc<Device>) -> Result<f64, Box<dyn Error>> {
    let (from, to) = (Buffer::<f32>::zeroed(device, 1 << 29)?, Buffer::<f32>::zeroed(device, 1 << 29)?);
    let (before, after) = (Event::new(device)?, Event::new(device)?);
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        before.record()?;
        to.copy_from(&from)?;
        after.record()?;
        after.wait()?;
        best = best.min(f64::from(after.milliseconds_since(&before)?));
    }
    Ok((from.len() * 8) as f64 / best * 1e3)
}

/// Operations per second of a large product of random numbers.
fn product_rate(device: &std::sync::Arc<Device>) -> Result<f64, Box<dyn Error>> {
    const SIZE: usize = 8192;
    let room = || Buffer::<half::bf16>::zeroed(device, SIZE * SIZE);
    let (weight, x, y) = (room()?, room()?, room()?);
    device.fill_random(&weight, 1, 0.02)?;
    device.fill_random(&x, 2, 1.0)?;
    let linear = Linear { weight: &weight, x: &x, m: SIZE, k: SIZE };
    device.tune(linear, Epilogue::Plain(&y))?;
    let (before, after) = (Event::new(device)?, Event::new(device)?);
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        before.record()?;
        device.linear(linear, Epilogue::Plain(&y), false)?;
        after.record()?;
        after.wait()?;
        best = best.min(f64::from(after.milliseconds_since(&before)?));
    }
    Ok(2.0 * (SIZE as f64).powi(3) / best * 1e3)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn decode(options: CudaOptions) -> Outcome {
    let device = Device::open(0)?;
    let (bandwidth, rate_of_products) = (bandwidth(&device)?, product_rate(&device)?);
    let started = Instant::now();
    let mut model = CudaTransformer::random(&device, llama_3_8b(), CudaOptions { slots: Some(300_000), ..options })?;
    let opened = started.elapsed().as_secs_f64();
    say(&format!(
        "opened in {opened:.1} s: {} slots; a copy reaches {:.2} TB/s, a product {:.0} TFLOP/s",
        model.slots(),
        bandwidth / 1e12,
        rate_of_products / 1e12
    ));
    let weights = model.weight_bytes_per_step() as f64;
    let per_token = {
        let config = model.config();
        (config.layers * config.kv_heads * config.head_dim * 4) as f64
    };
    for (count, length) in [(1, 128), (1, 256), (16, 256), (64, 256), (256, 256), (64, 4096)] {
        let mut running = Running::new(count, length - 20);
        running.steps(&mut model, 4)?;
        running.tokens = vec![1_000; count];
        let steps = running.steps(&mut model, 30)?;
        let wall = median(steps.iter().map(|(ms, _)| *ms).collect());
        let sum = |part: fn(&PassTimes) -> f64| steps[1..].iter().map(|(_, times)| part(times)).sum::<f64>();
        let idle = sum(|times| (times.before + times.unasked).as_secs_f64());
        let idle = 100.0 * idle / (idle + sum(|times| times.busy.as_secs_f64()));
        let mut graph = f64::NAN;
        if options.graphs {
            let (before, after) = (Event::new(&device)?, Event::new(&device)?);
            let times = 20;
            model.repeat(3)?;
            before.record()?;
            model.repeat(times)?;
            after.record()?;
            after.wait()?;
            graph = f64::from(after.milliseconds_since(&before)?) / times as f64;
        }
        let context = per_token * (count * length) as f64 / bandwidth * 1e3;
        let floor = weights / bandwidth * 1e3 + context;
        // A weight is two bytes and, per row, two operations.
        let combined = (weights / bandwidth).max(weights * count as f64 / rate_of_products) * 1e3 + context;
        let rate = |ms: f64| count as f64 / ms * 1e3;
        say(&format!(
            "decode {count:3} x {length:4}: step {wall:7.3} ms ({:6.0} tok/s), idle {idle:4.2} %, graph alone {graph:7.3} ms ({:6.0} tok/s); floor {floor:6.3} ms = {:3.0} % and {:3.0} %, combined {combined:6.3} ms = {:3.0} %",
            rate(wall),
            rate(graph),
            100.0 * floor / wall,
            100.0 * floor / graph,
            100.0 * combined / wall
        ));
    }
    device.describe_choices().iter().for_each(|line| say(line));
    Ok(())
}

/// Decoding steps that no graph hides from a profiler.
fn kernels(way: &str, count: usize, length: usize) -> Outcome {
    let device = Device::open(0)?;
    let (deterministic, fp8) = (way == "deterministic", way == "fp8");
    let options =
        CudaOptions { outputs: 256, slots: Some(80_000), graphs: false, deterministic, fp8, ..CudaOptions::default() };
    let mut model = CudaTransformer::random(&device, llama_3_8b(), options)?;
    Running::new(count, length - 4).steps(&mut model, 3).map(drop)
}

fn prefill(sizes: &[(usize, usize)], rounds: usize) -> Outcome {
    let device = Device::open(0)?;
    let options = CudaOptions { rows: 8192, outputs: 32, slots: Some(40_000), ..CudaOptions::default() };
    let mut model = CudaTransformer::random(&device, llama_3_8b(), options)?;
    let config = model.config().clone();
    let matrices = model.weight_bytes_per_step() as f64 / 2.0 - (config.vocabulary * config.hidden) as f64;
    for &(count, length) in sizes {
        let total = count * length;
        let tokens: Vec<u32> = (0..total as u32).map(|i| (i * 7919) % 128_000).collect();
        let places: Vec<u32> = (0..total as u32).collect();
        let positions: Vec<u32> = (0..total).map(|i| (i % length) as u32).collect();
        let spans: Vec<AttentionSpan<'_>> = (0..count)
            .map(|i| AttentionSpan {
                rows: i * length..(i + 1) * length,
                context: &places[i * length..(i + 1) * length],
            })
            .collect();
        let outputs: Vec<Output<'_>> =
            (0..count).map(|i| Output { row: (i + 1) * length - 1, rows: OutputRows::All }).collect();
        let asks: Vec<Ask<'_>> = (0..count).map(|_| greedy()).collect();
        let batch = Batch { tokens: &tokens, positions: &positions, slots: &places, spans: &spans, outputs: &outputs };
        let (mut answers, mut logits, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            let started = Instant::now();
            model.run(&batch, &asks, &mut answers, &mut logits)?;
            if round > 0 {
                all.push(started.elapsed().as_secs_f64() * 1e3);
            }
        }
        let ms = median(all);
        let attention =
            4.0 * (config.layers * config.heads * config.head_dim) as f64 * (total * (length + 1) / 2) as f64;
        let operations = 2.0 * matrices * total as f64 + attention;
        say(&format!(
            "prefill {count} x {length}: {ms:.2} ms, {:.0} tokens/s, {:.0} TFLOP/s",
            total as f64 / ms * 1e3,
            operations / ms / 1e9
        ));
    }
    device.describe_choices().iter().for_each(|line| say(line));
    Ok(())
}

/// A step of 64 sequences that share 8,192 tokens, with and without the cascade.
fn branches() -> Outcome {
    let device = Device::open(0)?;
    for cascade in [true, false] {
        let options = CudaOptions { rows: 4096, outputs: 256, slots: Some(40_000), cascade, ..CudaOptions::default() };
        let mut model = CudaTransformer::random(&device, llama_3_8b(), options)?;
        let shared: Vec<u32> = (0..8_192).collect();
        let mut running = Running::new(64, 0);
        running.next_slot = 8_192;
        running.contexts.iter_mut().for_each(|context| context.extend_from_slice(&shared));
        let steps = running.steps(&mut model, 20)?;
        let wall = median(steps[4..].iter().map(|(ms, _)| *ms).collect());
        say(&format!("64 branches of 8,192, cascade {cascade}: {wall:.3} ms a step, {:.0} tokens/s", 64e3 / wall));
    }
    Ok(())
}

/// Writes the tokens of a text and their logits, by the CPU and by the device, for a comparison with other programs.
fn logits_to(path: &Path, text: &Path, folder: &Path) -> Outcome {
    let pool = ThreadPool::new(std::thread::available_parallelism()?.get().min(16));
    let cpu = load(path, &pool)?;
    let mut tokens = cpu.tokenizer.encode(&std::fs::read_to_string(text)?);
    tokens.truncate(400);
    let places: Vec<u32> = (0..tokens.len() as u32).collect();
    let outputs: Vec<Output<'_>> = (0..tokens.len()).map(|row| Output { row, rows: OutputRows::All }).collect();
    let span = [AttentionSpan { rows: 0..tokens.len(), context: &places }];
    let batch = Batch { tokens: &tokens, positions: &places, slots: &places, spans: &span, outputs: &outputs };
    let (mut here, mut there) = (Vec::new(), Vec::new());
    let mut kv = cpu.transformer.new_cache(tokens.len(), KvFormat::F32);
    cpu.transformer.forward(&pool, &mut Scratch::default(), &mut kv, &batch, &mut here)?;
    let options = CudaOptions { slots: Some(4096), ..CudaOptions::default() };
    let mut model = load_cuda(path, &pool, &Device::open(0)?, options)?.transformer;
    let asks: Vec<Ask<'_>> = outputs.iter().map(|_| Ask::Logits).collect();
    model.run(&batch, &asks, &mut Vec::new(), &mut there)?;
    let bytes = |numbers: &[f32]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    std::fs::write(folder.join("tokens.u32"), tokens.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
    std::fs::write(folder.join("cpu.f32"), bytes(&here))?;
    Ok(std::fs::write(folder.join("cuda.f32"), bytes(&there))?)
}

/// Logits of every position of a text, both ways, token by token and in one piece.
fn parity(path: &Path, text: &Path, most: usize) -> Outcome {
    let pool = ThreadPool::new(std::thread::available_parallelism()?.get().min(16));
    let cpu = load(path, &pool)?;
    let device = Device::open(0)?;
    let mut tokens = cpu.tokenizer.encode(&std::fs::read_to_string(text)?);
    tokens.truncate(most);
    let count = tokens.len();
    let places: Vec<u32> = (0..count as u32).collect();
    let outputs: Vec<Output<'_>> = (0..count).map(|row| Output { row, rows: OutputRows::All }).collect();
    let span = [AttentionSpan { rows: 0..count, context: &places }];
    let batch = Batch { tokens: &tokens, positions: &places, slots: &places, spans: &span, outputs: &outputs };
    let size = cpu.transformer.config().vocabulary;
    let mut reference = Vec::new();
    let mut kv = cpu.transformer.new_cache(count, KvFormat::F32);
    cpu.transformer.forward(&pool, &mut Scratch::default(), &mut kv, &batch, &mut reference)?;
    let fp8 = device.require_fp8().is_ok().then_some("fp8");
    for way in ["usual", "deterministic"].into_iter().chain(fp8) {
        let (deterministic, fp8) = (way == "deterministic", way == "fp8");
        let options =
            CudaOptions { slots: Some(4096), deterministic, fp8, graphs: !deterministic, ..CudaOptions::default() };
        let mut model = load_cuda(path, &pool, &device, options)?.transformer;
        let asks: Vec<Ask<'_>> = outputs.iter().map(|_| Ask::Logits).collect();
        let (mut answers, mut whole) = (Vec::new(), Vec::new());
        model.run(&batch, &asks, &mut answers, &mut whole)?;
        report(&format!("{way}: whole text against the CPU"), &reference, &whole, size);
        let mut stepped = Vec::new();
        let (mut row, offset) = (Vec::new(), count as u32);
        let own: Vec<u32> = places.iter().map(|place| place + offset).collect();
        for at in 0..count {
            let span = [AttentionSpan { rows: 0..1, context: &own[..=at] }];
            let output = [Output { row: 0, rows: OutputRows::All }];
            let batch = Batch {
                tokens: &tokens[at..=at],
                positions: &places[at..=at],
                slots: &own[at..=at],
                spans: &span,
                outputs: &output,
            };
            model.run(&batch, &[Ask::Logits], &mut answers, &mut row)?;
            stepped.extend_from_slice(&row);
        }
        report(&format!("{way}: token by token against the CPU"), &reference, &stepped, size);
        report(&format!("{way}: token by token against the whole"), &whole, &stepped, size);
    }
    Ok(())
}

fn report(name: &str, reference: &[f32], found: &[f32], size: usize) {
    let best = |row: &[f32]| (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b]));
    let (mut same, mut rows, mut difference, mut norm) = (0, 0, 0.0, 0.0);
    for (a, b) in reference.chunks(size).zip(found.chunks(size)) {
        rows += 1;
        same += usize::from(best(a) == best(b));
        difference += a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        norm += a.iter().map(|a| f64::from(*a).powi(2)).sum::<f64>();
    }
    say(&format!("{name}: {same} of {rows} first choices agree, logits differ by {:.2e}", (difference / norm).sqrt()));
}
