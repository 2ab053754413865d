//! What the tests of tools share: one call, and a small HTTP server.

use serde_json::Value;
use sgl_tools::{Answer, Binding, Failure, Toolbox};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Time enough for anything on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// What one call comes to.
pub(crate) fn call(binding: &Binding, arguments: Value, timeout: Duration) -> Result<Value, Failure> {
    let mut tools = Toolbox::default();
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    tools.start(1, binding, arguments, Some(timeout));
    let mut answers: Vec<Answer> = Vec::new();
    let until = Instant::now() + timeout + Duration::from_secs(20);
    while answers.is_empty() && Instant::now() < until {
        tools.poll(Duration::from_millis(100), &mut answers);
    }
    let answer = answers.pop().expect("an answer comes");
    assert_eq!((answer.number, answers.len()), (1, 0));
    answer.result
}

/// Serves requests with `answer`, which gets the path and the body, and gives status, headers and body.
pub(crate) fn server(answer: impl Fn(&Value) -> (u16, &'static str, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            serve(stream, &answer);
        }
    });
    format!("http://{address}/tool")
}

fn serve(mut stream: TcpStream, answer: &impl Fn(&Value) -> (u16, &'static str, String)) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    loop {
        let (mut line, mut length) = (String::new(), 0);
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let lower = line.to_lowercase();
            if let Some(count) = lower.strip_prefix("content-length:") {
                length = count.trim().parse().expect("a length");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the body");
        let (status, headers, text) = answer(&serde_json::from_slice(&body).unwrap_or(Value::Null));
        let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", text.len());
        if stream.write_all(format!("{head}{text}").as_bytes()).is_err() {
            return;
        }
    }
}
