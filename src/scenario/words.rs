//! The words of a scenario file for what the program calls by a type, in both directions.

use super::settings::{
    ActorHead, Admission, Algorithm, ArchitectureKind, ArrivalStream, CacheSharing, CriticInput, Election, ErrorModel,
    Eviction, Execution, FaultKind, IntervalStyle, MultipleAccess, PictureReference, PolicyKind, QoeTerm,
    QueueDiscipline, StartLatent, Topology,
};
use crate::diffusion::{History, LatentCodec, Sanitize, Split};
use crate::judge::Readout;
use crate::onnx::ExecutionProvider;
use crate::onnx::judge_pack::ModelDtype;
use crate::policy::Decoder;
use crate::radio::{FadingProcess, FisherSnedecorConvention, Modulation};

/// Each word with its value.
pub(crate) type Words<T> = &'static [(&'static str, T)];

pub(crate) const EXECUTION_PROVIDERS: Words<ExecutionProvider> =
    &[("auto", ExecutionProvider::Auto), ("cpu", ExecutionProvider::Cpu), ("cuda", ExecutionProvider::Cuda)];

pub(crate) const SPLITS: Words<Split> = &[("respaced", Split::Respaced), ("joint", Split::Joint)];

pub(crate) const HISTORIES: Words<History> = &[("restart", History::Restart), ("send", History::Send)];

pub(crate) const CODECS: Words<LatentCodec> = &[
    ("fp32", LatentCodec::Fp32),
    ("fp16", LatentCodec::Fp16),
    ("int8", LatentCodec::Int8),
    ("int8-gray", LatentCodec::Int8Gray),
];

pub(crate) const SANITIZES: Words<Sanitize> =
    &[("none", Sanitize::None), ("zero", Sanitize::Zero), ("clip", Sanitize::Clip)];

pub(crate) const PICTURE_REFERENCES: Words<PictureReference> =
    &[("error-free", PictureReference::ErrorFree), ("unshared", PictureReference::Unshared)];

pub(crate) const EXECUTIONS: Words<Execution> = &[("deferred", Execution::Deferred), ("eager", Execution::Eager)];

pub(crate) const ALGORITHMS: Words<Algorithm> =
    &[("ddpg", Algorithm::Ddpg), ("g-ddpg", Algorithm::GDdpg), ("td3", Algorithm::Td3)];

pub(crate) const ACTOR_HEADS: Words<ActorHead> = &[("x0", ActorHead::X0), ("epsilon", ActorHead::Epsilon)];

pub(crate) const QOE_TERMS: Words<QoeTerm> = &[("corrected", QoeTerm::Corrected), ("as-printed", QoeTerm::AsPrinted)];

pub(crate) const CONVENTIONS: Words<FisherSnedecorConvention> =
    &[("unit-mean", FisherSnedecorConvention::UnitMean), ("letter-2017", FisherSnedecorConvention::Letter2017)];

pub(crate) const MODULATIONS: Words<Modulation> = &[
    ("bpsk", Modulation::Bpsk),
    ("qpsk", Modulation::Qpsk),
    ("qam16", Modulation::Qam16),
    ("qam64", Modulation::Qam64),
    ("qam256", Modulation::Qam256),
];

pub(crate) const ERROR_MODELS: Words<ErrorModel> =
    &[("instantaneous", ErrorModel::Instantaneous), ("average", ErrorModel::Average)];

pub(crate) const MULTIPLE_ACCESSES: Words<MultipleAccess> =
    &[("tdma", MultipleAccess::Tdma), ("ofdma", MultipleAccess::Ofdma)];

pub(crate) const FADING_PROCESSES: Words<FadingProcess> = &[
    ("per-latent", FadingProcess::PerLatent),
    ("block", FadingProcess::Block),
    ("gaussian-copula", FadingProcess::GaussianCopula),
];

pub(crate) const POLICIES: Words<PolicyKind> = &[
    ("fixed", PolicyKind::Fixed),
    ("equal", PolicyKind::Equal),
    ("channel-inversion", PolicyKind::ChannelInversion),
    ("random", PolicyKind::Random),
    ("greedy", PolicyKind::Greedy),
    ("exhaustive", PolicyKind::Exhaustive),
    ("actor", PolicyKind::Actor),
];

pub(crate) const CRITIC_INPUTS: Words<CriticInput> =
    &[("scores", CriticInput::Scores), ("choices", CriticInput::Choices)];

pub(crate) const DECODERS: Words<Decoder> = &[("projected", Decoder::Projected), ("soft", Decoder::Soft)];

pub(crate) const STREAMS: Words<ArrivalStream> =
    &[("population", ArrivalStream::Population), ("device", ArrivalStream::Device)];

pub(crate) const START_LATENTS: Words<StartLatent> =
    &[("request", StartLatent::Request), ("shared", StartLatent::Shared)];

pub(crate) const QUEUES: Words<QueueDiscipline> = &[
    ("fifo", QueueDiscipline::Fifo),
    ("priority", QueueDiscipline::Priority),
    ("earliest-deadline", QueueDiscipline::EarliestDeadline),
];

pub(crate) const ADMISSIONS: Words<Admission> = &[("all", Admission::All), ("deadline", Admission::Deadline)];

pub(crate) const EVICTIONS: Words<Eviction> =
    &[("lru", Eviction::Lru), ("lfu", Eviction::Lfu), ("lcbfu", Eviction::Lcbfu), ("fifo", Eviction::Fifo)];

pub(crate) const SHARINGS: Words<CacheSharing> =
    &[("own", CacheSharing::Own), ("opt-in", CacheSharing::OptIn), ("everyone", CacheSharing::Everyone)];

pub(crate) const ARCHITECTURES: Words<ArchitectureKind> = &[
    ("edge", ArchitectureKind::Edge),
    ("device-to-device", ArchitectureKind::DeviceToDevice),
    ("cluster", ArchitectureKind::Cluster),
];

pub(crate) const ELECTIONS: Words<Election> = &[
    ("least-energy", Election::LeastEnergy),
    ("medoid", Election::Medoid),
    ("residual-energy", Election::ResidualEnergy),
];

pub(crate) const TOPOLOGIES: Words<Topology> = &[("star", Topology::Star), ("chain", Topology::Chain)];

pub(crate) const FAULTS: Words<FaultKind> = &[
    ("server-outage", FaultKind::ServerOutage),
    ("link-outage", FaultKind::LinkOutage),
    ("device-away", FaultKind::DeviceAway),
    ("leader-loss", FaultKind::LeaderLoss),
];

pub(crate) const MODEL_DTYPES: Words<ModelDtype> = &ModelDtype::NAMED;

pub(crate) const READOUTS: Words<Readout> =
    &[("expectation", Readout::Expectation), ("greedy", Readout::Greedy), ("sample", Readout::Sample)];

pub(crate) const INTERVALS: Words<IntervalStyle> = &[("bars", IntervalStyle::Bars), ("band", IntervalStyle::Band)];

/// The value that `word` stands for.
pub(crate) fn value_of<T: Copy>(words: Words<T>, word: &str) -> Option<T> {
    words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}

/// The word for `value`; every list above names each of its type's values.
pub(crate) fn word_for<T: Copy + PartialEq>(words: Words<T>, value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).expect("each value of a type of words has its word").0
}

/// `"a"`, `"b"` or `"c"`.
pub(crate) fn alternatives<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The known name nearest to `written`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&written, &name.to_lowercase()), name))
        .filter(|(distance, name)| {
            let is_part = written.len() >= 3 && (name.contains(&written) || written.contains(name));
            *distance <= (name.chars().count().max(written.chars().count()) / 3).max(1) || is_part
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
