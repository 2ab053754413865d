//! What a run took: `sglc run --stats`.

use crate::trace;
use crate::transcript::Terminal;
use anyhow::Result;
use sgl_protocol::{Happening, Role, Usage};
use sgl_vm::{BranchPath, Observer, TextKind};
use std::time::{Duration, Instant};

/// An observer that shows the transcript if wanted, writes a trace if wanted, and takes times.
#[derive(Debug)]
pub struct Watch {
    terminal: Option<Terminal>,
    trace: Option<trace::Writing>,
    started: Instant,
    first_text: Option<Duration>,
    last_text: Duration,
}

impl Watch {
    /// Starts the clock.
    pub(crate) fn new(terminal: Terminal, shown: bool, trace: Option<trace::Writing>) -> Self {
        Self {
            terminal: shown.then_some(terminal),
            trace,
            started: Instant::now(),
            first_text: None,
            last_text: Duration::ZERO,
        }
    }

    /// Ends the transcript and the trace.
    ///
    /// # Errors
    /// A trace that could not be written.
    pub(crate) fn finish(&mut self) -> Result<()> {
        if let Some(terminal) = &mut self.terminal {
            terminal.finish();
        }
        self.trace.take().map_or(Ok(()), trace::Writing::finish)
    }

    /// Token counts, times and memory, in lines.
    pub fn summary(&self, usage: Usage, loaded: Duration) -> String {
        let share = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
        let total = self.started.elapsed();
        let first = self.first_text.unwrap_or_default();
        let generating = self.last_text.saturating_sub(first).as_secs_f64();
        let speed = if generating > 0.0 { usage.generated_tokens as f64 / generating } else { 0.0 };
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        [
            format!(
                "prompt     {:>8} tokens, {} from the cache ({:.1} %)",
                usage.prompt_tokens,
                usage.cached_tokens,
                share(usage.cached_tokens, usage.prompt_tokens)
            ),
            format!(
                "generated  {:>8} tokens, {} of them forced ({:.1} %)",
                usage.generated_tokens,
                usage.forced_tokens,
                share(usage.forced_tokens, usage.generated_tokens)
            ),
            format!("load       {:>8.0} ms", milliseconds(loaded)),
            format!("first text {:>8.0} ms", milliseconds(first)),
            format!("run        {:>8.0} ms, {speed:.0} tokens/s", milliseconds(total)),
            format!(
                "memory     {:>8} MB at most",
                memory_peak_bytes().map_or("?".into(), |b| (b / 1_000_000).to_string())
            ),
        ]
        .join("\n")
    }
}

impl Observer for Watch {
    fn open_role(&mut self, branch: &BranchPath, role: &Role) {
        if let Some(terminal) = &mut self.terminal {
            terminal.open_role(branch, role);
        }
    }

    fn close_role(&mut self, branch: &BranchPath) {
        if let Some(terminal) = &mut self.terminal {
            terminal.close_role(branch);
        }
    }

    fn text(&mut self, branch: &BranchPath, kind: TextKind, text: &str) {
        if kind == TextKind::Generated {
            self.last_text = self.started.elapsed();
            self.first_text.get_or_insert(self.last_text);
        }
        if let Some(terminal) = &mut self.terminal {
            terminal.text(branch, kind, text);
        }
    }

    fn wants_happenings(&self) -> bool {
        self.trace.is_some()
    }

    fn happened(&mut self, what: Happening) {
        if let Some(trace) = &mut self.trace {
            trace.happened(what);
        }
    }

    fn rewound(&mut self, branch: &BranchPath) {
        if let Some(terminal) = &mut self.terminal {
            terminal.rewound(branch);
        }
    }
}

/// The most memory that this process held, as the kernel tells it; unknown elsewhere than on Linux.
fn memory_peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}
