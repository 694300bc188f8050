//! The bench: it wires the models of one round (see the diagram in [`super`]), runs them, and takes the results out.

use std::sync::Arc;

use nexosim::ports::EventSource;
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;

use super::context::{InContext, NetworkError, RunContext};
use super::edge_server::EdgeServer;
use super::ledger::EnergyLedger;
use super::messages::UserRecord;
use super::meter::Meter;
use super::prompt_source::PromptSource;
use super::radio_link::RadioLink;
use super::rating::{self, Rating};
use super::reference::{self, Comparison};
use super::user_device::UserDevice;
use crate::diffusion::recorder::Recorder;

/// What one run left behind. Node ids are of the recorder's graph.
pub struct SimulatedRun {
    pub users: Vec<SimulatedUser>,
    pub ledger: EnergyLedger,
    pub recorder: Recorder,
}

/// One user's record, and the comparisons and ratings the scenario asks for.
pub struct SimulatedUser {
    pub record: UserRecord,
    pub comparisons: Vec<Comparison>,
    /// The user's own persona first; empty where no judge looks at pictures.
    pub ratings: Vec<Rating>,
}

/// Mailboxes hold 16 messages unless told otherwise; every device may write to the server or the meter at once.
fn mailbox_capacity(devices: usize) -> usize {
    (4 * devices).max(16)
}

/// Simulates one synchronous round.
///
/// # Errors
/// What a model noted in the context, or [`NetworkError::Engine`].
pub fn simulate_round(context: RunContext) -> Result<SimulatedRun, NetworkError> {
    let context = Arc::new(context);
    run_engine(&context)?;
    if let Some(failure) = context.observed().failure.take() {
        return Err(failure);
    }
    let mut records = std::mem::take(&mut context.observed().users);
    // Simultaneous ends have no order of their own.
    records.sort_by_key(|record| record.request);
    let mut users = Vec::with_capacity(records.len());
    for record in records {
        let comparisons = context
            .scenario
            .diffusion
            .metrics_against
            .iter()
            .filter(|_| context.scenario.makes_pictures())
            .map(|&against| reference::compare(&context, &record, against))
            .collect::<Result<_, _>>()?;
        let ratings = rating::rate(&context, &record)?;
        users.push(SimulatedUser { record, comparisons, ratings });
    }
    let context = Arc::into_inner(context).expect("the bench and its models are gone");
    let (recorder, observed) = context.into_parts();
    Ok(SimulatedRun { users, ledger: observed.ledger, recorder })
}

fn run_engine(context: &Arc<RunContext>) -> Result<(), NetworkError> {
    let devices = context.scenario.devices.len();
    let mut source = PromptSource::new(devices);
    let mut server = EdgeServer::new(devices);
    let source_mailbox = Mailbox::new();
    let server_mailbox = Mailbox::with_capacity(mailbox_capacity(devices));
    let meter_mailbox = Mailbox::with_capacity(mailbox_capacity(devices));

    source.request.connect(EdgeServer::submit, &server_mailbox);
    server.ledger.connect(Meter::charge, &meter_mailbox);

    // One thread: events of one run are handled in one order. Runs go side by side instead.
    let mut bench = SimInit::with_num_threads(1);
    for (index, device) in context.scenario.devices.iter().enumerate() {
        let mut link = RadioLink::new(index);
        let mut user_device = UserDevice::new(index);
        let link_mailbox = Mailbox::new();
        let device_mailbox = Mailbox::new();
        server.link[index].connect(RadioLink::transmit, &link_mailbox);
        server.alone[index].connect(UserDevice::generate_alone, &device_mailbox);
        link.deliver.connect(UserDevice::receive, &device_mailbox);
        link.ledger.connect(Meter::charge, &meter_mailbox);
        user_device.finished.connect(Meter::finished, &meter_mailbox);
        user_device.ledger.connect(Meter::charge, &meter_mailbox);
        bench = bench
            .add_model(in_context(link, context), link_mailbox, &format!("link to {}", device.name))
            .add_model(in_context(user_device, context), device_mailbox, &device.name);
    }
    let start = EventSource::new().connect(PromptSource::start, &source_mailbox).register(&mut bench);
    let mut simulation = bench
        .add_model(in_context(source, context), source_mailbox, "prompt source")
        .add_model(in_context(server, context), server_mailbox, "edge server")
        .add_model(in_context(Meter, context), meter_mailbox, "meter")
        .init(MonotonicTime::EPOCH)
        .map_err(|error| NetworkError::Engine(error.to_string()))?;
    simulation.process_event(&start, ()).map_err(|error| NetworkError::Engine(error.to_string()))?;
    // The round ends when nothing is scheduled any more.
    simulation.run().map_err(|error| NetworkError::Engine(error.to_string()))
}

fn in_context<M>(model: M, context: &Arc<RunContext>) -> InContext<M> {
    InContext { model, context: Arc::clone(context) }
}
