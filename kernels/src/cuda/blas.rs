//! Dense products through cuBLASLt: descriptors made once, algorithms chosen by measuring.
//!
//! `y[m, n] = x[m, k] w[n, k]^T`, rows contiguous. cuBLASLt thinks in columns, so this is its `y^T = w x^T` with the first
//! operand transposed.

use super::error::driver;
use super::{CudaError, Device, Epilogue};
use cudarc::cublaslt::sys;
use cudarc::cublaslt::sys::cublasLtMatmulDescAttributes_t as Attribute;
use cudarc::driver::sys as driver_sys;
use std::ffi::c_void;

/// Bytes that an algorithm may use beside its operands: what NVIDIA advises for Hopper, and room for split sums.
const WORKSPACE_BYTES: usize = 64 << 20;
/// CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F of `cublasLtMatmulMatrixScale_t`.
const SCALE_PER_ROW: i32 = 3;
/// Algorithms that are measured per shape.
const CANDIDATES_MAX: usize = 32;

/// The library's handle and its workspace.
#[derive(Debug)]
pub(super) struct Blas {
    handle: sys::cublasLtHandle_t,
    workspace: u64,
}

/// What a product's rows, columns and numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Dense {
    pub(super) m: usize,
    pub(super) n: usize,
    pub(super) k: usize,
    /// Whether y is f32 instead of bf16.
    pub(super) wide: bool,
    /// Whether x and w are e4m3 with a scale per row, instead of bf16.
    pub(super) fp8: bool,
}

impl Dense {
    /// A product of bf16 numbers.
    pub(super) fn narrow(m: usize, n: usize, k: usize, epilogue: &Epilogue<'_>) -> Self {
        Self { m, n, k, wide: epilogue.index() == 1, fp8: false }
    }
}

/// Everything that a product needs besides its operands.
#[derive(Debug)]
pub(super) struct Plan {
    operation: sys::cublasLtMatmulDesc_t,
    /// w, x, y.
    layouts: [sys::cublasLtMatrixLayout_t; 3],
    algorithms: Vec<sys::cublasLtMatmulAlgo_t>,
}

fn check(call: &'static str, status: sys::cublasStatus_t) -> Result<(), CudaError> {
    match status {
        sys::cublasStatus_t::CUBLAS_STATUS_SUCCESS => Ok(()),
        fault => Err(CudaError::Blas { call, reason: format!("{fault:?}") }),
    }
}

/// The library's version; the library must have been found.
pub(super) fn version() -> usize {
    // SAFETY: the caller opened a device, for which the library was loaded.
    unsafe { sys::cublasLtGetVersion() }
}

impl Blas {
    pub(super) fn new(device: &Device) -> Result<Self, CudaError> {
        device.enter()?;
        let (mut handle, mut workspace) = (std::ptr::null_mut(), 0);
        // SAFETY: both are places for one value; the library was found when the device was opened.
        unsafe {
            check("cublasLtCreate", sys::cublasLtCreate(&raw mut handle))?;
            driver("cuMemAlloc", driver_sys::cuMemAlloc_v2(&raw mut workspace, WORKSPACE_BYTES))?;
        }
        Ok(Self { handle, workspace })
    }

    /// Descriptors of a product, and the algorithms that the library thinks best, best first.
    pub(super) fn plan(&self, dense: Dense) -> Result<Plan, CudaError> {
        let Dense { m, n, k, wide, fp8 } = dense;
        let narrow = sys::cudaDataType_t::CUDA_R_16BF;
        let operand = if fp8 { sys::cudaDataType_t::CUDA_R_8F_E4M3 } else { narrow };
        let out = if wide { sys::cudaDataType_t::CUDA_R_32F } else { narrow };
        let mut plan = Plan::empty()?;
        plan.layouts = [layout(operand, k, n)?, layout(operand, k, m)?, layout(out, n, m)?];
        if fp8 {
            plan.set(Attribute::CUBLASLT_MATMUL_DESC_A_SCALE_MODE, SCALE_PER_ROW)?;
            plan.set(Attribute::CUBLASLT_MATMUL_DESC_B_SCALE_MODE, SCALE_PER_ROW)?;
            // Any place will do until there are operands.
            plan.set_scales((self.workspace, self.workspace))?;
        }
        plan.algorithms = self.algorithms(&plan)?;
        Ok(plan)
    }

    fn algorithms(&self, plan: &Plan) -> Result<Vec<sys::cublasLtMatmulAlgo_t>, CudaError> {
        let mut preference = std::ptr::null_mut();
        let bytes = WORKSPACE_BYTES;
        let attribute = sys::cublasLtMatmulPreferenceAttributes_t::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
        // SAFETY: a heuristic result is plain numbers, for which zeros are a value.
        let mut results: [sys::cublasLtMatmulHeuristicResult_t; CANDIDATES_MAX] = unsafe { std::mem::zeroed() };
        let mut count = 0;
        let [w, x, y] = plan.layouts;
        // SAFETY: handles are alive; sizes are those of the values pointed to; there is room for as many results as asked for.
        let answer = unsafe {
            check("cublasLtMatmulPreferenceCreate", sys::cublasLtMatmulPreferenceCreate(&raw mut preference))?;
            sys::cublasLtMatmulPreferenceSetAttribute(
                preference,
                attribute,
                (&raw const bytes).cast(),
                size_of::<usize>(),
            );
            let answer = sys::cublasLtMatmulAlgoGetHeuristic(
                self.handle,
                plan.operation,
                w,
                x,
                y,
                y,
                preference,
                CANDIDATES_MAX as i32,
                results.as_mut_ptr(),
                &raw mut count,
            );
            sys::cublasLtMatmulPreferenceDestroy(preference);
            answer
        };
        check("cublasLtMatmulAlgoGetHeuristic", answer)?;
        let good = |result: &&sys::cublasLtMatmulHeuristicResult_t| {
            result.state == sys::cublasStatus_t::CUBLAS_STATUS_SUCCESS && result.workspaceSize <= WORKSPACE_BYTES
        };
        let found = &results[..usize::try_from(count).unwrap_or(0).min(CANDIDATES_MAX)];
        Ok(found.iter().filter(good).map(|result| result.algo).collect())
    }

    /// Launches a product with one of the plan's algorithms; scales are those of w's and x's rows.
    ///
    /// # Safety
    /// The addresses are of operands as large as the plan's shape says, which outlive the launch.
    pub(super) unsafe fn multiply(
        &self,
        device: &Device,
        plan: &Plan,
        algorithm: usize,
        (w, x, y): (u64, u64, u64),
        scales: Option<(u64, u64)>,
    ) -> Result<(), CudaError> {
        if let Some(scales) = scales {
            plan.set_scales(scales)?;
        }
        let (one, zero) = (1.0f32, 0.0f32);
        let [w_layout, x_layout, y_layout] = plan.layouts;
        let at = |address: u64| address as *mut c_void;
        // SAFETY: the plan was made by this handle for this shape; the caller vouches for the operands; scalars are copied
        // when the call returns, because the pointer mode is that of the host.
        let status = unsafe {
            sys::cublasLtMatmul(
                self.handle,
                plan.operation,
                (&raw const one).cast(),
                at(w),
                w_layout,
                at(x),
                x_layout,
                (&raw const zero).cast(),
                at(y),
                y_layout,
                at(y),
                y_layout,
                &raw const plan.algorithms[algorithm],
                at(self.workspace),
                WORKSPACE_BYTES,
                device.stream.cast(),
            )
        };
        check("cublasLtMatmul", status)
    }

    /// Memory that is larger than the second-level cache: writing it makes the next reads cold.
    pub(super) fn flush(&self, device: &Device) -> Result<(), CudaError> {
        // SAFETY: the workspace is this long.
        driver("cuMemsetD8", unsafe { driver_sys::cuMemsetD8Async(self.workspace, 0, WORKSPACE_BYTES, device.stream) })
    }
}

impl Drop for Blas {
    fn drop(&mut self) {
        // SAFETY: made once, released once; the device has waited for everything.
        unsafe {
            sys::cublasLtDestroy(self.handle);
            driver_sys::cuMemFree_v2(self.workspace);
        }
    }
}

/// Columns of `rows` numbers, one after another.
fn layout(of: sys::cudaDataType_t, rows: usize, columns: usize) -> Result<sys::cublasLtMatrixLayout_t, CudaError> {
    let mut layout = std::ptr::null_mut();
    let (rows, columns) = (rows as u64, columns as u64);
    // SAFETY: `layout` is a place for one handle.
    let status = unsafe { sys::cublasLtMatrixLayoutCreate(&raw mut layout, of, rows, columns, rows as i64) };
    check("cublasLtMatrixLayoutCreate", status)?;
    Ok(layout)
}

impl Plan {
    fn empty() -> Result<Self, CudaError> {
        let mut operation = std::ptr::null_mut();
        // CUBLAS_OP_T of `cublasOperation_t`.
        let transposed = 1i32;
        let (sums, scalars) = (sys::cublasComputeType_t::CUBLAS_COMPUTE_32F, sys::cudaDataType_t::CUDA_R_32F);
        let attribute = sys::cublasLtMatmulDescAttributes_t::CUBLASLT_MATMUL_DESC_TRANSA;
        // SAFETY: `operation` is a place for one handle; the attribute's size is that of the value pointed to.
        unsafe {
            check("cublasLtMatmulDescCreate", sys::cublasLtMatmulDescCreate(&raw mut operation, sums, scalars))?;
            let size = size_of_val(&transposed);
            let status =
                sys::cublasLtMatmulDescSetAttribute(operation, attribute, (&raw const transposed).cast(), size);
            check("cublasLtMatmulDescSetAttribute", status)?;
        }
        Ok(Self { operation, layouts: [std::ptr::null_mut(); 3], algorithms: Vec::new() })
    }

    /// Says where the scales of w's and of x's rows are.
    fn set_scales(&self, (w, x): (u64, u64)) -> Result<(), CudaError> {
        self.set(Attribute::CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, w)?;
        self.set(Attribute::CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, x)
    }

    /// Sets an attribute of the operation to a number of the size that it has.
    fn set<T: Copy>(&self, attribute: Attribute, value: T) -> Result<(), CudaError> {
        let size = size_of::<T>();
        // SAFETY: the operation is alive; the library copies `size` bytes, and refuses another size than the attribute's.
        let status =
            unsafe { sys::cublasLtMatmulDescSetAttribute(self.operation, attribute, (&raw const value).cast(), size) };
        check("cublasLtMatmulDescSetAttribute", status)
    }

    pub(super) fn algorithms(&self) -> usize {
        self.algorithms.len()
    }

    /// An algorithm's description, which means the same to the same version of the library.
    pub(super) fn description(&self, algorithm: usize) -> Option<[u64; 8]> {
        self.algorithms.get(algorithm).map(|algorithm| algorithm.data)
    }

    /// The algorithm of a description, if the library still proposes it.
    pub(super) fn described(&self, description: [u64; 8]) -> Option<usize> {
        self.algorithms.iter().position(|algorithm| algorithm.data == description)
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: made once, destroyed once; null is allowed for what was not made.
        unsafe {
            for layout in self.layouts.into_iter().filter(|layout| !layout.is_null()) {
                sys::cublasLtMatrixLayoutDestroy(layout);
            }
            sys::cublasLtMatmulDescDestroy(self.operation);
        }
    }
}
