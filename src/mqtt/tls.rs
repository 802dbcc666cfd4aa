//! TLS with rustls and ring, the one crypto provider.

use std::{io, path::Path, sync::Arc};

use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, crypto,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use super::{Credentials, Options};

/// Why TLS can't be set up: configuration, not the network.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("can't read certificates from {file}: {detail}; it must hold PEM certificates")]
    Certificates { file: String, detail: String },
    #[error(
        "can't read the private key from {file}: {detail}; it must hold a PEM key (PKCS#8, PKCS#1 or SEC1)"
    )]
    Key { file: String, detail: String },
    #[error("the system has no trusted certificates; set `broker.ca_file`")]
    NoRoots,
    #[error("the client certificate can't be used: {0}; do certificate and key belong together?")]
    Client(String),
    #[error("TLS can't be set up: {0}")]
    Setup(String),
}

/// Reads the certificates and builds the connector.
pub(super) fn connector(options: &Options, credentials: &Credentials) -> Result<TlsConnector, TlsError> {
    let mut roots = RootCertStore::empty();
    match &options.ca_file {
        Some(file) => {
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(|error| TlsError::Certificates {
                    file: file.display().to_string(),
                    detail: error.to_string(),
                })?;
            }
        }
        None => {
            let native = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(native.certs);
            if roots.is_empty() {
                return Err(TlsError::NoRoots);
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?
        .with_root_certificates(roots);
    let config = match &credentials.certificate {
        Some((chain, key)) => {
            let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::Key {
                file: key.display().to_string(),
                detail: error.to_string(),
            })?;
            builder
                .with_client_auth_cert(certificates(chain)?, key_der)
                .map_err(|error| TlsError::Client(error.to_string()))?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let refused = |detail: String| TlsError::Certificates { file: file.display().to_string(), detail };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| refused(error.to_string()))?;
    if certificates.is_empty() {
        return Err(refused("it holds none".into()));
    }
    Ok(certificates)
}

/// True for a failed handshake that trying again won't mend by itself.
pub(super) fn is_certificate_error(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.to_string().contains("certificate"))
}
