//! The bench: it wires the models of a run (see the diagram in [`super`]), runs them, and takes the results out.

use std::sync::Arc;

use nexosim::ports::{EventSource, Output};
use nexosim::simulation::{EventId, Mailbox, SimInit};
use nexosim::time::MonotonicTime;

use super::archive::Archive;
use super::checkpoint::Checkpoints;
use super::context::{InContext, NetworkError, RunContext};
use super::edge_servers::EdgeServers;
use super::fault_injector::FaultInjector;
use super::invariants;
use super::ledger::EnergyLedger;
use super::prompt_source::PromptSource;
use super::radio_links::RadioLinks;
use super::rating::{self, Rating};
use super::records::{RunBooks, UserRecord};
use super::reference::{self, Comparison};
use super::user_devices::UserDevices;
use crate::diffusion::recorder::Recorder;

/// What one run left behind. Node ids are of the recorder's graph.
pub struct SimulatedRun {
    /// Served requests, by number.
    pub users: Vec<SimulatedUser>,
    pub ledger: EnergyLedger,
    pub books: RunBooks,
    pub recorder: Recorder,
}

/// One user's record, and the comparisons and ratings the scenario asks for.
pub struct SimulatedUser {
    pub record: Box<UserRecord>,
    pub comparisons: Vec<Comparison>,
    /// The user's own persona first; empty where no judge looks at pictures.
    pub ratings: Vec<Rating>,
}

/// The engine, wired, and the events that come from outside.
pub(super) struct Bench {
    pub(super) init: SimInit,
    pub(super) start: EventId<()>,
    pub(super) start_faults: EventId<()>,
    pub(super) close_books: EventId<()>,
    pub(super) keep: EventId<()>,
    pub(super) let_go: EventId<()>,
    pub(super) put_back: EventId<()>,
}

/// Simulates one run.
///
/// # Errors
/// What a model noted in the context, or [`NetworkError::Engine`].
pub fn simulate(context: RunContext) -> Result<SimulatedRun, NetworkError> {
    simulate_with_checkpoints(context, &Checkpoints::none())
}

/// Simulates one run, from its last checkpoint on where there is one.
///
/// # Errors
/// As [`simulate`], and [`NetworkError::Checkpoint`].
pub fn simulate_with_checkpoints(context: RunContext, checkpoints: &Checkpoints) -> Result<SimulatedRun, NetworkError> {
    let context = Arc::new(context);
    let outcome = run_engine(&context, checkpoints);
    if let Some(failure) = context.take_failure() {
        return Err(failure);
    }
    outcome?;
    let mut records = std::mem::take(&mut context.state().served);
    // Simultaneous ends have no order of their own.
    records.sort_by_key(|record| record.journey.request);
    if context.scenario.analysis.check_invariants {
        invariants::check(&context, &records)?;
    }
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
    let (recorder, mut state) = context.into_parts();
    state.books.unserved.sort_by_key(|record| record.journey.request);
    Ok(SimulatedRun { users, ledger: state.ledger, books: state.books, recorder })
}

fn run_engine(context: &Arc<RunContext>, checkpoints: &Checkpoints) -> Result<(), NetworkError> {
    let bench = wire(context);
    let (close_books, keep, let_go) = (bench.close_books, bench.keep, bench.let_go);
    let mut simulation = match checkpoints.last()? {
        Some(saved) => {
            let (put_back, init) = (bench.put_back, bench.init);
            let mut simulation =
                init.restore(&saved[..]).map_err(|error| checkpoints.unreadable(&error.to_string()))?;
            simulation.process_event(&put_back, ()).map_err(engine)?;
            simulation
        }
        None => {
            let (start, start_faults) = (bench.start, bench.start_faults);
            let mut simulation =
                bench.init.init(MonotonicTime::EPOCH).map_err(|e| NetworkError::Engine(e.to_string()))?;
            simulation.process_event(&start, ()).map_err(engine)?;
            simulation.process_event(&start_faults, ()).map_err(engine)?;
            simulation
        }
    };
    while let Some(pause) = checkpoints.next_after(simulation.time()) {
        simulation.step_until(pause).map_err(engine)?;
        if context.state().is_over() {
            break;
        }
        simulation.process_event(&keep, ()).map_err(engine)?;
        let mut saved = Vec::new();
        simulation.save(&mut saved).map_err(engine)?;
        simulation.process_event(&let_go, ()).map_err(engine)?;
        checkpoints.write(&saved)?;
    }
    // The run ends when nothing is scheduled any more.
    simulation.run().map_err(engine)?;
    simulation.process_event(&close_books, ()).map_err(engine)
}

fn engine(error: nexosim::simulation::ExecutionError) -> NetworkError {
    NetworkError::Engine(error.to_string())
}

/// Mailboxes hold 16 messages unless told otherwise. A handler sends one message at a time and waits for room, but a model that
/// answers while it is being written to must have room for all answers.
const MAILBOX_CAPACITY: usize = 1024;

/// Where groups are of one, an event leads to a message or two. Else a window or a fault may lead to one per device.
/// Mailboxes are used from end to end again and again, so large ones are slow.
fn mailbox_capacity(context: &RunContext) -> usize {
    let scenario = &context.scenario;
    if context.is_round() {
        // A sweep has millions of rounds: room is made for their messages and no more.
        return (4 * scenario.devices.len()).max(16);
    }
    let is_one_by_one = scenario.grouping.window_s == 0.0 && scenario.faults.is_empty();
    if is_one_by_one { MAILBOX_CAPACITY } else { MAILBOX_CAPACITY.max(2 * scenario.devices.len()) }
}

fn wire(context: &Arc<RunContext>) -> Bench {
    let mut source = PromptSource::new(context);
    let mut servers = EdgeServers::new(context);
    let mut radio = RadioLinks::new(context);
    let mut devices = UserDevices::new(context);
    let mut faults = FaultInjector::new(context);
    let capacity = mailbox_capacity(context);
    let source_mailbox = Mailbox::with_capacity(capacity);
    let servers_mailbox = Mailbox::with_capacity(capacity);
    let radio_mailbox = Mailbox::with_capacity(capacity);
    let devices_mailbox = Mailbox::with_capacity(capacity);
    let faults_mailbox = Mailbox::new();
    let archive_mailbox = Mailbox::new();

    source.request.connect(EdgeServers::submit, &servers_mailbox);
    servers.hand_over.connect(RadioLinks::send, &radio_mailbox);
    servers.lead.connect(UserDevices::lead, &devices_mailbox);
    servers.alone.connect(UserDevices::generate_alone, &devices_mailbox);
    servers.refused.connect(PromptSource::refused, &source_mailbox);
    radio.deliver.connect(UserDevices::deliver, &devices_mailbox);
    radio.regroup.connect(EdgeServers::regroup, &servers_mailbox);
    devices.hand_over.connect(RadioLinks::send, &radio_mailbox);
    devices.regroup.connect(EdgeServers::regroup, &servers_mailbox);
    faults.server_outage.connect(EdgeServers::outage, &servers_mailbox);
    faults.link_outage.connect(RadioLinks::outage, &radio_mailbox);
    faults.away.connect(UserDevices::away, &devices_mailbox);
    faults.lose_leads.connect(UserDevices::lose_leads, &devices_mailbox);
    if context.is_closed_loop() {
        // Only then does anybody wait for a request to end.
        let ended: [&mut Output<u32>; 3] = [&mut servers.ended, &mut radio.ended, &mut devices.ended];
        ended.into_iter().for_each(|port| port.connect(PromptSource::ended, &source_mailbox));
    }

    // One thread: events of one run are handled in one order. Runs go side by side instead.
    let mut init = SimInit::with_num_threads(1);
    let start = EventSource::new().connect(PromptSource::start, &source_mailbox).register(&mut init);
    let start_faults = EventSource::new().connect(FaultInjector::start, &faults_mailbox).register(&mut init);
    let close_books = EventSource::new().connect(EdgeServers::close_books, &servers_mailbox).register(&mut init);
    let keep = EventSource::new().connect(Archive::keep, &archive_mailbox).register(&mut init);
    let let_go = EventSource::new().connect(Archive::let_go, &archive_mailbox).register(&mut init);
    let put_back = EventSource::new().connect(Archive::put_back, &archive_mailbox).register(&mut init);
    let init = init
        .add_model(in_context(source, context), source_mailbox, "prompt source")
        .add_model(in_context(servers, context), servers_mailbox, "edge servers")
        .add_model(in_context(radio, context), radio_mailbox, "radio links")
        .add_model(in_context(devices, context), devices_mailbox, "user devices")
        .add_model(in_context(faults, context), faults_mailbox, "fault injector")
        .add_model(in_context(Archive::default(), context), archive_mailbox, "archive");
    Bench { init, start, start_faults, close_books, keep, let_go, put_back }
}

fn in_context<M>(model: M, context: &Arc<RunContext>) -> InContext<M> {
    InContext { model, context: Arc::clone(context) }
}
