//! A client that sees what goes over the wire: half answers, silence and closed connections too.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use waldur_usage::sandbox::Sandbox;

/// What a client gets.
#[derive(Debug)]
pub enum Outcome {
    Answered(Reply),
    /// The connection was closed before a whole head came.
    Dropped,
    /// Nothing like a head came in time.
    Silent,
}

/// How the body of an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Whole,
    Closed,
    Silent,
}

/// An answer, whole or not.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub end: End,
    pub took: Duration,
}

impl Outcome {
    /// The answer, which there has to be.
    pub fn reply(self) -> Reply {
        match self {
            Self::Answered(reply) => reply,
            other => panic!("no answer: {other:?}"),
        }
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// Sends a request with the token of an account, on a connection of its own.
pub fn send(sandbox: &Sandbox, account: &str, method: &str, path: &str, body: &str) -> Outcome {
    let address = sandbox.url().replace("http://", "");
    let token = &sandbox.tokens()[account];
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Token {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    exchange(&address, request.as_bytes(), Duration::from_secs(5))
}

/// Sends bytes and reads what comes, for so long at the most.
pub fn exchange(address: &str, request: &[u8], patience: Duration) -> Outcome {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    // A server that has closed already is seen when reading.
    let _ = stream.write_all(request);
    let mut reader = Bytes { stream: &mut stream, read: Vec::new(), until: begun + patience };
    let is_headless = request.starts_with(b"HEAD ");
    loop {
        if let Some((head, after)) = head(&reader.read) {
            return Outcome::Answered(rest(&mut reader, &head, after, is_headless, begun));
        }
        match reader.more() {
            End::Whole => {}
            End::Closed => return Outcome::Dropped,
            End::Silent => return Outcome::Silent,
        }
    }
}

struct Bytes<'a> {
    stream: &'a mut TcpStream,
    read: Vec<u8>,
    until: Instant,
}

impl Bytes<'_> {
    /// Reads some more; `Whole` where there was any.
    fn more(&mut self) -> End {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return End::Silent;
        }
        self.stream.set_read_timeout(Some(left)).unwrap();
        let mut buffer = vec![0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => End::Closed,
            Ok(length) => {
                self.read.extend_from_slice(&buffer[..length]);
                End::Whole
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => End::Silent,
            Err(_) => End::Closed,
        }
    }
}

fn head(bytes: &[u8]) -> Option<(String, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(&bytes[..end]).into_owned(), end + 4))
}

fn rest(reader: &mut Bytes, head: &str, after: usize, is_headless: bool, begun: Instant) -> Reply {
    let mut lines = head.lines();
    let status: u16 = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.map_or(0, |(_, length)| length.parse().unwrap());
    let wanted = after + if is_headless { 0 } else { length };
    let mut end = End::Whole;
    while end == End::Whole && reader.read.len() < wanted {
        end = reader.more();
    }
    let body = reader.read.split_off(after);
    Reply { status, headers, body, end, took: begun.elapsed() }
}
