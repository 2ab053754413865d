//! The loader of images on any bytes: refused, or verified and run within its limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sgl_protocol::Scripted;
use sgl_vm::{Limits, RunOptions, Silent};

/// `body` as an image file: a header that is right, so that what is tried is the body.
fn framed(body: &[u8]) -> Vec<u8> {
    // FNV-1a, as the format asks.
    let checksum =
        body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
    let mut bytes = b"SGLB".to_vec();
    bytes.extend_from_slice(&sgl_vm::FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fuzz_target!(|body: &[u8]| {
    let _ = sgl_vm::decode(body);
    let Ok(image) = sgl_vm::decode(&framed(body)) else { return };
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
