//! Latents that stay on the device between steps: the chains are those of one step after the other, to the last bit on the
//! CPU, whatever the sampler and the pack; and a stretch ends wherever somebody looks.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use latentlink::diffusion::executor::Executor;
use latentlink::diffusion::graph::{BitChannel, DenoisingGraph, NodeId, Operation};
use latentlink::diffusion::text::TextEmbedding;
use latentlink::diffusion::value::{Latent, Value};
use latentlink::diffusion::worker::{DenoiseItem, Stretch, denoise_stretches, draw_noise};
use latentlink::diffusion::{ExecutorError, Failure, LatentCodec, NoiseSchedule, Sampler, Sanitize};
use latentlink::onnx::{DiffusionPack, PackError, ResolvedProvider, runtime};
use latentlink::random::StreamKey;

use crate::error_text::{says, told};
use crate::program::Workplace;
use crate::shipped_pack;
use crate::tiny_pack::TinyPack;
use crate::tiny_stable_diffusion::StableDiffusionPack;

const SAMPLERS: [Sampler; 8] = [
    Sampler::Ddim { eta: 0.0 },
    Sampler::Ddim { eta: 0.7 },
    Sampler::Ddpm,
    Sampler::Euler,
    Sampler::EulerAncestral,
    Sampler::Pndm,
    Sampler::DpmSolver,
    Sampler::Lcm,
];
const USERS: [&str; 3] = ["has a link", "has no link", "looks"];
const STEPS: u32 = 7;
const SHARED: usize = 3;

fn seed(purpose: &str, entity: &str) -> StreamKey {
    StreamKey::new(5, 0, purpose, entity)
}

type Latents = BTreeMap<NodeId, Result<Arc<Latent>, Failure>>;

/// Chains of three users with steps before and after the hand-over: two over a link, of whom one looks at a latent on the way,
/// and one without a link, whose prompt changes there.
struct Study {
    graph: DenoisingGraph,
    wanted: Vec<NodeId>,
}

impl Study {
    fn of(users: &[&str], codec: LatentCodec, pack: &DiffusionPack, sampler: Sampler, guidance: f64) -> Self {
        let (path, config) = pack.scheduler_config();
        let schedule = NoiseSchedule::from_config(path, config).expect("a schedule");
        let chain = schedule.chain(sampler, STEPS).expect("a chain");
        let mut graph = DenoisingGraph::of_pack(pack);
        let mut wanted = Vec::new();
        for &user in users {
            let mut from = graph.insert(Operation::Noise { seed: seed("start", user), scale: chain.start_scale });
            for (number, step) in chain.steps.iter().enumerate() {
                if number == SHARED && user != "has no link" {
                    let channel = BitChannel {
                        codec,
                        latent_range: 5.0,
                        sanitize: Sanitize::None,
                        bit_error_probability: 0.01,
                        protected: None,
                        history: sampler.history_after(SHARED as u32),
                        seed: seed("link", user),
                    };
                    from = graph.insert(Operation::Corrupt { from, channel });
                }
                let prompt = graph.prompt(if number < SHARED { "a dog" } else { "the cat" });
                let noise = step.is_stochastic().then(|| seed("fresh", &format!("{user} {number}")));
                from = graph.insert(Operation::Denoise { from, prompt, guidance, step: *step, noise });
                if user == "looks" && number == SHARED + 1 {
                    wanted.push(from);
                }
            }
            wanted.push(from);
        }
        Self { graph, wanted }
    }

    /// The wanted latents, and how many reports of further evaluations there were.
    fn run(&self, executor: &Executor) -> (Latents, usize) {
        let (mut latents, reports) = (BTreeMap::new(), RefCell::new(Vec::new()));
        let mut sink = |id: NodeId, value: &Value| {
            let latent = match value {
                Value::Latent(latent) => Ok(Arc::clone(latent)),
                Value::Failed(failure) => Err(*failure),
                other => panic!("{id:?} is {other:?}"),
            };
            latents.insert(id, latent);
            Ok(())
        };
        let progress = |progress: latentlink::diffusion::executor::ExecutionProgress| {
            reports.borrow_mut().push(progress);
        };
        executor.run(&self.graph, &self.wanted, &progress, &mut sink).expect("the chains run");
        let mut reports = reports.into_inner();
        let last = reports.last().expect("something is reported");
        assert_eq!(last.done, last.total);
        reports.retain(|report| report.done.unet_evaluations > 0);
        reports.dedup_by_key(|report| report.done);
        (latents, reports.len())
    }
}

/// One step after the other, and latents that stay on the device.
fn executors(pack: &Arc<DiffusionPack>) -> [Executor; 2] {
    [false, true].map(|is_resident| {
        let executor = Executor::new(Arc::clone(pack), ResolvedProvider::Cpu, 2).expect("threads start");
        executor.with_resident_latents(is_resident)
    })
}

/// Of these users side by side.
fn assert_same([stepwise, resident]: &[Executor; 2], name: &str, users: &[&str]) {
    let pack = stepwise.pack();
    for sampler in SAMPLERS {
        for guidance in [1.0, 3.0] {
            let study = Study::of(users, LatentCodec::Int8, pack, sampler, guidance);
            let ((stepwise, many), (resident, few)) = (study.run(stepwise), study.run(resident));
            assert!(stepwise == resident, "{name}, {users:?}, {sampler:?}, guidance {guidance}");
            assert_eq!(resident.len(), study.wanted.len());
            assert!(few < many, "{name}, {users:?}, {sampler:?}: {few} reports, {many} step by step");
        }
    }
}

#[test]
fn on_the_shipped_pack_the_latents_are_those_of_one_step_after_the_other() {
    assert_same(&executors(&shipped_pack::open()), "emoji-ldm", &USERS);
}

/// One user at a time: the rounding of these models' networks depends on what else is in the batch.
#[test]
fn on_stable_diffusion_packs_the_latents_are_those_of_one_step_after_the_other() {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    for name in ["sd15", "sd15_fp16", "sd21", "lcm", "sdxl"] {
        let folder = StableDiffusionPack::new(name);
        let executors = executors(&Arc::new(folder.open()));
        for user in USERS {
            assert_same(&executors, name, &[user]);
        }
    }
}

#[test]
fn a_stretch_ends_at_a_link_a_change_of_prompt_and_a_latent_that_is_wanted() {
    let [stepwise, resident] = executors(&shipped_pack::open());
    for (user, stretches) in [("has a link", 2), ("has no link", 2), ("looks", 3)] {
        let study = Study::of(&[user], LatentCodec::Int8, resident.pack(), Sampler::Ddim { eta: 0.0 }, 3.0);
        assert_eq!(study.run(&stepwise).1, STEPS as usize, "{user}");
        assert_eq!(study.run(&resident).1, stretches, "{user}");
    }
    // The first step of PNDM evaluates twice and is none of a stretch.
    let study = Study::of(&["has a link"], LatentCodec::Int8, resident.pack(), Sampler::Pndm, 3.0);
    assert_eq!(study.run(&resident).1, 3);
}

#[test]
fn a_clean_latent_is_clipped_on_the_device_as_it_is_on_the_cpu() {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    let [clipped, unclipped] = ["true", "false"].map(|clip_sample| {
        let pack = StableDiffusionPack::new("sd15");
        let file = "scheduler/scheduler_config.json";
        pack.edit(file, "PNDMScheduler", "DDPMScheduler");
        pack.edit(file, "\"trained_betas\": null", &format!("\"clip_sample\": {clip_sample}"));
        let pack = Arc::new(pack.open());
        let study = Study::of(&["has a link"], LatentCodec::Int8, &pack, Sampler::Ddpm, 3.0);
        let [stepwise, resident] = executors(&pack).map(|executor| study.run(&executor).0);
        assert!(stepwise == resident);
        resident
    });
    assert!(clipped.values().zip(unclipped.values()).all(|(clipped, unclipped)| clipped != unclipped));
}

#[test]
fn latents_that_bit_errors_spoil_fail_for_the_same_reason_and_leave_the_others_alone() {
    let pack = shipped_pack::open();
    let study = Study::of(&USERS, LatentCodec::Fp32, &pack, Sampler::Ddim { eta: 0.0 }, 3.0);
    let [stepwise, resident] = executors(&pack).map(|executor| study.run(&executor).0);
    assert!(stepwise == resident);
    assert!(resident.values().any(Result::is_err) && resident.values().any(Result::is_ok));
}

#[test]
fn chains_that_come_out_otherwise_on_the_device_stop_the_run_with_advice() {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    let folder = TinyPack::new();
    folder.model("unet", "unet_random");
    let [stepwise, resident] = executors(&Arc::new(DiffusionPack::open(folder.root()).expect("the pack is whole")));
    let study = Study::of(&USERS, LatentCodec::Int8, resident.pack(), Sampler::Ddim { eta: 0.0 }, 1.0);
    assert_eq!(study.run(&stepwise).0.len(), study.wanted.len());
    let error = resident.run(&study.graph, &study.wanted, &|_| {}, &mut |_, _| Ok(())).expect_err("they differ");
    let ExecutorError::Pack(error @ PackError::Unworkable { .. }) = error else { panic!("{error}") };
    let text = told(&error, folder.root());
    says(
        &text,
        &[
            "PACK/unet/model.onnx cannot take latents that stay on the device",
            "leave out `cuda_graphs`",
            "`resident_latents`",
        ],
    );
}

#[test]
fn a_request_to_stop_ends_a_stretch_between_two_steps() {
    let pack = shipped_pack::open();
    let mut models = pack.load_worker(ResolvedProvider::Cpu, 1).expect("the shipped pack fits");
    let ids = pack.tokenize("a dog").expect("the words are known");
    let text = Arc::new(TextEmbedding::sole(models.encode_prompts(&[ids]).expect("the encoder runs")));
    let chain = shipped_pack::schedule(&pack).chain(Sampler::Ddim { eta: 0.0 }, STEPS).expect("a chain");
    let size = pack.latent_shape().iter().product();
    let first = DenoiseItem {
        latent: Arc::new(Latent::new(draw_noise(&seed("start", "one"), 1.0, size))),
        text,
        unconditional_text: None,
        guidance: 1.0,
        step: chain.steps[0],
        noise: None,
    };
    let stretch = Stretch { first, later: chain.steps[1..].iter().map(|step| (*step, None)).collect() };
    let mut take = |stop_when_asked_for_the: usize| {
        let asked = Cell::new(0);
        let is_stopped = || {
            asked.set(asked.get() + 1);
            asked.get() >= stop_when_asked_for_the
        };
        denoise_stretches(&mut models, pack.latent_shape(), std::slice::from_ref(&stretch), &is_stopped)
            .expect("it runs");
        asked.get()
    };
    // The trial of the first stretch asks before each step, three times over, and once before it compares.
    assert_eq!(take(usize::MAX), 3 * STEPS as usize + 1);
    assert_eq!(take(usize::MAX), STEPS as usize);
    assert_eq!(take(3), 3);
}

#[test]
fn a_scenario_that_keeps_latents_on_the_device_has_the_tables_of_one_that_does_not() {
    let scenario = |name: &str, is_resident: bool| {
        format!(
            "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\nresident_latents = {is_resident}\n\
             [study]\nname = \"{name}\"\n\
             [diffusion]\nsteps = 6\n[judge]\nkind = \"none\"\n[server]\nprompt = \"a dog\"\n\
             [radio]\nbit_error_probability = 0.01\n[[device]]\nname = \"one\"\nprompt = \"a red car\"\n\
             [[device]]\nname = \"two\"\nprompt = \"a cat\"\n[policy]\nt0 = 2\ntk = 4\n\
             [sweep]\nzip = [{{ \"policy.t0\" = [1, 2, 3], \"policy.tk\" = [5, 4, 3] }}]\n",
            shipped_pack::folder().display(),
        )
    };
    let [stepwise, resident] = [("stepwise", false), ("resident", true)].map(|(name, is_resident)| {
        let workplace = Workplace::with("s.toml", &scenario(name, is_resident));
        workplace.run(&["run", "s.toml"]).assert_done();
        workplace.text(&format!("results/{name}/requests.csv"))
    });
    assert_eq!(stepwise, resident);
}
