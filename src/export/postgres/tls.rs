//! The authorities that a server's certificate has to come from.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::domain::visible;

use super::fault::Fault;

/// A connector that accepts a certificate of the host alone, from the authorities of a file or, without
/// one, of this machine.
pub(super) fn connector(authorities: Option<&Path>) -> Result<MakeRustlsConnect, Fault> {
    let setup = |error: rustls::Error| Fault::Refused(format!("TLS cannot be set up: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(setup)?;
    let config = match authorities {
        Some(path) => builder.with_root_certificates(read(path)?).with_no_client_auth(),
        None => builder.with_platform_verifier().map_err(setup)?.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn read(path: &Path) -> Result<RootCertStore, Fault> {
    let refused =
        |why: String| Fault::Refused(format!("ca_file {}: {why}", visible(&path.to_string_lossy())));
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| refused(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| refused(error.to_string()))?;
        roots.add(certificate).map_err(|error| refused(error.to_string()))?;
    }
    if roots.is_empty() { Err(refused("it holds no certificate".into())) } else { Ok(roots) }
}
