//! Streamable HTTP by `ureq`, so that one HTTP library serves all tools.

#![expect(clippy::disallowed_types, reason = "the trait of `rmcp` takes headers as a `HashMap`")]

use crate::endpoint::send;
use futures::StreamExt;
use futures::stream::BoxStream;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClient, StreamableHttpClientTransportConfig, StreamableHttpError, StreamableHttpPostResponse,
};
use sse_stream::{Error as SseError, Sse, SseStream};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use thiserror::Error;
use ureq::http::{HeaderName, HeaderValue};

/// What went wrong with a request.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct Wrong(String);

/// Posts messages, each on a thread of its own.
#[derive(Clone, Debug)]
pub(super) struct Poster {
    headers: BTreeMap<String, String>,
}

/// A connection to a server.
pub(super) fn transport(url: &str, headers: BTreeMap<String, String>) -> StreamableHttpClientTransport<Poster> {
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    StreamableHttpClientTransport::with_client(Poster { headers }, config)
}

type Result<T> = std::result::Result<T, StreamableHttpError<Wrong>>;

impl StreamableHttpClient for Poster {
    type Error = Wrong;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse> {
        let mut headers = self.headers.clone();
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_string();
        headers.extend(custom_headers.into_iter().map(|(name, value)| (name.to_string(), text(&value))));
        if let Some(session) = session_id {
            headers.insert("mcp-session-id".into(), session.to_string());
        }
        let body = serde_json::to_string(&message)?;
        let answer = tokio::task::spawn_blocking(move || {
            let reply = send(&uri, &headers, &body, None)?;
            let header = |name: &str| {
                let value = reply.response.headers().get(name)?;
                Some(value.to_str().ok()?.to_string())
            };
            let (kind, session) = (header("content-type").unwrap_or_default(), header("mcp-session-id"));
            let (status, body) = reply.read()?;
            Ok((status, kind, session, body))
        });
        let (status, kind, session, body) = answer.await?.map_err(|why| StreamableHttpError::Client(Wrong(why)))?;
        match status {
            202 | 204 => Ok(StreamableHttpPostResponse::Accepted),
            404 if body.is_empty() => Err(StreamableHttpError::SessionExpired),
            200..=299 if kind.starts_with("text/event-stream") => {
                let bytes = futures::stream::iter([Ok::<_, std::io::Error>(bytes(body))]);
                Ok(StreamableHttpPostResponse::Sse(SseStream::from_bytes_stream(bytes).boxed(), session))
            }
            200..=299 => {
                let message: ServerJsonRpcMessage = serde_json::from_slice(&body)?;
                Ok(StreamableHttpPostResponse::Json(message, session))
            }
            _ => {
                let said: String = String::from_utf8_lossy(&body).chars().take(200).collect();
                Err(StreamableHttpError::Client(Wrong(format!("status {status}: {said}"))))
            }
        }
    }

    async fn delete_session(
        &self,
        _uri: Arc<str>,
        _session_id: Arc<str>,
        _auth_header: Option<String>,
        _custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<()> {
        Err(StreamableHttpError::ServerDoesNotSupportDeleteSession)
    }

    async fn get_stream(
        &self,
        _uri: Arc<str>,
        _session_id: Option<Arc<str>>,
        _last_event_id: Option<String>,
        _auth_header: Option<String>,
        _custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, std::result::Result<Sse, SseError>>> {
        // Nothing that a server sends by itself is of use to a program.
        Err(StreamableHttpError::ServerDoesNotSupportSse)
    }
}

fn bytes(body: Vec<u8>) -> std::collections::VecDeque<u8> {
    body.into()
}
