//! Calls that are under way, their deadlines and answers.

use crate::binding::{Binding, Server};
use crate::mcp::Peer;
use crate::{command, endpoint, lines};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use thiserror::Error;

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// It ran, and failed.
    #[error("{0}")]
    Failed(String),
    /// It did not end in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
}

/// How a call ended.
#[derive(Debug)]
pub struct Answer {
    /// Which call.
    pub number: u64,
    /// Its result, as JSON.
    pub result: Result<Value, Failure>,
}

/// What ends a call from outside.
pub(crate) type Stop = Box<dyn FnOnce() + Send>;

/// A call that is under way.
struct Call {
    deadline: Option<(Instant, Duration)>,
    stop: Option<Stop>,
}

/// Runs tools.
pub struct Toolbox {
    calls: BTreeMap<u64, Call>,
    servers: BTreeMap<Server, Peer>,
    sender: Sender<Answer>,
    answers: Receiver<Answer>,
}

impl std::fmt::Debug for Toolbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Toolbox").field("calls", &self.calls.len()).field("servers", &self.servers.len()).finish()
    }
}

impl Default for Toolbox {
    fn default() -> Self {
        let (sender, answers) = channel();
        Self { calls: BTreeMap::new(), servers: BTreeMap::new(), sender, answers }
    }
}

impl Toolbox {
    /// Starts a call under a number that is not in use. Without a timeout it may take for ever.
    pub fn start(&mut self, number: u64, binding: &Binding, arguments: Map<String, Value>, timeout: Option<Duration>) {
        let deadline = timeout.and_then(|timeout| Some((Instant::now().checked_add(timeout)?, timeout)));
        let sender = self.sender.clone();
        // A receiver that is gone wants no answer.
        let reply = move |result: Result<Value, String>| {
            sender.send(Answer { number, result: result.map_err(Failure::Failed) }).unwrap_or_default();
        };
        let stop = match binding {
            Binding::Command { line, folder } => command::start(line, folder.as_deref(), &arguments, reply),
            Binding::Endpoint { url, headers } => {
                endpoint::start(url.clone(), headers.clone(), Value::Object(arguments), timeout, reply);
                None
            }
            Binding::Lines => {
                lines::start(reply);
                None
            }
            Binding::Mcp { server, tool } => {
                let peer = self.servers.entry(server.clone()).or_insert_with(|| Peer::start(server.clone()));
                peer.call(tool.clone(), arguments, Box::new(reply));
                None
            }
        };
        self.calls.insert(number, Call { deadline, stop });
    }

    /// Appends answers that came; waits at most `patience` for the first.
    pub fn poll(&mut self, patience: Duration, answers: &mut Vec<Answer>) {
        let until = Instant::now() + patience;
        loop {
            while let Ok(answer) = self.answers.try_recv() {
                self.arrived(answer, answers);
            }
            self.expire(answers);
            let now = Instant::now();
            if !answers.is_empty() || now >= until {
                return;
            }
            let next = self.calls.values().filter_map(|call| call.deadline).map(|(at, _)| at).min();
            let wait = next.map_or(until, |next| next.min(until)).saturating_duration_since(now);
            match self.answers.recv_timeout(wait) {
                Ok(answer) => self.arrived(answer, answers),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    /// Nobody waits for this call any more.
    pub fn cancel(&mut self, number: u64) {
        if let Some(Call { stop: Some(stop), .. }) = self.calls.remove(&number) {
            stop();
        }
    }

    fn arrived(&mut self, answer: Answer, answers: &mut Vec<Answer>) {
        // What was cancelled, or came too late, is dropped.
        if self.calls.remove(&answer.number).is_some() {
            answers.push(answer);
        }
    }

    fn expire(&mut self, answers: &mut Vec<Answer>) {
        let now = Instant::now();
        let late = |call: &Call| call.deadline.is_some_and(|(deadline, _)| now >= deadline);
        let numbers: Vec<u64> = self.calls.iter().filter(|(_, call)| late(call)).map(|(number, _)| *number).collect();
        for number in numbers {
            let limit =
                self.calls.get(&number).and_then(|call| call.deadline).map_or(Duration::ZERO, |(_, limit)| limit);
            self.cancel(number);
            answers.push(Answer { number, result: Err(Failure::Late(limit)) });
        }
    }
}

impl Drop for Toolbox {
    fn drop(&mut self) {
        let calls = std::mem::take(&mut self.calls);
        calls.into_values().filter_map(|call| call.stop).for_each(|stop| stop());
    }
}
