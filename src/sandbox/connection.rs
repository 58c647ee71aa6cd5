//! Connections as the sandbox needs them: they can be dropped without an answer, and header names
//! leave as the real server spells them.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// A `Date` that is taken out of the head before it leaves: the library below would write one of its
/// own where there is none. The byte can stand in no other header of ours.
pub(super) const NO_DATE: &[u8] = b"\xff";

/// Whether a connection is to be dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Switch(Arc<AtomicBool>);

impl Switch {
    /// Lets the next write fail, so that not a byte of an answer leaves.
    pub(super) fn drop_connection(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Who is at the other end of a connection, and its switch.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub switch: Switch,
    pub address: SocketAddr,
}

/// A listener whose connections can be dropped by their switch.
pub(super) struct Switched(pub TcpListener);

/// A connection that fails to write once its switch is set.
pub(super) struct SwitchedStream {
    stream: TcpStream,
    switch: Switch,
}

impl Listener for Switched {
    type Io = SwitchedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Answers are written at once; waiting to fill a packet would only slow small ones down.
        let _ = stream.set_nodelay(true);
        (SwitchedStream { stream, switch: Switch::default() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Switched>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Switched>) -> Self {
        Self { switch: stream.io().switch.clone(), address: *stream.remote_addr() }
    }
}

impl AsyncRead for SwitchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for SwitchedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    /// Writes an answer in one go, its head in our spelling; the body stays where it is.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.switch.0.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        // The rest of a head that is not written at once keeps its small letters, which mean the same.
        let length = parts.first().and_then(|first| head_length(first));
        let (Some(length), [first, others @ ..]) = (length, parts) else {
            return Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        };
        let (head, body) = first.split_at(length);
        let mut head = head.to_vec();
        blank_date(&mut head);
        capitalise(&mut head);
        let parts = [&[IoSlice::new(&head), IoSlice::new(body)], others].concat();
        Pin::new(&mut self.stream).poll_write_vectored(context, &parts)
    }

    /// Says so, lest every body be copied to stand behind its head.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The length of the head of an answer, where the bytes begin with one.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let end = |window: &[u8]| window == b"\r\n\r\n";
    bytes.starts_with(b"HTTP/1.1 ").then(|| bytes.windows(4).position(end)).flatten()
}

/// Writes header names as `X-Result-Count`. They mean the same in any case, but there are clients
/// that compare them as texts, and the real server writes them so.
fn capitalise(head: &mut [u8]) {
    let (mut in_name, mut at_start) = (false, false);
    for byte in head {
        match *byte {
            b'\n' => (in_name, at_start) = (true, true),
            b':' => in_name = false,
            _ if in_name && at_start => {
                byte.make_ascii_uppercase();
                at_start = false;
            }
            b'-' => at_start = true,
            _ => {}
        }
    }
}

/// Takes out a `Date` that is to be missing. Its bytes become blanks at the end of the header before
/// it, which mean nothing, so that the head keeps its length.
fn blank_date(head: &mut [u8]) {
    let line = [b"\r\ndate: ", NO_DATE].concat();
    let found = head.windows(line.len()).position(|window| window == line);
    if let Some(at) = found {
        head[at..at + line.len()].fill(b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_is_to_be_missing_is_taken_out() {
        let mut head = b"HTTP/1.1 200 OK\r\ndate: \xff\r\n\r\n".to_vec();
        blank_date(&mut head);
        assert_eq!(head, b"HTTP/1.1 200 OK         \r\n\r\n");
    }

    #[test]
    fn header_names_are_capitalised_and_values_are_not() {
        let mut head =
            b"HTTP/1.1 200 OK\r\nx-result-count: 3\r\nlink: <http://a-b/?x=y>\r\n\r\n{\"a\": 1}".to_vec();
        let length = head_length(&head).unwrap();
        capitalise(&mut head[..length]);
        let text = String::from_utf8(head).unwrap();
        assert_eq!(text, "HTTP/1.1 200 OK\r\nX-Result-Count: 3\r\nLink: <http://a-b/?x=y>\r\n\r\n{\"a\": 1}");
        assert_eq!(head_length(b"{}"), None);
    }
}
