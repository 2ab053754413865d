//! Tests of the engine as a whole, on devices that compute no model.

mod cache;
mod compiling;
mod faults;
mod guesses;
mod hints;
mod holes;
mod jump;
mod overlap;
mod rig;
mod simulation;
mod spaces;
mod trunks;
