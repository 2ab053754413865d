//! What the model and the tools answer, handed to the tasks that asked.

use super::Machine;
use crate::host::ToolAnswer;
use crate::observer::TextKind;
use crate::task::{Answer, Slot, Wait};
use crate::trap::{Fault, Trap};
use crate::value::TaskId;
use sgl_protocol::{Event, RequestId};
use std::time::{Duration, Instant};

/// How long one look at the model may take.
const PATIENCE: Duration = Duration::from_millis(200);
/// The same while tools are under way, too.
const GLANCE: Duration = Duration::from_millis(5);

impl Machine<'_> {
    /// Looks at the model and the tools, and hands out what they answered.
    pub(super) fn look(&mut self, root: TaskId) -> Result<(), Trap> {
        let (patience, asked) = (self.patience(PATIENCE), Instant::now());
        let (mut events, mut answers) = (Vec::new(), Vec::new());
        let calls = !self.calls.is_empty();
        if !calls || !self.requests.is_empty() {
            self.model.poll(if calls { patience.min(GLANCE) } else { patience }, &mut events);
        }
        if calls {
            let patience = if self.requests.is_empty() { patience } else { Duration::ZERO };
            self.host.poll(patience, &mut answers);
        } else if events.is_empty() && asked.elapsed() < patience {
            // A model that has something under way takes its time; one that has nothing returns at once.
            return Err(self.trap(root, Fault::new("the run waits for something that never comes")));
        }
        events.into_iter().for_each(|event| self.deliver(event));
        answers.into_iter().for_each(|answer| self.answered(answer));
        Ok(())
    }

    fn answered(&mut self, ToolAnswer { number, result }: ToolAnswer) {
        let Some(id) = self.calls.remove(&number) else { return };
        if let Some(call) = self.task(id).and_then(|task| task.call.as_mut()).filter(|call| call.number == number) {
            call.answer = Some(result);
            self.wake_if(id, Wait::Tool);
        }
    }

    /// A number for a call of a tool.
    pub(crate) fn new_call(&mut self, id: TaskId) -> u64 {
        self.next_serial += 1;
        self.calls.insert(self.next_serial, id);
        self.next_serial
    }

    pub(crate) fn drop_call(&mut self, number: u64) {
        if self.calls.remove(&number).is_some() {
            self.host.cancel(number);
        }
    }

    pub(crate) fn forget_request(&mut self, request: RequestId) {
        self.requests.remove(&request);
    }

    fn deliver(&mut self, event: Event) {
        let (request, answer) = match event {
            Event::Token { request, text } => {
                if let Some(id) = self.requests.get(&request).copied()
                    && let Slot::Alive(task) = &self.slots[id.0 as usize]
                    && task.asked.as_ref().is_some_and(|asked| asked.streams)
                {
                    self.observer.text(&task.branch, TextKind::Generated, &text);
                }
                return;
            }
            Event::Generated { request, result } => (request, Answer::Generated(result)),
            Event::Scored { request, result } => (request, Answer::Scored(result)),
            Event::Failed { request, error } => (request, Answer::Failed(error)),
        };
        let Some(id) = self.requests.remove(&request) else { return };
        if let Some(asked) = self.task(id).and_then(|task| task.asked.as_mut())
            && asked.request == request
        {
            asked.answer = Some(answer);
            self.wake_if(id, Wait::Answer);
        }
    }
}
