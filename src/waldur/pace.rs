//! How many requests are in flight: as many as are allowed while all goes well, fewer where the server
//! gives way.
//!
//! All requests of a connection share one [`Pace`]. An answer that says "not now", or that is lost,
//! halves the limit; as many good answers as the limit is add one to it, up to where it began. Requests
//! that left before the limit was halved tell nothing new, so one bad moment halves it once. Where the
//! server asks to wait, nothing leaves meanwhile. What is tried again, and when, is not known here.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::retry::{Verdict, up_to};

/// Over which time those go on who waited together.
const SPREAD: Duration = Duration::from_millis(100);

/// The limit of requests in flight.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    slots: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// Slots that were taken away while requests were in them; the next ones to come back are kept.
    owed: usize,
    /// Good answers since the limit last changed.
    good: usize,
    /// How often the limit was halved.
    cuts: u64,
    /// Until when nothing leaves.
    pause: Option<Instant>,
}

/// Leave for one request, held until its answer is whole; given back where the request is dropped.
#[derive(Debug)]
#[must_use]
pub(super) struct Permit<'a> {
    pace: &'a Pace,
    slot: Option<SemaphorePermit<'a>>,
    /// How often the limit had been halved when the request left.
    cuts: u64,
}

impl Pace {
    /// Begins at the most that is allowed.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        let state = State { limit: most, owed: 0, good: 0, cuts: 0, pause: None };
        Self { most, slots: Semaphore::new(most), state: Mutex::new(state) }
    }

    /// Waits until a request may leave.
    pub(super) async fn permit(&self) -> Permit<'_> {
        // Nobody closes the semaphore, so there is always a slot.
        let slot = self.slots.acquire().await.ok();
        let mut permit = Permit { pace: self, slot, cuts: 0 };
        loop {
            let pause = {
                let state = self.state();
                permit.cuts = state.cuts;
                state.pause
            };
            match pause.filter(|&until| until > Instant::now()) {
                Some(until) => tokio::time::sleep_until(until + up_to(SPREAD)).await,
                None => return permit,
            }
        }
    }

    fn judge(&self, verdict: Verdict, cuts: u64) {
        let mut state = self.state();
        let is_news = cuts == state.cuts;
        match verdict {
            Verdict::Done if is_news && state.limit < self.most => {
                state.good += 1;
                if state.good >= state.limit {
                    self.raise(&mut state);
                }
            }
            Verdict::NotNow { wait } => {
                if let Some(wait) = wait {
                    state.pause = state.pause.max(Some(Instant::now() + wait));
                }
                if is_news {
                    self.halve(&mut state);
                }
            }
            Verdict::Away if is_news => self.halve(&mut state),
            Verdict::Done | Verdict::Away | Verdict::Never => {}
        }
    }

    fn raise(&self, state: &mut State) {
        (state.limit, state.good) = (state.limit + 1, 0);
        match state.owed.checked_sub(1) {
            Some(owed) => state.owed = owed,
            None => self.slots.add_permits(1),
        }
    }

    fn halve(&self, state: &mut State) {
        let limit = (state.limit / 2).max(1);
        let taken = state.limit - limit;
        state.owed += taken - self.slots.forget_permits(taken);
        (state.limit, state.good) = (limit, 0);
        state.cuts += 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Says how the exchange ended, and makes room for the next one.
    pub(super) fn done(self, verdict: Verdict) {
        self.pace.judge(verdict, self.cuts);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        if let Some(owed) = state.owed.checked_sub(1) {
            state.owed = owed;
            if let Some(slot) = self.slot.take() {
                slot.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    const BUSY: Verdict = Verdict::NotNow { wait: None };

    impl Pace {
        fn limit(&self) -> usize {
            self.state().limit
        }

        /// Takes as many permits as there are.
        async fn fill(&self) -> Vec<Permit<'_>> {
            let mut permits = Vec::new();
            while self.slots.available_permits() > 0 {
                permits.push(self.permit().await);
            }
            permits
        }
    }

    #[tokio::test]
    async fn one_bad_moment_halves_it_once_and_good_ones_win_it_back_by_and_by() {
        let pace = Pace::new(8);
        for permit in pace.fill().await {
            permit.done(BUSY);
        }
        assert_eq!(pace.limit(), 4);
        let mut flights = 0;
        while pace.limit() < 8 {
            let permits = pace.fill().await;
            assert_eq!(permits.len(), 4 + flights);
            for permit in permits {
                permit.done(Verdict::Done);
            }
            flights += 1;
        }
        assert_eq!(flights, 4);
        for limit in [4, 2, 1, 1] {
            pace.permit().await.done(Verdict::Away);
            assert_eq!(pace.limit(), limit);
        }
        // What tells nothing changes nothing, and neither does a request that was given up.
        pace.permit().await.done(Verdict::Never);
        drop(pace.permit().await);
        assert_eq!((pace.limit(), pace.fill().await.len()), (1, 1));
    }

    #[tokio::test]
    async fn slots_taken_away_under_requests_are_kept_when_they_come_back() {
        let pace = Pace::new(8);
        let mut permits = pace.fill().await;
        permits.pop().unwrap().done(BUSY);
        assert_eq!(pace.slots.available_permits(), 0);
        // Seven are in flight, and four are allowed.
        for left in (4..7).rev() {
            permits.pop();
            assert_eq!((permits.len(), pace.slots.available_permits()), (left, 0));
        }
        permits.pop();
        assert_eq!((permits.len(), pace.slots.available_permits()), (3, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_leaves_while_the_server_asks_to_wait() {
        let pace = Pace::new(4);
        let begun = Instant::now();
        pace.permit().await.done(Verdict::NotNow { wait: Some(Duration::from_secs(7)) });
        pace.permit().await.done(Verdict::NotNow { wait: Some(Duration::from_secs(2)) });
        let left = join_all((0..20).map(|_| async {
            pace.permit().await.done(Verdict::Done);
            begun.elapsed()
        }));
        for left in left.await {
            let latest = Duration::from_secs(9) + SPREAD * 2;
            assert!(left >= Duration::from_secs(7) && left <= latest, "{left:?}");
        }
    }

    /// A server that takes 50 ms, and in each tenth of a second only so many requests.
    struct Limited {
        per_tenth: AtomicUsize,
        tenth: Mutex<(u128, usize)>,
        begun: Instant,
        asks_to_wait: bool,
    }

    impl Limited {
        async fn answer(&self) -> Verdict {
            let is_over = {
                let now = self.begun.elapsed().as_millis() / 100;
                let mut tenth = self.tenth.lock().unwrap();
                if tenth.0 != now {
                    *tenth = (now, 0);
                }
                tenth.1 += 1;
                tenth.1 > self.per_tenth.load(Ordering::Relaxed)
            };
            tokio::time::sleep(Duration::from_millis(50)).await;
            let wait = self.asks_to_wait.then(|| Duration::from_millis(100));
            if is_over { Verdict::NotNow { wait } } else { Verdict::Done }
        }
    }

    /// Answers and refusals a second, after a warm-up.
    async fn rates(pace: &Pace, server: &Limited, seconds: u32) -> (f64, f64) {
        let (good, bad) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let begun = Instant::now();
        join_all((0..32).map(|_| async {
            while begun.elapsed() < Duration::from_secs(seconds.into()) + Duration::from_secs(5) {
                let permit = pace.permit().await;
                let verdict = server.answer().await;
                permit.done(verdict);
                if begun.elapsed() > Duration::from_secs(5) {
                    let count = if verdict == Verdict::Done { &good } else { &bad };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        }))
        .await;
        let rate = |count: &AtomicUsize| {
            f64::from(u32::try_from(count.load(Ordering::Relaxed)).unwrap()) / f64::from(seconds)
        };
        (rate(&good), rate(&bad))
    }

    #[tokio::test(start_paused = true)]
    async fn it_finds_the_rate_of_a_limited_server_and_follows_it() {
        fastrand::seed(1);
        for asks_to_wait in [false, true] {
            let pace = Pace::new(32);
            let server = Limited {
                per_tenth: AtomicUsize::new(20),
                tenth: Mutex::new((0, 0)),
                begun: Instant::now(),
                asks_to_wait,
            };
            // 32 at a time would be 640 a second.
            for (per_tenth, allowed) in [(20, 200.0), (6, 60.0), (40, 400.0)] {
                server.per_tenth.store(per_tenth, Ordering::Relaxed);
                let (good, bad) = rates(&pace, &server, 60).await;
                println!("{allowed} a second, waits {asks_to_wait}: {good:.1} answered, {bad:.1} refused");
                let (least, most) = if asks_to_wait { (0.4, 0.25) } else { (0.8, 0.3) };
                assert!(good >= least * allowed, "{good} of {allowed}");
                assert!(bad <= most * good, "{bad} refused, {good} answered");
            }
        }
    }
}
