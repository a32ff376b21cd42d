//! How TLS is done: whom to trust, and who we are.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// What the user said of it.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// Trust the certificates in this PEM file instead of the system's.
    pub cacert: Option<PathBuf>,
    /// Trust any certificate.
    pub insecure: bool,
    /// Our certificate chain, as PEM.
    pub cert: Option<PathBuf>,
    /// Our key, as PEM.
    pub key: Option<PathBuf>,
}

/// Why TLS cannot be done as the user said.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} holds no {what} in PEM form")]
    Empty {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Certificates or keys that cannot be used.
    #[error("the certificate or key in {path} cannot be used")]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The cryptography has no protocol version that both sides know.
    #[error("cannot set up TLS")]
    Setup(#[source] rustls::Error),
}

/// The configuration for these options. ALPN is left open: what a target speaks is its own.
pub fn config(options: &TlsOptions) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(Error::Setup)?;
    let builder = if options.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustAny::new(&provider)))
    } else {
        builder.with_root_certificates(roots(options.cacert.as_deref())?)
    };
    let config = match (&options.cert, &options.key) {
        (Some(cert), Some(key)) => {
            let unusable = |source| Error::Unusable { path: cert.clone(), source };
            builder.with_client_auth_cert(certificates(cert)?, private_key(key)?).map_err(unusable)?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn roots(cacert: Option<&Path>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    match cacert {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|source| Error::Unusable { path: path.to_owned(), source })?;
            }
        }
        // What cannot be read of the system's is left out: the handshake will say whom it cannot trust.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let empty = || Error::Empty { path: path.to_owned(), what: "certificate" };
    let text = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or_else(empty)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let empty = |_: pem::Error| Error::Empty { path: path.to_owned(), what: "private key" };
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(empty)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// Trusts whoever is there, as `--insecure` asks for. Signatures are still checked: it is that peer, whoever it is.
#[derive(Debug)]
struct TrustAny(WebPkiSupportedAlgorithms);

impl TrustAny {
    fn new(provider: &CryptoProvider) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

impl ServerCertVerifier for TrustAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_hold_no_certificate_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let (missing, empty) = (folder.path().join("missing.pem"), folder.path().join("empty.pem"));
        std::fs::write(&empty, "hello").unwrap();
        let said = |cacert: &Path| config(&TlsOptions { cacert: Some(cacert.to_owned()), ..TlsOptions::default() });
        assert!(said(&missing).unwrap_err().to_string().contains("missing.pem"));
        assert!(said(&empty).unwrap_err().to_string().contains("holds no certificate"));
        assert!(config(&TlsOptions { insecure: true, ..TlsOptions::default() }).is_ok());
    }
}
