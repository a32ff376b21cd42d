//! How TLS is done: whom to trust, and who we are.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
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
    let builder = match &options.cacert {
        _ if options.insecure => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustAny::new(&provider)))
        }
        Some(path) => builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustThese::new(path, provider)?)),
        None => builder.with_root_certificates(system_roots()),
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

/// What cannot be read of the system's is left out: the handshake will say whom it cannot trust.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
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

/// Trusts what `--cacert` names: authorities, and the certificates in the file themselves. A self-signed one, as
/// `openssl req -x509` makes it, is marked as an authority, and by the book no authority may be a server.
#[derive(Debug)]
struct TrustThese {
    chains: Arc<WebPkiServerVerifier>,
    themselves: Vec<CertificateDer<'static>>,
}

impl TrustThese {
    fn new(path: &Path, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let (themselves, mut roots) = (certificates(path)?, RootCertStore::empty());
        for certificate in &themselves {
            let unusable = |source| Error::Unusable { path: path.to_owned(), source };
            roots.add(certificate.clone()).map_err(unusable)?;
        }
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let unusable = |error: VerifierBuilderError| rustls::Error::General(error.to_string());
        let chains = chains.map_err(|error| Error::Unusable { path: path.to_owned(), source: unusable(error) })?;
        Ok(Self { chains, themselves })
    }
}

impl ServerCertVerifier for TrustThese {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chained = self.chains.verify_server_cert(own, others, name, ocsp, now);
        if chained.is_err() && self.themselves.contains(own) {
            verify_server_name(&ParsedCertificate::try_from(own)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        chained
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
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

    #[test]
    fn a_self_signed_certificate_that_is_named_is_trusted_for_its_own_name_only() {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
        let mut params = CertificateParams::new(["shop.example.com".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, certificate.pem()).unwrap();
        let trust = TrustThese::new(&file, Arc::new(ring::default_provider())).unwrap();
        let verify = |name: &'static str| {
            let name = ServerName::try_from(name).unwrap();
            trust.verify_server_cert(
                certificate.der(),
                &[],
                &name,
                &[],
                UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_800_000_000)),
            )
        };
        assert!(verify("shop.example.com").is_ok());
        assert!(verify("bank.example.com").is_err());
    }
}
