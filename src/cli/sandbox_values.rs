//! Values of the command line of `sandbox` as they are typed: addresses, moments and times.
//!
//! Each reader says what form is wanted, with an example; the words of the libraries below help
//! nobody who does not know them.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Reads an address with its port; `localhost` is loopback, whatever a resolver makes of it.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let of_localhost = |(name, port): (&str, &str)| {
        let port = port.parse().ok()?;
        name.eq_ignore_ascii_case("localhost").then(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    let address = text.parse().ok().or_else(|| text.split_once(':').and_then(of_localhost));
    address.ok_or_else(|| {
        "write an IP address and a port, such as 127.0.0.1:8000, localhost:8000 or [::1]:8000".to_owned()
    })
}

/// Reads a moment.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write day, time and zone, such as 2026-12-01T09:00:00Z".to_owned())
}

/// Reads a time as those of faults are written; a number alone is milliseconds.
pub fn time(text: &str) -> Result<Duration, String> {
    if let Ok(milliseconds) = text.parse() {
        return Ok(Duration::from_millis(milliseconds));
    }
    let time = text.parse::<SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
    time.ok_or_else(|| "write a time as 20ms, 2s or 1m; a number alone is milliseconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_port_and_localhost_is_loopback() {
        for (text, read) in [
            ("localhost:8005", "127.0.0.1:8005"),
            ("LOCALHOST:0", "127.0.0.1:0"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), read);
        }
        for text in
            ["", "8000", ":8000", "127.0.0.1", "localhost", "localhost:x", "example.com:80", "::1:80x"]
        {
            assert!(address(text).unwrap_err().contains("127.0.0.1:8000"), "{text}");
        }
    }

    #[test]
    fn times_have_units_or_are_milliseconds() {
        let milliseconds = |text| time(text).map(|time| time.as_millis());
        assert_eq!(
            ["20", "20ms", "2s", "1m", "1m 30s", "0"].map(milliseconds),
            [Ok(20), Ok(20), Ok(2_000), Ok(60_000), Ok(90_000), Ok(0)]
        );
        for text in ["", "-20ms", "soon", "2.5"] {
            assert!(time(text).unwrap_err().contains("20ms"), "{text}");
        }
    }

    #[test]
    fn moments_have_a_time_and_a_zone() {
        assert_eq!(moment("2026-12-01T09:00:00Z").unwrap().to_string(), "2026-12-01T09:00:00Z");
        for text in ["2026-12-01", "2026-12-01T09:00:00", "tomorrow"] {
            assert!(moment(text).unwrap_err().contains("2026-12-01T09:00:00Z"), "{text}");
        }
    }
}
