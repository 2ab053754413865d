//! What happened in a run: a line for each thing that a task did to its transcript.
//!
//! The machine tells it, `sglc run --trace` writes it, and `sglc explain --trace` lays it beside what was predicted. A task is named by
//! a number that no other task of the run has.

use crate::{Finish, Usage};
use serde::{Deserialize, Serialize};

/// Where in a program: the file's number, the first byte, one past the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Site(pub u32, pub u32, pub u32);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// A task begins.
    Started {
        /// The new task.
        task: u32,
        /// Who began it; the entry is begun by nobody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<u32>,
        /// Its name: `fork`, the name of a branch or of a prompt.
        name: String,
        /// Its transcript, by a number that no other has.
        transcript: u64,
        /// The transcript that it begins as a copy of; an empty one if none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        copy_of: Option<u64>,
        /// What began it.
        at: Site,
    },
    /// The task keeps a copy of its transcript as a value.
    Kept {
        /// Whose.
        task: u32,
        /// The copy.
        transcript: u64,
        /// Where.
        at: Site,
    },
    /// A turn begins.
    Opened {
        /// Whose transcript.
        task: u32,
        /// Whose turn.
        role: String,
        /// Whether it is a part of what another transcript held, or branches wrote, and is written here again.
        #[serde(default, skip_serializing_if = "is_false")]
        copied: bool,
        /// Where.
        at: Site,
    },
    /// The turn ends.
    Closed {
        /// Whose transcript.
        task: u32,
        /// Whether it is a part of what another transcript held, or branches wrote, and is written here again.
        #[serde(default, skip_serializing_if = "is_false")]
        copied: bool,
        /// Where.
        at: Site,
    },
    /// The program writes text, which may be empty.
    Wrote {
        /// Whose transcript.
        task: u32,
        /// What.
        text: String,
        /// Whether it is a part of what another transcript held, or branches wrote, and is written here again.
        #[serde(default, skip_serializing_if = "is_false")]
        copied: bool,
        /// Where.
        at: Site,
    },
    /// A model is asked.
    Asked {
        /// Whose transcript it goes on with.
        task: u32,
        /// The hole.
        hole: String,
        /// Texts that are scored instead of a hole that is filled.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
        /// Where.
        at: Site,
    },
    /// The model answered: the text belongs to the transcript, where it is no score.
    Answered {
        /// Who asked.
        task: u32,
        /// What was written.
        text: String,
        /// What it cost.
        usage: Usage,
        /// Why it ended; none of scores.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finish: Option<Finish>,
        /// Where.
        at: Site,
    },
    /// A tool is called.
    Called {
        /// By whom.
        task: u32,
        /// Its name.
        tool: String,
        /// Where.
        at: Site,
    },
    /// The transcript is taken back, after a fault.
    Rewound {
        /// Whose.
        task: u32,
        /// To how many of the turns begun and ended, texts and answers that it has had.
        to: u64,
    },
    /// The task ends with a value.
    Ended {
        /// Which.
        task: u32,
    },
}

impl Happening {
    /// Which task it is about.
    pub fn task(&self) -> u32 {
        match self {
            Self::Started { task, .. }
            | Self::Kept { task, .. }
            | Self::Opened { task, .. }
            | Self::Closed { task, .. }
            | Self::Wrote { task, .. }
            | Self::Asked { task, .. }
            | Self::Answered { task, .. }
            | Self::Called { task, .. }
            | Self::Rewound { task, .. }
            | Self::Ended { task } => *task,
        }
    }

    /// Where in the program it was done, if at a place.
    pub fn at(&self) -> Option<Site> {
        match self {
            Self::Started { at, .. }
            | Self::Kept { at, .. }
            | Self::Opened { at, .. }
            | Self::Closed { at, .. }
            | Self::Wrote { at, .. }
            | Self::Asked { at, .. }
            | Self::Answered { at, .. }
            | Self::Called { at, .. } => Some(*at),
            Self::Rewound { .. } | Self::Ended { .. } => None,
        }
    }
}
