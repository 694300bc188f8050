//! `radio.protection`

use crate::diffusion::LatentCodec;
use crate::radio::Protection;
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::schema::PROTECTIONS;
use crate::scenario::words::{CODECS, word_for};

/// Payload bits that a transport block may have.
const BLOCK_BITS: (u64, u64) = (8, 1_000_000);
const USUAL_BLOCK_BITS: u64 = 1024;
const MAXIMUM_ATTEMPTS: u64 = 1000;
const USUAL_ATTEMPTS: u64 = 4;
const USUAL_ROUND_TRIP_S: f64 = 0.008;
const USUAL_CODE_RATE: f64 = 0.5;

/// `codec` says how many bits a value of the latent has.
pub(super) fn read(table: &mut TableReader<'_>, codec: LatentCodec) -> Protection {
    let read = match table.choice("protection", PROTECTIONS) {
        None | Some(("none", _)) => None,
        Some(("arq", mut table)) => Some(Protection::Arq {
            block_bits: block_bits(&mut table),
            maximum_attempts: maximum_attempts(&mut table),
            round_trip_s: round_trip_s(&mut table),
        }),
        Some(("fec", mut table)) => {
            Some(Protection::Fec { block_bits: block_bits(&mut table), code_rate: code_rate(&mut table) })
        }
        Some(("harq-chase", mut table)) => Some(Protection::HarqChase {
            block_bits: block_bits(&mut table),
            code_rate: code_rate(&mut table),
            maximum_attempts: maximum_attempts(&mut table),
            round_trip_s: round_trip_s(&mut table),
        }),
        Some(("harq-incremental-redundancy", mut table)) => Some(Protection::HarqIncrementalRedundancy {
            block_bits: block_bits(&mut table),
            code_rate: code_rate(&mut table),
            maximum_attempts: maximum_attempts(&mut table),
            round_trip_s: round_trip_s(&mut table),
        }),
        Some(("unequal", mut table)) => unequal(&mut table, codec),
        Some((kind, _)) => unreachable!("the schema knows a protection {kind} that is never read"),
    };
    read.unwrap_or(Protection::None)
}

fn unequal(table: &mut TableReader<'_>, codec: LatentCodec) -> Option<Protection> {
    let (block_bits, code_rate) = (block_bits(table), code_rate(table));
    let bits = codec.bits_per_value();
    if !table.has("protected_bits") {
        let what = format!("a whole number from 1 to {}", bits - 1);
        table.lacks("protected_bits", &what, "protection = { kind = \"unequal\", protected_bits = 2 }");
        return None;
    }
    let protected_bits = table.optional_integer("protected_bits", 1, u32::MAX.into())? as u32;
    if protected_bits >= bits {
        let codec = word_for(CODECS, codec);
        let problem = Problem::new(format!("`protected_bits` = {protected_bits} of the {bits} bits of \"{codec}\""));
        let problem = problem.expected(format!("a whole number from 1 to {}", bits - 1));
        table.push_at("protected_bits", problem.help("to protect all bits of each value, write kind = \"fec\""));
        return None;
    }
    Some(Protection::Unequal { protected_bits, block_bits, code_rate })
}

fn block_bits(table: &mut TableReader<'_>) -> u32 {
    table.integer("block_bits", USUAL_BLOCK_BITS, BLOCK_BITS.0, BLOCK_BITS.1) as u32
}

fn maximum_attempts(table: &mut TableReader<'_>) -> u32 {
    table.integer("maximum_attempts", USUAL_ATTEMPTS, 1, MAXIMUM_ATTEMPTS) as u32
}

fn round_trip_s(table: &mut TableReader<'_>) -> f64 {
    table.number("round_trip_s", USUAL_ROUND_TRIP_S, Range::AtLeast(0.0))
}

fn code_rate(table: &mut TableReader<'_>) -> f64 {
    table.number("code_rate", USUAL_CODE_RATE, Range::Inside(0.0, 1.0))
}
