//! Programs that come as an image: read, verified, and trusted if that is asked for. Nothing is compiled.

use crate::compile::Compiled;
use crate::project::Project;
use crate::sources::Disk;
use sgl_source::{FileId, Files};
use sgl_vm::Package;
use sgl_vm::image::Image;
use std::fs;
use std::io::Read;

/// Most bytes of the file of an image: its body, with room for what stands around it.
const FILE_BYTES_MAX: u64 = (16 << 20) + 4096;

/// Whether a file is an image; what can't be read is none.
pub(crate) fn is_image(name: &str) -> bool {
    let mut start = [0; 4];
    fs::File::open(name).and_then(|mut file| file.read_exact(&mut start)).is_ok() && sgl_vm::is_image(&start)
}

/// The image in a file, and how many bytes it has.
///
/// # Errors
/// It can't be read, or is none, in a sentence.
pub(crate) fn read(name: &str) -> Result<(Package, usize), String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(name)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| format!("can't read {name}: {error}"))?;
    let package = sgl_vm::unpack(&bytes).map_err(|error| format!("{name}: {error}"))?;
    Ok((package, bytes.len()))
}

/// An error unless the image is signed by this key: 64 hexadecimal digits, or `@FILE` with them.
pub(crate) fn trust(name: &str, package: &Package, key: &str) -> Result<(), String> {
    let wanted = public_key(key)?;
    match package.signer {
        Some(signer) if signer == wanted => Ok(()),
        Some(signer) => Err(format!("{name} is signed by {}, which `--trust` does not name", hex(&signer))),
        None => Err(format!("{name} is not signed, and `--trust` wants it signed")),
    }
}

fn public_key(key: &str) -> Result<[u8; 32], String> {
    match key.strip_prefix('@') {
        Some(path) => key_of_file(path),
        None => of_hex(key).ok_or_else(|| "`--trust` takes 64 hexadecimal digits, or @FILE with them".to_string()),
    }
}

/// The key in a file of 64 hexadecimal digits.
///
/// # Errors
/// It can't be read, or holds something else.
pub(crate) fn key_of_file(path: &str) -> Result<[u8; 32], String> {
    let text = fs::read_to_string(path).map_err(|error| format!("can't read the key {path}: {error}"))?;
    of_hex(text.trim()).ok_or_else(|| format!("{path} is no key: a key is 64 hexadecimal digits"))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut key = [0; 32];
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

/// The program of an image, as if it had been compiled. Its project is the one that the image stands in: that binds tools and models.
pub(crate) fn compiled(name: &str, package: Package) -> Compiled {
    let Package { image, sources, constraints, .. } = package;
    let mut files = Files::default();
    for (index, file) in image.files.iter().enumerate() {
        files.add(file, sources.get(index).cloned().unwrap_or_else(|| blank(&image, index)));
    }
    if image.files.is_empty() {
        files.add(name, "");
    }
    let (project, diagnostics) = Project::of(name, &Disk, &mut files);
    let root = sgl_syntax::parse(FileId(0), "").module;
    Compiled { files, root, project, diagnostics, hir: None, ir: None, image: Some(image), constraints }
}

/// A text that has the lines of one that was left out, so that places in it have their line.
fn blank(image: &Image, file: usize) -> String {
    let starts = image.lines.get(file).map_or(&[][..], Vec::as_slice);
    let mut text = String::new();
    for start in starts.iter().skip(1) {
        let Some(before) = (*start as usize).checked_sub(1).filter(|end| *end >= text.len() && *end < 1 << 24) else {
            break;
        };
        text.extend(std::iter::repeat_n(' ', before - text.len()));
        text.push('\n');
    }
    text
}
