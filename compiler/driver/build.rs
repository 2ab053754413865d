//! Puts the pages of `docs/diagnostics` into the binary, for `sglc explain`.

use std::path::Path;
use std::{env, fs};

fn main() {
    let home = env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    let folder = Path::new(&home).join("../../docs/diagnostics");
    println!("cargo:rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(&folder).expect("the folder of pages is readable");
    let mut pages: Vec<_> = entries.map(|entry| entry.expect("the folder of pages is readable").path()).collect();
    pages.retain(|path| path.extension().is_some_and(|e| e == "md"));
    pages.sort();
    let mut table = String::from("&[\n");
    for page in pages {
        let code = page.file_stem().expect("a page has a name").to_string_lossy().to_string();
        if code != "README" {
            table.push_str(&format!("    ({code:?}, include_str!({:?})),\n", page.display().to_string()));
        }
    }
    table.push_str("]\n");
    let out = env::var("OUT_DIR").expect("cargo says where to write");
    fs::write(Path::new(&out).join("pages.rs"), table).expect("the table can be written");
}
