//! A connection to a server: a thread of its own, which all its calls share.

use super::{Reply, http};
use crate::binding::Server;
use crate::limits::{ERROR_BYTES_MAX, SERVER_QUEUE_MAX};
use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use rmcp::service::{RoleClient, RunningService};
use rmcp::transport::TokioChildProcess;
use serde_json::{Map, Value};
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// A call.
struct Request {
    tool: String,
    arguments: Map<String, Value>,
    reply: Reply,
}

/// A server, seen from the calls.
pub(crate) struct Peer {
    requests: Sender<Request>,
}

impl Peer {
    /// Connects in the background; a connection that fails fails every call.
    pub(crate) fn start(server: Server) -> Self {
        let (requests, receiver) = channel(SERVER_QUEUE_MAX);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(serve(server, receiver)),
                Err(error) => refuse(receiver, &error.to_string()),
            }
        });
        Self { requests }
    }

    pub(crate) fn call(&self, tool: String, arguments: Map<String, Value>, reply: Reply) {
        if let Err(error) = self.requests.try_send(Request { tool, arguments, reply }) {
            let request = error.into_inner();
            (request.reply)(Err("its server takes no more calls".into()));
        }
    }
}

fn refuse(mut receiver: Receiver<Request>, why: &str) {
    while let Some(request) = receiver.blocking_recv() {
        (request.reply)(Err(why.to_string()));
    }
}

async fn serve(server: Server, mut requests: Receiver<Request>) {
    let client = match connect(&server).await {
        Ok(client) => Arc::new(client),
        Err(why) => {
            while let Some(request) = requests.recv().await {
                (request.reply)(Err(why.clone()));
            }
            return;
        }
    };
    let tasks = tokio::task::LocalSet::new();
    let answering = async {
        while let Some(request) = requests.recv().await {
            let client = Arc::clone(&client);
            tokio::task::spawn_local(async move {
                let result = call(&client, request.tool, request.arguments).await;
                (request.reply)(result);
            });
        }
    };
    tasks.run_until(answering).await;
}

async fn connect(server: &Server) -> Result<RunningService<RoleClient, ()>, String> {
    match server {
        Server::Stdio { line, folder } => {
            let (program, rest) = line.split_first().ok_or("the command of its server is empty")?;
            let mut command = tokio::process::Command::new(program);
            command.args(rest);
            folder.iter().for_each(|folder| {
                command.current_dir(folder);
            });
            let transport = TokioChildProcess::new(command)
                .map_err(|error| format!("can't start the MCP server `{program}`: {error}"))?;
            ().serve(transport).await.map_err(|error| format!("the MCP server `{program}`: {error}"))
        }
        Server::Http { url, headers } => {
            let transport = http::transport(url, headers.clone());
            ().serve(transport).await.map_err(|error| format!("the MCP server {url}: {error}"))
        }
    }
}

async fn call(
    client: &RunningService<RoleClient, ()>,
    tool: String,
    arguments: Map<String, Value>,
) -> Result<Value, String> {
    let parameters = CallToolRequestParams::new(tool).with_arguments(arguments);
    let result = client.call_tool(parameters).await.map_err(|error| error.to_string())?;
    let texts: Vec<&str> =
        result.content.iter().filter_map(|block| block.as_text()).map(|text| text.text.as_str()).collect();
    let text = texts.join("\n");
    if result.is_error == Some(true) {
        return Err(text.chars().take(ERROR_BYTES_MAX).collect());
    }
    Ok(match result.structured_content {
        // Servers wrap what is no object.
        Some(Value::Object(mut object)) if object.len() == 1 && object.contains_key("result") => {
            object.remove("result").unwrap_or_default()
        }
        Some(value) => value,
        None => Value::String(text),
    })
}
