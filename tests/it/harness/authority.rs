//! A certificate authority of one test, and whom it has certified, as files.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::PathBuf;

/// An authority that nobody trusts who is not told to.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    files: tempfile::TempDir,
}

impl Authority {
    /// A new one that is called so; `ca.pem` is its own certificate.
    pub fn new(name: &str) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        // Whoever has the name of the authority seems to have signed himself.
        authority.distinguished_name.push(DnType::CommonName, name);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let files = tempfile::tempdir().unwrap();
        let authority = Self { issuer, files };
        authority.write("ca.pem", &authority.issuer.pem());
        authority
    }

    /// Certifies who is called `name`: `file.pem` and `file.key`, and both in `file.both`.
    pub fn certify(&self, file: &str, name: &str) {
        let key = KeyPair::generate().unwrap();
        let mut certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
        certificate.distinguished_name.push(DnType::CommonName, name);
        let certificate = certificate.signed_by(&key, &self.issuer).unwrap();
        self.write(&format!("{file}.pem"), &certificate.pem());
        self.write(&format!("{file}.key"), &key.serialize_pem());
        self.write(&format!("{file}.both"), &(certificate.pem() + &key.serialize_pem()));
    }

    /// Where the file of this name is.
    pub fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).unwrap();
    }
}
