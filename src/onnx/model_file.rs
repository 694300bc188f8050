//! What an ONNX file tells before any runtime loads it: the element types of its weights, and where those lie that are
//! too large for the file itself (*external data*, `model.onnx_data` beside `model.onnx`).
//!
//! ONNX Runtime says of a missing or cut file only that it cannot load the model, after a while; here it is known in a
//! millisecond, with the weight that is lost. The file is Protocol Buffers (onnx.proto of ONNX 1.x); of it we read
//!
//! ```text
//!  ModelProto ─ graph (7) ─► GraphProto ─┬─ node (1) ─► NodeProto ─ op_type (4)
//!                                        └─ initializer (5) ─► TensorProto ─┬─ dims (1), data_type (2), name (8)
//!                                                                           └─ external_data (13): location, offset, length
//! ```
//!
//! and skip the rest, the weights themselves above all. Weights and nodes within subgraphs, and constants, are not looked at.

mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use self::wire::{Content, Fields, WireError};
use super::pack_error::PackError;

/// Element types of `TensorProto.DataType` that weights come in, with the names people know.
const ELEMENT_TYPES: [(u64, &str); 12] = [
    (1, "f32"),
    (2, "u8"),
    (3, "i8"),
    (5, "i16"),
    (6, "i32"),
    (7, "i64"),
    (9, "bool"),
    (FLOAT16, "f16"),
    (11, "f64"),
    (BFLOAT16, "bf16"),
    (21, "u4"),
    (22, "i4"),
];
const FLOAT16: u64 = 10;
const BFLOAT16: u64 = 16;

/// An ONNX file whose weights are all there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    file: PathBuf,
    /// Number of weights by `TensorProto.DataType`.
    weights: BTreeMap<u64, u64>,
    external_files: Vec<PathBuf>,
    operators: BTreeSet<String>,
}

/// What is read of a graph.
#[derive(Default)]
struct Graph {
    initializers: Vec<Initializer>,
    operators: BTreeSet<String>,
}

/// One initializer of the graph.
#[derive(Default)]
struct Initializer {
    name: String,
    data_type: u64,
    elements: u64,
    external: Option<ExternalData>,
}

#[derive(Default)]
struct ExternalData {
    location: String,
    offset: u64,
    length: Option<u64>,
}

impl ModelFile {
    /// Reads what `file` says of its weights and checks that every one of them is there.
    ///
    /// # Errors
    /// [`PackError::Damaged`] where the file is cut short or is no ONNX model, [`PackError::MissingWeights`] and
    /// [`PackError::ShortWeights`] where the file that holds its weights is not there or is cut short.
    pub fn inspect(file: &Path) -> Result<Self, PackError> {
        let unreadable = |reason| PackError::Read { file: file.to_owned(), reason };
        let reader = File::open(file).map_err(unreadable)?;
        let size = reader.metadata().map_err(unreadable)?.len();
        let Graph { initializers, operators } =
            graph(BufReader::with_capacity(1 << 14, reader), size).map_err(|error| match error {
                WireError::Read(reason) => unreadable(reason),
                WireError::Short { needed } => PackError::Damaged {
                    file: file.to_owned(),
                    message: format!("it is cut short, with {size} bytes of at least {needed}"),
                },
                WireError::Malformed => PackError::Damaged {
                    file: file.to_owned(),
                    message: "it is no ONNX model, which would be a Protocol Buffers message with a graph".into(),
                },
            })?;

        let mut found = Self { file: file.to_owned(), weights: BTreeMap::new(), external_files: Vec::new(), operators };
        let mut sizes = BTreeMap::new();
        for initializer in &initializers {
            *found.weights.entry(initializer.data_type).or_default() += initializer.elements;
            if let Some(external) = &initializer.external {
                found.check_external(initializer, external, &mut sizes)?;
            }
        }
        found.external_files = sizes.into_keys().collect();
        Ok(found)
    }

    /// The model's own file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The files beside it that hold weights, sorted.
    pub fn external_files(&self) -> &[PathBuf] {
        &self.external_files
    }

    /// The type that most of its weights have, by name; none where it has no weights.
    pub fn weight_type(&self) -> Option<&'static str> {
        let (most, _) = self.weights.iter().max_by_key(|(_, count)| **count)?;
        Some(ELEMENT_TYPES.iter().find(|(number, _)| number == most).map_or("other", |(_, name)| name))
    }

    /// Number of weights.
    pub fn parameters(&self) -> u64 {
        self.weights.values().sum()
    }

    /// Whether some of its weights are 16-bit floats, whose arithmetic may overflow.
    pub fn has_16_bit_weights(&self) -> bool {
        [FLOAT16, BFLOAT16].iter().any(|number| self.weights.contains_key(number))
    }

    /// Whether the graph itself, not one within it, has a node with this operator.
    pub fn has_operator(&self, name: &str) -> bool {
        self.operators.contains(name)
    }

    fn check_external(
        &self,
        initializer: &Initializer,
        external: &ExternalData,
        sizes: &mut BTreeMap<PathBuf, u64>,
    ) -> Result<(), PackError> {
        let file = self.file.with_file_name(&external.location);
        let size = match sizes.get(&file) {
            Some(&size) => size,
            None => {
                let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
                let Some(size) = size else {
                    return Err(PackError::MissingWeights {
                        file,
                        model: self.file.clone(),
                        tensor: initializer.name.clone(),
                    });
                };
                sizes.insert(file.clone(), size);
                size
            }
        };
        // Without a length the tensor takes the rest of the file.
        let needed = external.offset.saturating_add(external.length.unwrap_or(0));
        if size < needed {
            return Err(PackError::ShortWeights {
                file,
                model: self.file.clone(),
                tensor: initializer.name.clone(),
                needed,
                found: size,
            });
        }
        Ok(())
    }
}

fn graph(reader: BufReader<File>, size: u64) -> Result<Graph, WireError> {
    let mut fields = Fields::new(reader, size);
    let mut graph = None;
    while let Some((number, content)) = fields.next(size)? {
        match (number, content) {
            (7, Content::Bytes { end }) => {
                let graph = graph.get_or_insert_with(Graph::default);
                while let Some((number, content)) = fields.next(end)? {
                    match (number, content) {
                        (1, Content::Bytes { end }) => graph.operators.extend(operator(&mut fields, end)?),
                        (5, Content::Bytes { end }) => graph.initializers.push(initializer(&mut fields, end)?),
                        (_, content) => fields.skip(content)?,
                    }
                }
            }
            (_, content) => fields.skip(content)?,
        }
    }
    graph.ok_or(WireError::Malformed)
}

/// `op_type` of a `NodeProto`.
fn operator(fields: &mut Fields, end: u64) -> Result<Option<String>, WireError> {
    let mut name = None;
    while let Some((number, content)) = fields.next(end)? {
        match (number, content) {
            (4, Content::Bytes { end }) => name = Some(fields.text(end)?),
            (_, content) => fields.skip(content)?,
        }
    }
    Ok(name)
}

fn initializer(fields: &mut Fields, end: u64) -> Result<Initializer, WireError> {
    let mut tensor = Initializer { elements: 1, ..Initializer::default() };
    while let Some((number, content)) = fields.next(end)? {
        match (number, content) {
            (1, Content::Number(length)) => tensor.elements = tensor.elements.saturating_mul(length),
            (1, Content::Bytes { end }) => {
                while fields.position() < end {
                    tensor.elements = tensor.elements.saturating_mul(fields.varint(end)?);
                }
            }
            (2, Content::Number(data_type)) => tensor.data_type = data_type,
            (8, Content::Bytes { end }) => tensor.name = fields.text(end)?,
            (13, Content::Bytes { end }) => {
                let external = tensor.external.get_or_insert_default();
                let (key, value) = text_pair(fields, end)?;
                match key.as_str() {
                    "location" => external.location = value,
                    "offset" => external.offset = value.parse().map_err(|_| WireError::Malformed)?,
                    "length" => external.length = Some(value.parse().map_err(|_| WireError::Malformed)?),
                    _ => {}
                }
            }
            (_, content) => fields.skip(content)?,
        }
    }
    Ok(tensor)
}

/// A `StringStringEntryProto`.
fn text_pair(fields: &mut Fields, end: u64) -> Result<(String, String), WireError> {
    let (mut key, mut value) = (String::new(), String::new());
    while let Some((number, content)) = fields.next(end)? {
        match (number, content) {
            (1, Content::Bytes { end }) => key = fields.text(end)?,
            (2, Content::Bytes { end }) => value = fields.text(end)?,
            (_, content) => fields.skip(content)?,
        }
    }
    Ok((key, value))
}
