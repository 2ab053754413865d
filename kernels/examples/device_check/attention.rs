//! Attention over slots in random order.

use crate::Bench;
use crate::host::{Random, compare, wide};
use half::bf16;
use sgl_kernels::cuda::{
    Buffer, CudaError, DecodeShape, EXTEND_TILE_ROWS, ExtendShape, KvLayer, PrefixShape, decode_groups, decode_parts,
    decode_scratch,
};

/// Sequences with their contexts in one cache.
struct Setting {
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    stride: usize,
    /// Slots by sequence.
    contexts: Vec<Vec<usize>>,
    keys: Vec<bf16>,
    values: Vec<bf16>,
    cache: KvLayer,
    table: Buffer<i32>,
}

impl Setting {
    fn new(bench: &Bench, shape: (usize, usize, usize), lengths: &[usize], seed: u64) -> Result<Self, CudaError> {
        let (heads, kv_heads, head_dim) = shape;
        let mut random = Random::new(seed);
        let slots = lengths.iter().sum::<usize>() + 3;
        let order = random.order(slots);
        let stride = lengths.iter().copied().max().unwrap_or(1) + 1;
        let mut from = 0;
        let contexts: Vec<Vec<usize>> = lengths
            .iter()
            .map(|length| {
                from += length;
                order[from - length..from].to_vec()
            })
            .collect();
        let mut table = vec![-1i32; stride * lengths.len()];
        for (row, context) in contexts.iter().enumerate() {
            context.iter().enumerate().for_each(|(position, slot)| table[row * stride + position] = *slot as i32);
        }
        let numbers = slots * kv_heads * head_dim;
        let (keys, values) = (random.narrow(numbers), random.narrow(numbers));
        let cache = KvLayer::new(&bench.device, slots, kv_heads, head_dim)?;
        cache.keys.write(0, &keys)?;
        cache.values.write(0, &values)?;
        let table = Buffer::of(&bench.device, &table)?;
        Ok(Self { heads, kv_heads, head_dim, stride, contexts, keys, values, cache, table })
    }

    /// What a query of all heads sees of the first `seen` tokens of a sequence.
    fn reference(&self, q: &[bf16], sequence: usize, seen: usize) -> Vec<f64> {
        let d = self.head_dim;
        let group = self.heads / self.kv_heads;
        let at = |slot: usize, head: usize| (slot * self.kv_heads + head / group) * d;
        let mut out = Vec::new();
        for head in 0..self.heads {
            let q: Vec<f64> = wide(&q[head * d..][..d]).map(f64::from).collect();
            let score = |slot: &usize| {
                let key = wide(&self.keys[at(*slot, head)..][..d]);
                q.iter().zip(key).map(|(q, k)| q * f64::from(k)).sum::<f64>() / (d as f64).sqrt()
            };
            let scores: Vec<f64> = self.contexts[sequence][..seen].iter().map(score).collect();
            let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = scores.iter().map(|score| (score - top).exp()).sum();
            let mut sum = vec![0.0; d];
            for (slot, score) in self.contexts[sequence].iter().zip(&scores) {
                let weight = (score - top).exp() / total;
                let value = wide(&self.values[at(*slot, head)..][..d]);
                sum.iter_mut().zip(value).for_each(|(sum, v)| *sum += weight * f64::from(v));
            }
            out.extend(sum);
        }
        out
    }
}

pub(crate) fn run(bench: &mut Bench) -> Result<(), CudaError> {
    let shapes = [(32, 8, 128), (9, 3, 64), (8, 8, 64), (16, 1, 128)];
    for (index, shape) in shapes.into_iter().enumerate() {
        decode(bench, shape, &[1, 17, 64, 65, 500, 1300], index as u64)?;
        decode(bench, shape, &[2000], 9 + index as u64)?;
        extend(bench, shape, &[(1, 1), (40, 40), (300, 5), (700, 130), (257, 256)], index as u64)?;
    }
    cascade(bench, (32, 8, 128), 1024, &[1, 70, 3, 300, 64, 9])?;
    cascade(bench, (9, 3, 64), 320, &[2; 50])?;
    cascade(bench, (16, 1, 128), 256, &[5, 1, 90, 2])?;
    if bench.measures {
        for (sequences, length) in [(1, 256), (64, 256), (256, 256), (64, 4096), (1, 65536), (16, 16384)] {
            measure_decode(bench, sequences, length)?;
        }
        for (new, length) in [(1024, 1024), (4096, 4096), (16384, 16384), (512, 8192)] {
            measure_extend(bench, new, length)?;
        }
    }
    Ok(())
}

/// Launches decode for one row per sequence.
fn launch_decode(
    bench: &Bench,
    setting: &Setting,
    (q, out): (&Buffer<bf16>, &Buffer<bf16>),
    parts: (usize, usize),
) -> Result<impl Fn() -> Result<(), CudaError> + use<>, CudaError> {
    let &Setting { heads, kv_heads, head_dim, stride, .. } = setting;
    let rows = setting.contexts.len();
    let device = bench.device.clone();
    let order: Vec<i32> = (0..rows as i32).collect();
    let lengths: Vec<i32> = setting.contexts.iter().map(|context| context.len() as i32).collect();
    let (sequences, lengths) = (Buffer::of(&device, &order)?, Buffer::of(&device, &lengths)?);
    let sums = Buffer::zeroed(&device, decode_scratch(rows, heads, kv_heads, head_dim, parts.0))?;
    let done = Buffer::zeroed(&device, rows * decode_groups(heads, kv_heads))?;
    let (q, out, table) = (q.clone(), out.clone(), setting.table.clone());
    let cache = KvLayer { keys: setting.cache.keys.clone(), values: setting.cache.values.clone() };
    Ok(move || {
        let shape = DecodeShape {
            q: &q,
            out: &out,
            table: &table,
            stride,
            sequences: &sequences,
            lengths: &lengths,
            sums: &sums,
            done: &done,
            rows,
            heads,
            kv_heads,
            head_dim,
            parts: parts.0,
            part_min: parts.1,
            shared: None,
        };
        device.attention_decode(&shape, &cache)
    })
}

fn decode(bench: &mut Bench, shape: (usize, usize, usize), lengths: &[usize], seed: u64) -> Result<(), CudaError> {
    let setting = Setting::new(bench, shape, lengths, seed)?;
    let (heads, kv_heads, head_dim) = shape;
    let q = Random::new(seed + 100).narrow(lengths.len() * heads * head_dim);
    let width = heads * head_dim;
    let reference: Vec<f64> = lengths
        .iter()
        .enumerate()
        .flat_map(|(row, length)| setting.reference(&q[row * width..][..width], row, *length))
        .collect();
    let (q, out) = (Buffer::of(&bench.device, &q)?, Buffer::<bf16>::zeroed(&bench.device, q.len())?);
    for parts in [(1, 64), (7, 64), decode_parts(lengths.len(), heads, kv_heads)] {
        let launch = launch_decode(bench, &setting, (&q, &out), parts)?;
        // Twice: the counters must be as before.
        for round in 0..2 {
            bench.device.poison(&out)?;
            launch()?;
            let name = format!(
                "decode {heads}/{kv_heads} heads of {head_dim}, {} rows, {} parts, round {round}",
                lengths.len(),
                parts.0
            );
            bench.check(&name, compare(wide(&out.to_vec()?), &reference), 6e-3);
        }
    }
    Ok(())
}

/// Sequences that share a beginning: the cascade against the same reference.
fn cascade(bench: &mut Bench, shape: (usize, usize, usize), shared: usize, rests: &[usize]) -> Result<(), CudaError> {
    let (heads, kv_heads, head_dim) = shape;
    let lengths: Vec<usize> = rests.iter().map(|rest| shared + rest).collect();
    let mut setting = Setting::new(bench, shape, &lengths, shared as u64)?;
    let first = setting.contexts[0][..shared].to_vec();
    let mut table = vec![-1i32; setting.stride * lengths.len()];
    for (row, context) in setting.contexts.iter_mut().enumerate() {
        context[..shared].copy_from_slice(&first);
        context.iter().enumerate().for_each(|(position, slot)| table[row * setting.stride + position] = *slot as i32);
    }
    setting.table.write(0, &table)?;
    let (rows, width, prefix_parts) = (lengths.len(), heads * head_dim, 16);
    let q = Random::new(7).narrow(rows * width);
    let reference: Vec<f64> =
        (0..rows).flat_map(|row| setting.reference(&q[row * width..][..width], row, lengths[row])).collect();
    let device = bench.device.clone();
    let (q, out) = (Buffer::of(&device, &q)?, Buffer::<bf16>::zeroed(&device, q.len())?);
    let all: Vec<i32> = (0..rows as i32).collect();
    let lengths: Vec<i32> = lengths.iter().map(|length| *length as i32).collect();
    // Members in another order than rows, and a tile with nothing to do.
    let members: Vec<i32> = all.iter().rev().copied().collect();
    let count = (rows * heads / kv_heads).div_ceil(EXTEND_TILE_ROWS);
    let mut tiles: Vec<[i32; 4]> = (0..count as i32).map(|tile| [2, 0, rows as i32, tile]).collect();
    tiles.push([0; 4]);
    let parts = decode_parts(rows, heads, kv_heads);
    let (sequences, lengths) = (Buffer::of(&device, &all)?, Buffer::of(&device, &lengths)?);
    let done = Buffer::zeroed(&device, rows * decode_groups(heads, kv_heads))?;
    let sums = Buffer::zeroed(&device, decode_scratch(rows, heads, kv_heads, head_dim, parts.0 + prefix_parts))?;
    let decode = DecodeShape {
        q: &q,
        out: &out,
        table: &setting.table,
        stride: setting.stride,
        sequences: &sequences,
        lengths: &lengths,
        sums: &sums,
        done: &done,
        rows,
        heads,
        kv_heads,
        head_dim,
        parts: parts.0,
        part_min: parts.1,
        shared: Some((&Buffer::of(&device, &vec![shared as i32; rows])?, prefix_parts)),
    };
    let prefix = PrefixShape {
        decode: &decode,
        tiles: &Buffer::of(&device, &tiles)?,
        lengths: &Buffer::of(&device, &vec![shared as i32; tiles.len()])?,
        tile_count: tiles.len(),
        members: &Buffer::of(&device, &members)?,
    };
    device.poison(&out)?;
    device.poison(&sums)?;
    device.attention_prefix(&prefix, &setting.cache)?;
    device.attention_decode(&decode, &setting.cache)?;
    let name = format!("cascade {heads}/{kv_heads} heads of {head_dim}, {rows} rows share {shared}");
    bench.check(&name, compare(wide(&out.to_vec()?), &reference), 6e-3);
    Ok(())
}

/// Launches extend for spans of new tokens at the ends of their contexts.
fn launch_extend(
    bench: &Bench,
    setting: &Setting,
    (q, out): (&Buffer<bf16>, &Buffer<bf16>),
    new: &[usize],
    portable: bool,
) -> Result<impl Fn() -> Result<(), CudaError> + use<>, CudaError> {
    let &Setting { heads, kv_heads, head_dim, stride, .. } = setting;
    let (mut tiles, mut lengths, mut from) = (Vec::new(), Vec::new(), 0);
    for (sequence, new) in new.iter().enumerate() {
        for tile in 0..(new * heads / kv_heads).div_ceil(EXTEND_TILE_ROWS) {
            tiles.push([sequence as i32, from as i32, *new as i32, tile as i32]);
            lengths.push(setting.contexts[sequence].len() as i32);
        }
        from += new;
    }
    tiles.reverse();
    lengths.reverse();
    let device = bench.device.clone();
    let tile_count = tiles.len();
    let (tiles, lengths) = (Buffer::of(&device, &tiles)?, Buffer::of(&device, &lengths)?);
    let (q, out, table) = (q.clone(), out.clone(), setting.table.clone());
    let cache = KvLayer { keys: setting.cache.keys.clone(), values: setting.cache.values.clone() };
    Ok(move || {
        let shape = ExtendShape {
            q: &q,
            out: &out,
            table: &table,
            stride,
            tiles: &tiles,
            lengths: &lengths,
            tile_count,
            portable,
            heads,
            kv_heads,
            head_dim,
        };
        device.attention_extend(&shape, &cache)
    })
}

fn extend(
    bench: &mut Bench,
    shape: (usize, usize, usize),
    spans: &[(usize, usize)],
    seed: u64,
) -> Result<(), CudaError> {
    let lengths: Vec<usize> = spans.iter().map(|(length, _)| *length).collect();
    let new: Vec<usize> = spans.iter().map(|(_, new)| *new).collect();
    let setting = Setting::new(bench, shape, &lengths, seed + 50)?;
    let (heads, kv_heads, head_dim) = shape;
    let width = heads * head_dim;
    let q = Random::new(seed + 200).narrow(new.iter().sum::<usize>() * width);
    let (mut reference, mut row) = (Vec::new(), 0);
    for (sequence, (length, new)) in spans.iter().enumerate() {
        for token in 0..*new {
            reference.extend(setting.reference(&q[row * width..][..width], sequence, length - new + token + 1));
            row += 1;
        }
    }
    let (q, out) = (Buffer::of(&bench.device, &q)?, Buffer::<bf16>::zeroed(&bench.device, q.len())?);
    for portable in [true, false] {
        bench.device.poison(&out)?;
        launch_extend(bench, &setting, (&q, &out), &new, portable)?()?;
        let kernel = if portable { "portable" } else { "own" };
        let name = format!("extend {heads}/{kv_heads} heads of {head_dim}, {} spans, {kernel}", spans.len());
        bench.check(&name, compare(wide(&out.to_vec()?), &reference), 6e-3);
    }
    Ok(())
}

fn measure_decode(bench: &mut Bench, sequences: usize, length: usize) -> Result<(), CudaError> {
    let shape = (32, 8, 128);
    let setting = Setting::new(bench, shape, &vec![length; sequences], 1)?;
    let q = Buffer::<bf16>::zeroed(&bench.device, sequences * 4096)?;
    bench.device.fill_random(&q, 1, 1.0)?;
    let out = Buffer::zeroed(&bench.device, sequences * 4096)?;
    let cold = Buffer::<u32>::zeroed(&bench.device, 1 << 25)?;
    let bytes = (sequences * length * 4096) as f64 / bench.bandwidth * 1e3;
    let chosen = decode_parts(sequences, 32, 8);
    for parts in [chosen, (chosen.0.div_ceil(2), chosen.1), (chosen.0 * 2, 128)] {
        let launch = launch_decode(bench, &setting, (&q, &out), parts)?;
        let ms = bench.time(Some(&cold), launch)?;
        let share = 100.0 * bytes / ms;
        bench.say(&format!(
            "       decode {sequences} x {length}, {parts:?} parts: {:.1} us, {share:.0} % of copy",
            ms * 1e3
        ));
    }
    Ok(())
}

fn measure_extend(bench: &mut Bench, new: usize, length: usize) -> Result<(), CudaError> {
    let setting = Setting::new(bench, (32, 8, 128), &[length], 1)?;
    let q = Buffer::<bf16>::zeroed(&bench.device, new * 4096)?;
    bench.device.fill_random(&q, 1, 1.0)?;
    let out = Buffer::zeroed(&bench.device, new * 4096)?;
    for portable in [true, false] {
        let launch = launch_extend(bench, &setting, (&q, &out), &[new], portable)?;
        let ms = bench.time(None, launch)?;
        let seen = (new * (length - new)) as f64 + (new * (new + 1)) as f64 / 2.0;
        let rate = 4.0 * 4096.0 * seen / ms / 1e9;
        let kernel = if portable { "mma" } else { "wgmma" };
        bench.say(&format!("       extend {new} of {length}: {ms:.3} ms, {rate:.0} TFLOP/s, causal, {kernel}"));
    }
    Ok(())
}
