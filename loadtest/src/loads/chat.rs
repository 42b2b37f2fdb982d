//! Strangers pair up and talk.

use crate::crowd::Manners;
use crate::options::Options;
use crate::report::Report;
use crate::run::Run;

pub(crate) fn run(options: &Options) -> Result<Report, String> {
    let mut run = Run::begin("chat", options, Manners::default())?;
    run.connect()?;
    run.pair_all()?;
    let talk = run.talk()?;
    run.drain()?;
    let report = Report::of("chat", &run, Some(&talk));
    run.part()?;
    Ok(report)
}
