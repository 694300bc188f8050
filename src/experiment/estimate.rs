//! How long a study will take, from a short calibration: a few of its own pictures, or runs, are made and timed.

use std::collections::HashMap;
use std::time::Instant;

use rayon::prelude::*;

use super::computation::{BlockComputation, ComputedValues};
use super::plan::StudyPlan;
use super::work_order::RunId;
use crate::diffusion::NodeId;
use crate::diffusion::executor::Evaluation;
use crate::error::Error;

/// UNet evaluations that are timed: several batches for each worker.
const TIMED_EVALUATIONS: u64 = 64;
/// Runs that are timed where no picture is made.
const TIMED_RUNS: usize = 1000;

/// What the calibration says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Time of a run, models loaded [s].
    pub run_s: f64,
    /// Time of the calibration, models loading included [s].
    pub calibration_s: f64,
}

impl StudyPlan {
    /// Estimates the time of [`StudyPlan::run`] without writing anything. What the score store holds takes no time, nor do answers
    /// of an endpoint, which is not asked.
    ///
    /// # Errors
    /// Models that do not load; what simulating says.
    pub fn estimate(&self) -> Result<Estimate, Error> {
        let begin = Instant::now();
        let run_s = match self.scenario().makes_pictures() {
            true => self.time_of_pictures()?,
            false => self.time_of_runs()?,
        };
        Ok(Estimate { run_s, calibration_s: begin.elapsed().as_secs_f64() })
    }

    fn time_of_runs(&self) -> Result<f64, Error> {
        let sample: Vec<RunId> = self.order.iter().take(TIMED_RUNS).collect();
        let nothing = ComputedValues::default();
        let begin = Instant::now();
        let rows = |&id: &RunId| match self.simulate(id) {
            Ok(run) => Ok(self.layout.rows(&run, &nothing).facts.scores),
            // A run would write it down as failed and go on.
            Err(Error::Network { .. }) => Ok(0),
            Err(error) => Err(error),
        };
        self.executor.pool().install(|| sample.par_iter().map(rows).collect::<Result<Vec<_>, Error>>())?;
        Ok(begin.elapsed().as_secs_f64() * self.runs() as f64 / sample.len().max(1) as f64)
    }

    fn time_of_pictures(&self) -> Result<f64, Error> {
        let mut runs = self.order.iter();
        let mut to_make = 0;
        let mut seconds_per_evaluation = None;
        while let Some(block) = self.next_block(&mut runs)? {
            let computation = BlockComputation::new(&block, &self.executor, self.store.as_deref())?;
            // At least one, so that scores of stored pictures alone count for something.
            let work = computation.progress().1;
            to_make += work.unet_evaluations.max(u64::from(work.sum() > 0));
            if seconds_per_evaluation.is_some() || work.sum() == 0 {
                continue;
            }
            // Nobody asks an endpoint, which may want money, for the sake of an estimate.
            let is_timed = |id: &NodeId| !self.executor.is_asked_by_endpoint(&block.graph, *id);
            let to_time: Vec<NodeId> = computation.missing().into_iter().filter(is_timed).collect();
            if to_time.is_empty() {
                continue;
            }
            self.executor.load(&block.graph, &to_time)?;
            let mut sample: Vec<NodeId> = Vec::new();
            for run in &block.runs {
                sample.extend(run.wanted().filter(is_timed));
                if Evaluation::new(&block.graph, &sample, HashMap::new()).total().unet_evaluations >= TIMED_EVALUATIONS
                {
                    break;
                }
            }
            // The first time opens each worker's sessions.
            let mut timed = (0.0, 1);
            for _ in 0..2 {
                let begin = Instant::now();
                let mut evaluation = Evaluation::new(&block.graph, &sample, HashMap::new());
                evaluation.run(&self.executor, &sample, &|_| (), &mut |_, _| Ok(()))?;
                timed = (begin.elapsed().as_secs_f64(), evaluation.total().unet_evaluations.max(1));
            }
            seconds_per_evaluation = Some(timed.0 / timed.1 as f64);
        }
        Ok(to_make as f64 * seconds_per_evaluation.unwrap_or(0.0))
    }
}
