//! Threads that make constraints while others run.

use super::ContentHash;
use crate::error::ConstrainError;
use crate::image::{ImageError, ImageWords};
use crate::limits::MAKERS_MAX;
use crate::masks::TokenMasks;
use crate::vocabulary::Vocabulary;
use sgl_protocol::Shape;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Makes the masks of a shape over a vocabulary.
pub type Make = Arc<dyn Fn(&Shape, &Arc<Vocabulary>) -> Result<TokenMasks, ConstrainError> + Send + Sync>;

/// A constraint, or why it can't be made.
pub(super) type Made = Result<Arc<TokenMasks>, ConstrainError>;

/// A constraint that is to be made.
pub(super) struct Job {
    pub(super) key: ContentHash,
    pub(super) shape: Shape,
    /// An image of it, the byte part of which spares making that.
    pub(super) image: Option<ImageWords>,
}

/// Threads, started when there is work for them; each takes the job that waits longest.
pub(super) struct Maker {
    vocabulary: Arc<Vocabulary>,
    make: Make,
    jobs: Sender<Job>,
    queue: Arc<Mutex<Receiver<Job>>>,
    outbox: Sender<(ContentHash, Made)>,
    inbox: Receiver<(ContentHash, Made)>,
    threads: usize,
    /// Jobs that were begun and whose results were not taken.
    open: usize,
    /// Nobody wants the results any more.
    stopping: Arc<AtomicBool>,
}

impl std::fmt::Debug for Maker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Maker").field("threads", &self.threads).field("open", &self.open).finish_non_exhaustive()
    }
}

impl Maker {
    pub(super) fn new(vocabulary: Arc<Vocabulary>, make: Make) -> Self {
        let (jobs, queue) = channel();
        let (outbox, inbox) = channel();
        let queue = Arc::new(Mutex::new(queue));
        Self { vocabulary, make, jobs, queue, outbox, inbox, threads: 0, open: 0, stopping: Arc::default() }
    }

    /// Makes a constraint here.
    pub(super) fn make(&self, job: &Job) -> Made {
        attempt(&self.make, job, &self.vocabulary)
    }

    /// Gives a constraint to a thread. `false` if the system has none to give.
    pub(super) fn begin(&mut self, job: Job) -> bool {
        if self.open >= self.threads && self.threads < MAKERS_MAX {
            self.start();
        }
        if self.threads == 0 || self.jobs.send(job).is_err() {
            return false;
        }
        self.open += 1;
        true
    }

    fn start(&mut self) {
        let (queue, outbox, stopping) = (self.queue.clone(), self.outbox.clone(), self.stopping.clone());
        let (make, vocabulary) = (self.make.clone(), self.vocabulary.clone());
        let work = move || {
            loop {
                let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(job) = job else { return };
                if stopping.load(Ordering::Relaxed)
                    || outbox.send((job.key, attempt(&make, &job, &vocabulary))).is_err()
                {
                    return;
                }
            }
        };
        let name = format!("sgl-constraint-{}", self.threads);
        self.threads += usize::from(std::thread::Builder::new().name(name).spawn(work).is_ok());
    }

    /// Whether nothing is being made.
    pub(super) fn is_idle(&self) -> bool {
        self.open == 0
    }

    /// A result, waiting for it at most so long.
    pub(super) fn finished(&mut self, patience: Duration) -> Option<(ContentHash, Made)> {
        if self.is_idle() {
            return None;
        }
        let finished = match patience {
            Duration::ZERO => self.inbox.try_recv().ok(),
            Duration::MAX => self.inbox.recv().ok(),
            patience => self.inbox.recv_timeout(patience).ok(),
        }?;
        self.open -= 1;
        Some(finished)
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        // A thread may be busy for a second or two: it is not waited for, and takes no further job.
        self.stopping.store(true, Ordering::Relaxed);
    }
}

/// Makes a constraint; a panic is a fault of the constraint alone.
fn attempt(make: &Make, job: &Job, vocabulary: &Arc<Vocabulary>) -> Made {
    let opened = || match TokenMasks::of_image(job.image.clone()?, vocabulary) {
        Ok(masks) => Some(Ok(masks)),
        Err(ImageError::Constraint(error)) => Some(Err(error)),
        Err(_) => None,
    };
    let made = || opened().unwrap_or_else(|| make(&job.shape, vocabulary));
    catch_unwind(AssertUnwindSafe(made)).unwrap_or(Err(ConstrainError::Fault)).map(Arc::new)
}
