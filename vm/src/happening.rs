//! Tells the observer what happens to transcripts, if it wants to know.

use crate::machine::Machine;
use crate::value::{TaskId, Transcript};
use sgl_protocol::{Generated, Happening, Role, SessionId, Site, Usage};

impl Machine<'_> {
    /// Tells what a task does at its instruction. What belongs to the transcript is counted, so that it can be taken back.
    fn tell(&mut self, id: TaskId, counts: bool, what: impl FnOnce(u32, Site) -> Happening) {
        if !self.traced {
            return;
        }
        let image = self.image;
        let Some(task) = self.task(id) else { return };
        task.happened += u64::from(counts);
        let place = task.frames.last().and_then(|frame| {
            let places = &image.functions[frame.function as usize].places;
            places.get(frame.at).copied()
        });
        let site = place.map_or(Site::default(), |place| Site(place.file, place.start, place.end));
        self.observer.happened(what(id.0, site));
    }

    /// A task begins; `parent` is none of the entry's.
    pub(crate) fn tell_started(
        &mut self,
        task: TaskId,
        parent: Option<TaskId>,
        name: &str,
        copy_of: Option<SessionId>,
    ) {
        let transcript = self.task(task).and_then(|task| task.session).map_or(0, |session| session.0);
        let copy_of = copy_of.map(|session| session.0);
        self.tell(parent.unwrap_or(task), false, |_, at| {
            let parent = parent.map(|parent| parent.0);
            Happening::Started { task: task.0, parent, name: name.to_string(), transcript, copy_of, at }
        });
    }

    pub(crate) fn tell_kept(&mut self, id: TaskId, transcript: &Transcript) {
        let transcript = transcript.session.0;
        self.tell(id, false, |task, at| Happening::Kept { task, transcript, at });
    }

    pub(crate) fn tell_opened(&mut self, id: TaskId, role: &Role) {
        let copied = self.copying;
        self.tell(id, true, |task, at| Happening::Opened { task, role: role.name().to_string(), copied, at });
    }

    pub(crate) fn tell_closed(&mut self, id: TaskId) {
        let copied = self.copying;
        self.tell(id, true, |task, at| Happening::Closed { task, copied, at });
    }

    pub(crate) fn tell_wrote(&mut self, id: TaskId, text: &str) {
        let copied = self.copying;
        self.tell(id, true, |task, at| Happening::Wrote { task, text: text.to_string(), copied, at });
    }

    pub(crate) fn tell_asked(&mut self, id: TaskId, hole: &str, options: &[String]) {
        self.tell(id, false, |task, at| Happening::Asked {
            task,
            hole: hole.to_string(),
            options: options.to_vec(),
            at,
        });
    }

    pub(crate) fn tell_generated(&mut self, id: TaskId, generated: &Generated) {
        self.tell(id, true, |task, at| Happening::Answered {
            task,
            text: generated.text.clone(),
            usage: generated.usage,
            finish: Some(generated.finish),
            at,
        });
    }

    /// Options were scored; the chosen one is written as text.
    pub(crate) fn tell_scored(&mut self, id: TaskId, usage: Usage) {
        self.tell(id, false, |task, at| Happening::Answered { task, text: String::new(), usage, finish: None, at });
    }

    pub(crate) fn tell_called(&mut self, id: TaskId, tool: &str) {
        self.tell(id, false, |task, at| Happening::Called { task, tool: tool.to_string(), at });
    }

    pub(crate) fn tell_rewound(&mut self, id: TaskId, to: u64) {
        self.tell(id, false, |task, _| Happening::Rewound { task, to });
    }

    pub(crate) fn tell_ended(&mut self, id: TaskId) {
        self.tell(id, false, |task, _| Happening::Ended { task });
    }
}
