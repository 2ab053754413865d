//! How a run fails.

use crate::image::Place;
use thiserror::Error;

/// A fault of the program while it ran: what, where, and how it got there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Trap {
    /// What is wrong.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
    /// The two values of an assertion that does not hold: what was found or stored, and what it was compared with.
    pub compared: Option<Box<(String, String)>>,
    /// Where.
    pub place: Place,
    /// The calls that were open, innermost first: function, and where it was.
    pub stack: Vec<(String, Place)>,
    /// The kind of a fault of the world that nothing caught (`tool`, `deadline`, …); none if the program is at fault.
    pub fault: Option<&'static str>,
}

/// A fault before its place is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) compared: Option<Box<(String, String)>>,
    /// What the world did; none if the program is at fault, which nothing catches.
    pub(crate) world: Option<World>,
}

/// A fault that a program can catch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct World {
    /// As `f.kind` has it.
    pub(crate) kind: &'static str,
    /// The budget that is spent.
    pub(crate) budget: Option<u64>,
    /// Where it happened.
    pub(crate) origin: Option<Box<Trap>>,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, compared: None, world: None }
    }

    /// A fault that a program can catch.
    pub(crate) fn world(kind: &'static str, message: impl Into<String>) -> Self {
        Self { world: Some(World { kind, budget: None, origin: None }), ..Self::new(message) }
    }

    pub(crate) fn comparing(mut self, left: String, right: String) -> Self {
        self.compared = Some(Box::new((left, right)));
        self
    }

    pub(crate) fn of_budget(mut self, serial: u64) -> Self {
        self.world.iter_mut().for_each(|world| world.budget = Some(serial));
        self
    }

    /// A fault that happened there.
    pub(crate) fn at(mut self, origin: Trap) -> Self {
        if let Some(world) = &mut self.world {
            world.origin = Some(Box::new(origin));
        }
        self
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
