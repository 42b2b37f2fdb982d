//! A private Redis for tests of what is above `coord`: one that `PALAVER_TEST_REDIS` names, else a child process.

use crate::config;
use crate::coord::testing::start_redis;
use std::process::{Child, Command};

/// A server and, when we started it, its process.
pub(crate) struct Redis {
    url: String,
    child: Option<Child>,
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Redis {
    /// A server that answers.
    pub(crate) fn start() -> Self {
        if let Ok(url) = std::env::var("PALAVER_TEST_REDIS") {
            return Self { url, child: None };
        }
        let (child, port) = start_redis();
        Self {
            url: format!("redis://127.0.0.1:{port}"),
            child: Some(child),
        }
    }

    /// Settings for a prefix of its own.
    pub(crate) fn settings(&self) -> config::Redis {
        let prefix = format!("t{}", uuid::Uuid::new_v4().simple())[..20].to_owned();
        config::Redis {
            url: config::Secret::new(&*self.url),
            prefix,
            ..config::Settings::default().redis
        }
    }

    /// Names of all keys under a prefix.
    pub(crate) fn keys(&self, prefix: &str) -> Vec<String> {
        let told = Command::new("redis-cli")
            .args(["-u", &self.url, "--raw", "keys", &format!("{prefix}:*")])
            .output();
        let text = String::from_utf8(told.unwrap().stdout).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Ends the server.
    pub(crate) fn kill(&mut self) {
        let child = self.child.as_mut().expect("only a private server is killed");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
