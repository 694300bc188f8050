//! Ctrl-C: the first one stops a study after the batch in flight, the second one ends the program at once.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::progress::say;
use crate::diffusion::executor::StopRequest;

/// What the first Ctrl-C stops.
static RUNNING: Mutex<Option<Arc<StopRequest>>> = Mutex::new(None);
static IS_LISTENING: OnceLock<()> = OnceLock::new();

/// From now on Ctrl-C stops this study.
pub(super) fn stops(request: &Arc<StopRequest>) {
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(request));
    IS_LISTENING.get_or_init(|| {
        let listening = ctrlc::set_handler(|| {
            let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
            match running.as_ref().filter(|request| !request.is_set()) {
                Some(request) => {
                    request.set();
                    say("stopping after the batch in flight; once more to stop at once");
                }
                None => std::process::exit(130),
            }
        });
        if let Err(error) = listening {
            say(&format!("warning: Ctrl-C will end the run at once, as a kill does: {error}"));
        }
    });
}
