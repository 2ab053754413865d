//! Requests whose constraint is being made: they wait beside the queue, and nobody waits for them.

use crate::engine::Engine;
use crate::request;
use sgl_constrain::{ContentHash, Found, ImageError, ImageWords};
use sgl_protocol::{Event, Generate, ModelError, RequestId, SessionId, Shape};
use std::time::Duration;

/// A request that waits for its constraint.
#[derive(Debug)]
pub(crate) struct Waiting {
    generate: Generate,
    /// When it has to be answered.
    deadline: Option<Duration>,
}

impl Engine {
    /// Begins to make the constraints of these shapes, so that they are there when holes of them are asked for.
    pub fn prepare<'a>(&mut self, shapes: impl IntoIterator<Item = &'a Shape>) {
        for shape in shapes {
            self.constraints.request(shape);
        }
    }

    /// Takes the image of a shape's constraint: if it was made with this model's tokens, it is the constraint; else its byte part spares
    /// some of the work of making that.
    ///
    /// # Errors
    /// It is no image, or a damaged one, or of another version.
    pub fn adopt(&mut self, shape: ContentHash, image: ImageWords) -> Result<(), ImageError> {
        self.constraints.adopt(shape, image)
    }

    /// Starts a request for text if its constraint is there, else lets it wait until it is.
    pub(crate) fn generate(&mut self, generate: Generate) {
        if let Found::Made(_) = self.constraints.request(&enforced(&generate.shape)) {
            return self.start_hole(&generate, None);
        }
        let (id, now) = (generate.request, self.clock.now());
        let Some(open) = self.sessions.get_mut(&generate.session) else { return };
        open.busy = Some(id);
        let deadline = open.deadline.map(|time| now.saturating_add(time));
        self.deadlines.extend(deadline.map(|deadline| (deadline, id)));
        self.compiling.push(Waiting { generate, deadline });
    }

    fn start_hole(&mut self, generate: &Generate, deadline: Option<Duration>) {
        let Some(open) = self.sessions.get_mut(&generate.session) else { return };
        let context = self.forward.context();
        let made = open.transcript.prompt(&mut self.writing).and_then(|prompt| {
            crate::engine::fits(prompt.tokens.len() as u64 + u64::from(generate.max_tokens), context)?;
            request::generate(generate, prompt, &mut self.writing, &mut self.constraints, self.jump)
        });
        self.start(generate.request, made, deadline);
    }

    /// Starts the requests whose constraints are there by now.
    pub(crate) fn start_compiled(&mut self) {
        if self.compiling.is_empty() {
            return;
        }
        self.constraints.collect();
        let waiting = std::mem::take(&mut self.compiling);
        for Waiting { generate, deadline } in waiting {
            match self.constraints.request(&enforced(&generate.shape)) {
                Found::Making => self.compiling.push(Waiting { generate, deadline }),
                Found::Made(_) => {
                    self.deadlines.retain(|(_, id)| *id != generate.request);
                    self.free(generate.session);
                    self.start_hole(&generate, deadline);
                    // If it could not be started, what waited for it goes on.
                    self.go_on(generate.session);
                }
            }
        }
    }

    /// Waits until a constraint is there, at most so long and not beyond a deadline, if there is nothing else to do.
    pub(crate) fn await_constraint(&mut self, patience: Duration) {
        if self.sequences.is_empty() && !self.compiling.is_empty() {
            let now = self.clock.now();
            let due = self.deadlines.first().map_or(Duration::MAX, |(deadline, _)| deadline.saturating_sub(now));
            self.constraints.wait(patience.min(due));
        }
    }

    /// Whether a request waits for its constraint.
    pub(crate) fn is_compiling(&self, id: RequestId) -> bool {
        self.compiling.iter().any(|waiting| waiting.generate.request == id)
    }

    /// Ends a request that waits for its constraint. Gives whether there was one.
    pub(crate) fn fail_compiling(&mut self, id: RequestId, error: &ModelError) -> bool {
        let Some(at) = self.compiling.iter().position(|waiting| waiting.generate.request == id) else { return false };
        let Waiting { generate, deadline } = self.compiling.remove(at);
        self.deadlines.retain(|due| Some(due.0) != deadline || due.1 != id);
        self.events.push_back(Event::Failed { request: id, error: error.clone() });
        self.free(generate.session);
        self.go_on(generate.session);
        true
    }

    fn free(&mut self, session: SessionId) {
        if let Some(open) = self.sessions.get_mut(&session) {
            open.busy = None;
        }
    }
}

/// The shape whose constraint a hole has: free text has one while it repeats what was held back of the prompt.
fn enforced(shape: &Shape) -> Shape {
    if shape.is_free_text() { Shape::free_text() } else { shape.clone() }
}
