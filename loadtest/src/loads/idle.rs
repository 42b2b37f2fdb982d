//! Connections that do nothing but answer pings: what each costs in memory.

use crate::crowd::Manners;
use crate::options::Options;
use crate::report::Report;
use crate::run::Run;
use crate::talk::Talk;

pub(crate) fn run(options: &Options) -> Result<Report, String> {
    let mut run = Run::begin("idle", options, Manners::default())?;
    run.connect()?;
    run.open_window();
    let mut nothing = Talk::none();
    run.warm_up(&mut nothing)?;
    run.measure(&mut nothing)?;
    let report = Report::of("idle", &run, &nothing);
    run.part()?;
    Ok(report)
}
