//! Products with weights, every way to do each, and what follows them.

use crate::Bench;
use crate::host::{Random, compare, differences, wide};
use half::bf16;
use sgl_kernels::cuda::{Buffer, CudaError, Epilogue, KvLayer, Linear, RotaryTarget, planned_rows};

pub(crate) fn run(bench: &mut Bench) -> Result<(), CudaError> {
    for (m, n, k) in [
        (1, 64, 64),
        (3, 576, 576),
        (8, 1536, 576),
        (13, 576, 1536),
        (31, 4096, 4096),
        (70, 1024, 4096),
        (150, 1120, 1536),
    ] {
        plain(bench, m, n, k)?;
        swiglu(bench, m, n, k)?;
    }
    plain(bench, 2, 1000, 128)?;
    for (m, interleaved, head_dim) in [(1, false, 128), (7, true, 64), (20, false, 64), (40, true, 128)] {
        rotary(bench, m, interleaved, head_dim)?;
    }
    invariance(bench)?;
    if bench.measures {
        measure(bench)?;
    }
    Ok(())
}

/// `x w^T` in double precision.
fn product(x: &[bf16], w: &[bf16], m: usize, k: usize) -> Vec<f64> {
    let row = |numbers: &[bf16]| wide(numbers).map(f64::from).collect::<Vec<f64>>();
    let w: Vec<Vec<f64>> = w.chunks(k).map(row).collect();
    let dot = |x: &[f64], w: &[f64]| x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
    x.chunks(k).take(m).map(row).flat_map(|x| w.iter().map(|w| dot(&x, w)).collect::<Vec<f64>>()).collect()
}

fn plain(bench: &mut Bench, m: usize, n: usize, k: usize) -> Result<(), CudaError> {
    let device = bench.device.clone();
    let mut random = Random::new((m * 7 + n * 3 + k) as u64);
    let (mut x, w) = (random.narrow(m * k), random.narrow(n * k));
    let reference = product(&x, &w, m, k);
    x.resize(planned_rows(m) * k, bf16::ONE);
    let (x, weight) = (Buffer::of(&device, &x)?, Buffer::of(&device, &w)?);
    let linear = Linear { weight: &weight, x: &x, m, k };
    let y = Buffer::<bf16>::zeroed(&device, planned_rows(m) * n)?;
    device.poison(&y)?;
    device.linear_every_way(linear, Epilogue::Plain(&y), |way| {
        let out = y.to_vec()?;
        bench.check(&format!("linear {m} x {n} x {k} {way}"), compare(wide(&out[..m * n]), &reference), 4e-3);
        device.poison(&y)
    })?;
    let logits = Buffer::<f32>::zeroed(&device, planned_rows(m) * n)?;
    device.poison(&logits)?;
    device.linear_every_way(linear, Epilogue::Logits(&logits), |way| {
        let mut out = logits.to_vec()?;
        out.truncate(m * n);
        bench.check(&format!("linear {m} x {n} x {k} to f32 {way}"), compare(out, &reference), 1e-5);
        device.poison(&logits)
    })
}

fn swiglu(bench: &mut Bench, m: usize, n: usize, k: usize) -> Result<(), CudaError> {
    let device = bench.device.clone();
    let mut random = Random::new((m + n * 3 + k) as u64);
    let scale = (k as f32).sqrt().recip();
    let (mut x, w) = (random.narrow(m * k), random.narrow(2 * n * k));
    x.iter_mut().for_each(|x| *x = bf16::from_f32(x.to_f32() * scale));
    let both = product(&x, &w, m, k);
    let reference: Vec<f64> = both
        .chunks(2 * n)
        .flat_map(|row| (0..n).map(|i| row[i] / (1.0 + (-row[i]).exp()) * row[n + i]).collect::<Vec<f64>>())
        .collect();
    x.resize(planned_rows(m) * k, bf16::ONE);
    let (x, weight) = (Buffer::of(&device, &x)?, Buffer::of(&device, &w)?);
    let both = Buffer::zeroed(&device, planned_rows(m) * 2 * n)?;
    let out = Buffer::<bf16>::zeroed(&device, m * n)?;
    device.poison(&out)?;
    device.linear_every_way(
        Linear { weight: &weight, x: &x, m, k },
        Epilogue::SwiGlu { out: &out, both: &both },
        |way| {
            let check = compare(wide(&out.to_vec()?), &reference);
            bench.check(&format!("swiglu {m} x {n} x {k} {way}"), check, 8e-3);
            device.poison(&out)
        },
    )
}

fn rotary(bench: &mut Bench, m: usize, interleaved: bool, head_dim: usize) -> Result<(), CudaError> {
    let device = bench.device.clone();
    let (heads, kv_heads, k, slots, context) = (6, 2, 128, 64, 50);
    let (half, rows) = (head_dim / 2, (heads + 2 * kv_heads) * head_dim);
    let mut random = Random::new(m as u64);
    let (mut x, w) = (random.narrow(m * k), random.narrow(rows * k));
    let turns: Vec<[f32; 2]> = (0..context * half).map(|i| [(i as f32).cos(), (i as f32).sin()]).collect();
    let positions: Vec<i32> = (0..m).map(|_| random.below(context) as i32).collect();
    let places: Vec<i32> = random.order(slots)[..m].iter().map(|slot| *slot as i32).collect();
    let product = product(&x, &w, m, k);
    let (mut q, mut keys, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (row, numbers) in product.chunks(rows).enumerate() {
        for (head, numbers) in numbers.chunks(head_dim).enumerate() {
            let mut turned = numbers.to_vec();
            for i in 0..half {
                let (first, second) = if interleaved { (2 * i, 2 * i + 1) } else { (i, i + half) };
                let [c, s] = turns[positions[row] as usize * half + i].map(f64::from);
                turned[first] = numbers[first] * c - numbers[second] * s;
                turned[second] = numbers[second] * c + numbers[first] * s;
            }
            match head {
                head if head < heads => q.extend(turned),
                head if head < heads + kv_heads => keys.extend(turned),
                _ => values.extend_from_slice(numbers),
            }
        }
    }
    x.resize(planned_rows(m) * k, bf16::ONE);
    let (x, weight) = (Buffer::of(&device, &x)?, Buffer::of(&device, &w)?);
    let cache = KvLayer::new(&device, slots, kv_heads, head_dim)?;
    let q_there = Buffer::<bf16>::zeroed(&device, m * heads * head_dim)?;
    let qkv = Buffer::zeroed(&device, planned_rows(m) * rows)?;
    let (turns, positions) = (Buffer::of(&device, &turns)?, Buffer::of(&device, &positions)?);
    let slots_there = Buffer::of(&device, &places)?;
    let target = RotaryTarget {
        q: &q_there,
        qkv: &qkv,
        cache: &cache,
        turns: &turns,
        positions: &positions,
        slots: &slots_there,
        heads,
        kv_heads,
        head_dim,
        interleaved,
    };
    let poison = || {
        device.poison(&q_there)?;
        device.poison(&cache.keys)?;
        device.poison(&cache.values)
    };
    poison()?;
    device.linear_every_way(Linear { weight: &weight, x: &x, m, k }, Epilogue::Rotary(target), |way| {
        let stored = |buffer: &Buffer<bf16>| {
            let all = buffer.to_vec()?;
            let width = kv_heads * head_dim;
            let rows =
                places.iter().flat_map(|slot| wide(&all[*slot as usize * width..][..width]).collect::<Vec<f32>>());
            Ok::<Vec<f32>, CudaError>(rows.collect())
        };
        let name = format!("rotary {m} rows, head {head_dim}, {way}");
        bench.check(&format!("{name}: q"), compare(wide(&q_there.to_vec()?), &q), 6e-3);
        bench.check(&format!("{name}: keys"), compare(stored(&cache.keys)?, &keys), 6e-3);
        bench.check(&format!("{name}: values"), compare(stored(&cache.values)?, &values), 6e-3);
        poison()
    })
}

/// In deterministic mode a row has the same bits in every batch, whatever follows the product.
fn invariance(bench: &mut Bench) -> Result<(), CudaError> {
    const MOST: usize = 300;
    let device = bench.device.clone();
    for (n, k) in [(576, 1536), (1000, 4096), (64, 192)] {
        let mut random = Random::new(77 + n as u64);
        let (x, weight) = (Buffer::of(&device, &random.narrow(MOST * k))?, Buffer::of(&device, &random.narrow(n * k))?);
        let y = Buffer::<bf16>::zeroed(&device, MOST * n)?;
        let halves = n.is_multiple_of(32);
        let rows = |m: usize, swiglu: bool| {
            let epilogue = if swiglu { Epilogue::SwiGlu { out: &y, both: &y } } else { Epilogue::Plain(&y) };
            device.poison(&y)?;
            device.linear(Linear { weight: &weight, x: &x, m, k }, epilogue, true)?;
            y.to_vec()
        };
        for swiglu in [false, true].into_iter().filter(|swiglu| !swiglu || halves) {
            let width = if swiglu { n / 2 } else { n };
            let alone = rows(1, swiglu)?;
            let most = rows(MOST, swiglu)?;
            let mut differing = differences(&alone[..width], &most[..width]);
            for m in [2, 9, 17, 33, 64, 65, 100, 129] {
                differing += differences(&rows(m, swiglu)?[..m * width], &most[..m * width]);
            }
            let error = differing as f64;
            let name = format!("linear, deterministic: rows in batches of 1 to {MOST}, n {n}, k {k}, swiglu {swiglu}");
            bench.check(&name, crate::host::Check { error, unwritten: 0 }, 0.0);
        }
    }
    Ok(())
}

/// The matrices of Llama-3-8B: the best way, against reading the weights once.
fn measure(bench: &mut Bench) -> Result<(), CudaError> {
    let device = bench.device.clone();
    let cold = Buffer::<u32>::zeroed(&device, 1 << 25)?;
    for (name, n, k) in [("qkv", 6144, 4096), ("output", 4096, 4096), ("gate_up", 28672, 4096), ("down", 4096, 14336)] {
        let weight = Buffer::<bf16>::zeroed(&device, n * k)?;
        device.fill_random(&weight, 3, 0.02)?;
        for m in [1, 8, 16, 32, 64, 128, 256, 4096] {
            let x = Buffer::<bf16>::zeroed(&device, m * k)?;
            device.fill_random(&x, 4, 1.0)?;
            let y = Buffer::<bf16>::zeroed(&device, planned_rows(m) * n)?;
            let linear = Linear { weight: &weight, x: &x, m, k };
            let mut ways = Vec::new();
            device.linear_every_way(linear, Epilogue::Plain(&y), |way| {
                ways.push(way);
                Ok(())
            })?;
            let ms = bench.time(Some(&cold), || device.linear(linear, Epilogue::Plain(&y), false))?;
            let bytes = (2 * (n * k + m * k + m * n)) as f64 / bench.bandwidth * 1e3;
            let operations = 2.0 * (m * n * k) as f64;
            bench.say(&format!(
                "       {name:8} m {m:4}: {:7.1} us; bytes take {:6.1} us = {:3.0} %; {:4.0} TFLOP/s; {} ways",
                ms * 1e3,
                bytes * 1e3,
                100.0 * bytes / ms,
                operations / ms / 1e9,
                ways.len()
            ));
        }
    }
    device.describe_choices().iter().filter(|line| line.contains("4096")).for_each(|line| bench.say(line));
    Ok(())
}
