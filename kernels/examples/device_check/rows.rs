//! Embedding and normalization.

use crate::Bench;
use crate::host::{Random, compare, wide};
use half::bf16;
use sgl_kernels::cuda::{Buffer, CudaError};

pub(crate) fn run(bench: &mut Bench) -> Result<(), CudaError> {
    for (rows, hidden) in [(1, 4096), (37, 576), (3, 4096), (5, 16384)] {
        norm(bench, rows, hidden)?;
    }
    embed(bench)?;
    if bench.measures {
        let (rows, hidden) = (8192, 4096);
        let device = bench.device.clone();
        let x = Buffer::<f32>::zeroed(&device, rows * hidden)?;
        let (delta, out) = (Buffer::zeroed(&device, rows * hidden)?, Buffer::<bf16>::zeroed(&device, rows * hidden)?);
        let weight = Buffer::of(&device, &vec![1.0f32; hidden])?;
        let ms = bench.time(None, || device.add_rms_norm((&x, Some(&delta)), &weight, &out, None, rows, 1e-5))?;
        let rate = (rows * hidden * 12) as f64 / ms * 1e3;
        bench.say(&format!(
            "       add_rms_norm 8192 x 4096: {ms:.3} ms, {:.0} % of copy",
            100.0 * rate / bench.bandwidth
        ));
    }
    Ok(())
}

fn norm(bench: &mut Bench, rows: usize, hidden: usize) -> Result<(), CudaError> {
    let device = bench.device.clone();
    let mut random = Random::new(rows as u64 * 31 + hidden as u64);
    let (x, delta, weight) = (random.numbers(rows * hidden), random.narrow(rows * hidden), random.numbers(hidden));
    let sums: Vec<f64> = x.iter().zip(wide(&delta)).map(|(x, d)| f64::from(*x) + f64::from(d)).collect();
    let normed = |row: &[f64]| {
        let scale = 1.0 / (row.iter().map(|x| x * x).sum::<f64>() / hidden as f64 + 1e-5).sqrt();
        row.iter().zip(&weight).map(|(x, w)| x * scale * f64::from(*w)).collect::<Vec<f64>>()
    };
    let reference: Vec<f64> = sums.chunks(hidden).flat_map(normed).collect();
    let (x_there, delta_there) = (Buffer::of(&device, &x)?, Buffer::of(&device, &delta)?);
    let weight_there = Buffer::of(&device, &weight)?;
    let out = Buffer::<bf16>::zeroed(&device, rows * hidden)?;
    device.poison(&out)?;
    let last = (rows - 1) as i32;
    let picked = Buffer::of(&device, &[last])?;
    let one = Buffer::<bf16>::zeroed(&device, hidden)?;
    device.add_rms_norm((&x_there, Some(&delta_there)), &weight_there, &one, Some(&picked), 1, 1e-5)?;
    let check = compare(wide(&one.to_vec()?), &reference[(rows - 1) * hidden..]);
    bench.check(&format!("add_rms_norm, the last of {rows} x {hidden} picked"), check, 4e-3);
    device.add_rms_norm((&x_there, Some(&delta_there)), &weight_there, &out, None, rows, 1e-5)?;
    bench.check(&format!("add_rms_norm {rows} x {hidden}"), compare(wide(&out.to_vec()?), &reference), 4e-3);
    let sum = compare(x_there.to_vec()?, &sums);
    bench.check(&format!("add_rms_norm {rows} x {hidden}: the sum"), sum, 1e-6);
    Ok(())
}

fn embed(bench: &mut Bench) -> Result<(), CudaError> {
    let device = bench.device.clone();
    let (rows, hidden) = (100, 576);
    let table = Random::new(5).narrow(rows * hidden);
    let reference: Vec<f64> =
        [7, 99, 0, 42].iter().flat_map(|row| wide(&table[row * hidden..][..hidden]).map(f64::from)).collect();
    let x = Buffer::<f32>::zeroed(&device, 4 * hidden)?;
    device.poison(&x)?;
    // The last is the second of the tokens drawn before.
    let (tokens, drawn) = (Buffer::of(&device, &[7, 99, 0, -2])?, Buffer::of(&device, &[1, 42])?);
    device.embed(&x, &Buffer::of(&device, &table)?, &tokens, &drawn, 4, hidden)?;
    bench.check("embed", compare(x.to_vec()?, &reference), 0.0);
    Ok(())
}
