//! The median of several timings: machines here are noisy.

use std::time::Instant;

/// Median seconds of `rounds` calls.
pub(crate) fn seconds(rounds: usize, mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
