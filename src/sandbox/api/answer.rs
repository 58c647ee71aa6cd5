//! Answers: status, headers, body; JSON where the real server speaks JSON, its pages where not.

use serde_json::{Value as Json, json};

use crate::sandbox::commits::Written;

/// What it takes to make an answer, for a model of the time that the real server needs.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::sandbox) enum Effort {
    /// Nothing but looking at the request.
    #[default]
    Small,
    /// So many rows of a list.
    Rows(usize),
    /// A post that wrote this.
    Post(Written),
}

/// An answer, free of sockets.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub effort: Effort,
}

impl Answer {
    pub(super) fn json(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", "application/json".into())],
            body,
            effort: Effort::Small,
        }
    }

    pub(super) fn value(status: u16, value: &Json) -> Self {
        Self::json(status, value.to_string().into_bytes())
    }

    /// A refusal with one sentence.
    pub(super) fn detail(status: u16, detail: &str) -> Self {
        Self::value(status, &json!({"detail": detail}))
    }

    /// Done, and nothing to say.
    pub(super) fn created() -> Self {
        Self { status: 201, ..Self::default() }
    }

    pub(super) fn redirect(target: &str) -> Self {
        Self::page(301, String::new()).with("Location", target)
    }

    pub(super) fn not_found_page() -> Self {
        Self::page(
            404,
            html("Not Found", "Not Found", "The requested resource was not found on this server."),
        )
    }

    /// The real server broke.
    pub(super) fn broken() -> Self {
        Self::page(500, html("Server Error (500)", "Server Error (500)", ""))
    }

    /// The body is more than anybody would send.
    pub(in crate::sandbox) fn too_large() -> Self {
        Self::detail(413, "Request body is too large.")
    }

    pub(super) fn options(name: &str) -> Self {
        Self::value(
            200,
            &json!({
                "name": name,
                "description": "",
                "renders": ["application/json"],
                "parses": ["application/json"],
            }),
        )
    }

    pub(in crate::sandbox) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn page(status: u16, body: String) -> Self {
        let headers = vec![("Content-Type", "text/html; charset=utf-8".into())];
        Self { status, headers, body: body.into_bytes(), effort: Effort::Small }
    }
}

fn html(title: &str, heading: &str, text: &str) -> String {
    format!(
        "\n<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>{title}</title>\n</head>\n<body>\n  \
         <h1>{heading}</h1><p>{text}</p>\n</body>\n</html>\n"
    )
}
