//! Encrypted connections: whom to trust, and what one makes of bytes. Knows nothing of waiting; see `stream`.

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, RootCertStore};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Arc;

/// Who may certify servers. All connections share one, and with it the tickets to resume what was agreed on before.
pub(crate) struct Trust(Arc<ClientConfig>);

impl Trust {
    /// In nobody, while nothing is encrypted.
    pub(crate) fn in_nobody() -> Result<Self, String> {
        Self::in_roots(RootCertStore::empty())
    }

    /// In the authorities that a file names (PEM).
    pub(crate) fn in_file(path: &Path) -> Result<Self, String> {
        let unreadable = |why: &dyn std::fmt::Display| format!("--ca: {}: {why}", path.display());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|e| unreadable(&e))? {
            let certificate = certificate.map_err(|e| unreadable(&e))?;
            roots.add(certificate).map_err(|e| unreadable(&e))?;
        }
        match roots.is_empty() {
            true => Err(unreadable(&"there is no certificate in it")),
            false => Self::in_roots(roots),
        }
    }

    /// In whom this machine trusts.
    pub(crate) fn in_authorities_of_the_machine() -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        // One that cannot be read is one that is not trusted; none at all would fail every connection.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        match roots.is_empty() {
            true => Err("this machine trusts no certificate authority; name one with --ca".to_owned()),
            false => Self::in_roots(roots),
        }
    }

    fn in_roots(roots: RootCertStore) -> Result<Self, String> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| format!("TLS: {e}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // What the clients speak, for balancers that want to know it before the first request.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// Begins to speak with a server that must prove to be `name`.
    pub(crate) fn greet(&self, name: &ServerName<'static>) -> io::Result<Tls> {
        let session = ClientConnection::new(self.0.clone(), name.clone()).map_err(told)?;
        Ok(Tls { session })
    }
}

/// One side of an encrypted connection. What it has for the server goes to the end of `out`.
pub(crate) struct Tls {
    session: ClientConnection,
}

impl Tls {
    /// How much may wait for the end of the handshake.
    pub(crate) fn bound(&mut self, bytes: usize) {
        self.session.set_buffer_limit(Some(bytes));
    }

    /// Moves what the server is to get; before the handshake is over nothing of what was written is among it.
    pub(crate) fn pour(&mut self, out: &mut Vec<u8>) {
        while self.session.wants_write() {
            // Memory takes everything, so it neither fails nor ends early.
            let _ = self.session.write_tls(out);
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.session.writer().write_all(bytes)?;
        self.pour(out);
        Ok(())
    }

    /// Reads as from a socket that does not block: 0 bytes are the end, announced or not. A handshake goes on within,
    /// so there may be something for the server afterwards, whatever came of it.
    pub(crate) fn read(&mut self, from: &mut impl Read, into: &mut [u8], out: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            match self.session.reader().read(into) {
                Err(why) if why.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                found => return found,
            }
            self.session.read_tls(from)?;
            let understood = self.session.process_new_packets();
            self.pour(out);
            understood.map_err(told)?;
        }
    }

    /// Tells the server that nothing follows.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        self.session.send_close_notify();
        self.pour(out);
    }
}

fn told(why: Error) -> io::Error {
    let hint = match why {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => " (--ca names an authority of one's own)",
        _ => "",
    };
    io::Error::other(format!("TLS: {why}{hint}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::pki_types::{PrivatePkcs8KeyDer, UnixTime};
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    use rustls::{DigitallySignedStruct, ServerConfig, ServerConnection, SignatureScheme, StreamOwned};
    use std::net::TcpStream;

    /// Takes anything for a certificate: for tests of what comes after that.
    #[derive(Debug)]
    struct Gullible;

    impl ServerCertVerifier for Gullible {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED25519]
        }
    }

    /// The client's side of a connection to [`serve`].
    pub(crate) fn greet() -> Tls {
        let Trust(mut config) = Trust::in_nobody().unwrap();
        let unshared = Arc::get_mut(&mut config).unwrap();
        unshared.dangerous().set_certificate_verifier(Arc::new(Gullible));
        Trust(config).greet(&"server".try_into().unwrap()).unwrap()
    }

    /// A server's side of a connection, which blocks.
    pub(crate) fn serve(socket: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
        let provider = ring::default_provider();
        // An Ed25519 key of 32 zeros, as PKCS #8.
        let key = [
            &b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..],
            &[0; 32],
        ]
        .concat();
        let key = provider
            .key_provider
            .load_private_key(PrivatePkcs8KeyDer::from(key).into());
        let certificate = CertificateDer::from(b"no certificate".to_vec());
        let certified = CertifiedKey::new(vec![certificate], key.unwrap());
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), socket)
    }
}
