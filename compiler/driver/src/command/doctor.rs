//! `sglc doctor`: what is there, what is missing, and how to get it.

use crate::models::{CATALOG, Store};
use crate::{Outcome, report};
use sgl_kernels::cuda::{Device, DeviceFacts, survey};

/// Prints one line per finding. Missing things are no failure: the processor always works.
pub(super) fn run() -> Outcome {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    report::result(&format!("processor   {cores} cores, {}", sgl_kernels::instruction_set()));
    match Device::list() {
        Ok(devices) if devices.is_empty() => report::result("cuda        a driver, but no device"),
        Ok(devices) => devices.iter().enumerate().for_each(|(ordinal, facts)| {
            report::result(&format!("cuda        device {ordinal}: {}", describe(facts)));
        }),
        Err(error) => report::result(&format!("cuda        {error}")),
    }
    for found in survey() {
        match found.place {
            Some(place) => report::result(&format!("  {:20} {place}", found.file)),
            None => report::result(&format!("  {:20} missing: {}", found.file, found.hint)),
        }
    }
    match Store::of_user() {
        Ok(store) => {
            for entry in CATALOG {
                let state = if store.has(entry) { "here" } else { "not here: `sglc model pull`" };
                report::result(&format!("model       {} ({state})", entry.name));
            }
        }
        Err(error) => report::result(&format!("models      {error}")),
    }
    Outcome::Fine
}

fn describe(facts: &DeviceFacts) -> String {
    let DeviceFacts { name, capability: (major, minor), multiprocessors, memory_bytes, driver_version, .. } = facts;
    let memory = *memory_bytes as f64 / f64::from(1 << 30);
    let (newest, minor_version) = (driver_version / 1000, driver_version % 1000 / 10);
    format!(
        "{name}, compute capability {major}.{minor}, {multiprocessors} multiprocessors, {memory:.0} GiB, CUDA {newest}.{minor_version}"
    )
}
