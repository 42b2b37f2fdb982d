//! How a metric is declared, and the small types that record into it.

use metrics::{Key, KeyName, Level, Metadata, Recorder, SharedString, Unit, with_recorder};
use std::time::Duration;

static METADATA: Metadata<'static> = Metadata::new("palaver", Level::INFO, None);

/// A word that may stand in a label: written in the code, never by a client.
pub trait Label: Copy {
    /// The word.
    fn text(self) -> &'static str;
}

impl Label for &'static str {
    fn text(self) -> &'static str {
        self
    }
}

/// The labels of one sample: nothing, one word, or as many words as were declared.
pub trait Labels {
    /// How many there are.
    const COUNT: usize;

    /// Joins the declared names and the words.
    fn pairs(self, names: &'static [&'static str]) -> Vec<metrics::Label>;
}

impl Labels for () {
    const COUNT: usize = 0;

    fn pairs(self, _: &'static [&'static str]) -> Vec<metrics::Label> {
        Vec::new()
    }
}

impl<L: Label> Labels for L {
    const COUNT: usize = 1;

    fn pairs(self, names: &'static [&'static str]) -> Vec<metrics::Label> {
        vec![metrics::Label::from_static_parts(names[0], self.text())]
    }
}

impl<const N: usize> Labels for [&'static str; N] {
    const COUNT: usize = N;

    fn pairs(self, names: &'static [&'static str]) -> Vec<metrics::Label> {
        let pairs = names.iter().zip(self);
        pairs
            .map(|(name, word)| metrics::Label::from_static_parts(name, word))
            .collect()
    }
}

/// What Prometheus is told about one metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Declared {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) labels: &'static [&'static str],
    pub(super) kind: Kind,
    pub(super) buckets: &'static [f64],
}

/// What kind of metric it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Declared {
    /// Tells the recorder help text and unit.
    pub(super) fn describe(&self) {
        let name = KeyName::from_const_str(self.name);
        let help = SharedString::const_str(self.help.trim_ascii());
        let unit = self.name.ends_with("_seconds").then_some(Unit::Seconds);
        with_recorder(|recorder| match self.kind {
            Kind::Counter => recorder.describe_counter(name, unit, help),
            Kind::Gauge => recorder.describe_gauge(name, unit, help),
            Kind::Histogram => recorder.describe_histogram(name, unit, help),
        });
    }

    /// A counter without labels begins at 0.
    pub(super) fn begin(&self) {
        if self.kind == Kind::Counter && self.labels.is_empty() {
            self.with((), |recorder, key| recorder.register_counter(key, &METADATA))
                .increment(0);
        }
    }

    fn key(&self, labels: impl Labels) -> Key {
        let name = KeyName::from_const_str(self.name);
        Key::from_parts(name, labels.pairs(self.labels))
    }

    fn with<T>(&self, labels: impl Labels, record: impl FnOnce(&dyn Recorder, &Key) -> T) -> T {
        let key = self.key(labels);
        with_recorder(|recorder| record(recorder, &key))
    }
}

/// Something that only grows.
#[derive(Debug)]
pub struct Counter<const LABELS: usize>(pub(super) Declared);

/// Something that goes up and down.
#[derive(Debug)]
pub struct Gauge<const LABELS: usize>(pub(super) Declared);

/// How something is spread.
#[derive(Debug)]
pub struct Histogram<const LABELS: usize>(pub(super) Declared);

/// How many labels were declared.
pub(super) const fn count(labels: &[&str]) -> usize {
    labels.len()
}

/// Fails the build when a sample has other labels than were declared.
const fn agree(declared: usize, given: usize) {
    assert!(declared == given, "a sample must have the declared labels");
}

impl<const N: usize> Counter<N> {
    /// Counts one more.
    pub fn one<L: Labels>(&self, labels: L) {
        self.add(labels, 1);
    }

    /// Counts `more`.
    pub fn add<L: Labels>(&self, labels: L, more: u64) {
        const { agree(N, L::COUNT) };
        self.0
            .with(labels, |recorder, key| recorder.register_counter(key, &METADATA))
            .increment(more);
    }
}

impl<const N: usize> Gauge<N> {
    /// The value now.
    pub fn set<L: Labels>(&self, labels: L, value: f64) {
        const { agree(N, L::COUNT) };
        self.0
            .with(labels, |recorder, key| recorder.register_gauge(key, &METADATA))
            .set(value);
    }

    /// One more.
    pub fn up<L: Labels>(&self, labels: L) {
        const { agree(N, L::COUNT) };
        self.0
            .with(labels, |recorder, key| recorder.register_gauge(key, &METADATA))
            .increment(1.0);
    }

    /// One less.
    pub fn down<L: Labels>(&self, labels: L) {
        const { agree(N, L::COUNT) };
        self.0
            .with(labels, |recorder, key| recorder.register_gauge(key, &METADATA))
            .decrement(1.0);
    }
}

impl<const N: usize> Histogram<N> {
    /// One value, in the unit that the name ends with.
    pub fn record<L: Labels>(&self, labels: L, value: f64) {
        const { agree(N, L::COUNT) };
        self.0
            .with(labels, |recorder, key| recorder.register_histogram(key, &METADATA))
            .record(value);
    }

    /// How long something took, for a metric in seconds.
    pub fn took<L: Labels>(&self, labels: L, time: Duration) {
        self.record(labels, time.as_secs_f64());
    }
}

/// Declares all metrics and lists them in `ALL`.
macro_rules! declare {
    (
        counters { $( #[doc = $c_help:literal] $c:ident [$($c_label:tt)*] = $c_name:literal; )* }
        gauges { $( #[doc = $g_help:literal] $g:ident [$($g_label:tt)*] = $g_name:literal; )* }
        histograms { $( #[doc = $h_help:literal] $h:ident [$($h_label:tt)*] in $h_buckets:ident = $h_name:literal; )* }
    ) => {
        $( $crate::metrics::declare::one!(Counter, $c_help, $c, [$($c_label)*], &[], $c_name); )*
        $( $crate::metrics::declare::one!(Gauge, $g_help, $g, [$($g_label)*], &[], $g_name); )*
        $( $crate::metrics::declare::one!(Histogram, $h_help, $h, [$($h_label)*], $h_buckets, $h_name); )*

        static ALL: &[&Declared] = &[ $(&$c.0,)* $(&$g.0,)* $(&$h.0,)* ];
    };
}

/// Declares one metric.
macro_rules! one {
    ($Kind:ident, $help:literal, $NAME:ident, [$($label:ident $(as $real:literal)?),*], $buckets:expr, $name:literal) => {
        #[doc = $help]
        #[doc = concat!("\n\n`", $name, "`")]
        pub static $NAME: $Kind<{ count(&[$(stringify!($label)),*]) }> = $Kind(Declared {
            name: $name,
            help: $help,
            labels: &[$( $crate::metrics::declare::label!($label $(as $real)?) ),*],
            kind: $crate::metrics::declare::Kind::$Kind,
            buckets: $buckets,
        });
    };
}

/// The name of a label: the word itself, or what it is called where the word is a keyword.
macro_rules! label {
    ($label:ident) => {
        stringify!($label)
    };
    ($label:ident as $real:literal) => {
        $real
    };
}

pub(super) use {declare, label, one};
