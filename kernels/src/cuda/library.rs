//! Where the libraries of CUDA are: the driver's, NVRTC, cuBLASLt.
//!
//! Looked for in this order: `SGL_CUDA_LIB_DIR`, the system's search path, `/usr/local/cuda*/lib64`, the packages of a Python
//! environment (`nvidia/*/lib`). A library that lies in none of the linker's folders is loaded by its path first, with what
//! it needs before it; the later look-up by name then finds it loaded.

use super::{CudaError, embedded};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A library, what it needs to be loaded before it, and the package that holds it.
struct Wanted {
    file: &'static str,
    before: &'static [&'static str],
    package: &'static str,
}

const NVRTC: Wanted =
    Wanted { file: "libnvrtc.so.13", before: &["libnvrtc-builtins.so.13.0"], package: "nvidia-cuda-nvrtc==13.0.88" };
const BLAS: Wanted = Wanted { file: "libcublasLt.so.13", before: &[], package: "nvidia-cublas==13.1.0.3" };

/// A library that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its file.
    pub file: &'static str,
    /// Where it is, or that the system's linker knows it; none if it was not found.
    pub place: Option<String>,
    /// How to get it.
    pub hint: String,
}

static FIRST: OnceLock<PathBuf> = OnceLock::new();

/// Looks into this folder before all others. Only the first call counts, and only before a library is used.
pub fn search_first(folder: PathBuf) {
    let _ = FIRST.set(folder);
}

/// What is there of what CUDA needs; for `sglc doctor`.
pub fn survey() -> Vec<Found> {
    let driver = Found {
        file: "libcuda.so.1",
        place: driver_is_present().then(|| "found by the linker".to_owned()),
        hint: "comes with the NVIDIA driver".to_owned(),
    };
    let library = |wanted: &Wanted| Found {
        file: wanted.file,
        place: preload(wanted),
        hint: format!("pip install {}", wanted.package),
    };
    let mut compiler = library(&NVRTC);
    let embedded = embedded::embedded_for();
    if compiler.place.is_none() && !embedded.is_empty() {
        compiler.hint = format!("kernels for {} are built in; {} for others", embedded.join(", "), compiler.hint);
    }
    vec![driver, compiler, library(&BLAS)]
}

/// Whether there is a driver.
pub(super) fn driver_is_present() -> bool {
    // SAFETY: loads libcuda by its name, as every CUDA program does; its initializers are NVIDIA's.
    unsafe { cudarc::driver::sys::is_culib_present() }
}

/// Makes NVRTC callable.
pub(super) fn require_nvrtc() -> Result<(), CudaError> {
    static DONE: OnceLock<bool> = OnceLock::new();
    require(&NVRTC, &DONE, || {
        // SAFETY: as in `driver_is_present`.
        unsafe { cudarc::nvrtc::sys::is_culib_present() }
    })
}

/// Makes cuBLASLt callable.
pub(super) fn require_blas() -> Result<(), CudaError> {
    static DONE: OnceLock<bool> = OnceLock::new();
    require(&BLAS, &DONE, || {
        // SAFETY: as in `driver_is_present`.
        unsafe { cudarc::cublaslt::sys::is_culib_present() }
    })
}

fn require(wanted: &Wanted, done: &OnceLock<bool>, present: fn() -> bool) -> Result<(), CudaError> {
    let there = done.get_or_init(|| {
        preload(wanted);
        present()
    });
    if *there { Ok(()) } else { Err(CudaError::NoLibrary { library: wanted.file, package: wanted.package }) }
}

/// Loads a library for good and says where it was.
fn preload(wanted: &Wanted) -> Option<String> {
    let explicit = std::env::var_os("SGL_CUDA_LIB_DIR").map(PathBuf::from);
    if let Some(folder) = FIRST.get().into_iter().chain(&explicit).find(|folder| load_from(folder, wanted)) {
        return Some(folder.join(wanted.file).display().to_string());
    }
    if load(Path::new(wanted.file)) {
        return Some("found by the linker".to_owned());
    }
    let folder = folders().into_iter().find(|folder| load_from(folder, wanted))?;
    Some(folder.join(wanted.file).display().to_string())
}

fn load_from(folder: &Path, wanted: &Wanted) -> bool {
    if !folder.join(wanted.file).exists() {
        return false;
    }
    for before in wanted.before {
        load(&folder.join(before));
    }
    load(&folder.join(wanted.file))
}

/// Loads a library and never unloads it.
fn load(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
        // SAFETY: NVIDIA's libraries have initializers that only set up themselves.
        let opened = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) };
        opened.map(std::mem::ManuallyDrop::new).is_ok()
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Folders outside the linker's path in which the libraries may lie.
fn folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for toolkit in children(Path::new("/usr/local")) {
        if toolkit.file_name().is_some_and(|name| name.to_string_lossy().starts_with("cuda")) {
            folders.push(toolkit.join("lib64"));
        }
    }
    let mut environments: Vec<PathBuf> = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from).into_iter().collect();
    for path in std::env::var_os("PATH").iter().flat_map(std::env::split_paths) {
        if path.join("python3").exists()
            && let Some(parent) = path.parent()
        {
            environments.push(parent.to_owned());
        }
    }
    for environment in environments {
        for python in children(&environment.join("lib")) {
            for packages in ["site-packages", "dist-packages"] {
                folders
                    .extend(children(&python.join(packages).join("nvidia")).into_iter().map(|part| part.join("lib")));
            }
        }
    }
    folders
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_library_is_there_or_comes_with_a_hint() {
        for found in survey() {
            assert!(!found.hint.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn a_library_that_does_not_exist_is_not_found() {
        let nothing = Wanted { file: "libsgl-nothing.so.1", before: &[], package: "nothing" };
        assert_eq!(preload(&nothing), None);
    }
}
