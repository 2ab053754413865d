//! The loader of images on any bytes: refused, or verified and run within its limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sgl_protocol::Scripted;
use sgl_vm::{Limits, RunOptions, Silent};

fuzz_target!(|body: &[u8]| {
    let _ = sgl_vm::decode(body);
    let Ok(image) = sgl_vm::decode(&sgl_vm::frame(body)) else { return };
    assert!(sgl_vm::verify(&image).is_empty(), "what is decoded is sound");
    let limits = Limits { steps: 20_000, tasks: 50, branches: 20, elements: 10_000, ..Limits::default() };
    let options = RunOptions { limits, ..RunOptions::default() };
    for entry in &image.entries {
        let mut model = Scripted::new(Vec::new(), Box::new(|_| Some("1".to_string())));
        let nothing = entry.parameters.iter().map(|_| None).collect();
        if let Ok(value) = sgl_vm::run(&image, entry, nothing, &mut model, &options, &mut Silent) {
            sgl_vm::json_of_value(&value, &image);
        }
        assert_eq!(model.open_sessions(), 0, "a run closes its sessions, however it ends");
    }
});
