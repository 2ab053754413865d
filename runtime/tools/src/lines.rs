//! Lines of the standard input.

use serde_json::Value;

/// Reads the next line; `null` at the end.
pub(crate) fn start(reply: impl FnOnce(Result<Value, String>) + Send + 'static) {
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        reply(match read {
            Ok(0) => Ok(Value::Null),
            Ok(_) => Ok(Value::String(line.trim_end_matches(['\n', '\r']).to_string())),
            Err(error) => Err(format!("the standard input: {error}")),
        });
    });
}
