//! The way to the server: TLS, the password, and what is said when one of them is wrong.

use std::path::PathBuf;

use super::super::{Host, Password, PostgresSink, PostgresTarget, Tls};
use super::server::{PASSWORD, Server};
use super::*;

fn over_tls(target: &PostgresTarget, host: &str, authorities: Option<PathBuf>) -> PostgresTarget {
    PostgresTarget { host: Host::new(host).unwrap(), tls: Tls::VerifyFull { authorities }, ..target.clone() }
}

/// The error with everything that could be printed of it.
async fn error(target: PostgresTarget) -> String {
    let error = PostgresSink::new(target).manifest().await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains(PASSWORD) && !text.contains("wrong password"), "{text}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_certificate_of_the_host_from_the_authority_is_accepted() {
    let Some(server) = Server::shared() else { return };
    let target = server.target().await;
    let mut sink = PostgresSink::new(over_tls(&target, "localhost", Some(server.file("ca.pem"))));
    export(&mut sink, 1, &[usages("2026-10", 5_000, &[])]).await.unwrap();
    sink.manifest().await.unwrap();
    let client = &sink.session.as_ref().unwrap().client;
    let row =
        client.query_one("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await;
    let row = row.unwrap();
    assert_eq!((row.get::<_, bool>(0), row.get::<_, &str>(1)), (true, "TLSv1.3"));
    let wrong = error(over_tls(&target, "localhost", Some(server.file("other.pem")))).await;
    assert!(wrong.contains("invalid peer certificate: UnknownIssuer"), "{wrong}");
    let machine = error(over_tls(&target, "localhost", None)).await;
    assert!(machine.contains("invalid peer certificate"), "{machine}");
    let name = error(over_tls(&target, "127.0.0.1", Some(server.file("ca.pem")))).await;
    assert!(name.contains("not valid for name"), "{name}");
    let none = error(over_tls(&target, "localhost", Some(server.file("names")))).await;
    assert!(none.contains("ca_file") && none.contains("holds no certificate"), "{none}");
    let missing = error(over_tls(&target, "localhost", Some(server.file("missing.pem")))).await;
    assert!(missing.contains("missing.pem"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_says_so_and_not_what_it_was() {
    let Some(server) = Server::shared() else { return };
    let target = server.target().await;
    let with = |password: Option<&str>| PostgresTarget {
        password: password.map(|text| Password::new(text).unwrap()),
        ..target.clone()
    };
    let wrong = error(with(Some("wrong password"))).await;
    assert_eq!(
        wrong,
        "postgres:warehouse refused: password authentication failed for user \"postgres\" (SQLSTATE 28P01)"
    );
    let none = error(with(None)).await;
    assert_eq!(none, "postgres:warehouse refused: the server asks for a password, and the target names none");
    let database = error(PostgresTarget { database: "missing".into(), ..target.clone() }).await;
    assert!(database.contains("database \"missing\" does not exist"), "{database}");
    let port =
        error(PostgresTarget { port: 1, host: Host::new("127.0.0.1").unwrap(), ..target.clone() }).await;
    assert!(port.contains("127.0.0.1:1") && port.contains("refused"), "{port}");
    // Nothing of what a sink is made of prints its password.
    assert!(!format!("{target:?}").contains(PASSWORD));
    assert!(!server.log().contains(PASSWORD), "it never travels as text");
}
