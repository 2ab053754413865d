//! Takes compiled CUDA kernels into the library, if there are some: those of the folder that `SGL_EMBED_KERNELS` names, which
//! `scripts/embed-kernels` fills. Without it kernels are compiled on the machine that uses them.

use std::env;
use std::fmt::Write;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-env-changed=SGL_EMBED_KERNELS");
    let out =
        PathBuf::from(env::var_os("OUT_DIR").expect("cargo names a folder for what is built")).join("embedded.rs");
    let mut files: Vec<PathBuf> = Vec::new();
    if let Some(folder) = env::var_os("SGL_EMBED_KERNELS").filter(|folder| !folder.is_empty()) {
        let folder = PathBuf::from(folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let entries = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("SGL_EMBED_KERNELS: {}: {error}", folder.display()));
        files.extend(
            entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "cubin")),
        );
        files.sort();
        assert!(!files.is_empty(), "SGL_EMBED_KERNELS: {} has no kernels; run scripts/embed-kernels", folder.display());
    }
    let mut text = String::from("&[\n");
    for file in &files {
        let (name, path) = (file.file_name().unwrap_or_default(), file.canonicalize().expect("a file that was listed"));
        writeln!(text, "({:?}, include_bytes!({:?}).as_slice()),", name.to_string_lossy(), path)
            .expect("a string grows");
    }
    text.push_str("]\n");
    std::fs::write(out, text).expect("the folder for what is built can be written");
}
