//! The standard library's `.sgl` text, embedded.

/// Modules by the name that `import` takes, with their text.
pub const MODULES: &[(&str, &str)] = &[("std.stats", include_str!("../stats.sgl"))];

/// The text of a module.
pub fn module(name: &str) -> Option<&'static str> {
    MODULES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
