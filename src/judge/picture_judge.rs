//! A judge that is shown pictures: a model of a pack in this process, or one behind an HTTP endpoint.

use std::sync::Arc;

use super::endpoint::EndpointJudge;
use super::vlm::VlmJudge;

/// Who is shown pictures.
#[derive(Debug, Clone)]
pub enum PictureJudge {
    Vlm(Arc<VlmJudge>),
    Endpoint(Arc<EndpointJudge>),
}

impl PictureJudge {
    /// Everything of the judge that an answer depends on: part of the key of a score.
    pub fn digest(&self) -> [u8; 32] {
        match self {
            Self::Vlm(judge) => judge.digest(),
            Self::Endpoint(judge) => judge.digest(),
        }
    }

    /// What manifests, reports and figures call it: the pack's name, or model and address.
    pub fn name(&self) -> String {
        match self {
            Self::Vlm(judge) => judge.pack().name(),
            Self::Endpoint(judge) => judge.name(),
        }
    }

    /// Digest of what answers, whatever it is told and however it is asked: the pack's; at an endpoint, where nothing is known of
    /// the model but its name, that of the judge.
    pub fn model_digest(&self) -> [u8; 32] {
        match self {
            Self::Vlm(judge) => judge.pack().digest(),
            Self::Endpoint(judge) => judge.digest(),
        }
    }
}
