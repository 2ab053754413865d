//! Runs images.
//!
//! ```text
//! bytes --decode--> Image --verify--> run: tasks --commands--> LanguageModel --events--> tasks --> Value
//! ```
//!
//! A run is one thread of cooperative tasks. A prompt instruction becomes a command on the task's session; a task that waits
//! for the model or for another task lets the others run. [`run`] is the whole of it.
//!
//! Invariants: a run ends within its [`Limits`]; every session that it opens is closed when it ends, however it ends; the
//! seed of a hole depends on the run's seed and on the way to the hole, never on who ran first.

mod budget;
mod builtin;
mod choose;
mod disassemble;
mod fits;
mod guard;
mod happening;
mod host;
pub mod image;
mod interpreter;
mod join;
mod json;
mod limits;
mod machine;
mod metadata;
mod named;
#[expect(unsafe_code, reason = "machine code is entered, and works on values as words")]
mod native;
mod observer;
mod operation;
mod options;
mod outlook;
mod parse;
mod pattern;
mod prompt;
mod reader;
mod report;
mod shaped;
mod signature;
mod task;
mod text;
mod tool;
mod trap;
mod value;
mod verify;
mod written;

pub use choose::choose;
pub use disassemble::disassemble;
pub use host::{Host, NoHost, ToolAnswer, ToolError};
pub use json::{Pictures, json_of_value, value_of_flag, value_of_flag_with, value_of_json, value_of_json_with};
pub use limits::Limits;
pub use machine::{Outside, run, run_with};
pub use native::NativeCode;
pub use observer::{BranchPath, Observer, Silent, Snapshot, TextKind};
pub use options::{RunOptions, Tier};
pub use parse::parse;
pub use reader::{
    Carried, FORMAT_VERSION, ImageError, Package, decode, encode, frame, is_image, pack, pack_with, unpack,
};
pub use signature::public_key;
pub use text::text_of;
pub use trap::Trap;
pub use value::{Part, Shared, Text, Value};
pub use verify::verify;
