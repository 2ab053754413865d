//! Where program text comes from.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Most bytes of one source file.
const SOURCE_BYTES_MAX: u64 = 16 << 20;

/// Finds texts by name.
pub trait Sources {
    /// The text under this name; the error says what is wrong in a sentence.
    fn read(&self, name: &str) -> Result<String, String>;

    /// Names like the one that could not be read, for "did you mean".
    fn siblings(&self, name: &str) -> Vec<String>;

    /// The folder above one, if there is.
    fn above(&self, folder: &Path) -> Option<PathBuf> {
        let _ = folder;
        None
    }
}

/// The name under which the standard input is a source.
pub(crate) const STANDARD_INPUT: &str = "-";

/// Files; a name is a path, `-` is the standard input.
#[derive(Debug)]
pub struct Disk;

impl Sources for Disk {
    fn read(&self, name: &str) -> Result<String, String> {
        if name == STANDARD_INPUT {
            let mut text = String::new();
            let read = std::io::stdin().take(SOURCE_BYTES_MAX).read_to_string(&mut text);
            return read.map(|_| text).map_err(|error| format!("can't read the standard input: {error}"));
        }
        let meta = fs::metadata(name).map_err(|error| format!("can't read {name}: {error}"))?;
        if meta.is_dir() {
            return Err(format!("{name} is a folder; name a file in it"));
        }
        if meta.len() > SOURCE_BYTES_MAX {
            return Err(format!("{name} has {} bytes; a source file has at most {SOURCE_BYTES_MAX}", meta.len()));
        }
        let bytes = fs::read(name).map_err(|error| format!("can't read {name}: {error}"))?;
        String::from_utf8(bytes).map_err(|error| {
            format!("{name} is not UTF-8 text: the byte at offset {} is not", error.utf8_error().valid_up_to())
        })
    }

    fn above(&self, folder: &Path) -> Option<PathBuf> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        fs::canonicalize(folder).ok()?.parent().map(Path::to_path_buf)
    }

    fn siblings(&self, name: &str) -> Vec<String> {
        let folder = Path::new(name).parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|file| file.ends_with(".sgl"))
            .collect();
        names.sort();
        names
    }
}

/// Replaces a file as a whole: who reads it meanwhile sees the old text or the new one.
pub fn write(name: &str, text: &str) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("can't write {name}: {error}");
    if name == STANDARD_INPUT {
        return Err("the standard input can't be written; name a file".to_string());
    }
    let beside = format!("{name}.{}.new", std::process::id());
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, name)).map_err(wrong)
}

/// Folders in folders that are looked into.
const FOLDER_DEPTH_MAX: usize = 64;

/// The programs that a name stands for: itself, or all that are in the folder, in order; hidden folders are left out.
pub(crate) fn programs_under(name: &str) -> Result<Vec<String>, String> {
    if name == STANDARD_INPUT || !Path::new(name).is_dir() {
        return Ok(vec![name.to_string()]);
    }
    let mut found = Vec::new();
    collect(Path::new(name), FOLDER_DEPTH_MAX, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, depth_left: usize, found: &mut Vec<String>) -> Result<(), String> {
    let Some(depth_left) = depth_left.checked_sub(1) else { return Ok(()) };
    let fault = |error: std::io::Error| format!("can't read {}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let path = entry.path();
        let kind = entry.file_type().map_err(fault)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_dir() && !hidden {
            collect(&path, depth_left, found)?;
        } else if path.extension().is_some_and(|extension| extension == "sgl") && path.is_file() {
            let path = path.strip_prefix("./").unwrap_or(&path);
            found.push(path.to_string_lossy().to_string());
        }
    }
    Ok(())
}

/// Texts in memory, for tests.
#[derive(Debug, Default)]
pub struct Memory(pub Vec<(String, String)>);

impl Sources for Memory {
    fn read(&self, name: &str) -> Result<String, String> {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map(|(_, text)| text.clone()).ok_or_else(|| format!("can't read {name}: there is no such file"))
    }

    fn siblings(&self, _name: &str) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// The name of the module `path` (such as `./shots`) as imported by the file `importer`.
pub fn relative(importer: &str, path: &str) -> String {
    let folder = Path::new(importer).parent().unwrap_or(Path::new(""));
    let mut parts: Vec<String> = Vec::new();
    let absolute = importer.starts_with('/');
    let joined: PathBuf = folder.join(format!("{path}.sgl"));
    for component in joined.components() {
        match component {
            Component::ParentDir if parts.last().is_some_and(|last| last != "..") => {
                parts.pop();
            }
            Component::ParentDir => parts.push("..".to_string()),
            Component::Normal(part) => parts.push(part.to_string_lossy().to_string()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    let name = parts.join("/");
    if absolute { format!("/{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_relative_to_the_importing_file() {
        assert_eq!(relative("a/b/main.sgl", "./shots"), "a/b/shots.sgl");
        assert_eq!(relative("a/b/main.sgl", "../lib/x"), "a/lib/x.sgl");
        assert_eq!(relative("main.sgl", "../x"), "../x.sgl");
        assert_eq!(relative("/tmp/main.sgl", "./x"), "/tmp/x.sgl");
    }
}
