//! What a program and an engine say to each other.
//!
//! A program holds *sessions*: handles on a transcript in the engine. It appends text, opens and closes turns, forks,
//! and asks for holes to be filled; the engine answers with events. The order of commands on one session is the
//! order of its text. Nothing here knows tokens as text, files, clocks or devices.
//!
//! In reading order: [`shape`] says what a hole may hold, [`form`] how that is laid out, `sampling` how it is drawn,
//! [`command`] what a program asks, [`event`] what an engine answers, [`language_model`] the seam between both,
//! [`scripted`] an engine without weights for tests, [`trace`] what is told of a run.

pub mod command;
pub mod event;
mod fleet;
pub mod form;
pub mod language_model;
pub mod picture;
mod sampling;
pub mod scripted;
pub mod shape;
pub mod trace;

pub use command::{Command, Generate, Hint, RequestId, Role, Score, SessionId};
pub use event::{Event, Finish, Generated, ModelError, Scored, Usage};
pub use fleet::Fleet;
pub use form::{Form, Frame, Layout};
pub use language_model::LanguageModel;
pub use picture::{PICTURE_BYTES_MAX, Picture, PictureFormat};
pub use sampling::Sampling;
pub use scripted::{Scripted, ScriptedAnswer};
pub use shape::{Field, Shape, TAG, TAGGED_VALUE, Tagged, Variant};
pub use trace::{Happening, Site};
