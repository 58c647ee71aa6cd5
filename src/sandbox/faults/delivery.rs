//! How an answer leaves: whole, in part, slowly, not at all; and with which `Date`.

use std::convert::Infallible;
use std::io;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use crate::sandbox::api::Answer;
use crate::sandbox::connection::NO_DATE;

/// How the bytes of an answer leave.
#[derive(Debug, Default)]
pub(in crate::sandbox) enum Delivery {
    #[default]
    Whole,
    /// In parts of so many bytes, with a pause after each.
    Slow(usize, Duration),
    /// A part, then nothing for so long, then the end of the connection.
    Stalled(Duration),
    /// A part, then the end of the connection.
    Truncated,
}

/// What an answer says about the time.
#[derive(Debug, Default)]
pub(in crate::sandbox) enum Stamp {
    /// What the clock says.
    #[default]
    Clock,
    /// What the clock says, and that much more or less.
    Skewed(SignedDuration),
    /// This text.
    Text(String),
    /// Nothing.
    Missing,
}

/// How long a part of an answer is given to leave before its connection is closed.
const LEAVING: Duration = Duration::from_millis(20);
/// Bytes of a huge body that are sent at once.
const BLOCK: &[u8] = &[b'x'; 64 * 1024];

fn none() -> HeaderValue {
    HeaderValue::from_bytes(NO_DATE).unwrap_or(HeaderValue::from_static(""))
}

impl Stamp {
    fn header(&self, now: Timestamp) -> HeaderValue {
        let moment = match self {
            Self::Clock => now,
            Self::Skewed(skew) => now.checked_add(*skew).unwrap_or(now),
            Self::Text(text) => {
                return HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("no date"));
            }
            Self::Missing => return none(),
        };
        // A header can tell no moment before 1970, and none after 9999.
        let moment = SystemTime::from(moment).max(SystemTime::UNIX_EPOCH);
        HeaderValue::from_str(&httpdate::fmt_http_date(moment)).unwrap_or_else(|_| none())
    }
}

impl Delivery {
    /// Turns an answer into what the socket is given.
    pub(in crate::sandbox) fn response(
        &self,
        answer: Answer,
        now: Timestamp,
        stamp: &Stamp,
    ) -> Response<Body> {
        let Answer { status, headers, body, .. } = answer;
        let (body, length) = self.body(body);
        respond(status, headers, (body, length), now, stamp)
    }

    /// The body, and the length that the head has to promise where the body itself does not tell.
    fn body(&self, bytes: Vec<u8>) -> (Body, Option<u64>) {
        // The answer to a post has no body; a single byte is promised instead, and never comes.
        let promised = u64::try_from(bytes.len()).unwrap_or(u64::MAX).max(1);
        match self {
            Self::Whole => (Body::from(bytes), None),
            Self::Slow(_, _) if bytes.is_empty() => (Body::empty(), None),
            Self::Slow(chunk, pause) => (trickle(bytes, *chunk, *pause), Some(promised)),
            Self::Stalled(silence) => (part(bytes, *silence), Some(promised)),
            Self::Truncated => (part(bytes, LEAVING), Some(promised)),
        }
    }
}

/// An answer whose body is a list of one text, of so many bytes in all.
pub(super) fn huge(answer: Answer, bytes: u64, now: Timestamp, stamp: &Stamp) -> Response<Body> {
    let bytes = bytes.max(4);
    let mut headers = answer.headers;
    headers.retain(|(name, _)| *name != "Content-Type");
    headers.push(("Content-Type", "application/json".to_owned()));
    respond(answer.status, headers, (huge_body(bytes), Some(bytes)), now, stamp)
}

fn respond(
    status: u16,
    headers: Vec<(&'static str, String)>,
    (body, length): (Body, Option<u64>),
    now: Timestamp,
    stamp: &Stamp,
) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    if let Some(length) = length {
        response = response.header(header::CONTENT_LENGTH, length);
    }
    response.header(header::DATE, stamp.header(now)).body(body).unwrap_or_else(|_| {
        let mut broken = Response::new(Body::from("an injected fault cannot be sent as it is"));
        *broken.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        broken
    })
}

fn trickle(bytes: Vec<u8>, chunk: usize, pause: Duration) -> Body {
    let parts = stream::unfold((bytes, false), move |(mut left, is_begun)| async move {
        if left.is_empty() {
            return None;
        }
        if is_begun {
            sleep(pause).await;
        }
        let rest = left.split_off(chunk.min(left.len()));
        Some((Ok::<_, Infallible>(left), (rest, true)))
    });
    Body::from_stream(parts)
}

/// Half of a body, then silence, then an error that closes the connection.
fn part(mut bytes: Vec<u8>, silence: Duration) -> Body {
    bytes.truncate(bytes.len() / 2);
    let parts = stream::unfold(Some(bytes), move |left| async move {
        match left {
            Some(bytes) if !bytes.is_empty() => Some((Ok(bytes), Some(Vec::new()))),
            Some(_) => {
                sleep(silence).await;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None))
            }
            None => None,
        }
    });
    Body::from_stream(parts)
}

fn huge_body(bytes: u64) -> Body {
    let text = bytes - 4;
    let parts = stream::unfold((0_u64, text), |(step, left)| async move {
        let full = u64::try_from(BLOCK.len()).unwrap_or(u64::MAX);
        match (step, left) {
            (0, left) => Some((Ok::<_, Infallible>(&b"[\""[..]), (1, left))),
            (1, 0) => Some((Ok(&b"\"]"[..]), (2, 0))),
            (1, left) => {
                let length = usize::try_from(left.min(full)).unwrap_or(BLOCK.len());
                Some((Ok(&BLOCK[..length]), (1, left - left.min(full))))
            }
            _ => None,
        }
    });
    Body::from_stream(parts)
}
