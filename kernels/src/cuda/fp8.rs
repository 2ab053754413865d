//! Products with weights of 8 bits: e4m3 codes with a scale per row of each operand, through cuBLASLt.
//!
//! `y[m, n] = (x's codes[m, k] w's codes[n, k]^T) * x's scale[m] * w's scale[n]`: half the bytes of bf16, and twice the operations per
//! second. x is brought to codes before each product. What follows a product is a kernel of its own.

use super::blas::Dense;
use super::choose::Candidate;
use super::device::Shape;
use super::linear::planned_rows;
use super::{Buffer, CudaError, Device, Epilogue};
use crate::KernelError;
use half::bf16;
use std::ffi::c_void;
use std::sync::Arc;

/// A matrix of 8-bit floats: number `(row, i)` is about `codes[row, i] * scales[row]`.
#[derive(Clone, Debug)]
pub struct Codes {
    /// e4m3, `[rows, k]`.
    pub codes: Buffer<u8>,
    /// `[rows]`
    pub scales: Buffer<f32>,
}

/// A product `y[m, rows of w] = x[m, k] w^T` with codes.
#[derive(Clone, Copy, Debug)]
pub struct LinearFp8<'a> {
    /// `[n, k]`; for [`Epilogue::SwiGlu`] the gate's rows before the up's.
    pub weight: &'a Codes,
    /// `[m, k]`
    pub x: &'a Buffer<bf16>,
    /// Room for x's codes.
    pub room: &'a Codes,
    /// Rows of x.
    pub m: usize,
    /// Columns of x and w; a multiple of 64.
    pub k: usize,
}

/// What is added to an epilogue's index where choices are kept.
const KEPT_AFTER: u8 = 8;

impl Codes {
    /// Room for `rows` rows of `k` numbers.
    ///
    /// # Errors
    /// The device's memory does not suffice.
    pub fn new(device: &Arc<Device>, rows: usize, k: usize) -> Result<Self, CudaError> {
        Ok(Self { codes: Buffer::zeroed(device, rows * k)?, scales: Buffer::zeroed(device, rows)? })
    }
}

fn room(operand: &'static str, found: usize, expected: usize) -> Result<(), CudaError> {
    if found >= expected {
        return Ok(());
    }
    Err(KernelError::Shape { kernel: "linear_fp8", operand, expected, found }.into())
}

impl Device {
    /// Whether products with codes can be done: a scale per row is what cuBLASLt does for Hopper.
    ///
    /// # Errors
    /// What is missing.
    pub fn require_fp8(&self) -> Result<(), CudaError> {
        let (major, minor) = self.facts().capability;
        if (major, minor) != (9, 0) {
            let (what, found) =
                ("the compute capability for fp8 weights", (major * 10 + minor).unsigned_abs() as usize);
            return Err(CudaError::Unsupported { what, found, supported: "90, which is Hopper" });
        }
        self.with_blas(|_| Ok(()))
    }

    /// Brings `rows` rows of `k` numbers to codes.
    ///
    /// # Errors
    /// Lengths that don't fit; what the device says.
    pub fn quantize_rows(&self, x: &Buffer<bf16>, to: &Codes, rows: usize, k: usize) -> Result<(), CudaError> {
        if !k.is_multiple_of(64) {
            return Err(CudaError::Unsupported { what: "a row's length", found: k, supported: "multiples of 64" });
        }
        room("x", x.len(), rows * k)?;
        room("codes", to.codes.len(), rows * k)?;
        room("scales", to.scales.len(), rows)?;
        let (mut codes, mut scales, mut from) = (to.codes.address, to.scales.address, x.address);
        let mut width = i32::try_from(k).unwrap_or(i32::MAX);
        let mut arguments = [
            (&raw mut codes).cast::<c_void>(),
            (&raw mut scales).cast(),
            (&raw mut from).cast(),
            (&raw mut width).cast(),
        ];
        let shape = Shape { grid: [rows, 1, 1], threads: 256, shared: 0 };
        // SAFETY: lengths were compared above.
        unsafe { self.launch("quantize_rows", shape, &mut arguments) }
    }

    /// Does a product and what follows it.
    ///
    /// # Errors
    /// A device without fp8; operands that don't fit each other, before anything is launched; what the device says.
    pub fn linear_fp8(&self, linear: LinearFp8<'_>, epilogue: Epilogue<'_>) -> Result<(), CudaError> {
        let dense = self.check_fp8(&linear, &epilogue)?;
        self.quantize_rows(linear.x, linear.room, linear.m, linear.k)?;
        let algorithm = self.algorithm_fp8(&linear, dense, &epilogue, false)?;
        self.run_fp8(algorithm, &linear, dense, &epilogue)
    }

    /// Measures the ways to do a product, unless that was done before. Its result is written.
    ///
    /// # Errors
    /// As [`Device::linear_fp8`].
    pub fn tune_fp8(&self, linear: LinearFp8<'_>, epilogue: Epilogue<'_>) -> Result<(), CudaError> {
        let dense = self.check_fp8(&linear, &epilogue)?;
        self.quantize_rows(linear.x, linear.room, linear.m, linear.k)?;
        self.algorithm_fp8(&linear, dense, &epilogue, true).map(|_| ())
    }

    /// Compares all lengths; gives the product as it is planned.
    fn check_fp8(&self, linear: &LinearFp8<'_>, epilogue: &Epilogue<'_>) -> Result<Dense, CudaError> {
        self.require_fp8()?;
        let LinearFp8 { weight, x, room: codes, m, k } = *linear;
        if k == 0 || !k.is_multiple_of(64) || !weight.codes.len().is_multiple_of(k) {
            return Err(CudaError::Unsupported {
                what: "a product's inner size",
                found: k,
                supported: "multiples of 64",
            });
        }
        // cuBLASLt wants multiples of 16.
        let (n, rows) = (weight.codes.len() / k, planned_rows(m).next_multiple_of(16));
        if !n.is_multiple_of(16) {
            return Err(CudaError::Unsupported {
                what: "a product's outer size",
                found: n,
                supported: "multiples of 16",
            });
        }
        room("weight's scales", weight.scales.len(), n)?;
        room("x", x.len(), m * k)?;
        room("codes", codes.codes.len(), rows * k)?;
        room("scales", codes.scales.len(), rows)?;
        room("y", epilogue.product().1, rows * n)?;
        Ok(Dense { m: rows, n, k, wide: epilogue.index() == 1, fp8: true })
    }

    fn algorithm_fp8(
        &self,
        linear: &LinearFp8<'_>,
        dense: Dense,
        epilogue: &Epilogue<'_>,
        measures: bool,
    ) -> Result<usize, CudaError> {
        let key = (dense.m, dense.n, dense.k, KEPT_AFTER + epilogue.index());
        let plan = self.plan(dense)?;
        if let Some(known) = self.known_algorithm(key, &plan) {
            return Ok(known);
        }
        let count = plan.algorithms();
        if count == 0 {
            let reason = "it has no algorithm for e4m3 with a scale per row".to_owned();
            return Err(CudaError::Blas { call: "cublasLtMatmulAlgoGetHeuristic", reason });
        }
        let device = linear.x.device_of(self).filter(|_| measures || self.measures(linear.m));
        let Some(device) = device else { return Ok(0) };
        let candidates = (0..count).map(|algorithm| Candidate::Blas { rows: dense.m, algorithm }).collect();
        let fastest = self.fastest(&device, candidates, |candidate| match candidate {
            Candidate::Blas { algorithm, .. } => self.run_fp8(algorithm, linear, dense, epilogue),
            _ => Ok(()),
        })?;
        let Candidate::Blas { algorithm, .. } = fastest else { return Ok(0) };
        self.note_algorithm(key, &plan, fastest, algorithm);
        Ok(algorithm)
    }

    fn run_fp8(
        &self,
        algorithm: usize,
        linear: &LinearFp8<'_>,
        dense: Dense,
        epilogue: &Epilogue<'_>,
    ) -> Result<(), CudaError> {
        let plan = self.plan(dense)?;
        let operands = (linear.weight.codes.address, linear.room.codes.address, epilogue.product().0);
        let scales = (linear.weight.scales.address, linear.room.scales.address);
        // SAFETY: `check_fp8` compared all lengths with those of the plan.
        self.with_blas(|blas| unsafe { blas.multiply(self, &plan, algorithm, operands, Some(scales)) })?;
        self.follow(epilogue, linear.m, dense.n)
    }
}
