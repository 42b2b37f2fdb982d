//! Being told to stop: the first signal ends the load early, the second one ends the process.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What a shell makes of a process that a signal ended: so much and its number.
const ENDED_BY: u8 = 128;

pub(crate) struct Signals(Arc<AtomicUsize>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    const ALL: [Self; 2] = [Self::Interrupt, Self::Terminate];

    fn number(self) -> i32 {
        match self {
            Self::Interrupt => SIGINT,
            Self::Terminate => SIGTERM,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }

    pub(crate) fn status(self) -> u8 {
        ENDED_BY + self.number() as u8
    }
}

impl Signals {
    /// From now on signals are heard.
    pub(crate) fn hear() -> Result<Self, String> {
        let (told, heard) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        for signal in Signal::ALL {
            let number = signal.number();
            // In this order: the first signal finds that none was told of, and tells of itself.
            flag::register_conditional_shutdown(number, signal.status().into(), told.clone())
                .and_then(|_| flag::register(number, told.clone()))
                .and_then(|_| flag::register_usize(number, heard.clone(), number as usize))
                .map_err(|e| format!("{}: {e}", signal.name()))?;
        }
        Ok(Self(heard))
    }

    /// The signal that came, if one did.
    pub(crate) fn heard(&self) -> Option<Signal> {
        let number = self.0.load(Ordering::Relaxed);
        Signal::ALL
            .into_iter()
            .find(|signal| signal.number() as usize == number)
    }
}
