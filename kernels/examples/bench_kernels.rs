//! Achieved over possible, for the shapes of SmolLM2-135M: `cargo run --release -p sgl_kernels --example bench_kernels`.
//!
//! **Arithmetic.** The 30 layers hold 106.2 M weights in Q4_1 (66.4 MB), the output 28.3 M in Q8_0 (30.1 MB). One pass of
//! all products over `m` tokens reads 96.4 MB and takes `m` times 269 MOP. So it lasts at least
//! `max(96.4 MB / bandwidth, m * 269 MOP / dot rate)`; the bench measures both rates on the same threads first, and
//! `of peak` is that bound over the time taken. Attention at `n` positions takes `69,120 * n` FLOP per token, and reads
//! `23,040 * n` bytes of keys and values.
//!
//! Weights in cache are compared with the arithmetic peak of their kernel alone: byte dot products, or f32 multiply-adds.
//! Times are medians of wall time; the machine should be quiet.

#![expect(clippy::print_stdout, reason = "a bench is read on the terminal")]

use sgl_kernels::{
    AttentionSpan, Format, KernelError, KvCache, KvFormat, Matrix, ThreadPool, attention, instruction_set, matmul,
    matmul_rows, peak, rms_norm, silu_mul,
};
use std::time::Instant;

const LAYERS: usize = 30;
const HIDDEN: usize = 576;
const FEED_FORWARD: usize = 1536;
const KEYS: usize = 192;
const VOCABULARY: usize = 49152;
const HEADS: usize = 9;
const KV_HEADS: usize = 3;
const HEAD_DIM: usize = 64;

/// Outputs and inputs of a layer's products: q, k, v, o, gate, up, down.
const PRODUCTS: [(usize, usize); 7] = [
    (HIDDEN, HIDDEN),
    (KEYS, HIDDEN),
    (KEYS, HIDDEN),
    (HIDDEN, HIDDEN),
    (FEED_FORWARD, HIDDEN),
    (FEED_FORWARD, HIDDEN),
    (HIDDEN, FEED_FORWARD),
];

struct Model {
    layers: Vec<Vec<Matrix>>,
    output: Matrix,
}

/// What the machine can do on the threads of a pool.
struct Roof {
    bytes_per_second: f64,
    operations_per_second: f64,
    float_operations_per_second: f64,
}

fn main() -> Result<(), KernelError> {
    println!("instructions: {}", instruction_set());
    let start = Instant::now();
    let model = Model::random()?;
    println!("packing and making 96 MB: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    for threads in [1, cores] {
        let pool = ThreadPool::new(threads);
        let roof = Roof::measure(&pool);
        println!(
            "\n{threads} threads: reads {:.1} GB/s, dots {:.0} GOP/s, multiplies f32 {:.0} GFLOP/s",
            roof.bytes_per_second / 1e9,
            roof.operations_per_second / 1e9,
            roof.float_operations_per_second / 1e9
        );
        bench_products(&pool, &model, &roof)?;
        bench_attention(&pool, &roof)?;
        bench_selection(&pool, &model)?;
        if threads == cores {
            bench_formats(&pool, &roof)?;
        }
    }
    Ok(())
}

/// The median of the times that `work` takes, in seconds.
fn median(rounds: usize, mut work: impl FnMut() -> Result<(), KernelError>) -> Result<f64, KernelError> {
    work()?;
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let start = Instant::now();
        work()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[rounds / 2])
}

impl Roof {
    fn measure(pool: &ThreadPool) -> Self {
        let memory = peak::Readable::new(96 << 20);
        let mut best = Self { bytes_per_second: 0.0, operations_per_second: 0.0, float_operations_per_second: 0.0 };
        let rate = |probe: &dyn Fn() -> usize, best: &mut f64| {
            let start = Instant::now();
            let done = probe() as f64;
            *best = best.max(done / start.elapsed().as_secs_f64());
        };
        for _ in 0..9 {
            rate(&|| memory.read(pool), &mut best.bytes_per_second);
            rate(&|| peak::dot_bytes(pool, 1_000_000), &mut best.operations_per_second);
            rate(&|| peak::multiply_floats(pool, 1_000_000), &mut best.float_operations_per_second);
        }
        best
    }

    /// The least time for so much work, in seconds.
    fn least(&self, bytes: f64, operations: f64) -> f64 {
        (bytes / self.bytes_per_second).max(operations / self.operations_per_second)
    }
}

impl Model {
    fn random() -> Result<Self, KernelError> {
        let layer = || PRODUCTS.iter().map(|&(rows, cols)| random_matrix(Format::Q4_1, rows, cols)).collect();
        Ok(Self {
            layers: (0..LAYERS).map(|_| layer()).collect::<Result<_, _>>()?,
            output: random_matrix(Format::Q8_0, VOCABULARY, HIDDEN)?,
        })
    }

    fn matrices(&self) -> impl Iterator<Item = &Matrix> {
        self.layers.iter().flatten().chain([&self.output])
    }
}

/// Weights around 0.01.
fn random_matrix(format: Format, rows: usize, cols: usize) -> Result<Matrix, KernelError> {
    let mut bytes = vec![0u8; rows * cols / format.block_len() * format.block_bytes()];
    let mut state = 1u32;
    for byte in &mut bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    // 0x1c00 is 2^-8 in half precision: the scale, and the offset where there is one.
    for block in bytes.chunks_exact_mut(format.block_bytes()) {
        block[..2].copy_from_slice(&0x1c00u16.to_le_bytes());
        if format == Format::Q4_1 {
            block[2..4].copy_from_slice(&0x9c00u16.to_le_bytes());
        }
    }
    Matrix::pack(format, rows, cols, &bytes)
}

fn row(index: usize, seconds: f64, m: usize, roof: &Roof, bytes: f64, operations: f64) -> String {
    format!(
        "{index:>6} {:>9.3} {:>9.0} {:>8.1} {:>8.0} {:>8.0} %",
        seconds * 1e3,
        m as f64 / seconds,
        bytes / seconds / 1e9,
        operations / seconds / 1e9,
        100.0 * roof.least(bytes, operations) / seconds
    )
}

const HEADER: &str = "           ms     tok/s     GB/s    GOP/s   of peak";

/// One pass of all products, then of those of the layers alone, as prefill needs them.
fn bench_products(pool: &ThreadPool, model: &Model, roof: &Roof) -> Result<(), KernelError> {
    println!("all products\n     m{}", &HEADER[5..]);
    for m in [1, 2, 3, 4, 5, 6, 8, 12, 16, 64] {
        let mut operands = Operands::new(m);
        let seconds = median(if m > 8 { 9 } else { 31 }, || pass(pool, &mut operands, model.matrices()))?;
        let bytes = model.matrices().map(Matrix::bytes).sum::<usize>() as f64;
        println!("{}", row(m, seconds, m, roof, bytes, m as f64 * operations(model.matrices())));
    }
    println!("products of the layers\n     m{}", &HEADER[5..]);
    for m in [128, 512] {
        let layers = || model.layers.iter().flatten();
        let mut operands = Operands::new(m);
        let seconds = median(5, || pass(pool, &mut operands, layers()))?;
        let bytes = layers().map(Matrix::bytes).sum::<usize>() as f64;
        println!("{}", row(m, seconds, m, roof, bytes, m as f64 * operations(layers())));
    }
    Ok(())
}

fn operations<'a>(matrices: impl Iterator<Item = &'a Matrix>) -> f64 {
    matrices.map(|matrix| 2.0 * (matrix.rows() * matrix.cols()) as f64).sum()
}

fn pass<'a>(
    pool: &ThreadPool,
    Operands { x, out, m }: &mut Operands,
    matrices: impl Iterator<Item = &'a Matrix>,
) -> Result<(), KernelError> {
    for matrix in matrices {
        let (x, out) = (&x[..*m * matrix.cols()], &mut out[..*m * matrix.rows()]);
        matmul(pool, out, x, matrix)?;
    }
    Ok(())
}

/// Inputs and outputs of any of the products.
struct Operands {
    x: Vec<f32>,
    out: Vec<f32>,
    m: usize,
}

impl Operands {
    fn new(m: usize) -> Self {
        let x = (0..m * FEED_FORWARD).map(|i| (i % 17) as f32 * 0.1 - 0.8).collect();
        Self { x, out: vec![0.0; m * VOCABULARY], m }
    }
}

/// Attention of all layers: decode of one row, prefill of many, and the elementwise work of prefill.
fn bench_attention(pool: &ThreadPool, roof: &Roof) -> Result<(), KernelError> {
    let slots = 2048;
    let mut kv = KvCache::new(LAYERS, KV_HEADS, HEAD_DIM, slots, KvFormat::F16);
    let token = vec![0.5; KV_HEADS * HEAD_DIM];
    for layer in 0..LAYERS {
        for slot in 0..slots as u32 {
            kv.store(layer, slot, &token, &token)?;
        }
    }
    let context: Vec<u32> = (0..slots as u32).collect();
    println!("attention of 30 layers (rows, positions): ms, GB/s of keys and values, GFLOP/s");
    for (m, seen) in [(1, 64), (1, 128), (8, 128), (1, 512), (1, 1024), (1, 2048), (128, 128), (512, 512)] {
        let q = vec![0.1; m * HEADS * HEAD_DIM];
        let mut out = vec![0.0; q.len()];
        let spans = [AttentionSpan { rows: 0..m, context: &context[..seen] }];
        let seconds = median(15, || {
            (0..LAYERS).try_for_each(|layer| attention(pool, &mut out, &q, &kv, layer, &spans, HEADS, 0.125))
        })?;
        let pairs = (0..m).map(|row| seen - row).sum::<usize>() as f64;
        let flop = pairs * (4 * HEADS * HEAD_DIM * LAYERS) as f64;
        let bytes = (kv.bytes() / slots * seen) as f64;
        let (rate, flops) = (bytes / seconds / 1e9, flop / seconds / 1e9);
        println!("{m:>6} {seen:>6} {:>9.3} {rate:>8.1} {flops:>8.1}", seconds * 1e3);
    }
    let reads = 23_040.0 * 1024.0 / roof.bytes_per_second * 1e3;
    println!("              (reading 1024 positions takes {reads:.3} ms at least)");
    let mut gate = vec![0.3; 512 * FEED_FORWARD];
    let up = gate.clone();
    let silu = median(9, || silu_mul(&mut gate, &up))?;
    let (x, weight) = (vec![0.3; 512 * HIDDEN], vec![1.0; HIDDEN]);
    let mut out = x.clone();
    let norm = median(9, || rms_norm(&mut out, &x, &weight, 1e-5))?;
    println!("512 tokens: silu_mul {:.3} ms, rms_norm {:.3} ms", silu * 1e3, norm * 1e3);
    Ok(())
}

/// What a constraint saves of the output product.
fn bench_selection(pool: &ThreadPool, model: &Model) -> Result<(), KernelError> {
    let x = vec![0.1; HIDDEN];
    let mut all = vec![0.0; VOCABULARY];
    let whole = median(31, || matmul(pool, &mut all, &x, &model.output))?;
    print!("output of 1 token: all {:.3} ms", whole * 1e3);
    for count in [10, 100, 1000] {
        let selected: Vec<u32> = (0..count).map(|i| i * 49).collect();
        let mut out = vec![0.0; selected.len()];
        let some = median(31, || matmul_rows(pool, &mut out, &x, &model.output, &selected))?;
        print!(", {count} rows {:.4} ms", some * 1e3);
    }
    println!();
    Ok(())
}

/// Each format at one shape: gate of SmolLM2, weights in cache, so that only the arithmetic counts.
fn bench_formats(pool: &ThreadPool, roof: &Roof) -> Result<(), KernelError> {
    println!("one product {HIDDEN} to {FEED_FORWARD}, weights in cache: GOP/s and share of the peak");
    println!("format       m = 1           4          16          64");
    let formats = [Format::F32, Format::F16, Format::BF16, Format::Q4_0, Format::Q4_1, Format::Q8_0];
    for format in formats {
        let matrix = random_matrix(format, FEED_FORWARD, HIDDEN)?;
        let peak = match format.is_quantized() {
            true => roof.operations_per_second,
            false => roof.float_operations_per_second,
        };
        print!("{:<6}", format!("{format:?}"));
        for m in [1, 4, 16, 64] {
            let mut operands = Operands::new(m);
            let seconds = median(101, || pass(pool, &mut operands, [&matrix].into_iter()))?;
            let rate = m as f64 * operations([&matrix].into_iter()) / seconds;
            print!(" {:>5.0} ({:>2.0} %)", rate / 1e9, 100.0 * rate / peak);
        }
        println!();
    }
    Ok(())
}
