//! Encrypted connections to Redis: whom to trust, and who we are.
//!
//! A server's certificate must be signed by the named authority (else by one that this machine trusts) and carry the host
//! name or address that the server is reached by; members of a cluster and masters found by sentinels are reached by what
//! those announce.

use crate::config;
use crate::error::Fault;
use fred::rustls::crypto::ring;
use fred::rustls::pki_types::pem::PemObject;
use fred::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use fred::rustls::{ClientConfig, RootCertStore};
use fred::types::config::TlsConfig;
use std::sync::Arc;

/// How connections to this Redis are encrypted. The files are read for each connection: one that was renewed is used
/// from then on.
pub(super) fn of(settings: &config::Redis) -> Result<TlsConfig, Fault> {
    let roots = match &settings.tls_ca {
        Some(path) => authorities(path)?,
        None => trusted_by_the_machine()?,
    };
    let wanting = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| Fault::new("redis tls", e))?
        .with_root_certificates(roots);
    let client = match (&settings.tls_cert, &settings.tls_key) {
        (Some(cert), Some(key)) => {
            let read = PrivateKeyDer::from_pem_file(key).map_err(|e| unreadable(key, e))?;
            let chain = certificates(cert)?;
            wanting
                .with_client_auth_cert(chain, read)
                .map_err(|e| unreadable(cert, e))?
        }
        _ => wanting.with_no_client_auth(),
    };
    Ok(client.into())
}

fn authorities(path: &str) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|e| unreadable(path, e))?;
    }
    Ok(roots)
}

fn trusted_by_the_machine() -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    let found = fred::rustls_native_certs::load_native_certs();
    // One that cannot be read is one that is not trusted; none at all is a fault.
    roots.add_parsable_certificates(found.certs);
    match roots.is_empty() {
        true => Err(Fault::new("redis tls", "this machine trusts nobody; set redis.tls_ca")),
        false => Ok(roots),
    }
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let read = CertificateDer::pem_file_iter(path).map_err(|e| unreadable(path, e))?;
    let all: Vec<_> = read.collect::<Result<_, _>>().map_err(|e| unreadable(path, e))?;
    match all.is_empty() {
        true => Err(unreadable(path, "there is no certificate in it")),
        false => Ok(all),
    }
}

fn unreadable(path: &str, why: impl std::fmt::Display) -> Fault {
    Fault::new("redis tls", format!("{path}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_named() {
        let settings = config::Redis {
            tls_ca: Some("/dev/null".to_owned()),
            ..config::Settings::default().redis
        };

        let fault = of(&settings).unwrap_err();

        assert_eq!(fault.why, "/dev/null: there is no certificate in it");
    }
}
