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
    /// What the engine takes lately, and the device, in seconds per pass.
    #[serde(skip)]
    recent: (f64, f64),
}

impl Trace {
    pub(crate) fn add(&mut self, pace: Pace, host: Duration) {
        self.passes += 1;
        self.busy += pace.busy;
        self.waited += pace.waited;
        self.host += host;
        let blend = |before: f64, now: Duration| before + (now.as_secs_f64() - before) / 16.0;
        // What the device waited is more than the engine's own time where launches and copies take theirs.
        self.recent = (blend(self.recent.0, host.max(pace.waited)), blend(self.recent.1, pace.busy));
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
