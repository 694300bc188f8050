//! ONNX models written byte by byte, where a test wants one in a size of its own (onnx.proto of ONNX 1.x).

/// A number in groups of seven bits.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, content: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn text(field: u64, content: &str) -> Vec<u8> {
    bytes(field, content.as_bytes())
}

/// A ValueInfoProto of this element type, its axes by name or length.
fn value(name: &str, element_type: u64, axes: &[Result<u64, &str>]) -> Vec<u8> {
    let axis = |axis: &Result<u64, &str>| match axis {
        Ok(length) => bytes(1, &number(1, *length)),
        Err(name) => bytes(1, &text(2, name)),
    };
    let shape: Vec<u8> = axes.iter().flat_map(axis).collect();
    let tensor = [number(1, element_type), bytes(2, &shape)].concat();
    [text(1, name), bytes(2, &bytes(1, &tensor))].concat()
}

/// `inputs_embeds` [batch, tokens, hidden] = rows of a table of zeros [rows, hidden], by `input_ids`.
pub fn embedding_model(rows: u64, hidden: u64) -> Vec<u8> {
    const FLOAT: u64 = 1;
    const INT64: u64 = 7;
    let table = [
        number(1, rows),
        number(1, hidden),
        number(2, FLOAT),
        text(8, "table"),
        bytes(9, &vec![0; (4 * rows * hidden) as usize]),
    ];
    let gather = [text(1, "table"), text(1, "input_ids"), text(2, "inputs_embeds"), text(4, "Gather")];
    let graph = [
        bytes(1, &gather.concat()),
        text(2, "embedding"),
        bytes(5, &table.concat()),
        bytes(11, &value("input_ids", INT64, &[Err("batch"), Err("tokens")])),
        bytes(12, &value("inputs_embeds", FLOAT, &[Err("batch"), Err("tokens"), Ok(hidden)])),
    ];
    [number(1, 8), bytes(7, &graph.concat()), bytes(8, &number(2, 17))].concat()
}

/// `y` = `x` with an operator of ONNX Runtime that only GPUs have: a convolution of one weight, channels last.
pub fn model_for_gpus() -> Vec<u8> {
    const FLOAT: u64 = 1;
    const DOMAIN: &str = "com.microsoft";
    let axes: Vec<u8> = [1; 4].iter().flat_map(|&length| number(1, length)).collect();
    let weight = [axes, number(2, FLOAT), text(8, "weight"), bytes(9, &1_f32.to_le_bytes())];
    let convolution =
        [text(1, "x"), text(1, "weight"), text(2, "y"), text(3, "convolution"), text(4, "NhwcConv"), text(7, DOMAIN)];
    let graph = [
        bytes(1, &convolution.concat()),
        text(2, "for GPUs"),
        bytes(5, &weight.concat()),
        bytes(11, &value("x", FLOAT, &[Ok(1), Ok(2), Ok(2), Ok(1)])),
        bytes(12, &value("y", FLOAT, &[Ok(1), Ok(2), Ok(2), Ok(1)])),
    ];
    let opsets = [number(2, 17), [text(1, DOMAIN), number(2, 1)].concat()];
    let opsets: Vec<u8> = opsets.iter().flat_map(|opset| bytes(8, opset)).collect();
    [number(1, 8), bytes(7, &graph.concat()), opsets].concat()
}
