//! Compiles every CUDA kernel for the architectures that are named, without a GPU, into a folder that a build takes in.
//!
//! ```text
//! cargo run -p sgl_kernels --example compile_kernels -- FOLDER LIBRARIES sm_80 sm_89 sm_90a
//! ```
//! LIBRARIES is the folder of NVRTC (`scripts/nvrtc_wheel.py` prints it). `scripts/embed-kernels` does all of it.

use sgl_kernels::cuda::{SOURCES, compile, search_first};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, libraries, architectures @ ..] = &arguments[..] else {
        return Err("usage: compile_kernels FOLDER LIBRARIES ARCHITECTURE...".into());
    };
    search_first(libraries.into());
    std::fs::create_dir_all(folder)?;
    for architecture in architectures {
        for source in SOURCES {
            let code = compile(source, architecture)?;
            std::fs::write(Path::new(folder).join(source.file_name(architecture)), code)?;
        }
    }
    Ok(())
}
