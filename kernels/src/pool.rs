//! Persistent worker threads that run one job at a time, in tasks that they claim one by one.
//!
//! A token of a small model is some 200 jobs of a few microseconds, so a job must start and end within a microsecond:
//! workers spin on the claim word for about 40 us before they sleep (waking one costs 25 us). The job is over when
//! its tasks are, not when all workers have seen it: a worker that the system has taken off its core delays only the
//! task it holds.

use crate::limits::{COMPLETION_SPINS_MAX, SPINS_MAX, THREADS_MAX};
use std::any::Any;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, TryLockError};
use std::thread::JoinHandle;

/// What a task runs: its argument is the number of the task.
type Job<'a> = &'a (dyn Fn(usize) + Sync);

/// The lower half of a claim word when no task may be claimed.
const CLOSED: u32 = u32::MAX;

/// An atomic on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line<T>(T);

#[derive(Debug)]
struct Shared {
    /// Which job (upper half), and its next task or [`CLOSED`] (lower half).
    claim: Line<AtomicU64>,
    /// Tasks that are over.
    finished: Line<AtomicU32>,
    /// Tasks of the job.
    tasks: AtomicU32,
    /// Points to a [`Job`] on the stack of the thread inside [`ThreadPool::run`].
    job: AtomicPtr<()>,
    stopping: AtomicBool,
    sleepers: AtomicU32,
    sleep: Mutex<()>,
    wake: Condvar,
    /// What the first task to panic panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Threads that share the work of kernels.
#[derive(Debug)]
pub struct ThreadPool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Held by the thread whose job runs.
    turn: Mutex<()>,
}

impl ThreadPool {
    /// Starts `threads - 1` workers; the caller of [`Self::run`] is the missing one.
    ///
    /// `threads` is brought into 1 to 256. A worker that the system refuses to start is done without.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared {
            claim: Line(AtomicU64::new(word(0, CLOSED))),
            finished: Line::default(),
            tasks: AtomicU32::new(0),
            job: AtomicPtr::default(),
            stopping: AtomicBool::new(false),
            sleepers: AtomicU32::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
            panic: Mutex::new(None),
        });
        let start = |index: usize| {
            let shared = Arc::clone(&shared);
            let name = format!("sgl-kernel-{index}");
            std::thread::Builder::new().name(name).spawn(move || shared.work()).ok()
        };
        let workers = (1..threads.clamp(1, THREADS_MAX)).filter_map(start).collect();
        Self { shared, workers, turn: Mutex::new(()) }
    }

    /// How many threads work on a job, the caller's included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `job` once with each number below `tasks`, and returns when all calls have returned.
    ///
    /// Which thread runs which task is not defined. If the pool is busy, with a job of another thread or with the one
    /// that is calling, the caller runs all tasks itself. A panic of a task is raised here, after the other tasks.
    pub fn run(&self, tasks: usize, job: &(dyn Fn(usize) + Sync)) {
        let count = u32::try_from(tasks).ok().filter(|&count| count < CLOSED);
        let turn = match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            // A job of before has panicked, after its last task: nothing is left half done.
            Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        match (count, turn) {
            (Some(count @ 2..), Some(_turn)) if !self.workers.is_empty() => {
                self.shared.run(count, job);
            }
            _ => (0..tasks).for_each(job),
        }
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let (job, _) = halves(self.shared.claim.0.load(Ordering::SeqCst));
        self.shared.publish(word(job.wrapping_add(1), CLOSED));
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its tasks, so it ends only here.
            drop(worker.join());
        }
    }
}

impl Shared {
    /// The side of the caller.
    fn run(&self, tasks: u32, job: Job<'_>) {
        let (previous, _) = halves(self.claim.0.load(Ordering::Relaxed));
        let number = previous.wrapping_add(1);
        self.finished.0.store(0, Ordering::Relaxed);
        // Claims are closed here, so whoever reads these before the next `publish` can't claim with them.
        self.tasks.store(tasks, Ordering::Release);
        self.job.store((&raw const job).cast_mut().cast(), Ordering::Release);
        self.publish(word(number, 0));
        self.claim_tasks(number);
        self.await_completion(tasks);
        self.claim.0.store(word(number, CLOSED), Ordering::Release);
        let panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    fn publish(&self, claim: u64) {
        self.claim.0.store(claim, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            // A worker that counted itself looks at the claim word under this lock before it waits.
            drop(self.sleep.lock().unwrap_or_else(PoisonError::into_inner));
            self.wake.notify_all();
        }
    }

    fn await_completion(&self, tasks: u32) {
        let mut spins = 0;
        while self.finished.0.load(Ordering::Acquire) < tasks {
            if spins < COMPLETION_SPINS_MAX {
                spins += 1;
                spin_loop();
            } else {
                // The thread we wait for may need this core.
                std::thread::yield_now();
            }
        }
    }

    /// Runs tasks of job `number` until none is left to claim.
    fn claim_tasks(&self, number: u32) {
        loop {
            let claim = self.claim.0.load(Ordering::Acquire);
            let (current, task) = halves(claim);
            let tasks = self.tasks.load(Ordering::Acquire);
            let job = self.job.load(Ordering::Acquire).cast::<Job<'_>>();
            if current != number || task >= tasks {
                return;
            }
            let next = word(number, task + 1);
            let claimed = self.claim.0.compare_exchange(claim, next, Ordering::AcqRel, Ordering::Acquire);
            if claimed.is_err() {
                spin_loop();
                continue;
            }
            // SAFETY: the claim succeeded, so job `number` was open all the while `tasks` and `job` were read (they
            // change only while claims are closed, which the exchange would have seen), and this task was not over.
            // `run` does not return, and `job` stays on its stack, before this task is counted as finished below.
            let job = unsafe { *job };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job(task as usize))) {
                let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert(panic);
            }
            self.finished.0.fetch_add(1, Ordering::Release);
        }
    }

    /// The life of a worker.
    fn work(&self) {
        let mut seen = 0;
        loop {
            seen = self.await_job(seen);
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            self.claim_tasks(seen);
        }
    }

    /// Waits until there is another job than `seen`: spinning, then asleep.
    fn await_job(&self, seen: u32) -> u32 {
        let current = || halves(self.claim.0.load(Ordering::SeqCst)).0;
        for _ in 0..SPINS_MAX {
            if current() != seen {
                return current();
            }
            spin_loop();
        }
        let mut guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while current() == seen {
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        current()
    }
}

fn word(job: u32, task: u32) -> u64 {
    u64::from(job) << 32 | u64::from(task)
}

fn halves(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn every_task_runs_exactly_once() {
        for threads in [0, 1, 2, 5] {
            let pool = ThreadPool::new(threads);
            for tasks in [0, 1, 2, 3, 100] {
                let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                pool.run(tasks, &|task| {
                    counts[task].fetch_add(1, Ordering::Relaxed);
                });
                assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn thousands_of_small_jobs_lose_no_task() {
        let pool = ThreadPool::new(3);
        let sum = AtomicUsize::new(0);
        for round in 0..5_000 {
            let value = round % 7;
            pool.run(1 + round % 5, &|task| {
                sum.fetch_add(value * 10 + task, Ordering::Relaxed);
            });
        }
        let expected: usize =
            (0..5_000usize).map(|round| (0..=round % 5).map(|task| round % 7 * 10 + task).sum::<usize>()).sum();
        assert_eq!(sum.into_inner(), expected);
    }

    #[test]
    fn a_worker_wakes_from_sleep() {
        let pool = ThreadPool::new(2);
        let asleep = || pool.shared.sleepers.load(Ordering::SeqCst) == 1;
        for _ in 0..3 {
            while !asleep() {
                std::thread::yield_now();
            }
            let both = AtomicUsize::new(0);
            pool.run(2, &|_| {
                both.fetch_add(1, Ordering::SeqCst);
                while both.load(Ordering::SeqCst) < 2 {
                    std::thread::yield_now();
                }
            });
        }
    }

    #[test]
    fn a_job_inside_a_job_runs_on_its_thread() {
        let pool = ThreadPool::new(2);
        let count = AtomicUsize::new(0);
        pool.run(4, &|_| {
            pool.run(4, &|_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
        });
        assert_eq!(count.into_inner(), 16);
    }

    #[test]
    fn two_callers_may_share_a_pool() {
        let pool = ThreadPool::new(2);
        let count = AtomicUsize::new(0);
        let many = || {
            for _ in 0..500 {
                pool.run(3, &|_| {
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(many);
            scope.spawn(many);
        });
        assert_eq!(count.into_inner(), 3_000);
    }

    #[test]
    fn a_panic_of_a_task_reaches_the_caller_and_the_pool_survives() {
        let pool = ThreadPool::new(2);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            pool.run(8, &|task| assert!(task != 3, "task three"));
        }));
        assert!(caught.is_err());
        let count = AtomicUsize::new(0);
        pool.run(8, &|_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), 8);
    }
}
