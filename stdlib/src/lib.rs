//! The standard library's `.sgl` text, embedded.

/// Modules by the name that `import` takes, with their text.
pub const MODULES: &[(&str, &str)] = &[
    ("std.beam", include_str!("../beam.sgl")),
    ("std.bm25", include_str!("../bm25.sgl")),
    ("std.documents", include_str!("../documents.sgl")),
    ("std.json", include_str!("../json.sgl")),
    ("std.judge", include_str!("../judge.sgl")),
    ("std.list", include_str!("../list.sgl")),
    ("std.math", include_str!("../math.sgl")),
    ("std.react", include_str!("../react.sgl")),
    ("std.sampling", include_str!("../sampling.sgl")),
    ("std.stats", include_str!("../stats.sgl")),
    ("std.text", include_str!("../text.sgl")),
    ("std.thought", include_str!("../thought.sgl")),
    ("std.time", include_str!("../time.sgl")),
];

/// The text of a module.
pub fn module(name: &str) -> Option<&'static str> {
    MODULES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
