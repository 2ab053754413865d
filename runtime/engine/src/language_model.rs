//! The engine as programs see it.

use crate::engine::Engine;
use sgl_protocol::{Command, Event, LanguageModel, Usage};
use std::time::{Duration, Instant};

impl LanguageModel for Engine {
    fn submit(&mut self, command: Command) {
        self.apply(command);
    }

    fn poll(&mut self, patience: Duration, events: &mut Vec<Event>) {
        let started = Instant::now();
        while self.events.is_empty() && self.is_busy() && started.elapsed() < patience {
            self.await_constraint(patience.saturating_sub(started.elapsed()));
            self.step();
        }
        events.extend(self.events.drain(..));
    }

    fn usage(&self) -> Usage {
        let mut usage = self.usage;
        self.requests.values().for_each(|request| usage.add(request.usage));
        usage
    }
}
