//! The yardstick of posting: sends prepared `set_usage` requests over keep-alive connections, and
//! does nothing else. A line `GET /path` instead of a body is a read of that path; with `--parse` every
//! answer is parsed as JSON too, which makes it the yardstick of reading.
//!
//! It is no client: it knows HTTP/1.1 as far as the sandbox speaks it, and looks at nothing of an
//! answer but its status and where it ends. The connections are open and the requests are in memory
//! before the clock starts.
#![expect(clippy::print_stdout, reason = "what it measured is all that it says")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::ErrorKind;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str =
    "usage: WALDUR_ACCESS_TOKEN=… load_generator http://HOST:PORT BODIES.jsonl CONNECTIONS [--parse]";
const PATH: &str = "/api/marketplace-component-usages/set_usage/";

// One thread is enough for a few hundred requests per second, and leaves the others to the server.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    // Cargo itself adds `--bench`.
    let mut arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let parses = arguments.last().is_some_and(|last| last == "--parse");
    arguments.truncate(arguments.len() - usize::from(parses));
    let [url, bodies, connections] = arguments.as_slice() else { return Err(USAGE.into()) };
    let host = url.strip_prefix("http://").ok_or(USAGE)?.trim_end_matches('/');
    let token = std::env::var("WALDUR_ACCESS_TOKEN").map_err(|_| USAGE)?;
    let requests = Arc::new(requests(&std::fs::read_to_string(bodies)?, host, &token));
    let mut streams = Vec::new();
    for _ in 0..connections.parse()? {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }

    let start = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut connections = JoinSet::new();
    for stream in streams {
        connections.spawn(send_until_done(stream, requests.clone(), next.clone(), parses));
    }
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    while let Some(sent) = connections.join_next().await {
        for status in sent?? {
            *statuses.entry(status).or_default() += 1;
        }
    }
    let seconds = start.elapsed().as_secs_f64();

    let statuses: Vec<String> =
        statuses.into_iter().map(|(status, count)| format!("{count} × {status}")).collect();
    println!("{} requests in {seconds:.6} s: {}", requests.len(), statuses.join(", "));
    Ok(())
}

/// Head and body of every request, as they go over the wire.
fn requests(bodies: &str, host: &str, token: &str) -> Vec<Vec<u8>> {
    let request = |body: &str| {
        if let Some(path) = body.strip_prefix("GET ") {
            return format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Token {token}\r\n\r\n");
        }
        let length = body.len();
        format!(
            "POST {PATH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Token {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    bodies.lines().map(|body| request(body).into_bytes()).collect()
}

/// Takes the next request until none is left; the statuses of the answers.
async fn send_until_done(
    stream: TcpStream,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    parses: bool,
) -> Result<Vec<u16>, Failure> {
    let mut statuses = Vec::new();
    let mut received = Vec::new();
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        write(&stream, request).await?;
        let (status, body) = answer(&stream, &mut received).await?;
        statuses.push(status);
        if parses {
            // What is parsed is thrown away, and is not to be optimised away with it.
            std::hint::black_box(serde_json::from_slice::<serde_json::Value>(&received[body])?);
        }
    }
    Ok(statuses)
}

async fn write(stream: &TcpStream, mut request: &[u8]) -> Result<(), Failure> {
    while !request.is_empty() {
        stream.writable().await?;
        match stream.try_write(request) {
            Ok(count) => request = &request[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Reads one answer to its end; its status, and where its body stands.
async fn answer(stream: &TcpStream, received: &mut Vec<u8>) -> Result<(u16, Range<usize>), Failure> {
    let mut chunk = vec![0; 64 * 1024];
    received.clear();
    loop {
        stream.readable().await?;
        match stream.try_read(&mut chunk) {
            Ok(0) => return Err("the server closed a connection".into()),
            Ok(count) => {
                received.extend_from_slice(&chunk[..count]);
                if let Some((status, body)) = head(received)?
                    && received.len() >= body.end
                {
                    return Ok((status, body));
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The status and where the body is to stand, once the head is there.
fn head(received: &[u8]) -> Result<Option<(u16, Range<usize>)>, Failure> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&received[..end])?;
    let status = head.split(' ').nth(1).ok_or("an answer without a status")?.parse()?;
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.ok_or("an answer without a Content-Length")?.1.trim().parse()?;
    Ok(Some((status, end + 4..end + 4 + length)))
}
