//! How the log is written. It never holds message text, tokens, addresses or e-mail; who logs takes care of that.

use crate::config::{LogFormat, Settings};
use crate::error::Fault;
use tracing_subscriber::EnvFilter;

/// Starts logging to standard error.
pub fn start(settings: &Settings) -> Result<(), Fault> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| Fault::new("read the setting log", error))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Text => log.with_ansi(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Fault::new("start the log", error))
}
