//! The median of several timings: machines here are noisy.

use std::time::Instant;

/// Median seconds of `rounds` calls.
pub(crate) fn seconds(rounds: usize, mut work: impl FnMut()) -> f64 {
    let times = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    of(times)
}

/// The middle one of some figures; the greater of two.
pub(crate) fn of(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
