//! Strangers pair up and type, without ever saying anything: signs of typing take a road of their own.

use crate::crowd::Manners;
use crate::options::Options;
use crate::report::Report;
use crate::run::Run;
use crate::talk::Matter;

pub(crate) fn run(options: &Options) -> Result<Report, String> {
    let mut run = Run::begin("typing", options, Manners::default())?;
    run.connect()?;
    run.pair_all()?;
    let mut talk = run.plan(Matter::Typing);
    run.warm_up(&mut talk)?;
    run.measure(&mut talk)?;
    run.drain()?;
    let report = Report::of("typing", &run, &talk);
    run.part()?;
    Ok(report)
}
