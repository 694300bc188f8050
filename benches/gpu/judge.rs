//! One judge pack, asked by the mean over the marks.

use std::path::Path;
use std::sync::Arc;

use latentlink::judge::{Persona, PromptTemplate, Question, Readout, VlmJudge, VlmOptions, VlmWorker};
use latentlink::onnx::judge_pack::ModelDtype;
use latentlink::onnx::{JudgePack, ResolvedProvider};
use latentlink::picture::Picture;

use super::{Failure, Item, Work, seconds_of_one};

/// Height and width of Stable Diffusion's pictures.
const SIDE_PX: usize = 512;

pub struct JudgeSide {
    judge: VlmJudge,
    worker: VlmWorker,
}

impl JudgeSide {
    pub fn open(pack: &Path, dtype: Option<&str>, provider: ResolvedProvider) -> Result<Self, Failure> {
        let known = |name: &str| ModelDtype::NAMED.into_iter().find(|(known, _)| *known == name);
        let dtype = dtype.map(|name| known(name).ok_or_else(|| format!("no dtype is called `{name}`"))).transpose()?;
        let pack = Arc::new(JudgePack::open_as(pack, dtype.map(|(_, dtype)| dtype))?);
        let template = PromptTemplate::for_pack(pack.root(), None)?.template;
        let options = VlmOptions { readout: Readout::Expectation, temperature: 1.0, max_new_tokens: 4, retries: 0 };
        let judge = VlmJudge::new(pack, template, options)?;
        let worker = judge.load_worker(provider, 1)?;
        Ok(Self { judge, worker })
    }

    /// `batch` pictures, one agent. Its text before the picture is read once, in the first call.
    pub fn seconds(&mut self, work: &Work) -> Result<f64, Failure> {
        let Item::Score { persona, request } = &work.item else {
            return Err("a judge gives nothing but scores".into());
        };
        let persona = Persona::new(*persona)?;
        let pictures: Vec<Picture> = (0..work.batch).map(picture).collect::<Result<_, _>>()?;
        let questions: Vec<_> =
            pictures.iter().map(|picture| Question { persona, picture, request, seed: None }).collect();
        seconds_of_one(work.least_s, || {
            self.judge.ask(&mut self.worker, &questions)?;
            Ok(())
        })
    }

    pub fn score(
        &mut self,
        rgb: &[u8],
        [height, width]: [usize; 2],
        persona: [f64; 5],
        request: &str,
    ) -> Result<f64, Failure> {
        let picture = Picture::new(width, height, rgb.iter().map(|level| f32::from(*level) / 255.0).collect())?;
        let question = Question { persona: Persona::new(persona)?, picture: &picture, request, seed: None };
        let answers = self.judge.ask(&mut self.worker, &[question])?;
        answers[0].score.ok_or_else(|| "the judge gave no score".into())
    }
}

/// Waves that differ from picture to picture.
fn picture(index: usize) -> Result<Picture, Failure> {
    let value = |place: usize| {
        let (pixel, channel) = (place / 3, place % 3);
        let (x, y) = ((pixel % SIDE_PX) as f32, (pixel / SIDE_PX) as f32);
        0.5 + 0.5 * (x / (3 + index) as f32 + y / (5 + channel) as f32).sin()
    };
    Ok(Picture::new(SIDE_PX, SIDE_PX, (0..3 * SIDE_PX * SIDE_PX).map(value).collect())?)
}
