//! The time that the observed server takes, so that a rehearsal is as slow as the real run.
//!
//! Two workers carry out requests. A reading request holds its worker and the row of its token, so
//! that one token waits for itself; posts wait for a worker alone, but get in each other's way. How
//! much there is to do is told by what was read and written ([`costs`]). Time passes by sleeping and
//! by nothing else, and every length of it is divided by the speed.

mod costs;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Queue, Semaphore};
use tokio::time::sleep;

use super::api::{Answer, Request, State, answer};
use costs::Work;

/// Workers of the observed server.
const WORKERS: usize = 2;
/// Queues of tokens beyond which the idle ones are cleared away.
const QUEUES: usize = 256;

/// A server as slow as the observed one, or so many times faster.
///
/// ```
/// # use waldur_usage::sandbox::Model;
/// let model: Model = "observed:50".parse().unwrap();
/// assert_eq!(model.to_string(), "observed:50");
/// assert!("guessed".parse::<Model>().is_err());
/// ```
#[derive(Debug)]
pub struct Model {
    speed: u32,
    workers: Semaphore,
    tokens: Mutex<HashMap<String, Arc<Queue<()>>>>,
    /// Posts that were begun or wait, for as long as they do.
    posts: AtomicUsize,
}

/// A text is not a [`Model`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a model is `observed` or `observed:SPEED` with a whole SPEED from 1 to 1000000")]
pub struct ModelError;

impl Model {
    fn observed(speed: u32) -> Self {
        Self { speed, workers: Semaphore::new(WORKERS), tokens: Mutex::default(), posts: AtomicUsize::new(0) }
    }

    /// Carries out a request by the rules, and takes the time for it.
    pub(super) async fn carry_out(&self, state: &State, request: &Request) -> Answer {
        let token = request.authorization.as_deref().unwrap_or_default();
        let answered = || {
            let answer = answer(state, request);
            let work = Work::of(state, request, &answer);
            (answer, work)
        };
        if request.method == "POST" { self.post(answered).await } else { self.read(token, answered).await }
    }

    /// Reads: a worker and the token are held for most of the time, the rest is spent on the way.
    async fn read<T>(&self, token: &str, work: impl FnOnce() -> (T, Work)) -> T {
        let queue = self.queue(token);
        let (result, time) = {
            // The queue is closed at no time, so that there always is a permit in the end.
            let _worker = self.workers.acquire().await;
            let _own = queue.lock().await;
            let (result, work) = work();
            let time = work.time();
            sleep(costs::held(time) / self.speed).await;
            (result, time)
        };
        sleep(time.saturating_sub(costs::held(time)) / self.speed).await;
        result
    }

    /// Posts: the more of them there are at once, the longer each takes, up to a point.
    async fn post<T>(&self, work: impl FnOnce() -> (T, Work)) -> T {
        let under_way = UnderWay::begin(&self.posts);
        let _worker = self.workers.acquire().await;
        let (result, work) = work();
        let at_once = under_way.count();
        sleep(costs::among(work.time(), at_once) / self.speed).await;
        result
    }

    fn queue(&self, token: &str) -> Arc<Queue<()>> {
        let mut queues = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if queues.len() >= QUEUES {
            queues.retain(|_, queue| Arc::strong_count(queue) > 1);
        }
        Arc::clone(queues.entry(token.to_owned()).or_default())
    }
}

/// A post that is under way; also one whose client went away is counted out.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn begin(posts: &'a AtomicUsize) -> Self {
        posts.fetch_add(1, Ordering::Relaxed);
        Self(posts)
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl FromStr for Model {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let speed = match text.strip_prefix("observed").ok_or(ModelError)? {
            "" => 1,
            rest => rest.strip_prefix(':').and_then(|speed| speed.parse().ok()).ok_or(ModelError)?,
        };
        if (1..=1_000_000).contains(&speed) { Ok(Self::observed(speed)) } else { Err(ModelError) }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.speed {
            1 => formatter.write_str("observed"),
            speed => write!(formatter, "observed:{speed}"),
        }
    }
}
