//! NVIDIA devices: found at run time, nothing needed to build.
//!
//! ```text
//! libraries --Device::open--> Device: context, stream, kernels (built in, or compiled by NVRTC and cached on disk), cuBLASLt plans
//!    Buffer<T> in device memory --launchers with checked shapes--> Buffer<T>;  a region of launches --capture--> Graph
//! ```
//! Every launcher is a safe method of [`Device`] that checks lengths before anything is written. The kernels are CUDA C++
//! text beside the CPU kernels of their family (`*/kernel.cu` and the like), compiled for the device that is there.
//!
//! Invariants
//! - A missing driver, device or library is a [`CudaError`] that says what to install; nothing panics over it.
//! - All launches of a device go through one stream, in order, and copies too, but for those of [`Buffer::send`], which events
//!   order. Memory that a launch uses outlives it: freeing waits.
//! - Kernels may start before the one before has ended (dependent launches), but read what others write only after
//!   `await_inputs` of `prelude.cu`.

mod attend;
mod blas;
mod cache;
mod choose;
mod device;
mod draw;
mod embedded;
mod error;
mod fp8;
mod graph;
mod library;
mod linear;
mod memory;
mod nvrtc;
mod pointwise;
mod sources;

pub use attend::{
    DecodeShape, EXTEND_TILE_ROWS, ExtendShape, KvLayer, PrefixShape, decode_groups, decode_parts, decode_scratch,
};
pub use device::{Device, DeviceFacts};
pub use draw::{DrawRow, SeenToken};
pub use error::CudaError;
pub use fp8::{Codes, LinearFp8};
pub use graph::{Event, Graph};
pub use library::{Found, search_first, survey};
pub use linear::{Epilogue, Linear, RotaryTarget, planned_rows};
pub use memory::{Buffer, Pinned};
pub use nvrtc::compile;
pub use sources::{SOURCES, Source};
