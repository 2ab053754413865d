//! Draws against the same arithmetic in double precision.

use crate::Bench;
use crate::host::{Check, Random};
use sgl_kernels::cuda::{Buffer, CudaError, DrawRow, SeenToken};

/// Logits, and how to draw from them.
struct Case {
    vocabulary: usize,
    logits: Vec<f32>,
    masks: Vec<u32>,
    seen: Vec<SeenToken>,
    draws: Vec<DrawRow>,
}

impl Case {
    fn run(&self, bench: &Bench) -> Result<(Vec<i32>, Vec<f32>), CudaError> {
        let device = &bench.device;
        let count = self.draws.len();
        let (tokens, logprobs) = (Buffer::zeroed(device, count)?, Buffer::zeroed(device, count)?);
        let logits = Buffer::of(device, &self.logits)?;
        let (draws, seen) = (Buffer::of(device, &self.draws)?, Buffer::of(device, &self.seen)?);
        let masks = Buffer::of(device, &self.masks)?;
        device.sample((&logits, self.vocabulary), &draws, &seen, &masks, (&tokens, &logprobs), count)?;
        Ok((tokens.to_vec()?, logprobs.to_vec()?))
    }
}

pub(crate) fn run(bench: &mut Bench) -> Result<(), CudaError> {
    greedy(bench)?;
    draws(bench)?;
    filters(bench)?;
    penalties(bench)?;
    if bench.measures {
        measure(bench)?;
    }
    Ok(())
}

fn wrong(bench: &mut Bench, name: &str, wrong: usize) {
    bench.check(name, Check { error: wrong as f64, unwritten: 0 }, 0.0);
}

fn log_sum(row: &[f32]) -> f64 {
    let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    f64::from(top) + row.iter().map(|x| f64::from(x - top).exp()).sum::<f64>().ln()
}

/// Greedy with and without a mask, and scores.
fn greedy(bench: &mut Bench) -> Result<(), CudaError> {
    for vocabulary in [100, 49_152, 128_256] {
        let mut random = Random::new(vocabulary as u64);
        let rows = 3;
        let logits: Vec<f32> = random.numbers(rows * vocabulary).iter().map(|x| x * 3.0).collect();
        let words = vocabulary.div_ceil(32);
        let masks: Vec<u32> = (0..words).map(|_| random.bits() as u32).collect();
        let allowed = |token: usize| masks[token / 32] >> (token % 32) & 1 == 1;
        let mut draws = Vec::new();
        for row in 0..rows as i32 {
            draws.push(DrawRow::greedy(row, row * 3));
            draws.push(DrawRow { mask: 0, ..DrawRow::greedy(row, row * 3 + 1) });
            draws.push(DrawRow { token: 77, ..DrawRow::greedy(row, row * 3 + 2) });
        }
        let case = Case { vocabulary, logits, masks: masks.clone(), seen: Vec::new(), draws };
        let (tokens, logprobs) = case.run(bench)?;
        let (mut faults, mut error) = (0, 0.0f64);
        for (row, logits) in case.logits.chunks(vocabulary).enumerate() {
            let best = |allowed: &dyn Fn(usize) -> bool| {
                (0..vocabulary)
                    .filter(|token| allowed(*token))
                    .max_by(|a, b| logits[*a].total_cmp(&logits[*b]).then(b.cmp(a)))
            };
            let expected = [best(&|_| true), best(&allowed), Some(77)];
            let norm = log_sum(logits);
            for (at, expected) in expected.into_iter().enumerate() {
                let expected = expected.unwrap_or(0);
                faults += usize::from(tokens[row * 3 + at] as usize != expected);
                let logprob = f64::from(logits[expected]) - norm;
                error = error.max((f64::from(logprobs[row * 3 + at]) - logprob).abs());
            }
        }
        wrong(bench, &format!("sample greedy, masked, scored: {vocabulary} tokens"), faults);
        bench.check(&format!("sample log-probabilities: {vocabulary} tokens"), Check { error, unwritten: 0 }, 2e-4);
    }
    Ok(())
}

/// The number that position `position` of the stream `seed` has.
fn uniform(seed: u64, position: u64) -> f64 {
    let mut z = seed ^ position.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1u64 << 53) as f64
}

/// The token that a draw in the order of ids gives, and how far the draw is from the next border.
fn drawn(weights: &[f64], at: f64) -> (usize, f64) {
    let total: f64 = weights.iter().sum();
    let mut reached = 0.0;
    for (token, weight) in weights.iter().enumerate() {
        let before = reached;
        reached += weight;
        if reached > at * total {
            return (token, (reached - at * total).min(at * total - before) / total);
        }
    }
    (weights.len() - 1, 0.0)
}

/// Plain draws: the token that double precision gives, except next to a border.
fn draws(bench: &mut Bench) -> Result<(), CudaError> {
    let vocabulary = 49_152;
    let logits: Vec<f32> = Random::new(3).numbers(vocabulary).iter().map(|x| x * 3.0).collect();
    let draws: Vec<DrawRow> = (0..256)
        .map(|i| DrawRow { seed: 11, position: i, temperature: 0.7, to: i as i32, ..DrawRow::greedy(0, 0) })
        .collect();
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = logits.iter().map(|x| (f64::from(x - top) / 0.7).exp()).collect();
    let (tokens, _) = Case { vocabulary, logits, masks: vec![0], seen: Vec::new(), draws }.run(bench)?;
    let differs = |(position, token): (usize, &i32)| {
        let (expected, margin) = drawn(&weights, uniform(11, position as u64));
        margin > 1e-5 && expected != *token as usize
    };
    let faults = tokens.iter().enumerate().filter(|pair| differs(*pair)).count();
    wrong(bench, "sample 256 plain draws", faults);
    Ok(())
}

/// What filters leave: exactly the tokens that they should, within a class of nearly equal logits.
fn filters(bench: &mut Bench) -> Result<(), CudaError> {
    let vocabulary = 1_000;
    let logits: Vec<f32> = Random::new(4).numbers(vocabulary).iter().map(|x| x * 2.0).collect();
    let mut order: Vec<usize> = (0..vocabulary).collect();
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]));
    let weight = |token: usize| f64::from(logits[token] - logits[order[0]]).exp();
    let total: f64 = (0..vocabulary).map(weight).sum();
    let mut reached = 0.0;
    let nucleus = order.iter().take_while(|token| {
        let before = reached;
        reached += weight(**token);
        before < 0.5 * total
    });
    let nucleus = nucleus.count();
    let above = order.iter().filter(|token| weight(**token) >= 0.2).count();
    let plain = DrawRow { seed: 5, temperature: 1.0, ..DrawRow::greedy(0, 0) };
    for (name, row, kept) in [
        ("top-k 10", DrawRow { top_k: 10, ..plain }, 10),
        ("top-k 1", DrawRow { top_k: 1, ..plain }, 1),
        ("top-p 0.5", DrawRow { top_p: 0.5, ..plain }, nucleus),
        ("min-p 0.2", DrawRow { min_p: 0.2, ..plain }, above),
        ("top-k 5 and top-p 0.99", DrawRow { top_k: 5, top_p: 0.999, ..plain }, 5),
    ] {
        let count = 4_096;
        let draws = (0..count).map(|i| DrawRow { position: i as u32, to: i, ..row }).collect();
        let case = Case { vocabulary, logits: logits.clone(), masks: vec![0], seen: Vec::new(), draws };
        let (tokens, _) = case.run(bench)?;
        let outside = tokens.iter().filter(|token| !order[..kept].contains(&(**token as usize))).count();
        wrong(bench, &format!("sample {name}: tokens outside the {kept} that are kept"), outside);
        let share: f64 = order[..kept].iter().map(|token| weight(*token)).sum();
        let found = tokens.iter().filter(|token| **token as usize == order[0]).count() as f64 / f64::from(count);
        let error = (found - weight(order[0]) / share).abs();
        bench.check(&format!("sample {name}: share of the likeliest"), Check { error, unwritten: 0 }, 0.03);
    }
    Ok(())
}

fn penalties(bench: &mut Bench) -> Result<(), CudaError> {
    let vocabulary = 64;
    let mut logits = vec![0.0f32; vocabulary];
    (logits[3], logits[9], logits[20]) = (4.0, 3.5, 3.0);
    let seen = vec![SeenToken { token: 3, count: 2 }, SeenToken { token: 9, count: 0 }];
    let row = |change: fn(&mut DrawRow)| {
        let mut row = DrawRow { seen_from: 0, seen_count: 2, ..DrawRow::greedy(0, 0) };
        change(&mut row);
        row
    };
    let mut faults = 0;
    for (draw, expected) in [
        (row(|r| r.repetition = 1.0), 3),
        (row(|r| r.repetition = 2.0), 20),
        (row(|r| r.frequency = 0.4), 9),
        (row(|r| r.presence = 0.6), 9),
    ] {
        let case = Case { vocabulary, logits: logits.clone(), masks: vec![0], seen: seen.clone(), draws: vec![draw] };
        faults += usize::from(case.run(bench)?.0[0] != expected);
    }
    wrong(bench, "sample with penalties", faults);
    Ok(())
}

fn measure(bench: &mut Bench) -> Result<(), CudaError> {
    let device = bench.device.clone();
    let vocabulary = 128_256;
    let logits: Vec<f32> = Random::new(8).numbers(256 * vocabulary);
    let logits = Buffer::of(&device, &logits)?;
    let (tokens, logprobs) = (Buffer::zeroed(&device, 256)?, Buffer::zeroed(&device, 256)?);
    let (seen, masks) = (Buffer::zeroed(&device, 1)?, Buffer::zeroed(&device, 4_008)?);
    for rows in [1, 64, 256] {
        for (name, row) in [
            ("greedy", DrawRow::greedy(0, 0)),
            ("plain", DrawRow { temperature: 1.0, ..DrawRow::greedy(0, 0) }),
            ("top-p", DrawRow { temperature: 1.0, top_p: 0.9, ..DrawRow::greedy(0, 0) }),
        ] {
            let draws: Vec<DrawRow> = (0..rows).map(|i| DrawRow { row: i, to: i, ..row }).collect();
            let draws = Buffer::of(&device, &draws)?;
            let answers = (&tokens, &logprobs);
            let ms = bench
                .time(None, || device.sample((&logits, vocabulary), &draws, &seen, &masks, answers, rows as usize))?;
            bench.say(&format!("       sample {name}, {rows} rows of 128,256: {:.1} us", ms * 1e3));
        }
    }
    Ok(())
}
