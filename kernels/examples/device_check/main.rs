//! Every CUDA kernel against its plain reference, and what it reaches of what is possible.
//!
//! ```text
//! cargo run --release -p sgl_kernels --example device_check [-- quick]
//! ```
//! Inputs are random, outputs poisoned before each launch. `quick` checks only, without measuring, for compute-sanitizer.

mod attention;
mod fp8;
mod host;
mod linear;
mod rows;
mod sampling;

use host::Check;
use sgl_kernels::cuda::{Buffer, CudaError, Device, Event};
use std::error::Error;
use std::io::Write;
use std::sync::Arc;

/// What the sections share.
pub(crate) struct Bench {
    pub(crate) device: Arc<Device>,
    pub(crate) measures: bool,
    /// Bytes per second of a copy, read and written.
    pub(crate) bandwidth: f64,
    pub(crate) failures: usize,
}

impl Bench {
    /// Prints a line.
    pub(crate) fn say(&self, line: &str) {
        writeln!(std::io::stdout().lock(), "{line}").ok();
    }

    /// Reports a comparison.
    pub(crate) fn check(&mut self, name: &str, check: Check, tolerance: f64) {
        let good = check.error <= tolerance && check.unwritten == 0;
        self.failures += usize::from(!good);
        let verdict = if good { "ok    " } else { "FAILED" };
        self.say(&format!(
            "{verdict} {name:60} error {:.2e} (at most {tolerance:.0e}), {} unwritten",
            check.error, check.unwritten
        ));
    }

    /// Median milliseconds of a launch, with a cold cache if `cold` says what to write before.
    pub(crate) fn time(
        &self,
        cold: Option<&Buffer<u32>>,
        mut launch: impl FnMut() -> Result<(), CudaError>,
    ) -> Result<f64, CudaError> {
        let (before, after) = (Event::new(&self.device)?, Event::new(&self.device)?);
        launch()?;
        let mut all = Vec::new();
        for _ in 0..15 {
            if let Some(cold) = cold {
                self.device.poison(cold)?;
            }
            before.record()?;
            launch()?;
            after.record()?;
            after.wait()?;
            all.push(f64::from(after.milliseconds_since(&before)?));
        }
        all.sort_by(f64::total_cmp);
        Ok(all[all.len() / 2])
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let quick = std::env::args().any(|argument| argument == "quick");
    let device = Device::open(0)?;
    let mut bench = Bench { device: device.clone(), measures: !quick, bandwidth: 3e12, failures: 0 };
    bench.say(&format!("{:?}", device.facts()));
    if bench.measures {
        let (from, to) = (Buffer::<u32>::zeroed(&device, 1 << 29)?, Buffer::<u32>::zeroed(&device, 1 << 29)?);
        let ms = bench.time(None, || to.copy_from(&from))?;
        bench.bandwidth = 2.0 * 4.0 * f64::from(1 << 29) / ms * 1e3;
        bench.say(&format!("copy bandwidth {:.3} TB/s", bench.bandwidth / 1e12));
    }
    rows::run(&mut bench)?;
    linear::run(&mut bench)?;
    fp8::run(&mut bench)?;
    attention::run(&mut bench)?;
    sampling::run(&mut bench)?;
    if bench.failures > 0 {
        return Err(format!("{} checks failed", bench.failures).into());
    }
    bench.say("all checks passed");
    Ok(())
}
