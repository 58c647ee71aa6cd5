//! Whether an exchange is tried again, and when.
//!
//! Every exchange ends in a [`Verdict`], and [`Patience`] turns the verdicts on one read into waits. A
//! wait is drawn from nothing up to a time that doubles, so that requests which failed together do not
//! come back together. The law kept here: tries are bounded in number and in time, whatever a server
//! asks for.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use tokio::time::Instant;

/// How often a read is tried. Where a fifth of all requests fails, one read in ten million needs more.
const TRIES: u32 = 10;
/// How often where nothing listens: a server that is not there is to be told soon.
const TRIES_AWAY: u32 = 3;
/// After which time a read is given up, however many tries are left.
const LONGEST_READ: Duration = Duration::from_mins(5);
/// The most that is waited after the first try; it doubles with each one.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The most that is waited where the server does not say how long.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// The most of a server's `Retry-After` that is heeded.
const LONGEST_ASKED: Duration = Duration::from_mins(1);
/// Over which time those come back who were asked to wait equally long.
const SPREAD: Duration = Duration::from_secs(1);

/// What an exchange says about trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The server answered, with whatever status; its answer stands.
    Done,
    /// The server or its gateway is busy, or the answer was lost: later may be better.
    NotNow {
        /// How long the server asks to wait, never more than a minute.
        wait: Option<Duration>,
    },
    /// No connection.
    Away,
    /// Another try would end alike.
    Never,
}

/// The tries of one read.
#[derive(Debug)]
pub(super) struct Patience {
    tries: u32,
    began: Instant,
}

impl Patience {
    /// Patience for a read that begins now.
    pub(super) fn begin() -> Self {
        Self { tries: 0, began: Instant::now() }
    }

    /// How long to wait before the next try; `None` where this one was the last.
    pub(super) fn wait(&mut self, verdict: Verdict) -> Option<Duration> {
        let (most, asked) = match verdict {
            Verdict::Done | Verdict::Never => return None,
            Verdict::NotNow { wait } => (TRIES, wait),
            Verdict::Away => (TRIES_AWAY, None),
        };
        let ceiling = LONGEST_WAIT.min(FIRST_WAIT * 2_u32.pow(self.tries));
        self.tries += 1;
        if self.tries >= most {
            return None;
        }
        let wait = asked.map_or_else(|| up_to(ceiling), |asked| asked + up_to(ceiling.min(SPREAD)));
        (self.began.elapsed() + wait <= LONGEST_READ).then_some(wait)
    }
}

/// A random part of a time.
pub(super) fn up_to(most: Duration) -> Duration {
    most.mul_f64(fastrand::f64())
}

/// How long an answer asks to wait: in seconds, or until a date, which is held against the server's own.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    let until = || {
        let now = date(headers, &DATE).unwrap_or_else(SystemTime::now);
        Some(date(headers, &RETRY_AFTER)?.duration_since(now).unwrap_or_default())
    };
    seconds.or_else(until).map(|asked| asked.min(LONGEST_ASKED))
}

/// The date in a header.
pub(super) fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Verdict = Verdict::NotNow { wait: None };

    fn waits(verdict: Verdict) -> Vec<Duration> {
        let mut patience = Patience::begin();
        std::iter::from_fn(|| patience.wait(verdict)).collect()
    }

    #[test]
    fn waits_grow_within_bounds_and_end() {
        let mut longest = [Duration::ZERO; 9];
        for _ in 0..500 {
            let waits = waits(BUSY);
            assert_eq!(waits.len(), 9);
            for (longest, wait) in longest.iter_mut().zip(waits) {
                *longest = (*longest).max(wait);
            }
        }
        for (at, longest) in longest.into_iter().enumerate() {
            let ceiling = LONGEST_WAIT.min(FIRST_WAIT * (1 << at));
            assert!(longest <= ceiling && longest > ceiling.mul_f64(0.9), "{at}: {longest:?} of {ceiling:?}");
        }
        assert_eq!(waits(Verdict::Away).len(), 2);
        assert_eq!(waits(Verdict::Done).len() + waits(Verdict::Never).len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn time_ends_it_too_whatever_the_server_asks_for() {
        let mut patience = Patience::begin();
        let mut tries = 0;
        let begun = Instant::now();
        loop {
            tries += 1;
            tokio::time::sleep(Duration::from_secs(20)).await;
            let Some(wait) = patience.wait(Verdict::NotNow { wait: Some(LONGEST_ASKED) }) else { break };
            assert!(wait >= LONGEST_ASKED && wait <= LONGEST_ASKED + SPREAD, "{wait:?}");
            tokio::time::sleep(wait).await;
        }
        assert_eq!(tries, 4);
        assert!(begun.elapsed() <= LONGEST_READ, "{:?}", begun.elapsed());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_servers_own_clock() {
        let asked = |retry: &'static str, date: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, retry.parse().unwrap());
            date.map(|date| headers.insert(DATE, date.parse().unwrap()));
            retry_after(&headers).map(|wait| wait.as_secs())
        };
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (retry, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("86400", Some(60)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 09:49:47 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("1.5", None),
        ] {
            assert_eq!(asked(retry, date), seconds, "{retry}");
        }
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:47 GMT", None), Some(0), "long ago by our own clock");
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
