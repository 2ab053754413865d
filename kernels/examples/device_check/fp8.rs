//! Products with codes of 8 bits: the codes against what they stand for, and the products against those of the codes.

use crate::Bench;
use crate::host::{Check, Random, compare, wide};
use half::bf16;
use sgl_kernels::cuda::{Buffer, Codes, CudaError, Epilogue, LinearFp8, planned_rows};

pub(crate) fn run(bench: &mut Bench) -> Result<(), CudaError> {
    if let Err(error) = bench.device.require_fp8() {
        bench.say(&format!("       fp8 is not checked: {error}"));
        return Ok(());
    }
    for (m, n, k) in [(1, 64, 64), (3, 576, 576), (20, 1536, 576), (70, 576, 1536), (300, 1024, 4096)] {
        product(bench, m, n, k)?;
    }
    if bench.measures {
        measure(bench)?;
    }
    Ok(())
}

/// The number of an e4m3 code.
fn decoded(code: u8) -> f64 {
    let (exponent, mantissa) = (i32::from(code >> 3 & 15), f64::from(code & 7));
    let size = match exponent {
        0 => mantissa / 8.0 * 2f64.powi(-6),
        15 if code & 7 == 7 => f64::NAN,
        _ => (1.0 + mantissa / 8.0) * 2f64.powi(exponent - 7),
    };
    if code & 0x80 == 0 { size } else { -size }
}

/// What codes stand for.
fn numbers(codes: &Codes, rows: usize, k: usize) -> Result<Vec<f64>, CudaError> {
    let (codes, scales) = (codes.codes.to_vec()?, codes.scales.to_vec()?);
    Ok((0..rows * k).map(|i| decoded(codes[i]) * f64::from(scales[i / k])).collect())
}

/// How far a row of codes is from its numbers: at most half a step of 1/8, or of the least number.
fn worst(codes: &[f64], rows: &[bf16], k: usize) -> f64 {
    let row = |(codes, row): (&[f64], &[bf16])| {
        let most = wide(row).fold(0f32, |most, x| most.max(x.abs()));
        let least = f64::from(most) / 448.0 * 2f64.powi(-9);
        let of = |(code, x): (&f64, f32)| (code - f64::from(x)).abs() / (f64::from(x).abs() / 16.0).max(least / 2.0);
        codes.iter().zip(wide(row)).map(of).fold(0.0, f64::max)
    };
    codes.chunks(k).zip(rows.chunks(k)).map(row).fold(0.0, f64::max)
}

fn product(bench: &mut Bench, m: usize, n: usize, k: usize) -> Result<(), CudaError> {
    let device = bench.device.clone();
    let mut random = Random::new((m * 5 + n + k * 3) as u64);
    let (x, w) = (random.narrow(m * k), random.narrow(n * k));
    let (x_there, w_there) = (Buffer::of(&device, &x)?, Buffer::of(&device, &w)?);
    let rows = planned_rows(m).next_multiple_of(16);
    let (weight, room) = (Codes::new(&device, n, k)?, Codes::new(&device, rows, k)?);
    device.quantize_rows(&w_there, &weight, n, k)?;
    let y = Buffer::<bf16>::zeroed(&device, rows * n)?;
    device.poison(&y)?;
    device.linear_fp8(LinearFp8 { weight: &weight, x: &x_there, room: &room, m, k }, Epilogue::Plain(&y))?;
    let (w_codes, x_codes) = (numbers(&weight, n, k)?, numbers(&room, m, k)?);
    for (what, codes, numbers) in [("w", &w_codes, &w), ("x", &x_codes, &x)] {
        // The scale is rounded to single precision.
        let check = Check { error: worst(codes, numbers, k), unwritten: 0 };
        bench.check(&format!("codes of {what}, {m} x {n} x {k}"), check, 1.001);
    }
    let dot = |x: &[f64], w: &[f64]| x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
    let reference: Vec<f64> =
        x_codes.chunks(k).flat_map(|x| w_codes.chunks(k).map(|w| dot(x, w)).collect::<Vec<f64>>()).collect();
    let out = y.to_vec()?;
    bench.check(&format!("fp8 {m} x {n} x {k}"), compare(wide(&out[..m * n]), &reference), 8e-3);
    Ok(())
}

/// The matrices of Llama-3-8B, against reading the codes once.
fn measure(bench: &mut Bench) -> Result<(), CudaError> {
    let device = bench.device.clone();
    let cold = Buffer::<u32>::zeroed(&device, 1 << 25)?;
    for (name, n, k) in [("qkv", 6144, 4096), ("output", 4096, 4096), ("gate_up", 28672, 4096), ("down", 4096, 14336)] {
        let (full, weight) = (Buffer::<bf16>::zeroed(&device, n * k)?, Codes::new(&device, n, k)?);
        device.fill_random(&full, 3, 0.02)?;
        device.quantize_rows(&full, &weight, n, k)?;
        for m in [1, 64, 256, 4096] {
            let rows = planned_rows(m).next_multiple_of(16);
            let (x, room) = (Buffer::<bf16>::zeroed(&device, m * k)?, Codes::new(&device, rows, k)?);
            device.fill_random(&x, 4, 1.0)?;
            let y = Buffer::<bf16>::zeroed(&device, rows * n)?;
            let linear = LinearFp8 { weight: &weight, x: &x, room: &room, m, k };
            device.tune_fp8(linear, Epilogue::Plain(&y))?;
            let ms = bench.time(Some(&cold), || device.linear_fp8(linear, Epilogue::Plain(&y)))?;
            let bytes = (n * k + 4 * m * k + 2 * m * n) as f64 / bench.bandwidth * 1e3;
            bench.say(&format!(
                "       fp8 {name:8} m {m:4}: {:7.1} us; bytes take {:6.1} us = {:3.0} %; {:4.0} TFLOP/s",
                ms * 1e3,
                bytes * 1e3,
                100.0 * bytes / ms,
                2.0 * (m * n * k) as f64 / ms / 1e9,
            ));
        }
    }
    Ok(())
}
