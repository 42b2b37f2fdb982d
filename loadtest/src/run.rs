//! The course of every load: connect, pair, warm up, measure, wait for what is under way, say goodbye. Loads are written
//! with these steps (`loads`).

use crate::churn::Churn;
use crate::client::calls::CONNECT_WITHIN;
use crate::client::wire::Transport;
use crate::client::{Client, Manner};
use crate::clock::{Clock, Nanos, SECOND, date, nanos, seconds};
use crate::crowd::{Crowd, Manners};
use crate::files;
use crate::measure::series::Series;
use crate::options::Options;
use crate::progress::Progress;
use crate::signals::Signals;
use crate::talk::{Matter, Talk};
use rand::Rng;

/// How often progress is shown.
const SHOW_EVERY: Nanos = SECOND / 5;
/// Attempts in a row that may fail while others are connected; while nobody is, each target is tried once.
const ATTEMPTS: u32 = 4;
/// Longest wait without any progress before a step is given up: who got no answer has tried another target by then.
const STUCK: Nanos = (CONNECT_WITHIN + 10) * SECOND;
/// Longest wait at the end for a line that is under way, and for all of a backlog.
const DRAIN: Nanos = 4 * SECOND;
const LONGEST_DRAIN: Nanos = 60 * SECOND;
/// Longest wait at the end for people on their way back: so long do servers keep a seat for them.
const LONGEST_RETURN: Nanos = 30 * SECOND;
/// Seconds within which a sign of typing is followed by the next.
const LONGEST_SIGN: f64 = 2.0;

pub(crate) struct Run {
    pub(crate) options: Options,
    pub(crate) client: Client,
    pub(crate) crowd: Crowd,
    pub(crate) series: Series,
    pub(crate) progress: Progress,
    pub(crate) started: String,
    /// When everybody began to seek, and when the last was told of a partner.
    pub(crate) paired_in: Option<Nanos>,
    pub(crate) own_cpu_seconds: f64,
    pub(crate) stolen_seconds: f64,
    /// People who leave and connections that drop while the load goes on.
    pub(crate) churn: Option<Churn>,
    /// Whether somebody wants the load to end.
    pub(crate) signals: Signals,
    shown: Nanos,
}

impl Run {
    pub(crate) fn begin(load: &str, options: &Options, manners: Manners) -> Result<Self, String> {
        options.check(load)?;
        let run = rand::rng().random::<u64>();
        let targets = options.targets()?;
        let count = options.connections as usize;
        files::allow(count, if options.polling { 2 } else { 1 })?;
        let manner = Manner {
            sources: options.sources(&targets, run),
            trust: options.trust(&targets)?,
            targets,
            transport: match options.polling {
                true => Transport::Polling,
                false => Transport::WebSocket,
            },
            echo: options.echo,
            run,
        };
        let manners = Manners {
            run: run as u32,
            padding: options.text.saturating_sub(40) as usize,
            at_once: options.at_once as usize,
            ..manners
        };
        Ok(Self {
            client: Client::new(Clock::start(), manner, count)?,
            crowd: Crowd::new(count, manners),
            series: Series::before(&options.pids)?,
            progress: Progress::new(load, !options.no_progress),
            started: date(),
            paired_in: None,
            own_cpu_seconds: 0.0,
            stolen_seconds: 0.0,
            options: options.clone(),
            churn: None,
            signals: Signals::hear()?,
            shown: 0,
        })
    }

    pub(crate) fn now(&self) -> Nanos {
        self.client.clock.now()
    }

    /// Whether the load is to end before its time.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.signals.heard().is_some()
    }

    /// One wait, at most until `until`, and what came of it.
    pub(crate) fn turn(&mut self, until: Nanos) -> Result<(), String> {
        let next = self.crowd.arrive(&mut self.client);
        let crowd = &mut self.crowd;
        let tell = &mut |client: &mut Client, who, happening: crate::client::Happening<'_>| {
            crowd.happened(client, who, happening)
        };
        self.client.turn(until.min(next), tell)
    }

    /// Whether it is time to show progress.
    pub(crate) fn shows(&mut self) -> bool {
        let now = self.now();
        let due = now >= self.shown + SHOW_EVERY;
        if due {
            self.shown = now;
        }
        due
    }

    /// Lets things happen until `count` says that all are there; gives up when it has not grown for long.
    pub(crate) fn gather(&mut self, what: &str, count: impl Fn(&Crowd) -> usize) -> Result<usize, String> {
        let all = self.crowd.len();
        let (mut best, mut grown) = (0, self.now());
        loop {
            let there = count(&self.crowd);
            let now = self.now();
            if there > best {
                (best, grown) = (there, now);
            }
            if there == all || now > grown + STUCK || self.is_interrupted() {
                return Ok(there);
            }
            if self.shows() {
                self.progress.show(there as u64, all as u64, what);
            }
            self.turn(now + SHOW_EVERY)?;
            let patience = if self.crowd.open() > 0 {
                ATTEMPTS
            } else {
                self.client.targets() as u32 - 1
            };
            if self.crowd.most_attempts() > patience {
                return Ok(count(&self.crowd));
            }
        }
    }

    pub(crate) fn connect(&mut self) -> Result<(), String> {
        let open = self.gather("connected", Crowd::open)?;
        match open == self.crowd.len() || self.is_interrupted() {
            true => Ok(()),
            false => Err(format!(
                "only {open} of {} connections came about: {}",
                self.crowd.len(),
                self.complaints()
            )),
        }
    }

    pub(crate) fn complaints(&self) -> String {
        let all = self.crowd.record.complaints.iter();
        let all: Vec<_> = all.map(|(what, count)| format!("{what} ({count}x)")).collect();
        match all.is_empty() {
            true => "no reason was given".to_owned(),
            false => all.join("; "),
        }
    }

    /// Everybody seeks at once; until all have a partner. How many have.
    pub(crate) fn pair(&mut self) -> Result<usize, String> {
        let (began, interrupted) = (self.now(), self.is_interrupted());
        for who in (0..self.crowd.len()).filter(|_| !interrupted) {
            self.crowd.seek(&mut self.client, who, began);
        }
        let seated = self.gather("have a partner", Crowd::seated)?;
        if seated == self.crowd.len() {
            self.paired_in = Some(self.now() - began);
        }
        Ok(seated)
    }

    /// Pairs, and gives up if somebody is left over.
    pub(crate) fn pair_all(&mut self) -> Result<(), String> {
        let seated = self.pair()?;
        match seated == self.crowd.len() || self.is_interrupted() {
            true => Ok(()),
            false => Err(format!(
                "only {seated} of {} have a partner: {}",
                self.crowd.len(),
                self.complaints()
            )),
        }
    }

    /// Plans what everybody who has a partner says or shows, from soon on.
    pub(crate) fn plan(&mut self, matter: Matter) -> Talk {
        let mut speakers = self.crowd.pairs();
        let mut rate = self.options.rate;
        match matter {
            Matter::Lines => rate = self.within_the_limit(speakers.len()),
            // A sign of typing fades after some seconds: fewer people type, but each often enough.
            Matter::Typing => speakers.truncate((rate * LONGEST_SIGN).max(1.0) as usize),
        }
        let begin = self.open_window();
        Talk::plan(matter, speakers, rate, begin)
    }

    /// Says when what counts begins and ends; when the load begins.
    pub(crate) fn open_window(&mut self) -> Nanos {
        let begin = self.now() + SECOND / 10;
        let window = &mut self.crowd.window;
        window.begin = begin + nanos(self.options.warmup);
        window.end = window.begin + nanos(self.options.duration);
        begin
    }

    fn within_the_limit(&self, speakers: usize) -> f64 {
        let (wanted, limit) = (self.options.rate, self.options.limit);
        let rate = wanted.min(limit.rate_for(speakers));
        if rate < wanted && !self.is_interrupted() {
            self.progress.say(&format!(
                "{wanted} lines per second cannot be sent by {speakers} people within the server's limit; sending \
                 {rate:.0}. {} connections could; or say --limit if the server allows more.",
                limit.speakers_for(wanted),
            ));
        }
        rate
    }

    /// The load without being measured.
    pub(crate) fn warm_up(&mut self, talk: &mut Talk) -> Result<(), String> {
        let end = self.crowd.window.begin;
        self.go_on(talk, end, "s warm-up", |_| false)?;
        self.series.begin(self.now());
        Ok(())
    }

    /// The load, measured.
    pub(crate) fn measure(&mut self, talk: &mut Talk) -> Result<(), String> {
        let end = self.crowd.window.end;
        self.go_on(talk, end, "s measured", |_| false)?;
        self.stop_the_clock();
        Ok(())
    }

    /// What is used from here on does not count.
    pub(crate) fn stop_the_clock(&mut self) {
        self.look();
        self.own_cpu_seconds = self.series.own_cpu_seconds();
        self.stolen_seconds = self.series.stolen_seconds();
    }

    fn look(&mut self) {
        let done = self.crowd.record.take_second(self.crowd.open() as u64);
        let now = self.now();
        self.series.look(now, &done);
        self.crowd.settle(&self.client);
    }

    /// Goes on with the load until `end`, or until `enough`.
    pub(crate) fn go_on(
        &mut self,
        talk: &mut Talk,
        end: Nanos,
        what: &str,
        enough: impl Fn(&Crowd) -> bool,
    ) -> Result<(), String> {
        let began = self.now();
        loop {
            let now = self.now();
            if now >= end || enough(&self.crowd) || self.is_interrupted() {
                return Ok(());
            }
            let mut next = talk
                .go_on(&mut self.client, &mut self.crowd)
                .min(end)
                .min(now + SHOW_EVERY);
            if let Some(churn) = &mut self.churn {
                next = next.min(churn.go_on(&mut self.client, &mut self.crowd));
            }
            if self.crowd.window.begin <= now {
                if self.series.due() <= now {
                    self.look();
                }
                next = next.min(self.series.due());
            }
            if self.shows() {
                let (done, of) = (seconds(now - began), seconds(end - began));
                let p99 = self.crowd.record.delivery.at(0.99);
                let open = self.crowd.open();
                let text = format!("{what}, {open} connected, p99 {p99:.2} ms");
                self.progress.show(done as u64, of.ceil() as u64, text);
            }
            self.turn(next)?;
        }
    }

    /// Waits for lines that are under way, for as long as some arrive, and for people who are on their way back.
    pub(crate) fn drain(&mut self) -> Result<(), String> {
        let began = self.now();
        let mut last = (began, self.crowd.tally());
        loop {
            let (now, tally) = (self.now(), self.crowd.tally());
            if tally != last.1 {
                last = (now, tally);
            }
            let lines = tally.lost + tally.unacknowledged > 0 && now < (last.0 + DRAIN).min(began + LONGEST_DRAIN);
            let missing = if self.is_interrupted() { 0 } else { self.crowd.missing() };
            let people = missing > 0 && now < began + LONGEST_RETURN;
            if !lines && !people {
                self.crowd.count_the_missing(&self.client);
                return Ok(());
            }
            match people {
                true => self.progress.show(0, missing as u64, "back"),
                false => self.progress.show(tally.delivered, tally.sent, "delivered"),
            }
            let pause = now + SECOND / 5;
            while self.now() < pause {
                self.turn(pause)?;
            }
        }
    }

    /// Everybody leaves and hangs up.
    pub(crate) fn part(&mut self) -> Result<(), String> {
        self.crowd.manners.parting = true;
        self.crowd.manners.seek_again = false;
        for who in 0..self.crowd.len() {
            if self.client.is_open(who) {
                self.client.emit(who, None, "leave_text_room", format_args!(",{{}}"));
            }
        }
        let end = self.now() + SECOND / 2;
        while self.now() < end && self.crowd.seated() > 0 {
            self.turn(end)?;
        }
        for who in 0..self.crowd.len() {
            self.client.close(who);
        }
        self.progress.clear();
        Ok(())
    }
}
