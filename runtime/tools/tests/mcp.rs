//! Small MCP servers: by streamable HTTP, and by standard input and output.

mod small;

use serde_json::{Value, json};
use sgl_tools::{Binding, Failure, Server};
use small::{LONG, call, server};
use std::collections::BTreeMap;

/// What a small MCP server answers; nothing to notifications.
fn mcp_answer(message: &Value) -> Option<Value> {
    let id = message.get("id")?;
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "small", "version": "1"},
        }),
        Some("tools/call") if message["params"]["name"] == "fail" => {
            json!({"content": [{"type": "text", "text": "it is broken"}], "isError": true})
        }
        Some("tools/call") => {
            let query = &message["params"]["arguments"]["query"];
            json!({"content": [{"type": "text", "text": format!("found {}", query.as_str().unwrap_or_default())}]})
        }
        _ => {
            let error = json!({"code": -32601, "message": "no such method"});
            return Some(json!({"jsonrpc": "2.0", "id": id, "error": error}));
        }
    };
    Some(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

#[test]
fn an_mcp_server_by_streamable_http() {
    let url = server(|message| match mcp_answer(message) {
        Some(answer) => (200, "content-type: application/json\r\n", answer.to_string()),
        None => (202, "", String::new()),
    });
    let server = Server::Http { url, headers: BTreeMap::new() };
    let tool = |name: &str| Binding::Mcp { server: server.clone(), tool: name.into() };
    assert_eq!(call(&tool("search"), json!({"query": "x"}), LONG), Ok(json!("found x")));
    assert_eq!(call(&tool("fail"), json!({}), LONG), Err(Failure::Failed("it is broken".into())));
}

#[test]
fn an_mcp_server_that_answers_with_events() {
    let url = server(|message| match mcp_answer(message) {
        Some(answer) => (200, "content-type: text/event-stream\r\n", format!("data: {answer}\n\n")),
        None => (202, "", String::new()),
    });
    let binding = Binding::Mcp { server: Server::Http { url, headers: BTreeMap::new() }, tool: "search".into() };
    assert_eq!(call(&binding, json!({"query": "y"}), LONG), Ok(json!("found y")));
}

/// A server in Python, which the scripts of this repository need anyway.
const STDIO_SERVER: &str = r#"
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    if message["method"] == "initialize":
        result = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "small", "version": "1"}}
    elif message["method"] == "tools/call":
        arguments = message["params"]["arguments"]
        result = {"content": [], "structuredContent": {"sum": arguments["a"] + arguments["b"]}}
    else:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"#;

#[test]
fn an_mcp_server_by_standard_input_and_output() {
    let line = ["python3", "-c", STDIO_SERVER].map(str::to_string).to_vec();
    let binding = Binding::Mcp { server: Server::Stdio { line, folder: None }, tool: "add".into() };
    assert_eq!(call(&binding, json!({"a": 2, "b": 3}), LONG), Ok(json!({"sum": 5})));
    let missing = Server::Stdio { line: vec!["no-such-server-here".into()], folder: None };
    let Err(Failure::Failed(why)) = call(&Binding::Mcp { server: missing, tool: "x".into() }, json!({}), LONG) else {
        panic!("it can't start")
    };
    assert!(why.contains("can't start the MCP server"), "{why}");
}
