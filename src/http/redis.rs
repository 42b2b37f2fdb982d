//! A private Redis for tests of what is above `coord`: one that `PALAVER_TEST_REDIS` names, else a child process.

use crate::config;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

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
    /// A server that will answer soon; clients wait for it.
    pub(crate) fn start() -> Self {
        if let Ok(url) = std::env::var("PALAVER_TEST_REDIS") {
            return Self { url, child: None };
        }
        // The port is free when we ask; that another takes it before the server does is very unlikely.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        // `redis-tools` has the whole server under this name; it looks at how it is called.
        let mut command = Command::new("setpriv");
        command.args([
            "--pdeathsig",
            "KILL",
            "--",
            "bash",
            "-c",
            "exec -a redis-server \"$(readlink -f \"$(command -v redis-check-rdb)\")\" \"$@\"",
            "redis",
        ]);
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        let child = command.arg0("setpriv").stdout(Stdio::null()).spawn().unwrap();
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
