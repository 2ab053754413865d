//! Tools that are HTTP endpoints: JSON posted, JSON back.

use crate::limits::{ANSWER_BYTES_MAX, ERROR_BYTES_MAX};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Posts the arguments; what comes back goes to `reply`.
pub(crate) fn start(
    url: String,
    headers: BTreeMap<String, String>,
    arguments: Value,
    timeout: Option<Duration>,
    reply: impl FnOnce(Result<Value, String>) + Send + 'static,
) {
    std::thread::spawn(move || reply(post(&url, &headers, &arguments, timeout)));
}

fn post(
    url: &str,
    headers: &BTreeMap<String, String>,
    arguments: &Value,
    timeout: Option<Duration>,
) -> Result<Value, String> {
    let (status, body) = send(url, headers, &arguments.to_string(), timeout)?.read()?;
    if !(200..300).contains(&status) {
        let said: String = String::from_utf8_lossy(&body).trim().chars().take(ERROR_BYTES_MAX).collect();
        return Err(format!("{url} answered {status}{}{said}", if said.is_empty() { "" } else { ": " }));
    }
    serde_json::from_slice(&body).map_err(|error| format!("{url} gave no JSON: {error}"))
}

/// An answer whose body is still to be read.
pub(crate) struct Reply {
    url: String,
    pub(crate) response: ureq::http::Response<ureq::Body>,
}

impl Reply {
    /// Status and body.
    pub(crate) fn read(mut self) -> Result<(u16, Vec<u8>), String> {
        let status = self.response.status().as_u16();
        let body = self.response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        Ok((status, body.map_err(|error| format!("{}: {error}", self.url))?))
    }
}

/// Posts a JSON text.
pub(crate) fn send(
    url: &str,
    headers: &BTreeMap<String, String>,
    body: &str,
    timeout: Option<Duration>,
) -> Result<Reply, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(timeout)
        .http_status_as_error(false)
        // A redirect could leave the hosts that were granted.
        .max_redirects(0)
        .build()
        .into();
    let mut request = agent
        .post(url)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = request.send(body).map_err(|error| format!("{url}: {error}"))?;
    Ok(Reply { url: url.to_string(), response })
}
