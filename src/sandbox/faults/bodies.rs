//! The bodies that stand in the place of an answer: pages of proxies and logins, and JSON that no
//! reader should swallow whole.

use serde_json::json;

/// What usually stands with a status: the page of a proxy for its own, a sentence for the others.
/// The second text is the content type.
pub(super) fn of_status(status: u16) -> (String, String) {
    let title = match status {
        500 => "Server Error (500)",
        502 => "502 Bad Gateway",
        503 => "503 Service Temporarily Unavailable",
        504 => "504 Gateway Time-out",
        429 => return json("Request was throttled."),
        _ => return json("An injected fault."),
    };
    (page(title, ""), "text/html".to_owned())
}

fn json(detail: &str) -> (String, String) {
    (json!({"detail": detail}).to_string(), "application/json".to_owned())
}

/// The page of a login, as a proxy shows it to those whose session has ended.
pub(super) fn login() -> String {
    let form = "<form method=\"post\" action=\"/login\"><input name=\"username\"><input type=\"password\" \
                name=\"password\"><button>Sign in</button></form>";
    page("Sign in", form)
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html>\n<head><title>{title}</title></head>\n<body><h1>{title}</h1>{body}</body>\n\
         </html>\n"
    )
}

/// Lists in lists, so many deep.
pub(super) fn deep(levels: usize) -> Vec<u8> {
    let mut body = vec![b'['; levels];
    body.resize(levels * 2, b']');
    body
}
