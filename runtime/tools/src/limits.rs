//! What one call of a tool may take.

/// Most bytes of an answer.
pub(crate) const ANSWER_BYTES_MAX: u64 = 8 << 20;

/// Most bytes of an error text that is shown.
pub(crate) const ERROR_BYTES_MAX: usize = 400;

/// Calls of one MCP server that wait at once.
#[cfg(feature = "mcp")]
pub(crate) const SERVER_QUEUE_MAX: usize = 256;
