//! Where the time of the steps goes: computing, waiting for the engine, the engine's own work.

use crate::forward::Pace;
use serde::Serialize;
use std::time::Duration;

/// Sums over the passes that were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Trace {
    /// Passes.
    pub passes: u64,
    /// Of these, how many were begun before the one before them was read.
    pub overlapped: u64,
    /// Time in which the device computed.
    pub busy: Duration,
    /// Time in which the device had nothing to compute though the engine had work: it waited for the engine.
    pub waited: Duration,
    /// Time in which the engine worked, whether the device waited for it or not.
    pub host: Duration,
    /// Time of that in which passes were planned.
    pub planned: Duration,
    /// Tokens that were drafted, by constraints and guesses.
    pub drafted: u64,
    /// Of these, how many were drawn.
    pub confirmed: u64,
    /// What the engine takes lately, and the device, in seconds per pass: running medians. A mean would be that of the few passes in
    /// which a thread was off its core, and nothing is gained by overlapping those.
    #[serde(skip)]
    recent: (f64, f64),
}

impl Trace {
    pub(crate) fn add(&mut self, pace: Pace, host: Duration) {
        self.passes += 1;
        self.busy += pace.busy;
        self.waited += pace.waited;
        self.host += host;
        // What the device waited is more than the engine's own time where launches and copies take theirs.
        self.recent = (median(self.recent.0, host.max(pace.waited)), median(self.recent.1, pace.busy));
    }

    /// What the engine takes beside what the device takes, lately.
    pub(crate) fn host_share(&self) -> f32 {
        if self.recent.1 > 0.0 { (self.recent.0 / self.recent.1) as f32 } else { 0.0 }
    }

    /// What happened since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            passes: self.passes - earlier.passes,
            overlapped: self.overlapped - earlier.overlapped,
            busy: self.busy - earlier.busy,
            waited: self.waited - earlier.waited,
            host: self.host - earlier.host,
            planned: self.planned - earlier.planned,
            drafted: self.drafted - earlier.drafted,
            confirmed: self.confirmed - earlier.confirmed,
            recent: self.recent,
        }
    }

    /// Share of the steps' time in which the device waited for the engine.
    pub fn waited_share(&self) -> f64 {
        let all = (self.busy + self.waited).as_secs_f64();
        if all > 0.0 { self.waited.as_secs_f64() / all } else { 0.0 }
    }
}

/// A running median: it goes a little up or down with each figure, by which side the figure is on.
fn median(before: f64, now: Duration) -> f64 {
    /// By how much: a tenfold change is followed within 20 figures.
    const STEP: f64 = 1.12;
    let now = now.as_secs_f64();
    if before == 0.0 {
        now
    } else if now > before {
        before * STEP
    } else {
        before / STEP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_long_waits_do_not_count_as_the_engines_pace() {
        let mut trace = Trace::default();
        for pass in 0..400 {
            // Every tenth time the engine's thread was off its core for ten passes.
            let host = if pass % 10 == 9 { 20_000 } else { 60 + pass % 7 };
            trace.add(Pace { busy: Duration::from_micros(2_000), waited: Duration::ZERO }, Duration::from_micros(host));
        }
        assert!((0.02..0.06).contains(&trace.host_share()), "{}", trace.host_share());
        for _ in 0..40 {
            trace.add(Pace { busy: Duration::from_micros(200), waited: Duration::ZERO }, Duration::from_micros(60));
        }
        assert!((0.2..0.45).contains(&trace.host_share()), "it follows: {}", trace.host_share());
    }
}
