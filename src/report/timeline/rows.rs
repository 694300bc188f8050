//! Rows within a lane: bars that overlap in time stand below each other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Timeline, TimelineSpan};

/// The end of a bar [s]; times are finite, so their order is total.
#[derive(PartialEq)]
struct End(f64);

impl Eq for End {}

impl Ord for End {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for End {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The rows of one lane.
#[derive(Default)]
struct LaneRows {
    count: usize,
    /// The uppermost first.
    free: BinaryHeap<Reverse<usize>>,
    /// That with the earliest end first.
    busy: BinaryHeap<Reverse<(End, usize)>>,
}

impl LaneRows {
    /// The first row that is free when the bar starts.
    fn take(&mut self, span: &TimelineSpan) -> usize {
        // Sums of times may differ in their last digits.
        let slack_s = 1e-9 * span.end_s.abs().max(1e-9);
        while let Some(Reverse((End(end_s), _))) = self.busy.peek()
            && *end_s <= span.start_s + slack_s
        {
            let Some(Reverse((_, row))) = self.busy.pop() else { break };
            self.free.push(Reverse(row));
        }
        let row = match self.free.pop() {
            Some(Reverse(row)) => row,
            None => {
                self.count += 1;
                self.count - 1
            }
        };
        self.busy.push(Reverse((End(span.end_s), row)));
        row
    }
}

impl Timeline {
    /// For each bar the row within its lane: the first one that is free when the bar starts. And for each lane the
    /// number of its rows, at least one. O(n log n).
    pub(in crate::report) fn rows(&self) -> (Vec<usize>, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.spans.len()).collect();
        let start = |at: usize| self.spans[at].start_s;
        order.sort_by(|&one, &other| start(one).total_cmp(&start(other)));
        let mut lanes: Vec<LaneRows> = self.lanes.iter().map(|_| LaneRows::default()).collect();
        let mut rows = vec![0; self.spans.len()];
        for at in order {
            let span = &self.spans[at];
            rows[at] = lanes[span.lane].take(span);
        }
        (rows, lanes.iter().map(|lane| lane.count.max(1)).collect())
    }
}
