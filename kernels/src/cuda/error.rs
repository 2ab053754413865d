//! What can go wrong on a device, in words that say what to do.

use crate::KernelError;

/// Why a device can't do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CudaError {
    /// There is no NVIDIA driver.
    #[error("no NVIDIA driver is installed: {library} was not found")]
    NoDriver {
        /// The library that a driver brings.
        library: &'static str,
    },
    /// The driver sees no device.
    #[error("the NVIDIA driver sees no device {ordinal}; it sees {count}")]
    NoDevice {
        /// Which was asked for.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// The device is older than what the kernels need.
    #[error("{name} has compute capability {major}.{minor}; the kernels need 8.0 or later")]
    TooOld {
        /// The device.
        name: String,
        /// Its architecture.
        major: i32,
        /// Its variant.
        minor: i32,
    },
    /// A library of the toolkit is missing.
    #[error("{library} was not found; `pip install {package}` brings it, or set SGL_CUDA_LIB_DIR to its folder")]
    NoLibrary {
        /// The file.
        library: &'static str,
        /// The package that holds it.
        package: &'static str,
    },
    /// A call of the driver failed.
    #[error("{call} failed: {reason}")]
    Driver {
        /// The function.
        call: &'static str,
        /// The driver's name of the fault.
        reason: String,
    },
    /// A kernel's source does not compile.
    #[error("kernel source `{source_name}` does not compile:\n{log}")]
    Compile {
        /// Which.
        source_name: String,
        /// What the compiler said.
        log: String,
    },
    /// cuBLASLt refused.
    #[error("cuBLASLt: {call} failed: {reason}")]
    Blas {
        /// The function.
        call: &'static str,
        /// The library's name of the fault.
        reason: String,
    },
    /// The device's memory does not suffice.
    #[error("out of device memory: {wanted} bytes wanted, {free} of {total} free")]
    OutOfMemory {
        /// Bytes asked for.
        wanted: usize,
        /// Bytes free.
        free: usize,
        /// Bytes of the device.
        total: usize,
    },
    /// A launch whose operands don't fit each other.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A size that no kernel is compiled for.
    #[error("{what} is {found} on CUDA; supported: {supported}")]
    Unsupported {
        /// What is not supported.
        what: &'static str,
        /// What it is.
        found: usize,
        /// What it may be.
        supported: &'static str,
    },
}

/// Turns a driver's answer into a result.
pub(super) fn driver(call: &'static str, answer: cudarc::driver::sys::CUresult) -> Result<(), CudaError> {
    match answer {
        cudarc::driver::sys::CUresult::CUDA_SUCCESS => Ok(()),
        fault => Err(CudaError::Driver { call, reason: format!("{fault:?}") }),
    }
}
