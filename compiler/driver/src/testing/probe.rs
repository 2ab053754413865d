//! Whether a test asks a model at all: what could is known before the run, what does only in it.

use super::mock::Mocked;
use sgl_protocol::{Command, Event, LanguageModel, Usage};
use std::time::Duration;

/// A model that refuses the first thing it is asked, and remembers that it was asked.
#[derive(Debug)]
pub(super) struct Probe {
    refusing: Mocked,
    /// Whether anything was asked.
    pub(super) asked: bool,
}

impl Probe {
    /// A model that was asked nothing yet.
    pub(super) fn new() -> Self {
        Self { refusing: Mocked::new(&[]), asked: false }
    }
}

impl LanguageModel for Probe {
    fn submit(&mut self, command: Command) {
        self.asked |= matches!(command, Command::Generate(_) | Command::Score(_));
        self.refusing.submit(command);
    }

    fn poll(&mut self, patience: Duration, events: &mut Vec<Event>) {
        self.refusing.poll(patience, events);
    }

    fn usage(&self) -> Usage {
        self.refusing.usage()
    }
}
