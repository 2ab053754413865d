//! What one run may take.

/// Bounds of a run; beyond one the run ends with a trap that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Instructions in all.
    pub steps: u64,
    /// Calls that are open at once in a task.
    pub frames: usize,
    /// Closures that built-ins call inside each other.
    pub nested_calls: usize,
    /// Elements of a list or map, and bytes of a text.
    pub elements: usize,
    /// Branches of one fork.
    pub branches: usize,
    /// Tasks that are alive at once.
    pub tasks: usize,
}

/// Levels of a value that is written, shown, compared with a type, or given out.
pub(crate) const TOLD_DEPTH_MAX: usize = 1_500;
/// Lists, records and the like in it, each as often as it is met: as JSON, a record takes some 500 bytes while it is written.
pub(crate) const TOLD_PARTS_MAX: usize = 2_000_000;
/// Values of a recursive type inside each other, where they are read from text or JSON.
pub(crate) const VALUE_DEPTH_MAX: usize = 500;

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 10_000_000_000,
            frames: 1_000,
            nested_calls: 40,
            elements: 50_000_000,
            branches: 4_096,
            tasks: 16_384,
        }
    }
}
