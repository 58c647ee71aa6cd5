//! Posts to a webhook: a few times, briefly, and to that address alone.
//!
//! A redirect is not followed and the body of an answer is not read, so that no answer can do more than
//! be a status.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use super::settings::Webhook;

/// How long it is tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How long one attempt may take.
    attempt: Duration,
    /// How long is waited before each attempt but the first.
    waits: [Duration; 2],
}

/// For a run that is over and wants to end.
pub(super) const PATIENCE: Patience =
    Patience { attempt: Duration::from_secs(10), waits: [Duration::from_secs(1), Duration::from_secs(4)] };

/// What became of an attempt.
enum Attempt {
    Taken,
    /// It may go better later.
    NotNow(String),
    Never(String),
}

/// Posts a body until it is taken, or until there is no use in trying.
pub(super) async fn post(webhook: &Webhook, body: &str, patience: Patience) -> Result<(), String> {
    let secret = match webhook.secret.clone() {
        None => None,
        Some(secret) => {
            let fetched = tokio::task::spawn_blocking(move || secret.fetch()).await;
            Some(header(&fetched.unwrap_or_else(|_| Err("its secret was not fetched".to_owned()))?)?)
        }
    };
    let client = client(webhook, patience).map_err(shown)?;
    let mut waits = patience.waits.into_iter();
    loop {
        let trouble = match attempt(&client, webhook, secret.clone(), body).await {
            Attempt::Taken => return Ok(()),
            Attempt::Never(why) => return Err(why),
            Attempt::NotNow(why) => why,
        };
        match waits.next() {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return Err(format!("{trouble}; tried {} times", patience.waits.len() + 1)),
        }
    }
}

fn client(webhook: &Webhook, patience: Patience) -> reqwest::Result<Client> {
    // Installing it twice fails, and is as good as once.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .redirect(Policy::none())
        .timeout(patience.attempt)
        .user_agent(concat!("waldur-usage/", env!("CARGO_PKG_VERSION")));
    if webhook.is_loopback() { builder.no_proxy() } else { builder.https_only(true) }.build()
}

fn header(secret: &str) -> Result<HeaderValue, String> {
    let value = HeaderValue::from_str(secret);
    let mut value = value.map_err(|_| "its secret holds a character that no header has".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

async fn attempt(client: &Client, webhook: &Webhook, secret: Option<HeaderValue>, body: &str) -> Attempt {
    let mut request = client.post(webhook.url.clone()).header(CONTENT_TYPE, "application/json");
    if let Some(secret) = secret {
        request = request.header(webhook.header.as_str(), secret);
    }
    let status = match request.body(body.to_owned()).send().await {
        Ok(response) => response.status(),
        Err(error) => return Attempt::NotNow(shown(error)),
    };
    match status {
        _ if status.is_success() => Attempt::Taken,
        _ if status.is_redirection() => {
            Attempt::Never(format!("it answered with {}, and no redirect is followed", status.as_u16()))
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => not_now(status),
        _ if status.is_server_error() => not_now(status),
        _ => Attempt::Never(format!("it answered with {}", status.as_u16())),
    }
}

fn not_now(status: StatusCode) -> Attempt {
    Attempt::NotNow(format!("it answered with {}", status.as_u16()))
}

/// What went wrong, without the address: it may be a secret.
fn shown(error: reqwest::Error) -> String {
    let error = error.without_url();
    let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    let cause = causes.last().map(|cause| format!(": {cause}")).unwrap_or_default();
    let what = if error.is_timeout() { "it did not answer in time".to_owned() } else { error.to_string() };
    crate::domain::visible(&format!("{what}{cause}")).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::http::{HeaderMap, Response, Uri};
    use tokio::net::TcpListener;

    use super::*;
    use crate::watch::Event;
    use crate::watch::secret::Secret;

    const BRIEF: Patience =
        Patience { attempt: Duration::from_millis(300), waits: [Duration::from_millis(5); 2] };

    type Seen = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

    /// Somebody who listens, and answers one after the other; the last answer is given again and again.
    async fn listener(answers: &[fn() -> Response<Body>]) -> (Webhook, Seen) {
        let seen = Seen::default();
        let (kept, answers) = (Arc::clone(&seen), answers.to_vec());
        let answer = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let mut kept = kept.lock().unwrap();
            let answer = answers[kept.len().min(answers.len() - 1)];
            kept.push((uri.to_string(), headers, body));
            std::future::ready(answer())
        };
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook/T0?key=hunter2", socket.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(socket, Router::new().fallback(answer)).await });
        let on = BTreeSet::from([Event::Failed]);
        let header = "Authorization".to_owned();
        (Webhook { url: url.parse().unwrap(), on, header, secret: None }, seen)
    }

    fn status(status: u16) -> Response<Body> {
        Response::builder().status(status).body(Body::from("hunter2")).unwrap()
    }

    async fn tried(answers: &[fn() -> Response<Body>]) -> (Result<(), String>, usize) {
        let (webhook, seen) = listener(answers).await;
        let result = post(&webhook, "{}", BRIEF).await;
        if let Err(error) = &result {
            assert!(!error.contains("hunter2") && !error.contains("T0"), "{error}");
        }
        let count = seen.lock().unwrap().len();
        (result, count)
    }

    #[tokio::test]
    async fn a_body_arrives_with_its_secret() {
        let (mut webhook, seen) = listener(&[|| status(204)]).await;
        let command = ["printf", "Bearer hunter2"].map(str::to_owned).into();
        webhook.secret = Some(Secret::Command(command));
        post(&webhook, r#"{"text":"x"}"#, BRIEF).await.unwrap();
        let heard = std::mem::take(&mut *seen.lock().unwrap());
        let (uri, headers, body) = &heard[0];
        assert_eq!(
            (heard.len(), uri.as_str(), body.as_ref()),
            (1, "/hook/T0?key=hunter2", &br#"{"text":"x"}"#[..])
        );
        assert_eq!(
            (&headers["authorization"], &headers["content-type"]),
            (&"Bearer hunter2".parse().unwrap(), &"application/json".parse().unwrap())
        );
        for secret in ["printf 'a\\nb'", "exit 1"] {
            webhook.secret = Some(Secret::Command(["sh", "-c", secret].map(str::to_owned).into()));
            assert!(post(&webhook, "{}", BRIEF).await.is_err());
        }
    }

    #[tokio::test]
    async fn what_may_go_better_is_tried_again_and_what_does_not_is_not() {
        assert_eq!(tried(&[|| status(503), || status(429), || status(200)]).await, (Ok(()), 3));
        let (result, count) = tried(&[|| status(500)]).await;
        assert_eq!((result.unwrap_err().as_str(), count), ("it answered with 500; tried 3 times", 3));
        for refusal in [|| status(404), || status(401)] {
            let (result, count) = tried(&[refusal]).await;
            assert!(result.is_err() && count == 1);
        }
    }

    #[tokio::test]
    async fn no_redirect_is_followed() {
        static OTHER: Mutex<String> = Mutex::new(String::new());
        let (other, seen) = listener(&[|| status(200)]).await;
        *OTHER.lock().unwrap() = other.url.to_string();
        let (result, count) = tried(&[|| {
            let location = OTHER.lock().unwrap().clone();
            Response::builder().status(307).header("location", location).body(Body::empty()).unwrap()
        }])
        .await;
        assert_eq!(
            (result.unwrap_err().as_str(), count),
            ("it answered with 307, and no redirect is followed", 1)
        );
        assert!(seen.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_endless_answer_is_not_read() {
        let began = Instant::now();
        let endless = || {
            let parts = futures_util::stream::repeat_with(|| {
                Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; 65536]))
            });
            Response::new(Body::from_stream(parts))
        };
        assert_eq!(tried(&[endless]).await, (Ok(()), 1));
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn one_that_is_silent_or_away_or_broken_is_given_up() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (webhook, _) = listener(&[|| status(200)]).await;
        let at = |port: u16| Webhook {
            url: format!("http://127.0.0.1:{port}/T0").parse().unwrap(),
            ..webhook.clone()
        };
        let error = post(&at(silent.local_addr().unwrap().port()), "{}", BRIEF).await.unwrap_err();
        assert!(error.starts_with("it did not answer in time") && error.contains("3 times"), "{error}");
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let error = post(&at(gone), "{}", BRIEF).await.unwrap_err();
        assert!(!error.contains("T0") && error.contains("3 times"), "{error}");
        // One that speaks something else.
        let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = other.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = other.accept().await {
                let _ = stream.try_write(b"SSH-2.0-OpenSSH_9.2\r\n");
            }
        });
        assert!(post(&at(port), "{}", BRIEF).await.is_err());
    }
}
