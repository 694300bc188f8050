//! How fast the network in time is: against a bare event loop, against SimPy, and over the number of devices.
//!
//!     cargo bench --bench network                  everything; SimPy comes from PyPI into a temporary folder
//!     cargo bench --bench network -- --no-simpy    without Python
//!
//! ```text
//!  1  one M/G/1 queue with a cache in front of its server, a radio and 100 devices, three times
//!       heap loop (Rust)      the least that such a simulation can cost
//!       latentlink            with journeys, energy, links and books of every request
//!       SimPy (Python)        one process per request, as SimPy's own examples are written
//!  2  cost of a request from 10² to 10⁵ devices
//!  3  the whole program: 10⁶ requests over 10⁵ devices, rated by the surface
//! ```
//!
//! All on one thread. The two fast ones take turns, and ratios are taken turn by turn. The bench ends with an error where the
//! three do not agree in hit rate, wait and latency: then they are not the same system, and their speeds say nothing.

mod heap_loop;
mod outcome;
mod program;
mod simpy;
mod simulator;
mod station;

use self::outcome::{Outcome, check_agreement};
use self::simulator::Simulator;
use self::station::Station;

const TURNS: usize = 5;
const REQUESTS: u64 = 500_000;
const SIMPY_REQUESTS: u64 = 100_000;
const DEVICES: [u32; 4] = [100, 1_000, 10_000, 100_000];

fn main() -> miette::Result<()> {
    let with_simpy = !std::env::args().any(|argument| argument == "--no-simpy");
    compare(with_simpy)?;
    grow()?;
    program::report()
}

/// Part 1.
fn compare(with_simpy: bool) -> miette::Result<()> {
    let station = Station::default();
    let simulator = Simulator::of_station(&station, REQUESTS)?;
    let mut heap = Vec::with_capacity(TURNS);
    let mut ours = Vec::with_capacity(TURNS);
    for _ in 0..TURNS {
        heap.push(heap_loop::run(&station, REQUESTS));
        ours.push(simulator.run()?);
    }
    println!("{station}");
    let simpy = if with_simpy { Some(simpy::run(&station, SIMPY_REQUESTS)?) } else { None };
    let all: Vec<&Outcome> = [&heap[0], &ours[0]].into_iter().chain(&simpy).collect();
    all.iter().for_each(|outcome| println!("  {outcome}"));
    check_agreement(&all)?;
    let (heap_rates, our_rates) = (rates(&heap), rates(&ours));
    println!("  requests a second, median (least to most) of {TURNS} turns:");
    println!("    heap loop   {}", spread(&heap_rates, 0));
    println!("    latentlink  {}", spread(&our_rates, 0));
    let against_heap: Vec<f64> = our_rates.iter().zip(&heap_rates).map(|(ours, heap)| ours / heap).collect();
    println!("    latentlink / heap loop  {}", spread(&against_heap, 3));
    if let Some(simpy) = simpy {
        println!("    SimPy       {:.0} (one turn)", simpy.rate());
        let against_simpy: Vec<f64> = our_rates.iter().map(|ours| ours / simpy.rate()).collect();
        println!("    latentlink / SimPy      {}", spread(&against_simpy, 1));
    }
    Ok(())
}

/// Part 2.
fn grow() -> miette::Result<()> {
    println!("microseconds a request, and times that of {} devices, {REQUESTS} requests:", DEVICES[0]);
    let simulators: Vec<Simulator> =
        DEVICES.iter().map(|&devices| Simulator::of_devices(devices, REQUESTS)).collect::<Result<_, _>>()?;
    let mut turns: Vec<Vec<f64>> = vec![Vec::new(); DEVICES.len()];
    for _ in 0..3 {
        for (simulator, costs_us) in simulators.iter().zip(&mut turns) {
            costs_us.push(1e6 / simulator.run()?.rate());
        }
    }
    let first = turns[0].clone();
    for (devices, costs_us) in DEVICES.iter().zip(&turns) {
        let growth: Vec<f64> = costs_us.iter().zip(&first).map(|(own, first)| own / first).collect();
        println!("  {devices:>7} devices: {:>22}   {}", spread(costs_us, 2), spread(&growth, 2));
    }
    Ok(())
}

fn rates(outcomes: &[Outcome]) -> Vec<f64> {
    outcomes.iter().map(Outcome::rate).collect()
}

/// Median (least to most).
fn spread(values: &[f64], digits: usize) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
    format!("{:.digits$} ({least:.digits$} to {most:.digits$})", sorted[sorted.len() / 2])
}
