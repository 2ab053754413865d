//! The time since the engine began: the system's, or one that a simulation sets.

use std::time::{Duration, Instant};

/// A clock. It may jump; nothing is taken from it but deadlines.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// The system's.
    Since(Instant),
    /// What a simulation says.
    Set(Duration),
}

impl Clock {
    pub(crate) fn now(self) -> Duration {
        match self {
            Self::Since(begin) => begin.elapsed(),
            Self::Set(time) => time,
        }
    }
}
