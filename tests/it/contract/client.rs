//! The smallest HTTP client that can replay an exchange: one connection per request.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use waldur_usage::sandbox::Sandbox;

use super::binding::Binding;

/// An answer; what is not JSON is a text.
pub(super) struct Answer {
    pub status: u16,
    /// By their names in small letters.
    pub headers: HashMap<String, String>,
    pub body: Value,
}

/// Sends the request of an exchange.
pub(super) fn send(sandbox: &Sandbox, binding: &Binding, exchange: &Value) -> Answer {
    let base = sandbox.url();
    let host = base.trim_start_matches("http://");
    let text = |value: &Value| value.as_str().map(|text| binding.apply(text).replace("{base}", &base));
    let body = text(&exchange["body"]);
    let mut headers: Vec<(String, String)> = exchange["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let has = |headers: &[(String, String)], name: &str| {
        headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    if let Some(account) = exchange["as"].as_str().filter(|_| !has(&headers, "Authorization")) {
        headers.push(("Authorization".into(), format!("Token {}", sandbox.tokens()[account])));
    }
    if !has(&headers, "Host") {
        headers.push(("Host".into(), host.to_owned()));
    }
    if let Some(body) = &body {
        if !has(&headers, "Content-Type") {
            headers.push(("Content-Type".into(), "application/json".into()));
        }
        headers.push(("Content-Length".into(), body.len().to_string()));
    }
    let target = quoted(&text(&exchange["path"]).unwrap());
    let head = format!("{} {target} HTTP/1.1", exchange["method"].as_str().unwrap());
    let fields: String = headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
    let request = format!("{head}\r\nConnection: close\r\n{fields}\r\n{}", body.unwrap_or_default());
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    read(&String::from_utf8(answer).unwrap())
}

fn read(answer: &str) -> Answer {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let body = match body {
        "" => Value::Null,
        _ => serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned())),
    };
    Answer {
        status,
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        body,
    }
}

/// A path with its query in which only what may not stand there is escaped.
fn quoted(target: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/?&=%:+,*$@!~'()[]#_.-".contains(&byte);
    let quote = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    target.bytes().map(quote).collect()
}
