//! TLS by rustls, from two files.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Reads a certificate chain and its key.
pub(super) fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor> {
    let unreadable = |path: &Path, what: &str| format!("{} is no {what}", path.display());
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| unreadable(cert, "readable certificate chain in PEM"))?;
    ensure!(!chain.is_empty(), "{} has no certificate", cert.display());
    let secret = PrivateKeyDer::from_pem_file(key)
        .with_context(|| unreadable(key, "readable private key in PEM"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret))
        .with_context(|| {
            format!("{} and {} don't belong together", cert.display(), key.display())
        })?;
    let mut config = config;
    // No HTTP/2: a WebSocket has its connection to itself.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
