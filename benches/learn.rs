//! What one update costs: the learners here, one thread, against the same networks in PyTorch, one thread.
//!
//!     cargo bench --bench learn                                     times of the learners
//!     cargo bench --bench learn -- --torch python3                  PyTorch's beside them, and the ratio
//!
//! `--torch` names a Python that has PyTorch; it runs `benches/learn_torch.py`, which makes the same updates (same sizes,
//! same batch, AdamW, single-step episodes) from the same kind of random batch. Both sides take turns, the best of some
//! turns counts.

use std::process::Command;
use std::time::Instant;

use latentlink::learn::{Batch, Learner, LearnerSettings};
use latentlink::random::StreamKey;
use latentlink::scenario::Algorithm;
use rand_distr::{Distribution, StandardNormal};

const TURNS: usize = 3;
const STATE_LEN: usize = 29;
const ACTION_LEN: usize = 37;
const SIZES: [(usize, usize, usize); 2] = [(256, 512, 20), (128, 128, 100)];
const ALGORITHMS: [Algorithm; 3] = [Algorithm::Ddpg, Algorithm::GDdpg, Algorithm::Td3];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let python = arguments.iter().position(|argument| argument == "--torch").and_then(|at| arguments.get(at + 1));
    println!("{:<8} {:>6} {:>6} {:>12} {:>14} {:>7}", "", "hidden", "batch", "ms/update", "PyTorch's", "ratio");
    for (hidden, batch, updates) in SIZES {
        for algorithm in ALGORITHMS {
            let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
            for _turn in 0..TURNS {
                ours = ours.min(milliseconds_per_update(algorithm, hidden, batch, updates));
                if let Some(python) = python {
                    theirs = theirs.min(of_torch(python, algorithm, hidden, batch, updates));
                }
            }
            let name = algorithm.name();
            if python.is_some() {
                println!("{name:<8} {hidden:>6} {batch:>6} {ours:>12.3} {theirs:>14.3} {:>7.2}", theirs / ours);
            } else {
                println!("{name:<8} {hidden:>6} {batch:>6} {ours:>12.3} {:>14} {:>7}", "-", "-");
            }
        }
    }
}

fn milliseconds_per_update(algorithm: Algorithm, hidden: usize, size: usize, updates: usize) -> f64 {
    let settings = LearnerSettings { hidden, ..LearnerSettings::new(algorithm, STATE_LEN, ACTION_LEN) };
    let mut learner = Learner::new(&settings, &StreamKey::new(1, 0, "bench", "learner"));
    let mut rng = StreamKey::new(1, 0, "bench", "batch").rng();
    let mut normals = |count: usize| -> Vec<f32> { (0..count).map(|_| StandardNormal.sample(&mut rng)).collect() };
    let batch = Batch {
        size,
        states: normals(size * STATE_LEN),
        actions: normals(size * ACTION_LEN).into_iter().map(f32::tanh).collect(),
        rewards: normals(size),
        ..Batch::default()
    };
    let mut rng = StreamKey::new(1, 0, "bench", "noise").rng();
    for _warm_up in 0..3 {
        learner.update(&batch, &mut rng);
    }
    let started = Instant::now();
    for _update in 0..updates {
        let losses = learner.update(&batch, &mut rng);
        assert!(losses.are_finite(), "a training that diverges measures nothing");
    }
    started.elapsed().as_secs_f64() * 1e3 / updates as f64
}

fn of_torch(python: &str, algorithm: Algorithm, hidden: usize, batch: usize, updates: usize) -> f64 {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/learn_torch.py");
    let sizes = [hidden, batch, updates].map(|number| number.to_string());
    let output = Command::new(python).arg(script).arg(algorithm.name()).args(sizes).output().expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("the script prints milliseconds per update")
}
