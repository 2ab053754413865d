//! Tools of MCP servers, where they are built in.

#[cfg(feature = "mcp")]
mod http;
#[cfg(feature = "mcp")]
mod peer;

#[cfg(feature = "mcp")]
pub(crate) use peer::Peer;

use serde_json::Value;

/// Whether MCP servers are built in.
pub const MCP: bool = cfg!(feature = "mcp");

/// Where a call's result goes.
type Reply = Box<dyn FnOnce(Result<Value, String>) + Send>;

/// Stands for every server where none can be reached.
#[cfg(not(feature = "mcp"))]
#[derive(Debug)]
pub(crate) struct Peer;

#[cfg(not(feature = "mcp"))]
impl Peer {
    pub(crate) fn start(_server: crate::binding::Server) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "the same call as where servers are built in")]
    pub(crate) fn call(&self, _tool: String, _arguments: serde_json::Map<String, Value>, reply: Reply) {
        reply(Err("MCP servers are not built into this program".into()));
    }
}
