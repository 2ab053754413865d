//! The second and third tier of the cache: keys and values of beginnings in host memory and on disk, in blocks.
//!
//! A block is [`BLOCK`] tokens of a beginning. Its key is a hash of the model and of all tokens up to its end, so that a block that
//! is found is the right one. On disk a block is a file with a checksum, written beside its name and then renamed: after a crash at
//! any moment it is there or it is not. A file that is not what it says is dropped.

mod ahead;
mod file;

use ahead::Reader;
use file::{read, write};
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

/// Tokens of a block.
pub(crate) const BLOCK: usize = 16;

/// How long a file may be half written before whoever wrote it must be gone.
const PART_AGE_MAX: Duration = Duration::from_secs(60);

/// Names a block.
pub(crate) type Key = [u8; 32];

/// Where blocks are kept, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Bytes of blocks in memory.
    pub memory_bytes: usize,
    /// Where blocks are kept on disk, if they are; several models may share a folder.
    pub folder: Option<PathBuf>,
    /// Bytes of the folder, beyond which those that were written first are dropped.
    pub disk_bytes: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { memory_bytes: 256 << 20, folder: None, disk_bytes: 4 << 30 }
    }
}

/// What is shared with the thread that writes.
#[derive(Debug, Default)]
struct Shared {
    blocks: FxHashMap<Key, Arc<Vec<u8>>>,
    /// The keys of the blocks in memory, the eldest first.
    order: VecDeque<Key>,
    bytes: usize,
    /// Blocks that are kept, or soon will be.
    saved: FxHashSet<Key>,
    /// Files that were not what they said.
    dropped: u64,
}

/// The blocks.
#[derive(Debug)]
pub(crate) struct Store {
    options: StoreOptions,
    model: Key,
    shared: Arc<Mutex<Shared>>,
    reader: Option<Reader>,
    /// Dropped first, which ends the thread when all is written.
    writer: Option<Sender<(Key, Arc<Vec<u8>>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens the folder, if there is one. `model` is a hash of what the keys and values depend on.
    pub(crate) fn open(model: Key, options: StoreOptions) -> io::Result<Self> {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (mut reader, mut writer, mut thread) = (None, None, None);
        if let Some(folder) = options.folder.clone() {
            fs::create_dir_all(&folder)?;
            reader = Some(Reader::start(folder.clone(), shared.clone(), options.memory_bytes)?);
            let mut bytes = prune(&folder, options.disk_bytes)?;
            let (sender, inbox) = channel::<(Key, Arc<Vec<u8>>)>();
            let most = options.disk_bytes;
            let work = move || {
                while let Ok((key, block)) = inbox.recv() {
                    // A disk that is full or gone costs the block, and nothing else.
                    if write(&folder, &key, &block).is_ok() {
                        bytes += block.len() as u64;
                    }
                    if bytes > most {
                        bytes = prune(&folder, most).unwrap_or(0);
                    }
                }
            };
            thread = Some(std::thread::Builder::new().name("sgl-engine-store".into()).spawn(work)?);
            writer = Some(sender);
        }
        Ok(Self { options, model, shared, reader, writer, thread })
    }

    /// The keys of all whole blocks of a beginning, in the namespace of this name.
    pub(crate) fn keys<'a>(&self, space: &str, tokens: &'a [u32]) -> impl Iterator<Item = Key> + use<'a> {
        let mut key = self.model;
        if !space.is_empty() {
            key = *blake3::keyed_hash(&key, space.as_bytes()).as_bytes();
        }
        tokens.chunks_exact(BLOCK).map(move |block| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&key);
            block.iter().for_each(|token| {
                hasher.update(&token.to_le_bytes());
            });
            key = *hasher.finalize().as_bytes();
            key
        })
    }

    /// Whether a block is still to be saved; from now on it is not.
    pub(crate) fn claim(&mut self, key: Key) -> bool {
        lock(&self.shared).saved.insert(key)
    }

    /// Files that were not what they said.
    pub(crate) fn dropped(&self) -> u64 {
        lock(&self.shared).dropped
    }

    /// Begins to read blocks of so many bytes from disk; gives the number by which it is asked whether that is done.
    pub(crate) fn read_ahead(&mut self, keys: impl Iterator<Item = Key>, len: usize) -> u64 {
        let Some(reader) = &mut self.reader else { return 0 };
        let keys = keys.collect();
        reader.ask(keys, len)
    }

    /// Whether what was begun under a number has been read.
    pub(crate) fn is_read(&self, ticket: u64) -> bool {
        self.reader.as_ref().is_none_or(|reader| reader.is_done(ticket))
    }

    /// Waits until it has.
    pub(crate) fn await_read(&self, ticket: u64) {
        if let Some(reader) = &self.reader {
            reader.wait(ticket);
        }
    }

    /// What saves a block when its bytes come, from any thread.
    pub(crate) fn saver(&self, key: Key) -> impl FnOnce(Vec<u8>) + Send + use<> {
        let (shared, writer, most) = (self.shared.clone(), self.writer.clone(), self.options.memory_bytes);
        let is_on_disk = writer.is_some();
        move |bytes| {
            let block = Arc::new(bytes);
            remember(&mut lock(&shared), key, &block, most, is_on_disk);
            if let Some(writer) = writer {
                // Without its thread the block stays in memory.
                writer.send((key, block)).ok();
            }
        }
    }

    /// A block of so many bytes, if it is kept and sound.
    pub(crate) fn load(&mut self, key: Key, len: usize) -> Option<Arc<Vec<u8>>> {
        match &self.options.folder {
            Some(folder) => fetch(&self.shared, folder, key, len, self.options.memory_bytes),
            None => lock(&self.shared).blocks.get(&key).cloned().filter(|block| block.len() == len),
        }
    }
}

/// A block of so many bytes from memory or from the folder; from there it is remembered.
fn fetch(shared: &Mutex<Shared>, folder: &Path, key: Key, len: usize, most: usize) -> Option<Arc<Vec<u8>>> {
    let held = lock(shared).blocks.get(&key).cloned();
    if let Some(block) = held {
        return (block.len() == len).then_some(block);
    }
    let found = read(folder, &key, len);
    let mut shared = lock(shared);
    match found {
        Ok(Some(bytes)) => {
            let block = Arc::new(bytes);
            remember(&mut shared, key, &block, most, true);
            shared.saved.insert(key);
            Some(block)
        }
        Ok(None) => None,
        Err(_) => {
            shared.dropped += 1;
            None
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.reader = None;
        self.writer = None;
        if let Some(thread) = self.thread.take() {
            // What a panic there would say is that blocks were not kept.
            drop(thread.join());
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a block in memory, of which the eldest go beyond `most` bytes: for good, unless they are on disk.
fn remember(shared: &mut Shared, key: Key, block: &Arc<Vec<u8>>, most: usize, is_on_disk: bool) {
    if shared.blocks.insert(key, block.clone()).is_none() {
        shared.order.push_back(key);
        shared.bytes += block.len();
    }
    while shared.bytes > most
        && let Some(eldest) = shared.order.pop_front()
    {
        if let Some(block) = shared.blocks.remove(&eldest) {
            shared.bytes -= block.len();
        }
        if !is_on_disk {
            shared.saved.remove(&eldest);
        }
    }
}

/// Drops what was written first until the folder is within its bytes, and what a process that was killed has left half written;
/// gives how many bytes there are.
fn prune(folder: &Path, most: u64) -> io::Result<u64> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let facts = entry.metadata()?;
        let path = entry.path();
        let age = facts.modified().ok().and_then(|written| written.elapsed().ok());
        if path.extension().is_some_and(|end| end == file::PART) {
            if age.is_some_and(|age| age > PART_AGE_MAX) {
                fs::remove_file(path).ok();
            }
        } else if facts.is_file() {
            files.push((facts.modified().ok(), facts.len(), path));
        }
    }
    files.sort();
    let mut bytes: u64 = files.iter().map(|(_, len, _)| len).sum();
    for (_, len, path) in files {
        if bytes <= most {
            break;
        }
        // Another process may have dropped it.
        fs::remove_file(path).ok();
        bytes -= len;
    }
    Ok(bytes)
}

/// A hash of a model's files: their names, lengths, beginnings and ends.
pub(crate) fn fingerprint(model: &Path, also: &str) -> io::Result<Key> {
    use io::{Read, Seek, SeekFrom};
    let mut paths = vec![model.to_path_buf()];
    if model.is_dir() {
        paths = fs::read_dir(model)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
        paths.sort();
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(also.as_bytes());
    for path in paths.iter().filter(|path| path.is_file()) {
        let mut file = fs::File::open(path)?;
        let len = file.metadata()?.len();
        hasher.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hasher.update(&len.to_le_bytes());
        let mut part = Vec::new();
        file.by_ref().take(1 << 20).read_to_end(&mut part)?;
        file.seek(SeekFrom::Start(len.saturating_sub(1 << 20)))?;
        file.take(1 << 20).read_to_end(&mut part)?;
        hasher.update(&part);
    }
    Ok(*hasher.finalize().as_bytes())
}
