//! The models that a user has, and how to get the ones that we know.
//!
//! A model is a GGUF file in the cache folder. [`catalog`] lists those with a name; [`store`] finds, fetches and removes
//! them; [`hub`] and [`package`] are the two ways to fetch.

pub mod catalog;
pub mod hub;
pub mod package;
pub mod store;

pub use catalog::{CATALOG, CatalogEntry, DEFAULT_MODEL};
pub use store::Store;
