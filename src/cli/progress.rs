//! What a run says while it works: bars on a terminal, a line every few seconds elsewhere. All of it on stderr.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::diffusion::executor::WorkCounts;
use crate::experiment::{Observer, StudyProgress};

/// Time between two lines where stderr is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Prints to stderr.
pub struct Progress {
    look: Look,
    /// When the first work was done, how much there was then, and the last line.
    clock: RefCell<Option<Clock>>,
}

enum Look {
    Quiet,
    Lines,
    Bars(Bars),
}

/// One bar for runs and one for each kind of node; those without work are not shown.
struct Bars {
    all: MultiProgress,
    by_kind: RefCell<Vec<(&'static str, ProgressBar)>>,
}

#[derive(Clone, Copy)]
struct Clock {
    begin: Instant,
    /// Part of the work, and what is paced, that was done at `begin`: other processes' runs take no time of ours.
    at_begin: (f64, u64),
    last_line: Instant,
}

/// How fast it goes.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Of [`what_is_paced`].
    per_second: f64,
    left_s: f64,
}

impl Progress {
    pub fn new() -> Self {
        let look = match std::io::stderr().is_terminal() {
            true => Look::Bars(Bars {
                all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
                by_kind: RefCell::new(Vec::new()),
            }),
            false => Look::Lines,
        };
        Self { look, clock: RefCell::new(None) }
    }

    /// Says nothing: neither progress nor warnings.
    pub fn quiet() -> Self {
        Self { look: Look::Quiet, clock: RefCell::new(None) }
    }

    /// Clears the bars.
    pub fn finish(&self) {
        if let Look::Bars(bars) = &self.look {
            bars.by_kind.borrow().iter().for_each(|(_, bar)| bar.finish_and_clear());
        }
    }

    fn line(&self, text: &str) {
        match &self.look {
            Look::Quiet => {}
            Look::Lines => say(text),
            Look::Bars(bars) => bars.all.suspend(|| say(text)),
        }
    }

    /// Pace since the first report; `None` as long as there is none.
    fn pace(&self, progress: &StudyProgress, now: Instant) -> Option<Pace> {
        let done = (fraction(progress), what_is_paced(progress).1);
        let mut clock = self.clock.borrow_mut();
        let clock = clock.get_or_insert(Clock { begin: now, at_begin: done, last_line: now });
        let gained = done.0 - clock.at_begin.0;
        let elapsed_s = (now - clock.begin).as_secs_f64();
        (gained > 0.0 && elapsed_s > 0.5).then(|| Pace {
            per_second: done.1.saturating_sub(clock.at_begin.1) as f64 / elapsed_s,
            left_s: (1.0 - done.0) / gained * elapsed_s,
        })
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for Progress {
    fn stage(&self, text: &str) {
        self.line(text);
    }

    fn warn(&self, text: &str) {
        self.line(&format!("warning: {text}"));
    }

    fn progress(&self, progress: StudyProgress) {
        let now = Instant::now();
        let pace = self.pace(&progress, now);
        match &self.look {
            Look::Quiet => {}
            Look::Bars(bars) => bars.show(&progress, pace),
            Look::Lines => {
                let mut clock = self.clock.borrow_mut();
                if let Some(clock) = clock.as_mut().filter(|clock| now - clock.last_line >= LINE_INTERVAL) {
                    clock.last_line = now;
                    let pace = pace.map_or_else(String::new, |pace| {
                        let (what, _) = what_is_paced(&progress);
                        format!(", {:.0} {what} a second, about {:.0} s left", pace.per_second, pace.left_s)
                    });
                    say(&format!("{}{pace}", done_text(&progress)));
                }
            }
        }
    }
}

impl Bars {
    fn show(&self, progress: &StudyProgress, pace: Option<Pace>) {
        let mut bars = self.by_kind.borrow_mut();
        let stored = (progress.from_store > 0).then_some(("from the store", progress.from_store, progress.from_store));
        for (at, (kind, done, total)) in kinds(progress).chain(stored).enumerate() {
            let position = bars.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
                let bar = self.all.add(ProgressBar::no_length());
                let template = "{msg:26} {bar:32} {pos}/{len}";
                bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
                bars.push((kind, bar));
                bars.len() - 1
            });
            // Set once: what is drawn in between would be seen.
            let message = match pace {
                Some(pace) if kind == what_is_paced(progress).0 && at > 0 => {
                    format!("{kind}, {:.0}/s", pace.per_second)
                }
                Some(pace) if at == 0 => format!("{kind}, {:.0} s left", pace.left_s),
                _ => kind.to_owned(),
            };
            let bar = &bars[position].1;
            bar.set_message(message);
            bar.set_length(total);
            bar.set_position(done);
        }
    }
}

/// What the pace is given in, and how many of it are done.
fn what_is_paced(progress: &StudyProgress) -> (&'static str, u64) {
    match progress.total.unet_evaluations {
        0 => ("runs", progress.runs_done),
        _ => ("UNet evaluations", progress.done.unet_evaluations),
    }
}

/// Part of the work that is done. Where networks work, they set the pace.
fn fraction(progress: &StudyProgress) -> f64 {
    let runs = progress.runs_done as f64 / progress.runs_total.max(1) as f64;
    match progress.total.sum() {
        0 => runs,
        total => runs.max(progress.done.sum() as f64 / total as f64 * 0.999),
    }
}

/// What there is to count: name, done and total; runs first, and what there is none of is left out.
fn kinds(progress: &StudyProgress) -> impl Iterator<Item = (&'static str, u64, u64)> {
    let StudyProgress { runs_done, runs_total, done, total, .. } = *progress;
    let of = |count: fn(&WorkCounts) -> u64| (count(&done), count(&total));
    let [unet, decodes, comparisons, scores] = [
        of(|work| work.unet_evaluations),
        of(|work| work.decodes),
        of(|work| work.comparisons),
        of(|work| work.scores),
    ];
    [
        ("runs", (runs_done, runs_total)),
        ("UNet evaluations", unet),
        ("pictures", decodes),
        ("comparisons", comparisons),
        ("scores", scores),
    ]
    .into_iter()
    .filter(|(_, (_, total))| *total > 0)
    .map(|(kind, (done, total))| (kind, done, total))
}

/// `3/20 runs, 120/400 UNet evaluations, 8/64 scores, 12 values from the score store`.
fn done_text(progress: &StudyProgress) -> String {
    let stored = (progress.from_store > 0).then(|| format!("{} values from the score store", progress.from_store));
    let counted = kinds(progress).map(|(kind, done, total)| format!("{done}/{total} {kind}"));
    counted.chain(stored).collect::<Vec<_>>().join(", ")
}

/// A line on stderr. Whoever reads it may have gone (`2>&1 | head`): no reason to stop a run.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
