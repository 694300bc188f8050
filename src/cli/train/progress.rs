//! What a training says while it works: a bar for each on a terminal, a line for each evaluation elsewhere.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::progress::say;
use crate::experiment::{Observer, StudyProgress};
use crate::learn::training_curve::TrainingRow;
use crate::learn::training_study::TrainingObserver;
use crate::scenario::TrainSettings;

/// Prints to stderr, from any thread.
pub struct TrainingProgress {
    look: Look,
}

enum Look {
    Quiet,
    Lines,
    Bars { all: MultiProgress, by_training: Mutex<HashMap<String, ProgressBar>> },
}

impl TrainingProgress {
    pub fn new(is_quiet: bool) -> Self {
        let look = match (is_quiet, std::io::stderr().is_terminal()) {
            (true, _) => Look::Quiet,
            (false, false) => Look::Lines,
            (false, true) => Look::Bars {
                all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
                by_training: Mutex::default(),
            },
        };
        Self { look }
    }

    /// Clears the bars.
    pub fn finish(&self) {
        if let Look::Bars { by_training, .. } = &self.look {
            let bars = by_training.lock().unwrap_or_else(PoisonError::into_inner);
            bars.values().for_each(ProgressBar::finish_and_clear);
        }
    }

    fn line(&self, text: &str) {
        match &self.look {
            Look::Quiet => {}
            Look::Lines => say(text),
            Look::Bars { all, .. } => all.suspend(|| say(text)),
        }
    }
}

impl Observer for TrainingProgress {
    fn stage(&self, text: &str) {
        self.line(text);
    }

    fn warn(&self, text: &str) {
        self.line(&format!("warning: {text}"));
    }

    fn progress(&self, _: StudyProgress) {}
}

impl TrainingObserver for TrainingProgress {
    fn row(&self, label: &str, row: &TrainingRow, settings: &TrainSettings) {
        match &self.look {
            Look::Quiet => {}
            Look::Lines => {
                if row.evaluation_sum_qoe.is_some() {
                    say(&format!("{label}: {} of {} updates, {}", row.updates, settings.updates, numbers(row)));
                }
            }
            Look::Bars { all, by_training } => {
                let mut bars = by_training.lock().unwrap_or_else(PoisonError::into_inner);
                let bar = bars.entry(label.to_owned()).or_insert_with(|| {
                    let bar = all.add(ProgressBar::new(settings.updates));
                    let template = "{prefix} {bar:24} {pos}/{len} {msg}";
                    bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
                    bar.set_prefix(label.to_owned());
                    bar
                });
                bar.set_position(row.updates);
                bar.set_message(numbers(row));
            }
        }
    }

    fn trained(&self, label: &str, done: usize, total: usize) {
        if let Look::Bars { by_training, .. } = &self.look {
            let mut bars = by_training.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(bar) = bars.remove(label) {
                bar.finish_and_clear();
            }
        }
        self.line(&format!("{done} of {total} trainings are done: {label}"));
    }
}

/// `reward 1.92, ΣQ 1.98, 24 % over budget, losses 0.012 and -1.95, evaluated ΣQ 1.961`; what there is of it.
fn numbers(row: &TrainingRow) -> String {
    let number = |name: &str, value: Option<f64>| value.map(|value| format!("{name} {value:.3}"));
    let violations = row.server_violation_rate.map(|rate| format!("{:.0} % over budget", 100.0 * rate));
    let parts = [
        number("reward", row.reward),
        number("ΣQ", row.sum_qoe),
        violations,
        row.critic_loss.map(|loss| format!("critic loss {loss:.4}")),
        number("actor loss", row.actor_loss),
        number("evaluated ΣQ", row.evaluation_sum_qoe),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
