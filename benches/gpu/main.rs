//! latentlink's side of benches/gpu/run.py, which asks PyTorch the same and prints both:
//!
//!     python benches/gpu/run.py
//!
//! By itself it answers one JSON object a line on the standard input, about the pack that it was started with:
//!
//! ```text
//!  gpu diffusion PACK [--provider cuda] [--latents resident | graphs]        gpu judge PACK [--dtype fp16] [--provider cuda]
//!
//!  {"ask": "time", "work": "denoise", "batch": 8, "least_s": 1.0}                          {"seconds": …}  of one call
//!                  "decode"; "chain", of as many pictures, with "steps" and "guidance"; "score", with "persona" and "request"
//!  {"ask": "predict", "latent": […], "timestep": 501, "prompt": "…"}                       {"values": […]}
//!  {"ask": "decode", "latent": […]}                                                        {"values": […]}
//!  {"ask": "picture", "steps": 4, "guidance": 7.5}         from noise, the same each time  {"values": […]}
//!  {"ask": "score", "picture": […], "height": …, "width": …, "persona": […], "request": "…"}
//!                                                                                          {"values": [score]}
//!                                                                             what fails:  {"error": "…"}
//! ```
//!
//! A call is what the simulator makes of it, through the public API: inputs are 32-bit floats in the machine's memory, and so are outputs.
//! `--latents resident` and `graphs` are `resident_latents = true` of a scenario, and `cuda_graphs = true` besides.

mod diffusion;
mod judge;

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use latentlink::onnx::provider::{self, CudaDevice, ExecutionProvider};
use latentlink::onnx::{ResolvedProvider, runtime};
use serde::Deserialize;
use serde_json::json;

use self::diffusion::DiffusionSide;
use self::judge::JudgeSide;

type Failure = Box<dyn Error>;

/// What run.py can ask.
#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
enum Request {
    Time(Work),
    Predict { latent: Vec<f32>, timestep: f64, prompt: String },
    Decode { latent: Vec<f32> },
    Picture { steps: u32, guidance: f64 },
    Score { picture: Vec<u8>, height: usize, width: usize, persona: [f64; 5], request: String },
}

/// Work to be timed: `batch` items in one call, for at least `least_s` seconds.
#[derive(Debug, Deserialize)]
struct Work {
    #[serde(flatten)]
    item: Item,
    batch: usize,
    least_s: f64,
}

/// What an item is.
#[derive(Debug, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
enum Item {
    Denoise,
    Decode,
    /// A picture from noise by DDIM, with guidance.
    Chain {
        steps: u32,
        guidance: f64,
    },
    Score {
        persona: [f64; 5],
        request: String,
    },
}

/// Where latents are between the steps of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Latents {
    ComeAndGo,
    Resident,
    Graphs,
}

enum Side {
    Diffusion(Box<DiffusionSide>),
    Judge(Box<JudgeSide>),
}

impl Side {
    fn answer(&mut self, request: Request) -> Result<serde_json::Value, Failure> {
        let values = match (self, request) {
            (Self::Diffusion(side), Request::Time(work)) => {
                return Ok(json!({ "seconds": side.seconds(&work)? }));
            }
            (Self::Judge(side), Request::Time(work)) => return Ok(json!({ "seconds": side.seconds(&work)? })),
            (Self::Diffusion(side), Request::Predict { latent, timestep, prompt }) => {
                side.predict(latent, timestep, &prompt)?
            }
            (Self::Diffusion(side), Request::Decode { latent }) => side.decode(latent)?,
            (Self::Diffusion(side), Request::Picture { steps, guidance }) => side.picture(steps, guidance)?,
            (Self::Judge(side), Request::Score { picture, height, width, persona, request }) => {
                vec![side.score(&picture, [height, width], persona, &request)?]
            }
            (_, request) => return Err(format!("this pack cannot answer {request:?}").into()),
        };
        Ok(json!({ "values": values }))
    }
}

/// Seconds of one call: over as many as take `least_s`, after one that makes buffers and tries algorithms.
fn seconds_of_one(least_s: f64, mut call: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    call()?;
    let start = Instant::now();
    let mut calls = 0;
    loop {
        call()?;
        calls += 1;
        let taken = start.elapsed().as_secs_f64();
        if taken >= least_s {
            return Ok(taken / f64::from(calls));
        }
    }
}

fn main() -> Result<(), Failure> {
    // `cargo bench` adds an argument of its own.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (Some(family), Some(pack)) = (arguments.next(), arguments.next().map(PathBuf::from)) else {
        println!("this is one side of `python benches/gpu/run.py`, see benches/gpu/README.md");
        return Ok(());
    };
    let (mut dtype, mut wanted, mut latents) = (None, ExecutionProvider::Cuda, Latents::ComeAndGo);
    while let Some(option) = arguments.next() {
        match (option.as_str(), arguments.next().as_deref()) {
            ("--dtype", Some(name)) => dtype = Some(name.to_owned()),
            ("--provider", Some("cuda")) => wanted = ExecutionProvider::Cuda,
            ("--provider", Some("cpu")) => wanted = ExecutionProvider::Cpu,
            ("--latents", Some("resident")) => latents = Latents::Resident,
            ("--latents", Some("graphs")) => latents = Latents::Graphs,
            (option, value) => return Err(format!("unknown option {option} {}", value.unwrap_or_default()).into()),
        }
    }
    runtime::environment_with_progress(&|text| eprintln!("{text}"))?;
    let device = CudaDevice { cuda_graphs: latents == Latents::Graphs, ..CudaDevice::default() };
    let provider: ResolvedProvider = provider::resolve(wanted, device)?.provider;
    let mut side = match family.as_str() {
        "diffusion" => Side::Diffusion(Box::new(DiffusionSide::open(&pack, provider, latents != Latents::ComeAndGo)?)),
        "judge" => Side::Judge(Box::new(JudgeSide::open(&pack, dtype.as_deref(), provider)?)),
        other => return Err(format!("`{other}` is neither diffusion nor judge").into()),
    };
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        // What fails, for want of memory say, is an answer: the next request may be smaller.
        let answer = serde_json::from_str(&line?).map_err(Failure::from).and_then(|request| side.answer(request));
        writeln!(out, "{}", answer.unwrap_or_else(|error| json!({ "error": error.to_string() })))?;
        out.flush()?;
    }
    Ok(())
}
