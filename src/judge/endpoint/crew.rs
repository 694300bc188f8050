//! The threads that ask: as many as requests may be under way, whoever wants them.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::EndpointError;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that take jobs in the order in which they were given. They are started by the first job, and end with the crew
/// and what it still has to do.
#[derive(Debug)]
pub(super) struct Crew {
    size: usize,
    jobs: Mutex<Option<Sender<Job>>>,
}

impl Crew {
    pub(super) fn new(size: usize) -> Self {
        Self { size, jobs: Mutex::new(None) }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether anything was ever asked.
    pub(super) fn has_started(&self) -> bool {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Gives a job to whoever is free first.
    ///
    /// # Errors
    /// [`EndpointError::Threads`].
    pub(super) fn give(&self, job: Job) -> Result<(), EndpointError> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match jobs.as_ref() {
            Some(sender) => sender,
            None => jobs.insert(self.start()?),
        };
        sender.send(job).expect("threads take jobs as long as their crew is there");
        Ok(())
    }

    fn start(&self) -> Result<Sender<Job>, EndpointError> {
        let (sender, receiver) = channel::<Job>();
        let receiver = Arc::new(Mutex::new(receiver));
        for index in 0..self.size {
            let receiver = Arc::clone(&receiver);
            std::thread::Builder::new()
                .name(format!("endpoint-{index}"))
                .spawn(move || work(&receiver))
                .map_err(|error| EndpointError::Threads { threads: self.size, reason: error.to_string() })?;
        }
        Ok(sender)
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        // Taken on a line of its own: the lock is not held while the job is done.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}
