//! `radio.path_loss`, `architecture.path_loss`

use crate::radio::PathLoss;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::schema::Variant;

/// What `path_loss` says; `usual` where it is left out. Of log-distance, its numbers where they are left out.
pub(super) fn read(table: &mut TableReader<'_>, variants: &'static [Variant], usual: PathLoss) -> PathLoss {
    let read = match table.choice("path_loss", variants) {
        None => None,
        Some(("uma-nlos", _)) => Some(PathLoss::UmaNlos),
        Some(("uma-los", _)) => Some(PathLoss::UmaLos),
        Some(("umi-nlos", _)) => Some(PathLoss::UmiNlos),
        Some(("umi-los", _)) => Some(PathLoss::UmiLos),
        Some(("log-distance", mut table)) => log_distance(&mut table, usual),
        Some(("fixed-gain", mut table)) => {
            let example = "path_loss = { kind = \"fixed-gain\", gain_db = -120.0 }";
            let gain_db = table.needed_number("gain_db", Range::Any, example);
            gain_db.map(|gain_db| PathLoss::FixedGain { gain_db })
        }
        Some((kind, _)) => unreachable!("the schema knows a path loss {kind} that is never read"),
    };
    read.unwrap_or(usual)
}

fn log_distance(table: &mut TableReader<'_>, usual: PathLoss) -> Option<PathLoss> {
    let reference_distance_m = table.number("reference_distance_m", 1.0, Range::Above(0.0));
    let (exponent, reference_loss_db) = match usual {
        PathLoss::LogDistance { exponent, reference_loss_db, .. } => (
            Some(table.number("exponent", exponent, Range::AtLeast(0.0))),
            Some(table.number("reference_loss_db", reference_loss_db, Range::Any)),
        ),
        _ => {
            let example = "path_loss = { kind = \"log-distance\", exponent = 3.0, reference_loss_db = 43.3 }";
            let exponent = table.needed_number("exponent", Range::AtLeast(0.0), example);
            (exponent, table.needed_number("reference_loss_db", Range::Any, example))
        }
    };
    Some(PathLoss::LogDistance { exponent: exponent?, reference_distance_m, reference_loss_db: reference_loss_db? })
}
