//! Launches recorded once and replayed: one call to the driver instead of hundreds. And events, which measure.

use super::error::driver;
use super::{CudaError, Device};
use cudarc::driver::sys;
use std::sync::Arc;

/// A recorded sequence of launches.
#[derive(Debug)]
pub struct Graph {
    executable: sys::CUgraphExec,
    device: Arc<Device>,
}

// SAFETY: a handle of the driver, used from one thread at a time through `&mut`-like ownership of its device's stream.
unsafe impl Send for Graph {}

impl Graph {
    /// Records what `launches` launches on `device`; nothing of it runs, and what was launched before goes on. The memory that it uses must be kept until the graph is
    /// dropped, which is why graphs live beside their buffers.
    ///
    /// # Errors
    /// What `launches` says, or the driver.
    pub fn capture<E: From<CudaError>>(
        device: &Arc<Device>,
        launches: impl FnOnce() -> Result<(), E>,
    ) -> Result<Self, E> {
        device.enter()?;
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream belongs to the device; what it still does is no part of the graph.
        driver("cuStreamBeginCapture", unsafe { sys::cuStreamBeginCapture_v2(device.stream, mode) })?;
        let launched = launches();
        let mut graph = std::ptr::null_mut();
        // SAFETY: capture was begun above; `graph` is a place for one handle.
        let ended = unsafe { sys::cuStreamEndCapture(device.stream, &raw mut graph) };
        launched?;
        driver("cuStreamEndCapture", ended)?;
        let mut executable = std::ptr::null_mut();
        // SAFETY: the graph was just made; it is destroyed once, the executable keeps what it needs.
        let answer = unsafe {
            let answer = sys::cuGraphInstantiateWithFlags(&raw mut executable, graph, 0);
            sys::cuGraphDestroy(graph);
            answer
        };
        driver("cuGraphInstantiate", answer)?;
        Ok(Self { executable, device: device.clone() })
    }

    /// Launches all of it.
    ///
    /// # Errors
    /// The driver fails.
    pub fn launch(&self) -> Result<(), CudaError> {
        // SAFETY: the executable lives as long as `self`.
        driver("cuGraphLaunch", unsafe { sys::cuGraphLaunch(self.executable, self.device.stream) })
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if self.device.synchronize().is_ok() {
            // SAFETY: instantiated once, destroyed once, not running.
            unsafe { sys::cuGraphExecDestroy(self.executable) };
        }
    }
}

/// A moment in the stream.
#[derive(Debug)]
pub struct Event {
    event: sys::CUevent,
    device: Arc<Device>,
}

// SAFETY: a handle of the driver; see `Device`.
unsafe impl Send for Event {}

impl Event {
    /// A moment that has not come.
    ///
    /// # Errors
    /// The driver fails.
    pub fn new(device: &Arc<Device>) -> Result<Self, CudaError> {
        let mut event = std::ptr::null_mut();
        device.enter()?;
        // SAFETY: `event` is a place for one handle.
        driver("cuEventCreate", unsafe { sys::cuEventCreate(&raw mut event, 0) })?;
        Ok(Self { event, device: device.clone() })
    }

    /// Sets the moment to where the stream is.
    ///
    /// # Errors
    /// The driver fails.
    pub fn record(&self) -> Result<(), CudaError> {
        // SAFETY: event and stream live as long as `self`.
        driver("cuEventRecord", unsafe { sys::cuEventRecord(self.event, self.device.stream) })
    }

    /// Sets the moment to where the copies of [`Buffer::send`](super::Buffer::send) are.
    ///
    /// # Errors
    /// The driver fails.
    pub fn record_copies(&self) -> Result<(), CudaError> {
        // SAFETY: as in `record`.
        driver("cuEventRecord", unsafe { sys::cuEventRecord(self.event, self.device.copies) })
    }

    /// What is launched from here on waits for the moment; the host does not.
    ///
    /// # Errors
    /// The driver fails.
    pub fn comes_before_launches(&self) -> Result<(), CudaError> {
        // SAFETY: as in `record`.
        driver("cuStreamWaitEvent", unsafe { sys::cuStreamWaitEvent(self.device.stream, self.event, 0) })
    }

    /// Waits until the moment has come.
    ///
    /// # Errors
    /// Something that was launched failed.
    pub fn wait(&self) -> Result<(), CudaError> {
        // SAFETY: the event lives as long as `self`.
        driver("cuEventSynchronize", unsafe { sys::cuEventSynchronize(self.event) })
    }

    /// Milliseconds from `earlier` to here; both must have come.
    ///
    /// # Errors
    /// One of the moments has not come.
    pub fn milliseconds_since(&self, earlier: &Self) -> Result<f32, CudaError> {
        let mut elapsed = 0.0;
        // SAFETY: `elapsed` is a place for one number.
        driver("cuEventElapsedTime", unsafe {
            sys::cuEventElapsedTime_v2(&raw mut elapsed, earlier.event, self.event)
        })?;
        Ok(elapsed)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if self.device.enter().is_ok() {
            // SAFETY: created once, destroyed once.
            unsafe { sys::cuEventDestroy_v2(self.event) };
        }
    }
}
