//! Who may use the control paths: somebody on this machine, no page in a browser, and nobody whose
//! request a proxy hands on.
//!
//! A page cannot keep its browser from sending `Origin` with what it posts, nor make it name a host
//! that it did not ask for; so both tell pages from people. A proxy on this machine makes everybody
//! look like this machine; so a request that bears the marks of one is not answered, and where the
//! sandbox itself listens to other machines, nobody is.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};

/// Headers by which a proxy says for whom it asks; `X-Forwarded-` and whatever follows are more.
const PROXIED: [&str; 4] = ["forwarded", "via", "x-real-ip", "x-forwarded"];

/// Why a request to a control path is rejected; `None` where it is not. A sandbox that listens
/// elsewhere than on loopback was started for other machines, and has tokens of its own: there the
/// control paths, which ask for no token, are closed.
pub(super) fn objection(
    listening: SocketAddr,
    peer: SocketAddr,
    headers: &HeaderMap,
) -> Option<&'static str> {
    if !listening.ip().to_canonical().is_loopback() {
        return Some("Control paths are closed where other machines are listened to.");
    }
    if !peer.ip().to_canonical().is_loopback() {
        return Some("Control paths answer this machine alone.");
    }
    if headers.keys().any(is_of_proxy) {
        return Some("Control paths do not answer through a proxy; do not forward /sandbox/.");
    }
    if headers.contains_key(header::ORIGIN) {
        return Some("Control paths do not answer the pages of a browser.");
    }
    let hosts = headers.get_all(header::HOST);
    let is_here = |host: &axum::http::HeaderValue| host.to_str().is_ok_and(is_this_machine);
    if hosts.iter().next().is_none() || !hosts.iter().all(is_here) {
        return Some("Control paths answer to localhost or a loopback address as Host.");
    }
    None
}

fn is_of_proxy(name: &HeaderName) -> bool {
    PROXIED.contains(&name.as_str()) || name.as_str().starts_with("x-forwarded-")
}

/// Whether a `Host`, with or without a port, is this machine.
fn is_this_machine(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address, rest.strip_prefix(':').or(rest.is_empty().then_some("0"))),
        None => host.split_once(':').map_or((host, Some("0")), |(name, port)| (name, Some(port))),
    };
    let is_port = port.is_some_and(|port| port.parse::<u16>().is_ok());
    let is_loopback =
        |name: &str| name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    is_port && (name.eq_ignore_ascii_case("localhost") || is_loopback(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_this_machine_or_not() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1:80",
            "localhost:x",
            "[::1]x",
            "[::2]",
            "127.0.0.1:80:80",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn pages_and_other_machines_are_objected_to() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            headers
        };
        let here: SocketAddr = "127.0.0.1:5000".parse().unwrap();
        let objection = |peer, headers: &HeaderMap| objection(here, peer, headers);
        let good = headers(&[("host", "localhost:80")]);
        assert_eq!(objection(here, &good), None);
        assert_eq!(objection("[::ffff:127.0.0.1]:5000".parse().unwrap(), &good), None);
        for other in ["10.0.0.1:5000", "[2001:db8::1]:5000", "0.0.0.0:1"] {
            assert!(objection(other.parse().unwrap(), &good).is_some(), "{other}");
        }
        for bad in [
            headers(&[]),
            headers(&[("host", "evil.example")]),
            headers(&[("host", "localhost"), ("host", "evil.example")]),
            headers(&[("host", "localhost"), ("origin", "null")]),
        ] {
            assert!(objection(here, &bad).is_some(), "{bad:?}");
        }
        for name in [
            "Forwarded",
            "X-Forwarded-For",
            "x-forwarded-host",
            "X-Forwarded-Proto",
            "X-Forwarded-Whatever",
            "X-Real-IP",
            "Via",
        ] {
            let mut proxied = good.clone();
            proxied.append(HeaderName::try_from(name).unwrap(), "10.0.0.1".parse().unwrap());
            assert!(objection(here, &proxied).unwrap().contains("proxy"), "{name}");
        }
    }

    #[test]
    fn nobody_is_answered_where_other_machines_are_listened_to() {
        let here: SocketAddr = "127.0.0.1:5000".parse().unwrap();
        let headers = HeaderMap::from_iter([(header::HOST, "localhost".parse().unwrap())]);
        for (listening, is_open) in [
            ("127.0.0.1:80", true),
            ("[::1]:80", true),
            ("0.0.0.0:80", false),
            ("10.0.0.1:80", false),
            ("[::]:80", false),
        ] {
            let objection = objection(listening.parse().unwrap(), here, &headers);
            assert_eq!(objection.is_none(), is_open, "{listening}");
        }
    }
}
