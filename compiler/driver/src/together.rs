//! One model for several runs at once: their requests meet in its batch.
//!
//! The model stays on the thread that owns it. A run has a [`Seat`]: its commands go over a channel, with names that no
//! other seat has, and events come back over another.

use sgl_protocol::{Command, Event, LanguageModel, RequestId, SessionId, Usage};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

/// Bits of a name that are the run's own.
const OWN_BITS: u32 = 40;
/// How long one look at the model may take while commands may come.
const PATIENCE: Duration = Duration::from_millis(2);

/// A run's side.
#[derive(Debug)]
pub struct Seat {
    number: u64,
    commands: Sender<(u64, Command)>,
    events: Receiver<Event>,
    usage: Usage,
}

/// The model's side.
#[derive(Debug)]
pub struct Table {
    commands: Receiver<(u64, Command)>,
    seats: Vec<Sender<Event>>,
}

/// A table with so many seats.
pub fn table(seats: usize) -> (Table, Vec<Seat>) {
    let (sender, commands) = channel();
    let mut table = Table { commands, seats: Vec::new() };
    let mut all = Vec::new();
    for number in 0..seats as u64 {
        let (to_seat, events) = channel();
        table.seats.push(to_seat);
        all.push(Seat { number, commands: sender.clone(), events, usage: Usage::default() });
    }
    (table, all)
}

impl Table {
    /// Serves the seats until all are left.
    pub fn serve(self, model: &mut dyn LanguageModel) {
        let mut events = Vec::new();
        let mut under_way = 0_i64;
        loop {
            if under_way == 0 {
                // Nothing to do but to wait for a command.
                match self.commands.recv() {
                    Ok((seat, command)) => submit(model, seat, command, &mut under_way),
                    Err(_) => return,
                }
            }
            loop {
                match self.commands.try_recv() {
                    Ok((seat, command)) => submit(model, seat, command, &mut under_way),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            model.poll(PATIENCE, &mut events);
            for event in events.drain(..) {
                let (request, ends) = match &event {
                    Event::Token { request, .. } => (*request, false),
                    Event::Generated { request, .. }
                    | Event::Scored { request, .. }
                    | Event::Failed { request, .. } => (*request, true),
                };
                under_way -= i64::from(ends);
                let own = RequestId(request.0 & ((1 << OWN_BITS) - 1));
                let seat = usize::try_from(request.0 >> OWN_BITS).unwrap_or(usize::MAX);
                if let Some(seat) = self.seats.get(seat) {
                    // A run that is over wants no more.
                    seat.send(renamed(event, own)).ok();
                }
            }
        }
    }
}

fn submit(model: &mut dyn LanguageModel, seat: u64, command: Command, under_way: &mut i64) {
    *under_way += i64::from(matches!(command, Command::Generate(_) | Command::Score(_)));
    let session = |session: SessionId| SessionId(session.0 | seat << OWN_BITS);
    let request = |request: RequestId| RequestId(request.0 | seat << OWN_BITS);
    model.submit(match command {
        Command::Open { session: s } => Command::Open { session: session(s) },
        Command::Fork { parent, child } => Command::Fork { parent: session(parent), child: session(child) },
        Command::Append { session: s, text } => Command::Append { session: session(s), text },
        Command::AppendImage { session: s, picture } => Command::AppendImage { session: session(s), picture },
        Command::OpenRole { session: s, role } => Command::OpenRole { session: session(s), role },
        Command::CloseRole { session: s } => Command::CloseRole { session: session(s) },
        Command::Generate(mut asked) => {
            (asked.session, asked.request) = (session(asked.session), request(asked.request));
            Command::Generate(asked)
        }
        Command::Score(mut asked) => {
            (asked.session, asked.request) = (session(asked.session), request(asked.request));
            Command::Score(asked)
        }
        Command::Cancel { request: r } => Command::Cancel { request: request(r) },
        Command::Hint { session: s, hint } => Command::Hint { session: session(s), hint },
        Command::Close { session: s } => Command::Close { session: session(s) },
    });
}

fn renamed(event: Event, request: RequestId) -> Event {
    match event {
        Event::Token { text, .. } => Event::Token { request, text },
        Event::Generated { result, .. } => Event::Generated { request, result },
        Event::Scored { result, .. } => Event::Scored { request, result },
        Event::Failed { error, .. } => Event::Failed { request, error },
    }
}

impl LanguageModel for Seat {
    fn submit(&mut self, command: Command) {
        // If the table is gone, `poll` finds that nothing comes.
        self.commands.send((self.number, command)).ok();
    }

    fn poll(&mut self, patience: Duration, events: &mut Vec<Event>) {
        match self.events.recv_timeout(patience) {
            Ok(event) => events.push(event),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
        events.extend(self.events.try_iter());
        for event in events.iter() {
            match event {
                Event::Generated { result, .. } => self.usage.add(result.usage),
                Event::Scored { result, .. } => self.usage.add(result.usage),
                Event::Token { .. } | Event::Failed { .. } => {}
            }
        }
    }

    fn usage(&self) -> Usage {
        self.usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::compile;
    use crate::scripted;
    use crate::sources::Memory;
    use sgl_vm::{RunOptions, Silent};
    use std::sync::Mutex;

    const PROGRAM: &str = "pub prompt main(n: Int) -> (n: Int, bs: [Bool]) {\n    user \"${n}?\"\n    let bs = fork 3 {\n        \
        assistant \"$[b: Bool]\"\n        yield b\n    }\n    return (n: n, bs: bs)\n}\n";

    #[test]
    fn runs_that_share_a_model_get_their_own_answers() {
        let compiled = compile(&Memory(vec![("main.sgl".into(), PROGRAM.into())]), "main.sgl").expect("it can be read");
        let image = compiled.image.as_ref().expect("a sound program");
        let (table, seats) = table(4);
        let results = Mutex::new(Vec::new());
        let mut model = scripted::model(Vec::new());
        std::thread::scope(|scope| {
            for (number, mut seat) in seats.into_iter().enumerate() {
                let results = &results;
                scope.spawn(move || {
                    let arguments = vec![Some(sgl_vm::Value::Int(number as i64))];
                    let options = RunOptions::default();
                    let value = sgl_vm::run(image, &image.entries[0], arguments, &mut seat, &options, &mut Silent);
                    let value = value.map(|value| sgl_vm::json_of_value(&value, image)["n"].as_i64());
                    results.lock().expect("no thread fails").push(value.expect("the run ends well"));
                });
            }
            table.serve(&mut model);
        });
        let mut found = results.into_inner().expect("no thread fails");
        found.sort_unstable();
        assert_eq!(found, [Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!(model.log().len(), 12);
        assert_eq!(model.open_sessions(), 0, "every session is closed at the end");
    }
}
