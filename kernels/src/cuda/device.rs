//! A device that is open: its context, its stream, its kernels.

use super::blas::Blas;
use super::choose::Choices;
use super::error::driver;
use super::sources::SOURCES;
use super::{CudaError, blas, cache, embedded, library};
use cudarc::driver::sys;
use rustc_hash::FxHashMap;
use std::ffi::{CString, c_void};
use std::sync::{Arc, Mutex, PoisonError};

/// What a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// As its maker calls it.
    pub name: String,
    /// Compute capability.
    pub capability: (i32, i32),
    /// Streaming multiprocessors.
    pub multiprocessors: usize,
    /// Bytes of memory.
    pub memory_bytes: usize,
    /// Bytes of the second-level cache.
    pub cache_bytes: usize,
    /// The newest CUDA version that the driver knows, as 1000 major + 10 minor.
    pub driver_version: i32,
}

/// An open device.
#[derive(Debug)]
pub struct Device {
    facts: DeviceFacts,
    ordinal: sys::CUdevice,
    context: sys::CUcontext,
    pub(super) stream: sys::CUstream,
    /// Copies that need not wait for what is being computed.
    pub(super) copies: sys::CUstream,
    /// In the order of [`SOURCES`].
    modules: Vec<sys::CUmodule>,
    functions: Mutex<FxHashMap<&'static str, Function>>,
    /// None where there is no cuBLASLt: our own kernels then do all products.
    pub(super) blas: Mutex<Option<Blas>>,
    pub(super) choices: Mutex<Choices>,
}

// SAFETY: the driver's handles may be used from any thread (each call makes the context current first); what Rust has beside
// them is behind mutexes.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

/// A kernel, found by name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function(sys::CUfunction);

// SAFETY: a handle of the driver; see `Device`.
unsafe impl Send for Function {}

/// Blocks and threads of a launch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) grid: [usize; 3],
    pub(super) threads: usize,
    /// Bytes of shared memory beyond what the kernel declares.
    pub(super) shared: usize,
}

impl Device {
    /// What devices the driver sees.
    ///
    /// # Errors
    /// There is no driver, or it does not answer.
    pub fn list() -> Result<Vec<DeviceFacts>, CudaError> {
        let count = Self::count()?;
        (0..count).map(|ordinal| facts(handle(ordinal, count)?)).collect()
    }

    fn count() -> Result<usize, CudaError> {
        if !library::driver_is_present() {
            return Err(CudaError::NoDriver { library: "libcuda.so.1" });
        }
        // SAFETY: the library is there; this is the first call that it asks for.
        let answer = unsafe { sys::cuInit(0) };
        if answer == sys::CUresult::CUDA_ERROR_NO_DEVICE {
            return Ok(0);
        }
        driver("cuInit", answer)?;
        let mut count = 0;
        // SAFETY: `count` is a place for one number.
        driver("cuDeviceGetCount", unsafe { sys::cuDeviceGetCount(&raw mut count) })?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Opens device `ordinal` and loads its kernels, compiling those that are neither built in nor in the cache. With kernels that
    /// are built in a driver is enough: products of many rows are then slower.
    ///
    /// # Errors
    /// No driver, no such device, too old a device, a missing library.
    pub fn open(ordinal: usize) -> Result<Arc<Self>, CudaError> {
        let device = handle(ordinal, Self::count()?)?;
        let facts = facts(device)?;
        let (major, minor) = facts.capability;
        if major < 8 {
            return Err(CudaError::TooOld { name: facts.name, major, minor });
        }
        let has_blas = library::require_blas();
        if embedded::embedded_for().is_empty() {
            // Whoever has to install one library is told of all.
            has_blas.clone()?;
        }
        let (mut context, mut stream, mut copies) = (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: all are places for one handle; the device was found above.
        unsafe {
            driver("cuDevicePrimaryCtxRetain", sys::cuDevicePrimaryCtxRetain(&raw mut context, device))?;
            driver("cuCtxSetCurrent", sys::cuCtxSetCurrent(context))?;
            let flags = sys::CUstream_flags::CU_STREAM_NON_BLOCKING as u32;
            driver("cuStreamCreate", sys::cuStreamCreate(&raw mut stream, flags))?;
            driver("cuStreamCreate", sys::cuStreamCreate(&raw mut copies, flags))?;
        }
        let mut opened = Self {
            facts,
            ordinal: device,
            context,
            stream,
            copies,
            modules: Vec::new(),
            functions: Mutex::new(FxHashMap::default()),
            blas: Mutex::new(None),
            choices: Mutex::default(),
        };
        for source in SOURCES {
            let code = cache::load(source, (major, minor))?;
            let mut module = std::ptr::null_mut();
            // SAFETY: the code is a whole cubin of NVRTC's (the cache verifies its hash); the driver copies it.
            driver("cuModuleLoadData", unsafe { sys::cuModuleLoadData(&raw mut module, code.as_ptr().cast()) })?;
            opened.modules.push(module);
        }
        let opened = Arc::new(opened);
        let mut version = 0;
        if has_blas.is_ok() {
            version = blas::version();
            let blas = Blas::new(&opened)?;
            *opened.blas.lock().unwrap_or_else(PoisonError::into_inner) = Some(blas);
        }
        *opened.choices.lock().unwrap_or_else(PoisonError::into_inner) = Choices::kept_for(&opened.facts, version);
        Ok(opened)
    }

    /// What it is.
    pub fn facts(&self) -> &DeviceFacts {
        &self.facts
    }

    /// Bytes free, and of the device.
    ///
    /// # Errors
    /// The driver fails.
    pub fn memory(&self) -> Result<(usize, usize), CudaError> {
        let (mut free, mut total) = (0, 0);
        self.enter()?;
        // SAFETY: both are places for one number.
        driver("cuMemGetInfo", unsafe { sys::cuMemGetInfo_v2(&raw mut free, &raw mut total) })?;
        Ok((free, total))
    }

    /// Waits until everything that was launched, and every copy, has ended.
    ///
    /// # Errors
    /// Something that was launched failed.
    pub fn synchronize(&self) -> Result<(), CudaError> {
        self.enter()?;
        for stream in [self.copies, self.stream] {
            // SAFETY: the streams live as long as the device.
            driver("cuStreamSynchronize", unsafe { sys::cuStreamSynchronize(stream) })?;
        }
        Ok(())
    }

    /// Makes the context current on this thread.
    pub(super) fn enter(&self) -> Result<(), CudaError> {
        // SAFETY: the context lives as long as the device.
        driver("cuCtxSetCurrent", unsafe { sys::cuCtxSetCurrent(self.context) })
    }

    /// A kernel by name. `shared` is the most dynamic shared memory it is launched with.
    fn function(&self, name: &'static str, shared: usize) -> Result<Function, CudaError> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = functions.get(name) {
            return Ok(*function);
        }
        let symbol = CString::new(name).expect("kernel names have no zeros");
        let found = SOURCES.iter().position(|source| source.defines(name));
        let missing = || CudaError::Driver { call: "cuModuleGetFunction", reason: format!("no kernel `{name}`") };
        let module = found.and_then(|index| self.modules.get(index)).ok_or_else(missing)?;
        let mut function = std::ptr::null_mut();
        // SAFETY: the module is loaded; the name ends with zero.
        driver("cuModuleGetFunction", unsafe {
            sys::cuModuleGetFunction(&raw mut function, *module, symbol.as_ptr())
        })?;
        if shared > 48 << 10 {
            let attribute = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            let bytes = i32::try_from(shared).unwrap_or(i32::MAX);
            // SAFETY: the function was just found.
            driver("cuFuncSetAttribute", unsafe { sys::cuFuncSetAttribute(function, attribute, bytes) })?;
        }
        functions.insert(name, Function(function));
        Ok(Function(function))
    }

    /// Launches a kernel; it may begin before the one before ends (see `prelude.cu`).
    ///
    /// # Safety
    /// `arguments` point to values of the types that the kernel takes, in order, and the kernel, with these values and this
    /// shape, stays inside memory of buffers that outlive it.
    pub(super) unsafe fn launch(
        &self,
        name: &'static str,
        shape: Shape,
        arguments: &mut [*mut c_void],
    ) -> Result<(), CudaError> {
        if shape.grid.contains(&0) {
            return Ok(());
        }
        let function = self.function(name, shape.shared)?;
        let mut value = sys::CUlaunchAttributeValue { pad: [0; 64] };
        value.programmaticStreamSerializationAllowed = 1;
        let mut attribute = sys::CUlaunchAttribute {
            id: sys::CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
            pad: [0; 4],
            value,
        };
        let number = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        let config = sys::CUlaunchConfig {
            gridDimX: number(shape.grid[0]),
            gridDimY: number(shape.grid[1]),
            gridDimZ: number(shape.grid[2]),
            blockDimX: number(shape.threads),
            blockDimY: 1,
            blockDimZ: 1,
            sharedMemBytes: number(shape.shared),
            hStream: self.stream,
            attrs: &raw mut attribute,
            numAttrs: u32::from(self.facts.capability.0 >= 9),
        };
        // SAFETY: the function belongs to this context; the caller vouches for the arguments.
        let answer = unsafe {
            sys::cuLaunchKernelEx(&raw const config, function.0, arguments.as_mut_ptr(), std::ptr::null_mut())
        };
        driver("cuLaunchKernelEx", answer).map_err(|error| match error {
            CudaError::Driver { call, reason } => CudaError::Driver { call, reason: format!("{reason} ({name})") },
            other => other,
        })
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if self.synchronize().is_err() {
            return;
        }
        self.keep_choices();
        self.choices.lock().unwrap_or_else(PoisonError::into_inner).forget_plans();
        self.blas.lock().unwrap_or_else(PoisonError::into_inner).take();
        // SAFETY: each was made by this device and is released once; nothing is under way.
        unsafe {
            for module in &self.modules {
                sys::cuModuleUnload(*module);
            }
            sys::cuStreamDestroy_v2(self.copies);
            sys::cuStreamDestroy_v2(self.stream);
            sys::cuDevicePrimaryCtxRelease_v2(self.ordinal);
        }
    }
}

fn handle(ordinal: usize, count: usize) -> Result<sys::CUdevice, CudaError> {
    if ordinal >= count {
        return Err(CudaError::NoDevice { ordinal, count });
    }
    let mut device = 0;
    // SAFETY: `device` is a place for one handle.
    driver("cuDeviceGet", unsafe { sys::cuDeviceGet(&raw mut device, i32::try_from(ordinal).unwrap_or(i32::MAX)) })?;
    Ok(device)
}

fn facts(device: sys::CUdevice) -> Result<DeviceFacts, CudaError> {
    use sys::CUdevice_attribute as Attribute;
    let attribute = |which: Attribute| {
        let mut value = 0;
        // SAFETY: `value` is a place for one number; the device was found by the driver.
        driver("cuDeviceGetAttribute", unsafe { sys::cuDeviceGetAttribute(&raw mut value, which, device) })?;
        Ok::<i32, CudaError>(value)
    };
    let size = |value: i32| usize::try_from(value).unwrap_or(0);
    let (mut name, mut memory_bytes, mut driver_version) = ([0u8; 128], 0, 0);
    // SAFETY: the name has room for 128 bytes and comes with a zero at its end; the others are places for one number.
    unsafe {
        driver("cuDeviceGetName", sys::cuDeviceGetName(name.as_mut_ptr().cast(), 128, device))?;
        driver("cuDeviceTotalMem", sys::cuDeviceTotalMem_v2(&raw mut memory_bytes, device))?;
        driver("cuDriverGetVersion", sys::cuDriverGetVersion(&raw mut driver_version))?;
    }
    let length = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    Ok(DeviceFacts {
        name: String::from_utf8_lossy(&name[..length]).into_owned(),
        capability: (
            attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        ),
        multiprocessors: size(attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?),
        memory_bytes,
        cache_bytes: size(attribute(Attribute::CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE)?),
        driver_version,
    })
}
