//! The real binary as a person calls it: what it prints where, and its exit codes.

mod evaluating;
mod rig;
mod running;
mod testing;
mod tools;
mod tracing;
