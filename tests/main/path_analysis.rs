//! Paths of two prompts: what is measured on real paths of the shipped pack, and the formulas behind it.

use std::cell::Cell;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use latentlink::diffusion::graph::{DenoisingGraph, NodeId, Operation};
use latentlink::diffusion::path_analysis::distances::{euclidean_distance, kl_divergence, text_distance};
use latentlink::diffusion::path_analysis::{PathError, PathPlan, PathReplication, PathSettings};
use latentlink::diffusion::value::{Latent, Value};
use latentlink::diffusion::{Executor, PictureMetrics, Sampler};
use latentlink::picture::Picture;
use latentlink::random::StreamKey;

use crate::shipped_pack;

const STEPS: u32 = 5;

fn settings(user_prompt: &str, server_prompt: &str) -> PathSettings {
    PathSettings {
        user_prompt: user_prompt.to_owned(),
        server_prompt: server_prompt.to_owned(),
        sampler: Sampler::Ddim { eta: 0.0 },
        steps: STEPS,
        guidance: 2.0,
        seed: 41,
        replications: NonZeroU32::MIN,
    }
}

fn plan(settings: &PathSettings, executor: &Executor) -> Result<PathPlan, PathError> {
    PathPlan::new(settings, &shipped_pack::schedule(executor.pack()), DenoisingGraph::of_pack(executor.pack()))
}

/// The measures, the pictures by replication and t_off, and the UNet evaluations that were made.
fn measure(settings: &PathSettings, executor: &Executor) -> (Vec<PathReplication>, HashMap<(u32, u32), Picture>, u64) {
    let (mut pictures, evaluations) = (HashMap::new(), Cell::new(0));
    let measured = plan(settings, executor)
        .unwrap()
        .measure(executor, &|state| evaluations.set(state.done.unet_evaluations), &mut |replication, t_off, picture| {
            assert!(pictures.insert((replication, t_off), picture.clone()).is_none(), "each picture comes once");
            Ok(())
        })
        .unwrap();
    (measured, pictures, evaluations.get())
}

/// Integral of p log(p/q) by the midpoint rule on a grid of `cells` per dimension, ±10 σ around both means.
fn numerical_divergence(means_p: &[f64], means_q: &[f64], deviation: f64, cells: usize) -> f64 {
    let bounds: Vec<(f64, f64)> = means_p
        .iter()
        .zip(means_q)
        .map(|(p, q)| (p.min(*q) - 10.0 * deviation, p.max(*q) + 10.0 * deviation))
        .collect();
    let widths: Vec<f64> = bounds.iter().map(|(low, high)| (high - low) / cells as f64).collect();
    let log_density = |z: &[f64], means: &[f64]| -> f64 {
        let normalisation = (2.0 * std::f64::consts::PI).sqrt() * deviation;
        z.iter().zip(means).map(|(z, mean)| -0.5 * ((z - mean) / deviation).powi(2) - normalisation.ln()).sum()
    };
    (0..cells.pow(means_p.len() as u32))
        .map(|mut cell| {
            let z: Vec<f64> = bounds
                .iter()
                .zip(&widths)
                .map(|((low, _), width)| {
                    let at = cell % cells;
                    cell /= cells;
                    low + (at as f64 + 0.5) * width
                })
                .collect();
            let log_p = log_density(&z, means_p);
            log_p.exp() * (log_p - log_density(&z, means_q)) * widths.iter().product::<f64>()
        })
        .sum()
}

#[test]
fn the_closed_form_of_the_divergence_is_the_integral_over_two_gaussians() {
    let ends: [(&[f64], &[f64], usize); 4] = [
        (&[0.7], &[-0.4], 4000),
        (&[2.0], &[2.0], 4000),
        (&[0.3, -1.2], &[0.1, 0.4], 200),
        (&[0.5, 0.0, -0.3], &[-0.2, 0.6, 0.1], 64),
    ];
    for (end_i, end_j, cells) in ends {
        let d = end_i.iter().zip(end_j).map(|(i, j)| (i - j).powi(2)).sum::<f64>().sqrt();
        for alpha_bar in [0.02_f64, 0.3, 0.8, 0.95] {
            let at = |end: &[f64]| -> Vec<f64> { end.iter().map(|value| alpha_bar.sqrt() * value).collect() };
            let integral = numerical_divergence(&at(end_i), &at(end_j), (1.0 - alpha_bar).sqrt(), cells);
            let closed = kl_divergence(alpha_bar, d).unwrap();
            assert!((closed - integral).abs() < 1e-9 * closed.max(1.0), "ᾱ {alpha_bar}, d {d}: {closed}, {integral}");
        }
    }
}

#[test]
fn the_divergence_is_zero_at_pure_noise_grows_along_the_path_and_has_no_value_at_the_clean_end() {
    assert_eq!(kl_divergence(0.0, 12.0), Some(0.0));
    assert_eq!(kl_divergence(0.5, 12.0), Some(72.0));
    assert_eq!(kl_divergence(1.0, 12.0), None);
    let executor = shipped_pack::executor(1);
    let plan = plan(&settings("an apple", "a lemon"), &executor).unwrap();
    let points = plan.points();
    assert_eq!(points.iter().map(|point| point.t_off).collect::<Vec<_>>(), [5, 4, 3, 2, 1, 0]);
    assert_eq!(points[0].kl_divergence(3.0), Some(0.0));
    assert_eq!((points[5].timestep, points[5].kl_divergence(3.0)), (None, None));
    assert!(points.windows(2).take(4).all(|pair| pair[0].kl_divergence(3.0) < pair[1].kl_divergence(3.0)));
    // 11 does not divide 1000, and diffusers' last step leads to ᾱ_0 = 0.99996 then: it is the end all the same.
    let uneven = PathSettings { steps: 11, ..settings("an apple", "a lemon") };
    let uneven = self::plan(&uneven, &executor).unwrap().points()[11];
    assert!(uneven.alpha_bar < 1.0 && uneven.kl_divergence(3.0).is_none());
    // Trailing spacing, 200 timesteps a step: with one to go the denoiser is told 199, and the latent has its ᾱ.
    assert_eq!(points[4].timestep, Some(199.0));
    assert_eq!(points[4].alpha_bar, shipped_pack::schedule(executor.pack()).alpha_bar()[199]);
}

#[test]
fn the_distance_of_two_texts_is_a_chord_of_a_sphere() {
    assert!((text_distance(0.5, 16) - 4.0).abs() < 1e-12, "an equilateral triangle of side D = √16");
    assert!((text_distance(-1.0, 16) - 8.0).abs() < 1e-12, "opposite ends of the diameter");
    assert_eq!(text_distance(1.0 + 1e-15, 16), 0.0);
}

#[test]
fn what_the_paths_have_in_common_is_computed_once() {
    let executor = shipped_pack::executor(2);
    let settings = PathSettings { replications: NonZeroU32::new(2).unwrap(), ..settings("an apple", "a lemon") };
    let plan = plan(&settings, &executor).unwrap();
    // N(N + 3)/2 = 20 steps of two evaluations for each of two start latents, instead of N(N + 1) = 30.
    assert_eq!(plan.unet_evaluations(), 2 * 2 * 20);
    assert_eq!(plan.unet_evaluations_unshared(), 2 * 2 * 30);
    let (measured, pictures, evaluations) = measure(&settings, &executor);
    assert_eq!(evaluations, 2 * 2 * 20);
    assert_eq!(pictures.len(), 2 * 6);
    assert_ne!(measured[0], measured[1], "start latents differ");
    let alone = PathSettings { replications: NonZeroU32::MIN, ..settings };
    assert_eq!(measure(&alone, &executor).0[0], measured[0], "a replication does not depend on how many there are");
}

#[test]
fn the_two_ways_to_an_end_differ_by_the_semantic_distance_at_most() {
    let executor = shipped_pack::executor(2);
    for (user, server) in [
        ("an apple", "a lemon"),
        ("a dog sits in front of a bush", "a tiger sits in front of a bush"),
        ("a cat on the beach", "a car in the snow"),
    ] {
        for sampler in [Sampler::Ddim { eta: 0.0 }, Sampler::Euler] {
            let (measured, ..) = measure(&PathSettings { sampler, ..settings(user, server) }, &executor);
            let d = measured[0].semantic_distance.unwrap();
            assert!(d > 1.0, "different prompts end apart: {d}");
            for switch in &measured[0].switches {
                let own = switch.remaining_own_distance.unwrap();
                let switched = switch.remaining_switched_distance.unwrap();
                assert!((switched - own).abs() <= d * (1.0 + 1e-12), "{user}, {server}: {switch:?}, (14) {d}");
                assert!(switch.inequality_slack.unwrap() >= -1e-12 * d);
            }
            let [first, .., last] = &measured[0].switches[..] else { panic!("a path has two ends") };
            assert_eq!(first.switched_latent_distance, Some(0.0), "never under B, it is the path of A");
            assert_eq!(last.remaining_own_distance, Some(0.0));
            assert_eq!((last.remaining_switched_distance, last.switched_latent_distance), (Some(d), Some(d)));
        }
    }
}

/// The latents of a plain chain and its picture, by another graph.
fn plain_chain(executor: &Executor, prompt: &str) -> (Vec<Arc<Latent>>, Arc<Picture>) {
    let chain = shipped_pack::schedule(executor.pack()).chain(Sampler::Ddim { eta: 0.0 }, STEPS).unwrap();
    let mut graph = DenoisingGraph::new(executor.pack().digest());
    let seed = StreamKey::new(41, 0, "start-latent", "round");
    let mut nodes: Vec<NodeId> = vec![graph.insert(Operation::Noise { seed, scale: chain.start_scale })];
    let prompt = graph.prompt(prompt);
    for step in chain.steps {
        let from = nodes[nodes.len() - 1];
        nodes.push(graph.insert(Operation::Denoise { from, prompt, guidance: 2.0, step, noise: None }));
    }
    let decoded = graph.insert(Operation::Decode { from: nodes[nodes.len() - 1] });
    let (mut latents, mut picture) = (Vec::new(), None);
    let wanted: Vec<NodeId> = nodes.iter().copied().chain([decoded]).collect();
    executor
        .run(&graph, &wanted, &|_| {}, &mut |_, value| {
            match value {
                Value::Latent(latent) => latents.push(Arc::clone(latent)),
                Value::Picture(found) => picture = Some(Arc::clone(found)),
                other => panic!("{other:?} was not asked for"),
            }
            Ok(())
        })
        .unwrap();
    (latents, picture.unwrap())
}

#[test]
fn the_measures_are_those_of_two_chains_that_know_nothing_of_each_other() {
    let executor = shipped_pack::executor(1);
    let (user, server) = ("an apple", "a lemon");
    let (measured, pictures, _) = measure(&settings(user, server), &executor);
    let ((path_a, picture_a), (path_b, picture_b)) = (plain_chain(&executor, user), plain_chain(&executor, server));
    let n = STEPS as usize;
    let distance = |one: &Arc<Latent>, other: &Arc<Latent>| euclidean_distance(&one.values, &other.values);
    // Batches have other neighbours here, which moves the last digits.
    let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-3;
    assert!(close(measured[0].semantic_distance, distance(&path_a[n], &path_b[n])));
    for (t0, switch) in measured[0].switches.iter().enumerate() {
        assert!(close(switch.remaining_own_distance, distance(&path_b[t0], &path_b[n])), "{switch:?}");
        assert!(close(switch.remaining_switched_distance, distance(&path_b[t0], &path_a[n])), "{switch:?}");
        let metrics = PictureMetrics::between(&pictures[&(0, switch.t_off)], &pictures[&(0, STEPS)]).unwrap();
        assert_eq!(switch.metrics, Some(metrics));
    }
    for (picture, alone) in [(&pictures[&(0, STEPS)], picture_a), (&pictures[&(0, 0)], picture_b)] {
        assert!(PictureMetrics::between(picture, &alone).unwrap().mse < 1e-6);
    }
}

#[test]
fn a_prompt_and_itself_are_one_path() {
    let executor = shipped_pack::executor(1);
    let settings = settings("an apple", "an apple");
    assert_eq!(plan(&settings, &executor).unwrap().unet_evaluations(), 2 * 5);
    let (measured, pictures, _) = measure(&settings, &executor);
    assert_eq!((measured[0].semantic_distance, pictures.len()), (Some(0.0), 6));
    assert!(measured[0].switches.iter().all(|switch| switch.switched_latent_distance == Some(0.0)));
    assert!(measured[0].switches.iter().all(|switch| switch.metrics.unwrap().mse == 0.0));
}

#[test]
fn paths_that_cannot_be_compared_are_refused() {
    let executor = shipped_pack::executor(1);
    let refused = |settings: PathSettings| plan(&settings, &executor).unwrap_err();
    let given = || settings("an apple", "a lemon");
    for sampler in [Sampler::Ddpm, Sampler::Ddim { eta: 0.5 }] {
        assert_eq!(refused(PathSettings { sampler, ..given() }), PathError::Stochastic);
    }
    assert_eq!(refused(settings(" ", "a lemon")), PathError::EmptyPrompt { name: "A" });
    assert_eq!(refused(settings("an apple", "")), PathError::EmptyPrompt { name: "B" });
    assert!(matches!(refused(PathSettings { guidance: -1.0, ..given() }), PathError::Guidance { .. }));
    assert!(matches!(refused(PathSettings { guidance: f64::NAN, ..given() }), PathError::Guidance { .. }));
    assert!(matches!(refused(PathSettings { steps: 0, ..given() }), PathError::Schedule(_)));
}
