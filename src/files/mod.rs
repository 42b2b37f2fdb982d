//! Files that people give us: pictures. They are kept in a folder of this machine, or in any store that speaks S3, under a
//! name made from what is in them, so that whoever has one may keep it for ever. The only place that names `object_store`
//! and `image`.

mod picture;

pub use picture::{Kind, Picture};

use crate::config;
use crate::domain::picture::Unfit;
use crate::error::Fault;
use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, Error, ObjectStore, RetryConfig};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Semaphore;
use url::Url;

/// Uploads that may wait for each one that is being opened: more than that is told to come back.
const WAITING: usize = 8;

/// Keeps pictures. Cloning shares it.
#[derive(Clone)]
pub struct Files(Arc<Inner>);

struct Inner {
    settings: config::Files,
    store: OnceLock<Arc<dyn ObjectStore>>,
    /// Pictures that are being opened: each takes a core and up to 200 MiB.
    opening: Arc<Semaphore>,
    /// Those and the ones that wait, 5 MiB each.
    inside: Arc<Semaphore>,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Files")
    }
}

/// The name of a kept picture: 32 hexadecimal digits, a dot, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    digits: String,
    kind: Kind,
}

impl Name {
    /// Of `bytes` of `owner`: two who have the same picture have one each, so that one can lose theirs.
    fn of(owner: &str, picture: &Picture) -> Self {
        let mut hash = Sha256::new();
        hash.update(owner.as_bytes());
        hash.update([0]);
        hash.update(&picture.bytes);
        let mut digits = String::new();
        for byte in &hash.finalize()[..16] {
            // Writing to a String cannot fail.
            let _ = write!(digits, "{byte:02x}");
        }
        let kind = picture.kind;
        Self { digits, kind }
    }

    /// Takes text from outside; `None` for what is no name of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, kind) = text.split_once('.')?;
        let fits = digits.len() == 32 && digits.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
        let kind = Kind::parse(kind)?;
        fits.then(|| Self {
            digits: digits.to_owned(),
            kind,
        })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn path(&self) -> Path {
        Path::from(format!("avatars/{self}"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.digits, self.kind.as_str())
    }
}

/// A picture that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: Name,
    /// How many bytes it has.
    pub size: usize,
}

/// Why a picture was not kept.
#[derive(Clone, Debug)]
pub enum NotKept {
    /// The file is not fit.
    Unfit(Unfit),
    /// Too many come at once.
    Busy,
    /// The store failed.
    Failed(Fault),
}

impl Files {
    /// By these settings. Nothing is opened or made before the first picture comes.
    pub fn open(settings: &config::Files) -> Self {
        let at_once = settings.pictures_at_once as usize;
        Self(Arc::new(Inner {
            settings: settings.clone(),
            store: OnceLock::new(),
            opening: Arc::new(Semaphore::new(at_once)),
            inside: Arc::new(Semaphore::new(at_once * (1 + WAITING))),
        }))
    }

    /// Makes a square of an uploaded file and keeps it for `owner`.
    pub async fn keep_picture(&self, owner: &str, file: Bytes) -> Result<Kept, NotKept> {
        let _inside = self.0.inside.try_acquire().map_err(|_| NotKept::Busy)?;
        let turn = self.0.opening.clone().acquire_owned().await;
        // Nobody closes it.
        let turn = turn.map_err(|_| NotKept::Busy)?;
        let making = tokio::task::spawn_blocking(move || {
            // Held by the work itself: who aborts the upload does not make room for another.
            let _turn = turn;
            picture::square(&file)
        });
        let picture = making
            .await
            .map_err(|_| NotKept::Unfit(Unfit::Broken))?
            .map_err(NotKept::Unfit)?;
        let (name, size) = (Name::of(owner, &picture), picture.bytes.len());
        let op = "keep a picture";
        let kept = async {
            let store = self.store(op)?;
            self.within(op, store.put(&name.path(), picture.bytes.into())).await
        };
        kept.await.map_err(NotKept::Failed)?;
        Ok(Kept { name, size })
    }

    /// A kept picture; `None` when there is none of this name.
    pub async fn picture(&self, name: &Name) -> Result<Option<Bytes>, Fault> {
        let op = "read a picture";
        let (store, path) = (self.store(op)?, name.path());
        let read = async {
            match store.get(&path).await {
                Ok(found) => found.bytes().await.map(Some),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.within(op, read).await
    }

    /// Forgets a picture. Harmless when it is gone.
    pub async fn drop_picture(&self, name: &Name) -> Result<(), Fault> {
        let op = "forget a picture";
        let (store, path) = (self.store(op)?, name.path());
        let forget = async {
            match store.delete(&path).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        };
        self.within(op, forget).await
    }

    /// Where clients find a picture.
    pub fn url(&self, name: &Name) -> String {
        let found = self.found_at(name);
        match &self.0.settings.picture_url {
            Some(shaped) => shaped.replace("{url}", &found).replace("{name}", &name.to_string()),
            None => found,
        }
    }

    /// Where whoever shapes pictures finds it.
    fn found_at(&self, name: &Name) -> String {
        match &self.0.settings.public_url {
            Some(base) => format!("{}/avatars/{name}", base.trim_end_matches('/')),
            None => own_path(name),
        }
    }

    /// The name of a picture by an address of it: as [`Files::url`] gives it, or gave it before somebody else shaped it or
    /// served it. `None` for addresses elsewhere.
    pub fn name_of(&self, url: &str) -> Option<Name> {
        let name = Name::parse(url.rsplit(['/', '=']).next()?)?;
        let known = [self.url(&name), self.found_at(&name), own_path(&name)];
        known.iter().any(|one| one == url).then_some(name)
    }

    /// The origin that browsers fetch pictures from; `None` when it is the nodes' own.
    pub fn origin(&self) -> Option<String> {
        let settings = &self.0.settings;
        let address = settings.picture_url.as_ref().or(settings.public_url.as_ref())?;
        // The settings were checked: it is an address of the web.
        Some(Url::parse(address).ok()?.origin().ascii_serialization())
    }

    async fn within<T>(&self, op: &'static str, act: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
        match tokio::time::timeout(self.0.settings.timeout, act).await {
            Ok(done) => done.map_err(|error| Fault::new(op, error)),
            Err(_) => Err(Fault::new(op, "no answer within files.timeout")),
        }
    }

    fn store(&self, op: &'static str) -> Result<Arc<dyn ObjectStore>, Fault> {
        if let Some(store) = self.0.store.get() {
            return Ok(store.clone());
        }
        let store = connect(&self.0.settings).map_err(|error| Fault::new(op, error))?;
        Ok(self.0.store.get_or_init(|| store).clone())
    }
}

fn connect(settings: &config::Files) -> Result<Arc<dyn ObjectStore>, Box<dyn std::error::Error>> {
    if let Some(folder) = settings.url.strip_prefix("file:") {
        std::fs::create_dir_all(folder)?;
        return Ok(Arc::new(LocalFileSystem::new_with_prefix(folder)?));
    }
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 2,
        retry_timeout: settings.timeout,
    };
    let mut store = AmazonS3Builder::new()
        .with_url(&settings.url)
        .with_region(&settings.s3_region)
        .with_client_options(
            object_store::ClientOptions::new()
                .with_timeout(settings.timeout)
                .with_connect_timeout(CONNECT),
        )
        .with_retry(retry);
    if let Some(endpoint) = &settings.s3_endpoint {
        store = store
            .with_endpoint(endpoint)
            .with_allow_http(endpoint.starts_with("http://"));
    }
    if let (Some(key), Some(secret)) = (&settings.s3_key, &settings.s3_secret) {
        store = store
            .with_access_key_id(key.reveal())
            .with_secret_access_key(secret.reveal());
    }
    Ok(Arc::new(store.build()?))
}

/// Where nodes serve a picture.
fn own_path(name: &Name) -> String {
    format!("/files/avatars/{name}")
}

/// Longest wait for a connection to a store.
const CONNECT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests;
