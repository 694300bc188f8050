//! The exported actor, run by ONNX Runtime, against the learner that wrote it.

use latentlink::learn::{Learner, LearnerSettings};
use latentlink::onnx::ResolvedProvider;
use latentlink::onnx::session::ModelSession;
use ort::session::SessionInputValue;
use ort::value::Tensor;

use crate::learn_fixture::{KINDS, Uniform, small};

const ROWS: usize = 7;

/// What ONNX Runtime makes of the model for `n` states.
fn run(session: &mut ModelSession, states: &[f32], noise: &[f32], n: usize) -> (Vec<f32>, Vec<f32>) {
    let input = |values: &[f32]| -> ort::Result<SessionInputValue<'static>> {
        Tensor::from_array(([n, values.len() / n], values.to_vec())).map(Into::into)
    };
    let mut inputs = vec![("state", input(states))];
    if !noise.is_empty() {
        inputs.push(("noise", input(noise)));
    }
    let outputs = session.run(n, inputs).unwrap();
    let numbers = |name: &str| {
        let (shape, values) = outputs[name].try_extract_tensor::<f32>().unwrap();
        (shape.to_vec(), values.to_vec())
    };
    let (action_shape, actions) = numbers("action");
    let (value_shape, values) = numbers("value");
    assert_eq!((action_shape, value_shape), (vec![n as i64, 4], vec![n as i64]));
    (actions, values)
}

#[test]
fn exported_actor_acts_and_judges_as_the_learner_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("actor.onnx");
    for ((algorithm, head), choices) in KINDS.into_iter().flat_map(|kind| [(kind, vec![]), (kind, vec![2, 1])]) {
        let mut uniform = Uniform(21);
        let mut learner: Learner = uniform.learner(&LearnerSettings { choices, ..small(algorithm, head, None) });
        for _update in 0..5 {
            let (batch, noise) = uniform.batch(&learner);
            learner.update_with_noise(&batch, &noise);
        }
        std::fs::write(&file, learner.export_onnx(&[("users".into(), "2".into())])).unwrap();
        latentlink::onnx::runtime::environment().expect("ONNX Runtime is found or fetched");
        let mut session = ModelSession::load(&file, ResolvedProvider::Cpu, 1).unwrap();
        assert_eq!(session.has_input("noise"), learner.noise_len() > 0);

        for n in [ROWS, 1] {
            let states = uniform.values(n * 5);
            let noise: Vec<f32> = uniform.values(n * learner.noise_len()).iter().map(|value| 2.0 * value).collect();
            let actions = learner.act(&states, n, &noise);
            let values = learner.value(&states, &actions, n);
            let found = run(&mut session, &states, &noise, n);
            for (ours, theirs) in actions.iter().chain(&values).zip(found.0.iter().chain(&found.1)) {
                assert!((ours - theirs).abs() < 1e-5, "{algorithm:?} {head:?}: {ours} here, {theirs} in the runtime");
            }
        }
    }
}

#[test]
fn metadata_stands_in_the_file() {
    use latentlink::learn::onnx_messages::Model;
    use prost::Message;
    let learner = Uniform(22).learner(&small(KINDS[2].0, KINDS[2].1, None));
    let metadata = [("users".to_owned(), "3".to_owned()), ("seed".to_owned(), "7".to_owned())];
    let model = Model::decode(&learner.export_onnx(&metadata)[..]).unwrap();
    let found: Vec<_> = model.metadata_props.into_iter().map(|entry| (entry.key, entry.value)).collect();
    assert_eq!(found, metadata);
    assert_eq!((model.ir_version, model.opset_import[0].version), (8, 18));
}
