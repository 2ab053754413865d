//! Fetching from the Hugging Face Hub, with a progress bar and resume.

use super::CatalogEntry;
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

/// How long connecting may take.
const CONNECT_SECONDS_MAX: u64 = 8;
/// Chunk in which a file is written, in bytes.
const CHUNK_BYTES: usize = 1 << 16;

/// Fetches the file of `entry` to `partial`; what is there already is kept and only the rest is asked for.
///
/// `HF_ENDPOINT` names another server with the same layout, `HF_HUB_OFFLINE=1` forbids it, `HF_TOKEN` is sent if set.
pub(crate) fn download(entry: &CatalogEntry, partial: &Path) -> Result<()> {
    let setting = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if setting("HF_HUB_OFFLINE").is_some_and(|value| value != "0") {
        bail!("HF_HUB_OFFLINE is set");
    }
    let endpoint = setting("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_string());
    let url = format!("{}/{}/resolve/main/{}", endpoint.trim_end_matches('/'), entry.hub.0, entry.hub.1);
    let here = fs::metadata(partial).map_or(0, |meta| meta.len());
    if here == entry.bytes {
        return Ok(());
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(CONNECT_SECONDS_MAX)))
        .timeout_resolve(Some(Duration::from_secs(CONNECT_SECONDS_MAX)))
        .build()
        .into();
    let mut request = agent.get(&url);
    if here > 0 {
        request = request.header("Range", format!("bytes={here}-"));
    }
    if let Some(token) = setting("HF_TOKEN") {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let mut response = request.call().context("out of reach")?;
    let resumed = response.status().as_u16() == 206;
    let file = if resumed { fs::OpenOptions::new().append(true).open(partial) } else { fs::File::create(partial) };
    let mut file = file.with_context(|| format!("can't write {}", partial.display()))?;
    let bar = progress(entry, if resumed { here } else { 0 });
    let mut reader = response.body_mut().with_config().limit(entry.bytes).reader();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = reader.read(&mut chunk).context("the connection broke; run the command again to go on")?;
        if read == 0 {
            break;
        }
        file.write_all(&chunk[..read]).with_context(|| format!("can't write {}", partial.display()))?;
        bar.inc(read as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

/// A bar in bytes, on the standard error stream; hidden where that is no terminal.
pub(crate) fn progress(entry: &CatalogEntry, done: u64) -> ProgressBar {
    let bar = ProgressBar::new(entry.bytes).with_position(done);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(format!("fetching {}", entry.name));
    bar
}
