//! What a run says while it works: a bar on a terminal, a line every few seconds elsewhere. All of it on stderr.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::diffusion::executor::ExecutionProgress;
use crate::experiment::Observer;

/// Time between two lines where stderr is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Prints to stderr.
pub struct Progress {
    bar: Option<ProgressBar>,
    /// When the first pictures were begun, and the last line was written.
    clock: RefCell<Option<(Instant, Instant)>>,
}

impl Progress {
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let template = "{bar:32} {msg}  {eta} left";
            bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
            bar
        });
        Self { bar, clock: RefCell::new(None) }
    }

    /// Clears the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
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

    fn progress(&self, progress: ExecutionProgress) {
        let done = progress.unet_evaluations_done + progress.scores_done;
        let total = progress.unet_evaluations_total + progress.scores_total;
        match &self.bar {
            Some(bar) => {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(done_text(&progress));
            }
            None => {
                let now = Instant::now();
                let mut clock = self.clock.borrow_mut();
                let (first, last) = clock.get_or_insert((now, now));
                if done > 0 && now - *last >= LINE_INTERVAL {
                    *last = now;
                    let rate = done as f64 / (now - *first).as_secs_f64();
                    let left_s = (total - done) as f64 / rate;
                    say(&format!("{}, about {left_s:.0} s left", done_text(&progress)));
                }
            }
        }
    }
}

/// `120/400 UNet evaluations, 8/64 scores`; what there is none of is left out.
fn done_text(progress: &ExecutionProgress) -> String {
    [
        (progress.unet_evaluations_done, progress.unet_evaluations_total, "UNet evaluations"),
        (progress.scores_done, progress.scores_total, "scores"),
    ]
    .into_iter()
    .filter(|(_, total, _)| *total > 0)
    .map(|(done, total, noun)| format!("{done}/{total} {noun}"))
    .collect::<Vec<_>>()
    .join(", ")
}

/// A line on stderr. Whoever reads it may have gone (`2>&1 | head`): no reason to stop a run.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
