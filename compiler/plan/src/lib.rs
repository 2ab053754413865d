//! What is known of a program's prompts before it runs.
//!
//! Each entry becomes a tree of [`Step`]s: the turns, texts, splices, holes and branches that a call of it goes through, calls of other
//! prompts written out. Every piece of text carries its [`Binding`] time, the moment at which it is known, and the repeats within which
//! it differs; from both follow what calls and branches share. [`mod@cost`] adds up what a call can take, as an [`Amount`] in symbols.
//!
//! Binding times are those of partial evaluation (Jones, Gomard and Sestoft 1993), with the moments of a deployed program.
//! In reading order: [`binding`], [`step`], `walk` makes the trees, [`amount`] and [`mod@cost`] measure them, [`show`] and `html` draw them;
//! [`trace`] lays a run beside them; [`mod@diff`] says what an edit changes.

pub mod amount;
pub mod binding;
pub mod cost;
pub mod diff;
mod html;
pub mod show;
pub mod step;
pub mod trace;
mod walk;

pub use amount::Amount;
pub use binding::Binding;
pub use cost::{Cost, Tokens, cost};
pub use html::html;
pub use show::tree;
pub use step::{Branch, EntryPlan, Join, Step, Width};
pub use trace::{Beside, Encoder, Measured, PrefixTree, Unfollowed, follow};
pub use walk::{TooLarge, plan};
