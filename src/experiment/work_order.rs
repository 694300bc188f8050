//! Which runs a study has, in which order they are worked off, and which of them are a shard's.
//!
//! Points of one replication share their beginnings (start latents, the server's steps), replications share nothing. Where
//! pictures are made, the order is therefore replication by replication; where none is made, point by point. Tables are in the order of (point, replication) whatever the order of work.
//!
//! ```text
//!  with pictures   (p0 r0) (p1 r0) (p2 r0) │ (p0 r1) (p1 r1) (p2 r1)        │ cuts into two shards
//!  without         (p0 r0) (p0 r1) (p1 r0) │ (p1 r1) (p2 r0) (p2 r1)
//! ```

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One repetition of one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId {
    pub point: u32,
    pub replication: u32,
}

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "point {}, replication {}", self.point, self.replication)
    }
}

/// Part `number` (from 1) of `count` parts of a study, as `2/5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    pub number: u32,
    pub count: u32,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, count)| Some((number.parse().ok()?, count.parse().ok()?)));
        match parts {
            Some((number, count)) if (1..=count).contains(&number) => Ok(Self { number, count }),
            _ => Err("expected i/n with i from 1 to n, say 2/5 for the second of five parts".to_owned()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.number, self.count)
    }
}

/// The runs of a study in the order in which they are worked off.
#[derive(Debug, Clone)]
pub struct WorkOrder {
    points: u32,
    replications: u32,
    by_replication: bool,
    range: Range<u64>,
}

impl WorkOrder {
    /// All runs; `by_replication` where points of one replication share work.
    pub fn new(points: u32, replications: u32, by_replication: bool) -> Self {
        let range = 0..u64::from(points) * u64::from(replications);
        Self { points, replications, by_replication, range }
    }

    /// Only the runs of one shard: a contiguous part, so that sharing within it stays, of the same length as the others but
    /// for one run.
    pub fn shard(self, shard: Shard) -> Self {
        let all = self.range.end;
        let cut = |part: u32| (u128::from(all) * u128::from(part) / u128::from(shard.count)) as u64;
        Self { range: cut(shard.number - 1)..cut(shard.number), ..self }
    }

    pub fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// The runs in order.
    pub fn iter(&self) -> impl Iterator<Item = RunId> + use<> {
        let Self { points, replications, by_replication, range } = self.clone();
        range.map(move |position| {
            if by_replication {
                let (replication, point) = (position / u64::from(points), position % u64::from(points));
                RunId { point: point as u32, replication: replication as u32 }
            } else {
                let (point, replication) = (position / u64::from(replications), position % u64::from(replications));
                RunId { point: point as u32, replication: replication as u32 }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(order: &WorkOrder) -> Vec<(u32, u32)> {
        order.iter().map(|run| (run.point, run.replication)).collect()
    }

    #[test]
    fn the_order_is_by_replication_where_points_share_work_and_by_point_else() {
        assert_eq!(runs(&WorkOrder::new(3, 2, true)), [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]);
        assert_eq!(runs(&WorkOrder::new(3, 2, false)), [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
    }

    #[test]
    fn shards_of_any_count_hold_each_run_once_and_are_equally_long_but_for_one() {
        for count in 1..=9 {
            let parts: Vec<_> =
                (1..=count).map(|number| WorkOrder::new(5, 3, true).shard(Shard { number, count })).collect();
            let joined: Vec<_> = parts.iter().flat_map(runs).collect();
            assert_eq!(joined, runs(&WorkOrder::new(5, 3, true)), "{count} parts");
            let lengths: Vec<_> = parts.iter().map(WorkOrder::len).collect();
            assert!(lengths.iter().max() <= lengths.iter().min().map(|least| least + 1).as_ref(), "{lengths:?}");
        }
    }

    #[test]
    fn a_shard_is_written_as_a_part_of_a_whole() {
        assert_eq!("2/5".parse(), Ok(Shard { number: 2, count: 5 }));
        for wrong in ["0/5", "6/5", "2", "a/b", "1/0", "-1/2", "2/"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
