//! The seam between programs and engines.

use crate::{Command, Event, Usage};
use std::time::Duration;

/// Anything that fills holes: the engine, a scripted table, a remote server.
pub trait LanguageModel {
    /// Takes a command. Never blocks on the device; what is wrong with it comes back as an event.
    fn submit(&mut self, command: Command);

    /// Moves work forward and appends what happened to `events`. Waits at most `patience` for the first event, and
    /// returns at once when nothing is under way.
    fn poll(&mut self, patience: Duration, events: &mut Vec<Event>);

    /// Token counts of everything asked so far.
    fn usage(&self) -> Usage;
}
