//! The yardstick of serving: an axum handler that answers every request with the same bytes, and does
//! nothing else.
#![expect(clippy::print_stdout, reason = "its address is all that it says")]

use std::error::Error;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

const USAGE: &str = "usage: bare_server FILE";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Cargo itself adds `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let bytes = Bytes::from(std::fs::read(arguments.next().ok_or(USAGE)?)?);
    let app = Router::new().fallback(answer).with_state(bytes);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // As the sandbox does: answers leave at once.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

async fn answer(State(bytes): State<Bytes>) -> ([(axum::http::HeaderName, &'static str); 1], Bytes) {
    ([(CONTENT_TYPE, "application/json")], bytes)
}
