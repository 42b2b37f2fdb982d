//! Everybody is cut off at once and comes back, while those who can go on talking. Or a server is killed: then its
//! people are cut off, and come back to the others.

use crate::clock::{SECOND, nanos};
use crate::crowd::{Crowd, Cut, Manners};
use crate::options::Options;
use crate::report::Report;
use crate::run::Run;
use crate::talk::Matter;
use clap::{Args, ValueEnum};
use rustix::process::{Pid, Signal, kill_process};

/// Seconds that the load goes on after everybody is back: what was missed may come a little later.
const AFTER: f64 = 3.0;

#[derive(Args, Clone, Debug)]
pub(crate) struct Storm {
    #[command(flatten)]
    pub(crate) options: Options,
    /// How all connections are cut.
    #[arg(long, value_enum, default_value_t = How::Reset)]
    cut: How,
    /// Instead of cutting connections, kill this one of --pids (SIGKILL).
    #[arg(long)]
    kill: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    /// As when a network dies: with a reset.
    Reset,
    /// As when a page is closed: without a goodbye.
    Close,
    /// Not at all: somebody else makes the storm, within the first seconds of the duration.
    Nobody,
}

pub(crate) fn run(storm: &Storm) -> Result<Report, String> {
    let victim = storm.victim()?;
    let manners = Manners {
        others_cut: victim.is_some() || storm.cut == How::Nobody,
        ..Manners::default()
    };
    let mut run = Run::begin("storm", &storm.options, manners)?;
    run.connect()?;
    run.pair_all()?;
    let mut talk = run.plan(Matter::Lines);
    run.warm_up(&mut talk)?;
    let calm = run.now() + SECOND;
    run.go_on(&mut talk, calm, "s calm", |_| false)?;

    if !run.is_interrupted() {
        strike(&mut run, storm.cut, victim)?;
    }
    let end = run.crowd.window.end;
    let first = run.now() + SECOND;
    run.go_on(&mut talk, end.min(first), "s storm", |_| false)?;
    run.go_on(&mut talk, end, "s storm", everybody_is_back(storm))?;
    let after = run.now() + nanos(AFTER);
    run.go_on(&mut talk, end.min(after), "s after", |_| false)?;
    run.stop_the_clock();
    run.drain()?;
    let report = Report::of("storm", &run, &talk);
    run.part()?;
    Ok(report)
}

impl Storm {
    /// The process that is to be killed.
    fn victim(&self) -> Result<Option<Pid>, String> {
        let Some(name) = &self.kill else {
            return Ok(None);
        };
        let watched = self.options.pids.iter().find(|watched| watched.name == *name);
        let pid = watched.and_then(|watched| Pid::from_raw(watched.pid.try_into().ok()?));
        pid.map(Some).ok_or_else(|| format!("--kill: {name} is none of --pids"))
    }
}

fn strike(run: &mut Run, cut: How, victim: Option<Pid>) -> Result<(), String> {
    run.crowd.storm = Some(run.now());
    if let Some(pid) = victim {
        return kill_process(pid, Signal::KILL).map_err(|e| format!("--kill: {e}"));
    }
    let cut = match cut {
        How::Reset => Cut::Reset,
        How::Close => Cut::Close,
        How::Nobody => return Ok(()),
    };
    for who in 0..run.crowd.len() {
        run.crowd.cut(&mut run.client, who, cut);
    }
    Ok(())
}

/// Whoever makes the storm, nobody waits for people who have lost their seats for good.
fn everybody_is_back(storm: &Storm) -> impl Fn(&Crowd) -> bool + use<> {
    let ours = storm.kill.is_some() || storm.cut != How::Nobody;
    move |crowd| ours && crowd.returns.away() == 0
}
