//! Blocks are read from disk before they are wanted, by a thread of its own, while the device computes.
//!
//! Reading a block takes a small part of the time that computing it takes, so whoever is to be started waits for what is being read
//! for it; but nobody else does.

use super::{Key, Shared, fetch};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest that anybody waits for the disk: after that what is missing is computed.
const PATIENCE: Duration = Duration::from_secs(2);

/// The blocks of a beginning, in their order, each of `len` bytes.
struct Asked {
    keys: Vec<Key>,
    len: usize,
}

/// The thread, and how many beginnings it has read.
#[derive(Debug)]
pub(super) struct Reader {
    /// Dropped first, which ends the thread.
    sender: Option<Sender<Asked>>,
    thread: Option<JoinHandle<()>>,
    read: Arc<(Mutex<u64>, Condvar)>,
    asked: u64,
}

impl Reader {
    /// Reads from the folder into `shared`, which holds `most` bytes.
    pub(super) fn start(folder: PathBuf, shared: Arc<Mutex<Shared>>, most: usize) -> io::Result<Self> {
        let (sender, inbox) = channel::<Asked>();
        let read = Arc::new((Mutex::new(0), Condvar::new()));
        let counter = read.clone();
        let work = move || {
            while let Ok(Asked { keys, len }) = inbox.recv() {
                // What comes after a block that is not there is of no use.
                let _ = keys.into_iter().try_for_each(|key| fetch(&shared, &folder, key, len, most).map(drop));
                *counter.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                counter.1.notify_all();
            }
        };
        let thread = std::thread::Builder::new().name("sgl-engine-reader".into()).spawn(work)?;
        Ok(Self { sender: Some(sender), thread: Some(thread), read, asked: 0 })
    }

    /// Begins to read the blocks of a beginning; gives the number by which it is asked whether that is done.
    pub(super) fn ask(&mut self, keys: Vec<Key>, len: usize) -> u64 {
        if let Some(sender) = &self.sender
            && sender.send(Asked { keys, len }).is_ok()
        {
            self.asked += 1;
        }
        self.asked
    }

    /// Whether a beginning was read.
    pub(super) fn is_done(&self, ticket: u64) -> bool {
        *self.read.0.lock().unwrap_or_else(PoisonError::into_inner) >= ticket
    }

    /// Waits until it was.
    pub(super) fn wait(&self, ticket: u64) {
        let read = self.read.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A disk that hangs costs what it would have given.
        drop(self.read.1.wait_timeout_while(read, PATIENCE, |read| *read < ticket));
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // What a panic there would say is that blocks were not read.
            drop(thread.join());
        }
    }
}
