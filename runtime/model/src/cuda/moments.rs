//! When a pass began and ended, by the device's clock.

use sgl_kernels::cuda::{CudaError, Device, Event};
use std::sync::Arc;
use std::time::Duration;

/// How the device spent its time on a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassTimes {
    /// Computing.
    pub busy: Duration,
    /// Between the logits and the draw, because the host had not asked yet.
    pub unasked: Duration,
    /// Between the end of the pass before and the first kernel of this one; copies of inputs and answers count.
    pub before: Duration,
}

/// The moments of a pass.
#[derive(Debug)]
pub(super) struct Moments {
    /// Before the first kernel.
    pub(super) begun: Event,
    /// After the logits.
    pub(super) computed: Event,
    /// Before the draw.
    pub(super) asked: Event,
    /// After it.
    pub(super) drawn: Event,
    /// The answers are in the host's memory.
    pub(super) answered: Event,
}

impl Moments {
    pub(super) fn new(device: &Arc<Device>) -> Result<Self, CudaError> {
        let event = || Event::new(device);
        Ok(Self { begun: event()?, computed: event()?, asked: event()?, drawn: event()?, answered: event()? })
    }

    /// The times of a pass that was answered, given the one before it if there was one.
    pub(super) fn times(&self, before: Option<&Self>) -> Result<PassTimes, CudaError> {
        let between = |earlier: &Event, later: &Event| {
            Ok::<_, CudaError>(Duration::from_secs_f32(later.milliseconds_since(earlier)?.max(0.0) / 1e3))
        };
        Ok(PassTimes {
            busy: between(&self.begun, &self.computed)? + between(&self.asked, &self.drawn)?,
            unasked: between(&self.computed, &self.asked)?,
            before: before.map_or(Ok(Duration::ZERO), |before| between(&before.drawn, &self.begun))?,
        })
    }
}
