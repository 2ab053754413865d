//! The texts that were read, by id.

use std::sync::Arc;

/// Names a file of a [`Files`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// Every text of a compilation, with the name that people see.
#[derive(Clone, Debug, Default)]
pub struct Files {
    entries: Vec<(String, Arc<str>)>,
}

impl Files {
    /// Adds a text under a name, which is a path relative to where the user stands.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        let id = u32::try_from(self.entries.len()).expect("fewer than 2^32 files");
        self.entries.push((name.into(), text.into()));
        FileId(id)
    }

    /// The name of a file.
    pub fn name(&self, file: FileId) -> &str {
        &self.entries[file.0 as usize].0
    }

    /// The text of a file.
    pub fn text(&self, file: FileId) -> &Arc<str> {
        &self.entries[file.0 as usize].1
    }

    /// The file with this name.
    pub fn find(&self, name: &str) -> Option<FileId> {
        let index = self.entries.iter().position(|(n, _)| n == name)?;
        u32::try_from(index).ok().map(FileId)
    }

    /// All files, in the order they were added.
    pub fn ids(&self) -> impl Iterator<Item = FileId> {
        (0..self.entries.len()).filter_map(|i| u32::try_from(i).ok().map(FileId))
    }
}
