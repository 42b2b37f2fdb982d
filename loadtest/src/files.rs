//! How many files this process may have open: one per connection, and some.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are none of the connections.
const OTHERS: u64 = 64;

/// Raises the limit so that so many connections fit, or says how somebody may.
pub(crate) fn allow(connections: usize, each: usize) -> Result<(), String> {
    let wanted = (connections * each) as u64 + OTHERS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let fits = maximum.is_none_or(|maximum| maximum >= wanted);
    let raised = Rlimit {
        current: Some(wanted),
        maximum: if fits { maximum } else { Some(wanted) },
    };
    setrlimit(Resource::Nofile, raised).map_err(|_| {
        let most = maximum.unwrap_or_default();
        format!(
            "{connections} connections need {wanted} open files, and this process may have {most}. \
             Raise the hard limit (ulimit -Hn {wanted} as root, LimitNOFILE= in a systemd unit, \
             --ulimit nofile={wanted} of docker), or use fewer connections. People of several of these side by side \
             would be paired across runs, and say nothing to each other then, which each of the runs tells"
        )
    })
}
