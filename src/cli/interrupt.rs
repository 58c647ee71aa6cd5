//! Ctrl-C and, where there is such a thing, the signal that ends services: one and the same wish to stop.

use std::future::pending;
use std::time::Duration;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that come this close to each other are one wish: whoever stops a service may tell each of its
/// programs, and they tell each other.
pub const ONE_WISH: Duration = Duration::from_millis(500);

/// Hears every wish to stop from when it was made on. From then on no such signal ends the program by itself.
pub struct Interrupts {
    #[cfg(unix)]
    signals: [Option<Signal>; 2],
}

impl Interrupts {
    /// Begins to listen.
    #[cfg(unix)]
    pub fn new() -> Self {
        Self { signals: [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok()) }
    }

    /// Begins to listen.
    #[cfg(not(unix))]
    pub fn new() -> Self {
        Self {}
    }

    /// Waits for the next wish to stop; for ever where nobody can be listened to.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate] = &mut self.signals;
            tokio::select! {
                () = one(interrupt.as_mut()) => {}
                () = one(terminate.as_mut()) => {}
            }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    }
}

#[cfg(unix)]
async fn one(signal: Option<&mut Signal>) {
    let is_heard = match signal {
        Some(signal) => signal.recv().await.is_some(),
        None => false,
    };
    if !is_heard {
        pending::<()>().await;
    }
}

/// Waits for a wish to stop that comes from now on.
pub async fn interrupted() {
    Interrupts::new().next().await;
}

/// Waits for the signal that ends services, and for nothing else: Ctrl-C reaches all programs of a terminal.
pub async fn terminated() {
    #[cfg(unix)]
    one(signal(SignalKind::terminate()).ok().as_mut()).await;
    #[cfg(not(unix))]
    pending::<()>().await;
}
