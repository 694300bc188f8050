//! The station as a bare event loop: a binary heap, a few arrays, and nothing that it does not need.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Instant;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp, Gamma, Zipf};

use super::outcome::{Observation, Outcome};
use super::station::Station;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Arrival,
    ServiceEnd,
    Reception,
    Picture,
}

/// Time as bits, whose order is that of times from 0 on; then what happens, and to which request.
type Event = Reverse<(u64, Happening, u32)>;

#[derive(Clone, Copy, Default)]
struct Request {
    prompt: u32,
    device: u32,
    arrival_s: f64,
    wait_s: f64,
    latency_s: f64,
    is_hit: bool,
}

/// Exact LRU: when each prompt was used last, both ways round.
struct Cache {
    capacity: usize,
    uses: u64,
    /// By prompt; 0: not there.
    last_use: Vec<u64>,
    by_use: BTreeMap<u64, u32>,
}

impl Cache {
    fn use_if_there(&mut self, prompt: u32) -> bool {
        let is_there = self.last_use[prompt as usize] > 0;
        if is_there {
            self.insert(prompt);
        }
        is_there
    }

    fn insert(&mut self, prompt: u32) {
        let last_use = std::mem::take(&mut self.last_use[prompt as usize]);
        if last_use > 0 {
            self.by_use.remove(&last_use);
        } else if self.by_use.len() == self.capacity
            && let Some((_, evicted)) = self.by_use.pop_first()
        {
            self.last_use[evicted as usize] = 0;
        }
        self.uses += 1;
        self.last_use[prompt as usize] = self.uses;
        self.by_use.insert(self.uses, prompt);
    }
}

/// One run.
pub fn run(station: &Station, requests: u64) -> Outcome {
    let begin = Instant::now();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let interval = Exp::new(station.arrival_rate_hz).expect("a rate");
    let shape = 1.0 / station.squared_cv;
    let service = Gamma::new(shape, station.service_s / shape).expect("a shape");
    let popularity = Zipf::new(f64::from(station.prompts), station.zipf_exponent).expect("an exponent");
    let last_use = vec![0; station.prompts as usize + 1];
    let mut cache = Cache { capacity: station.cache_entries as usize, uses: 0, last_use, by_use: BTreeMap::new() };
    let mut all: Vec<Request> = Vec::with_capacity(requests as usize);
    let mut queue: VecDeque<u32> = VecDeque::new();
    let mut is_busy = false;
    // When the radio and each device have nothing more to do [s].
    let mut radio_free_s = 0.0_f64;
    let mut device_free_s = vec![0.0_f64; station.devices as usize];
    let mut events: BinaryHeap<Event> = BinaryHeap::new();
    let at = |time_s: f64, what: Happening, request: u32| Reverse((time_s.to_bits(), what, request));
    events.push(at(interval.sample(&mut rng), Happening::Arrival, 0));
    while let Some(Reverse((time_bits, what, number))) = events.pop() {
        let now_s = f64::from_bits(time_bits);
        match what {
            Happening::Arrival => {
                let prompt = popularity.sample(&mut rng) as u32;
                let device = rng.random_range(0..station.devices);
                all.push(Request { prompt, device, arrival_s: now_s, ..Request::default() });
                queue.push_back(number);
                if u64::from(number) + 1 < requests {
                    events.push(at(now_s + interval.sample(&mut rng), Happening::Arrival, number + 1));
                }
            }
            Happening::ServiceEnd => {
                is_busy = false;
                let request = &all[number as usize];
                if !request.is_hit {
                    cache.insert(request.prompt);
                }
                radio_free_s = radio_free_s.max(now_s) + station.airtime_s;
                events.push(at(radio_free_s, Happening::Reception, number));
            }
            Happening::Reception => {
                let free_s = &mut device_free_s[all[number as usize].device as usize];
                *free_s = free_s.max(now_s) + station.device_s;
                events.push(at(*free_s, Happening::Picture, number));
            }
            Happening::Picture => {
                let request = &mut all[number as usize];
                request.latency_s = now_s - request.arrival_s;
            }
        }
        if !is_busy && let Some(next) = queue.pop_front() {
            is_busy = true;
            let request = &mut all[next as usize];
            request.wait_s = now_s - request.arrival_s;
            request.is_hit = cache.use_if_there(request.prompt);
            let service_s = if request.is_hit { 0.0 } else { service.sample(&mut rng) };
            events.push(at(now_s + service_s, Happening::ServiceEnd, next));
        }
    }
    let elapsed_s = begin.elapsed().as_secs_f64();
    let observation = |one: &Request| Observation { is_hit: one.is_hit, wait_s: one.wait_s, latency_s: one.latency_s };
    Outcome::of("heap loop", &all.iter().map(observation).collect::<Vec<_>>(), elapsed_s)
}
