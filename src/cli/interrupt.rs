//! Ctrl-C: the first one stops a study after the batch in flight, the second one ends the program at once.

use std::sync::Arc;

use super::progress::say;
use crate::diffusion::executor::StopRequest;

/// From now on Ctrl-C sets the request that is returned.
pub(super) fn listen() -> Arc<StopRequest> {
    let stop: Arc<StopRequest> = Arc::default();
    let request = Arc::clone(&stop);
    let listening = ctrlc::set_handler(move || {
        if request.is_set() {
            std::process::exit(130);
        }
        request.set();
        say("stopping after the batch in flight; once more to stop at once");
    });
    if let Err(error) = listening {
        say(&format!("warning: Ctrl-C will end the run at once, as a kill does: {error}"));
    }
    stop
}
