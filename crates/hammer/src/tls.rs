//! The TLS configuration of probes, from the flags: trusted certificates, and the client's own certificate.

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

/// The TLS flags of the command line.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// `--cacert`: a PEM file of certificates to trust instead of the system's.
    pub cacert: Option<PathBuf>,
    /// `--insecure`: accept any server certificate.
    pub insecure: bool,
    /// `--cert`: the client's certificate chain, as PEM. Used only together with `key`.
    pub cert: Option<PathBuf>,
    /// `--key`: the client's private key, as PEM.
    pub key: Option<PathBuf>,
}

/// The reason why a TLS configuration could not be made from the flags.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file that a flag names.
        path: PathBuf,
        /// The error of the file system.
        #[source]
        source: io::Error,
    },
    /// A file has no PEM section of the expected kind.
    #[error("{path} holds no {what} in PEM form")]
    Empty {
        /// The file that a flag names.
        path: PathBuf,
        /// The kind of PEM section that is missing: certificate or private key.
        what: &'static str,
    },
    /// rustls rejects a certificate, a key, or the two as a pair.
    #[error("the certificate or key in {path} cannot be used")]
    Unusable {
        /// The file that a flag names.
        path: PathBuf,
        /// The reason that rustls gives.
        #[source]
        source: rustls::Error,
    },
    /// The crypto provider supports none of the protocol versions.
    #[error("cannot set up TLS")]
    Setup(#[source] rustls::Error),
}

/// Makes the configuration for `options`. ALPN is left empty, because the protocols to offer depend on the target.
pub fn config(options: &TlsOptions) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(Error::Setup)?;
    let builder = match &options.cacert {
        _ if options.insecure => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustAny::new(&provider)))
        }
        Some(path) => builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustFile::new(path, provider)?)),
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

/// The system's root certificates. Unreadable ones are left out: a handshake that needs one of them fails with an
/// unknown issuer.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Reads the certificates in a PEM file, at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let empty = || Error::Empty { path: path.to_owned(), what: "certificate" };
    let text = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or_else(empty)
}

/// Reads the private key in a PEM file.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let empty = |_: pem::Error| Error::Empty { path: path.to_owned(), what: "private key" };
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(empty)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// The verifier for `--cacert`: trusts chains that lead to a certificate of the file, and a certificate of the file
/// itself as a server's. The second is for self-signed ones as `openssl req -x509` makes them: they are marked as an
/// authority, which webpki accepts for no server.
#[derive(Debug)]
struct TrustFile {
    chains: Arc<WebPkiServerVerifier>,
    pinned: Vec<CertificateDer<'static>>,
}

impl TrustFile {
    fn new(path: &Path, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let (pinned, mut roots) = (certificates(path)?, RootCertStore::empty());
        for certificate in &pinned {
            let unusable = |source| Error::Unusable { path: path.to_owned(), source };
            roots.add(certificate.clone()).map_err(unusable)?;
        }
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let unusable = |error: VerifierBuilderError| rustls::Error::General(error.to_string());
        let chains = chains.map_err(|error| Error::Unusable { path: path.to_owned(), source: unusable(error) })?;
        Ok(Self { chains, pinned })
    }
}

impl ServerCertVerifier for TrustFile {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let by_chain = self.chains.verify_server_cert(end_entity, intermediates, name, ocsp, now);
        if by_chain.is_err() && self.pinned.contains(end_entity) {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        by_chain
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

/// The verifier for `--insecure`: accepts any certificate. Handshake signatures are still checked, so the peer does own
/// the key of the certificate that it shows.
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
    fn the_error_for_an_unusable_certificate_file_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (missing, empty) = (folder.path().join("missing.pem"), folder.path().join("empty.pem"));
        std::fs::write(&empty, "hello").unwrap();
        let trusting = |cacert: &Path| config(&TlsOptions { cacert: Some(cacert.to_owned()), ..TlsOptions::default() });
        assert!(trusting(&missing).unwrap_err().to_string().contains("missing.pem"));
        assert!(trusting(&empty).unwrap_err().to_string().contains("holds no certificate"));
        assert!(config(&TlsOptions { insecure: true, ..TlsOptions::default() }).is_ok());
    }

    #[test]
    fn a_self_signed_certificate_from_cacert_is_trusted_for_its_own_name_only() {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
        let mut params = CertificateParams::new(["shop.example.com".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, certificate.pem()).unwrap();
        let trust = TrustFile::new(&file, Arc::new(ring::default_provider())).unwrap();
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
