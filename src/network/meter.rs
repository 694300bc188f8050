//! The meter: it writes down energy and finished pictures.

use std::sync::Arc;

use nexosim::model::{Context, Model};
use serde::{Deserialize, Serialize};

use super::context::RunContext;
use super::ledger::LedgerEntry;
use super::messages::UserRecord;

/// Collects what the run produced.
///
/// ```text
///  charge ───┐
///            ├─► Meter ─► ledger and user records of the run
///  finished ─┘
/// ```
#[derive(Serialize, Deserialize)]
pub struct Meter;

#[Model(type Env = Arc<RunContext>)]
impl Meter {
    /// An energy booking -- input port.
    pub async fn charge(&mut self, entry: LedgerEntry, _: &Context<Self>, context: &mut Arc<RunContext>) {
        context.observed().ledger.book(entry);
    }

    /// A finished picture -- input port.
    pub async fn finished(&mut self, record: UserRecord, _: &Context<Self>, context: &mut Arc<RunContext>) {
        context.observed().users.push(record);
    }
}
