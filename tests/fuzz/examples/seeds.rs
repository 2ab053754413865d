//! Bodies of images to start from: `seeds FOLDER PROGRAM…` compiles programs that stand alone.

use sgl_hir::SourceModule;
use sgl_source::Files;
use std::fs;

fn main() {
    let mut arguments = std::env::args().skip(1);
    // The target makes the header itself.
    let header_bytes = sgl_vm::frame(&[]).len();
    let folder = arguments.next().expect("usage: seeds FOLDER PROGRAM…");
    for (index, path) in arguments.enumerate() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let mut files = Files::default();
        let file = files.add("seed.sgl", text.clone());
        let parsed = sgl_syntax::parse(file, &text);
        let checked =
            sgl_hir::check(&SourceModule { file, name: "seed".into(), ast: parsed.module, targets: Vec::new() }, &[]);
        if parsed.diagnostics.iter().chain(&checked.diagnostics).any(|d| d.is_error()) {
            continue;
        }
        let plan = sgl_ir::optimize(sgl_ir::lower(&checked.program));
        if let Ok(image) = sgl_codegen::emit(&plan, &files) {
            let bytes = sgl_vm::encode(&image);
            fs::write(format!("{folder}/seed{index}"), &bytes[header_bytes..]).expect("the folder is writable");
        }
    }
}
