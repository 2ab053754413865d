//! CUDA C++ to machine code, at run time.

use super::{CudaError, Source, library};
use cudarc::nvrtc::sys;
use std::ffi::CString;

/// Compiles a source for an architecture such as `sm_90a`; gives machine code that the driver loads.
///
/// # Errors
/// NVRTC is missing, or the source does not compile: the error has the compiler's log.
pub fn compile(source: &Source, architecture: &str) -> Result<Vec<u8>, CudaError> {
    library::require_nvrtc()?;
    let fault = |log: String| CudaError::Compile { source_name: source.name.to_owned(), log };
    let text = CString::new(source.full_text()).map_err(|error| fault(error.to_string()))?;
    let name = CString::new(format!("{}.cu", source.name)).map_err(|error| fault(error.to_string()))?;
    let options = options(architecture);
    let options: Vec<CString> = options.into_iter().filter_map(|option| CString::new(option).ok()).collect();
    let pointers: Vec<_> = options.iter().map(|option| option.as_ptr()).collect();
    let program = Program::new(&text, &name).map_err(fault)?;
    // SAFETY: the program lives until the end of this function, the option strings too.
    let answer = unsafe { sys::nvrtcCompileProgram(program.0, pointers.len() as i32, pointers.as_ptr()) };
    if answer != sys::nvrtcResult::NVRTC_SUCCESS {
        return Err(fault(program.log()));
    }
    program.machine_code().map_err(fault)
}

/// The options of every compilation.
pub(super) fn options(architecture: &str) -> Vec<String> {
    vec![
        format!("--gpu-architecture={architecture}"),
        "--std=c++17".to_owned(),
        "--device-as-default-execution-space".to_owned(),
        "--diag-suppress=177".to_owned(),
        "--use_fast_math".to_owned(),
    ]
}

/// NVRTC's version; part of what a cached kernel is known by.
pub(super) fn version() -> Result<(i32, i32), CudaError> {
    library::require_nvrtc()?;
    let (mut major, mut minor) = (0, 0);
    // SAFETY: both are places for one number.
    unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) };
    Ok((major, minor))
}

struct Program(sys::nvrtcProgram);

impl Program {
    fn new(text: &CString, name: &CString) -> Result<Self, String> {
        let mut program = std::ptr::null_mut();
        // SAFETY: both strings end with zero and are copied; there are no headers.
        let answer = unsafe {
            sys::nvrtcCreateProgram(
                &raw mut program,
                text.as_ptr(),
                name.as_ptr(),
                0,
                std::ptr::null(),
                std::ptr::null(),
            )
        };
        if answer == sys::nvrtcResult::NVRTC_SUCCESS { Ok(Self(program)) } else { Err(format!("{answer:?}")) }
    }

    fn log(&self) -> String {
        let mut size = 0;
        // SAFETY: the program is alive; `size` is a place for the length of its log.
        unsafe { sys::nvrtcGetProgramLogSize(self.0, &raw mut size) };
        let mut log = vec![0u8; size];
        // SAFETY: the log is as long as NVRTC just said.
        unsafe { sys::nvrtcGetProgramLog(self.0, log.as_mut_ptr().cast()) };
        String::from_utf8_lossy(&log).trim_end_matches('\0').to_owned()
    }

    fn machine_code(&self) -> Result<Vec<u8>, String> {
        let mut size = 0;
        // SAFETY: the program is alive; `size` is a place for the length of its code.
        let answer = unsafe { sys::nvrtcGetCUBINSize(self.0, &raw mut size) };
        if answer != sys::nvrtcResult::NVRTC_SUCCESS || size == 0 {
            return Err(format!("no machine code: {answer:?}"));
        }
        let mut code = vec![0u8; size];
        // SAFETY: the code is as long as NVRTC just said.
        let answer = unsafe { sys::nvrtcGetCUBIN(self.0, code.as_mut_ptr().cast()) };
        if answer == sys::nvrtcResult::NVRTC_SUCCESS { Ok(code) } else { Err(format!("{answer:?}")) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: made by `nvrtcCreateProgram`, destroyed once.
        unsafe { sys::nvrtcDestroyProgram(&raw mut self.0) };
    }
}
