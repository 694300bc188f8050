//! `[grouping]`

use super::demand::needs_demand;
use super::server::MAXIMUM_BATCH;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::GroupingSettings;

/// Similarities are cosines; above 1 a threshold keeps everybody apart.
pub(super) const THRESHOLDS: Range = Range::Between(-1.0, 2.0);

pub(super) fn read(table: &mut TableReader<'_>, has_demand: bool) -> GroupingSettings {
    needs_demand(table, has_demand);
    let usual = GroupingSettings::default();
    GroupingSettings {
        window_s: table.number("window_s", usual.window_s, Range::AtLeast(0.0)),
        maximum_size: table.integer("maximum_size", usual.maximum_size.into(), 1, MAXIMUM_BATCH) as u32,
        similarity_threshold: table.optional_number("similarity_threshold", THRESHOLDS),
        only_if_saving: table.flag("only_if_saving", usual.only_if_saving),
    }
}
