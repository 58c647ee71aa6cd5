//! Through which proxy requests go, by the same rules as the HTTP client's own.

use hyper_util::client::proxy::matcher::Matcher;

use crate::resolve::Evidence;

use super::ServerAddress;

/// The proxy, without what is needed to get past it; `None` where requests go straight to the server.
pub(super) fn of(address: &ServerAddress) -> Evidence<Option<String>> {
    let found = |value, evidence: String| Evidence { value, evidence };
    if address.is_loopback() {
        return found(None, "a server on this machine is reached without one".into());
    }
    let scheme = if address.is_https() { "HTTPS" } else { "HTTP" };
    let names = [format!("{scheme}_PROXY"), "ALL_PROXY".to_owned()];
    let names = names.into_iter().flat_map(|name| [name.clone(), name.to_ascii_lowercase()]);
    let set: Vec<String> =
        names.filter(|name| std::env::var_os(name).is_some_and(|it| !it.is_empty())).collect();
    let Ok(uri) = address.to_string().parse() else {
        return found(None, "the address is none that a proxy could take".into());
    };
    match Matcher::from_system().intercept(&uri) {
        Some(proxy) => {
            // A user name and a password of the proxy are not part of this address.
            let shown = proxy.uri().to_string().trim_end_matches('/').to_owned();
            let whence = set.into_iter().next();
            found(Some(shown), whence.unwrap_or_else(|| "the settings of the system".into()))
        }
        None if set.is_empty() => found(None, "neither the environment nor the system names one".into()),
        None => found(None, format!("{} is not for this server, or NO_PROXY excepts it", set.join(", "))),
    }
}
