//! Compiled kernels on disk, by the hash of everything that went into them; and what was measured on a device.

use super::sources::architecture;
use super::{CudaError, Source, embedded, library, nvrtc};
use std::borrow::Cow;
use std::path::PathBuf;

/// Compiled code: what was taken in when this was built, or from the cache, or compiled now and kept. A cache that can't be
/// written costs time, nothing else.
pub(super) fn load(source: &Source, (major, minor): (i32, i32)) -> Result<Cow<'static, [u8]>, CudaError> {
    if let Some(code) = embedded::code(source, (major, minor)) {
        return Ok(Cow::Borrowed(code));
    }
    library::require_nvrtc()?;
    let architecture = architecture(major, minor);
    let name = name(source, &architecture);
    if let Some(code) = find(&name) {
        return Ok(Cow::Owned(code));
    }
    let code = nvrtc::compile(source, &architecture)?;
    keep(&name, &code);
    Ok(Cow::Owned(code))
}

/// What is kept under a name, if it is whole.
pub(super) fn find(name: &str) -> Option<Vec<u8>> {
    let bytes = std::fs::read(folder()?.join(name)).ok()?;
    verified(&bytes).map(<[u8]>::to_vec)
}

/// Keeps bytes under a name, as far as that is possible.
pub(super) fn keep(name: &str, bytes: &[u8]) {
    if let Some(folder) = folder() {
        store(&folder.join(name), bytes);
    }
}

/// A name that changes with the text, the options and the compiler.
fn name(source: &Source, architecture: &str) -> String {
    let mut hash = source.hash(architecture);
    hash.update(format!("{:?}", nvrtc::version().unwrap_or_default()).as_bytes());
    format!("{}-{architecture}-{}.cubin", source.name, &hash.finalize().to_hex()[..24])
}

/// The code of a file, if the hash at its end is that of the rest: a damaged file is compiled again.
fn verified(bytes: &[u8]) -> Option<&[u8]> {
    let (code, hash) = bytes.split_last_chunk::<32>()?;
    (blake3::hash(code).as_bytes() == hash).then_some(code)
}

/// Writes beside the place and renames, so that nobody reads half a file.
fn store(place: &PathBuf, code: &[u8]) {
    let Some(folder) = place.parent() else { return };
    let beside = folder.join(format!(".{}", std::process::id()));
    let bytes = [code, blake3::hash(code).as_bytes()].concat();
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&beside, bytes))
        .and_then(|()| std::fs::rename(&beside, place));
    if written.is_err() {
        let _ = std::fs::remove_file(beside);
    }
}

fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("SGL_KERNEL_CACHE") {
        return Some(PathBuf::from(folder));
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    cache.map(|cache| cache.join("sglc").join("kernels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_noticed() {
        let mut file = [b"code".as_slice(), blake3::hash(b"code").as_bytes()].concat();
        assert_eq!(verified(&file), Some(b"code".as_slice()));
        file[0] ^= 1;
        assert_eq!(verified(&file), None);
        assert_eq!(verified(b"short"), None);
    }
}
