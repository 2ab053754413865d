//! The events of a run by task, and which step an event can begin.

use crate::step::Step;
use rustc_hash::{FxHashMap, FxHashSet};
use sgl_protocol::{Happening, Site};
use sgl_source::Span;
use std::collections::VecDeque;

/// What is still to be taken of each task's events. That a task begins is an event of the one that begins it.
pub(super) struct Events<'a> {
    tasks: FxHashMap<u32, VecDeque<&'a Happening>>,
    /// Places that transcripts are taken back to.
    returns: FxHashSet<(u32, u64)>,
}

impl<'a> Events<'a> {
    pub(super) fn of(happened: &'a [Happening]) -> Self {
        let mut events = Self { tasks: FxHashMap::default(), returns: FxHashSet::default() };
        for what in happened {
            let owner = match what {
                Happening::Started { parent: None, .. } | Happening::Ended { .. } => continue,
                Happening::Started { parent: Some(parent), .. } => *parent,
                Happening::Rewound { task, to } => {
                    events.returns.insert((*task, *to));
                    *task
                }
                other => other.task(),
            };
            events.tasks.entry(owner).or_default().push_back(what);
        }
        events
    }

    pub(super) fn peek(&self, task: u32) -> Option<&'a Happening> {
        self.tasks.get(&task)?.front().copied()
    }

    pub(super) fn take(&mut self, task: u32) {
        if let Some(events) = self.tasks.get_mut(&task) {
            events.pop_front();
        }
    }

    /// Whether a task's transcript is taken back to where so much has happened to it.
    pub(super) fn is_returned_to(&self, task: u32, happened: u64) -> bool {
        self.returns.contains(&(task, happened))
    }
}

/// The place of a step, as events name places.
pub(super) fn site(span: Span) -> Site {
    Site(span.file.0, span.start, span.end)
}

/// Whether an event is the first of a step, or of one inside it that can be the first to happen.
pub(super) fn starts(step: &Step, event: &Happening) -> bool {
    let any = |steps: &[Step]| steps.iter().any(|step| starts(step, event));
    match step {
        Step::Turn { span, .. } => matches!(event, Happening::Opened { at, copied: false, .. } if *at == site(*span)),
        Step::Text { span, .. } => matches!(event, Happening::Wrote { at, copied: false, .. } if *at == site(*span)),
        Step::Splice { span, .. } => {
            (matches!(event, Happening::Wrote { .. }) || is_copied(event)) && event.at() == Some(site(*span))
        }
        // What branches wrote comes piece by piece, where it is joined.
        Step::Branches { span, .. } => {
            (is_copied(event) || matches!(event, Happening::Started { .. })) && event.at() == Some(site(*span))
        }
        Step::Hole { span, .. } | Step::Select { span, .. } => {
            matches!(event, Happening::Asked { at, .. } if *at == site(*span))
        }
        Step::Tool { name } => matches!(event, Happening::Called { tool, .. } if tool == name),
        Step::Repeat { steps, .. } | Step::Guarded { steps, .. } => any(steps),
        Step::Choice { then, otherwise, .. } => any(then) || any(otherwise),
        Step::Again { .. } => false,
    }
}

/// Whether an event is a piece of what another transcript held.
pub(super) fn is_copied(event: &Happening) -> bool {
    matches!(
        event,
        Happening::Opened { copied: true, .. }
            | Happening::Closed { copied: true, .. }
            | Happening::Wrote { copied: true, .. }
    )
}

/// The steps of the branch that a task of this name goes through.
pub(super) fn of_branch<'p>(step: &'p Step, name: &str) -> &'p [Step] {
    let Step::Branches { branches, .. } = step else { return &[] };
    let named = branches.iter().find(|branch| branch.name == name).or(branches.first());
    named.map_or(&[], |branch| &branch.steps)
}

/// Whether a prompt calls itself in these steps.
pub(super) fn is_recursive(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Again { .. } => true,
        Step::Turn { steps, .. } | Step::Repeat { steps, .. } | Step::Guarded { steps, .. } => is_recursive(steps),
        Step::Choice { then, otherwise, .. } => is_recursive(then) || is_recursive(otherwise),
        Step::Branches { .. }
        | Step::Text { .. }
        | Step::Splice { .. }
        | Step::Hole { .. }
        | Step::Select { .. }
        | Step::Tool { .. } => false,
    })
}
