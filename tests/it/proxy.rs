//! A server between the program and the sandbox that changes answers on their way.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde_json::Value;

/// An answer that can be changed.
pub struct Answer {
    pub status: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as a JSON list.
    pub fn rows(&self) -> Vec<Value> {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Another JSON list.
    pub fn set_rows(&mut self, rows: &[Value]) {
        self.body = serde_json::to_vec(rows).unwrap();
    }

    /// Sets or adds a header.
    pub fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a header away.
    pub fn remove(&mut self, name: &str) {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
    }
}

/// A request as the proxy sees it; the path can be changed before it goes on.
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// For whoever counts them.
    pub number: usize,
    body: Vec<u8>,
}

impl Request {
    /// Lets a request that changes nothing go on in the place of this one.
    pub fn swallow(&mut self) {
        "GET".clone_into(&mut self.method);
        "/api/users/me/?field=uuid".clone_into(&mut self.path);
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        self.body.clear();
    }

    /// Whether it is the question for a capability, which no version can save.
    pub fn is_probe(&self) -> bool {
        self.body == br#"{"usages":[],"date":"garbage"}"#
    }
}

type Before = dyn Fn(&mut Request) + Send + Sync;
type After = dyn Fn(&Request, &mut Answer) + Send + Sync;

/// Starts a proxy before a server; it runs until the test process ends. Returns its address.
pub fn start(
    upstream: &str,
    before: impl Fn(&mut Request) + Send + Sync + 'static,
    after: impl Fn(&Request, &mut Answer) + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let upstream = upstream.trim_start_matches("http://").to_owned();
    let (before, after): (Arc<Before>, Arc<After>) = (Arc::new(before), Arc::new(after));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (upstream, before, after) = (upstream.clone(), before.clone(), after.clone());
            thread::spawn(move || serve(&stream.unwrap(), &upstream, &*before, &*after));
        }
    });
    format!("http://{address}")
}

/// Serves one connection; a client that goes away ends it.
fn serve(stream: &TcpStream, upstream: &str, before: &Before, after: &After) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (line, headers, body) = read_message(&mut reader)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut request = Request { method, path, headers, number: 0, body };
    before(&mut request);
    let mut answer = exchange(upstream, &request)?;
    after(&request, &mut answer);
    let mut stream = stream;
    let mut text = format!("{}\r\n", answer.status);
    answer.set("content-length", &answer.body.len().to_string());
    answer.set("connection", "close");
    for (name, value) in &answer.headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    stream.write_all(format!("{text}\r\n").as_bytes()).ok()?;
    stream.write_all(&answer.body).ok()
}

fn exchange(upstream: &str, request: &Request) -> Option<Answer> {
    let mut stream = TcpStream::connect(upstream).ok()?;
    let mut text = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        if !name.eq_ignore_ascii_case("connection") && !name.eq_ignore_ascii_case("accept-encoding") {
            text.extend([name, ": ", value, "\r\n"]);
        }
    }
    stream.write_all(format!("{text}connection: close\r\n\r\n").as_bytes()).ok()?;
    stream.write_all(&request.body).ok()?;
    let (status, headers, body) = read_message(&mut BufReader::new(stream))?;
    Some(Answer { status, headers, body })
}

type Message = (String, Vec<(String, String)>, Vec<u8>);

fn read_message(reader: &mut impl BufRead) -> Option<Message> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|&length| length > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some((first.trim_end().to_owned(), headers, body))
}

/// Reads JSON from a server, with a token.
pub fn get_json(url: &str, token: &str) -> Value {
    let rest = url.trim_start_matches("http://");
    let (host, path) = rest.split_once('/').unwrap();
    let headers =
        vec![("host".to_owned(), host.to_owned()), ("authorization".to_owned(), format!("Token {token}"))];
    let request =
        Request { method: "GET".into(), path: format!("/{path}"), headers, number: 0, body: Vec::new() };
    serde_json::from_slice(&exchange(host, &request).unwrap().body).unwrap()
}

/// Posts JSON with a token; the status line of the answer.
pub fn post_json(url: &str, token: &str, body: &Value) -> String {
    let rest = url.trim_start_matches("http://");
    let (host, path) = rest.split_once('/').unwrap();
    let body = body.to_string().into_bytes();
    let headers = vec![
        ("host".to_owned(), host.to_owned()),
        ("authorization".to_owned(), format!("Token {token}")),
        ("content-type".to_owned(), "application/json".to_owned()),
        ("content-length".to_owned(), body.len().to_string()),
    ];
    let request = Request { method: "POST".into(), path: format!("/{path}"), headers, number: 0, body };
    exchange(host, &request).unwrap().status
}
