//! Strangers join at once; how long until each has a partner.

use crate::crowd::Manners;
use crate::options::Options;
use crate::report::Report;
use crate::run::Run;
use crate::talk::Talk;

pub(crate) fn run(options: &Options) -> Result<Report, String> {
    let mut run = Run::begin("pair", options, Manners::default())?;
    run.connect()?;
    run.series.begin(run.now());
    run.pair()?;
    run.stop_the_clock();
    let report = Report::of("pair", &run, &Talk::none());
    run.part()?;
    Ok(report)
}
