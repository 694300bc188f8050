//! The sinusoidal embedding of a denoising step's index (A. Vaswani et al., *NeurIPS* 2017), 16 numbers.

/// Numbers in an embedding.
pub const TIME_LEN: usize = 16;

/// sin(i·f_j), then cos(i·f_j), with f_j = 10000^(−j/7), j = 0..8; `[steps, 16]`, row i for step i.
pub fn time_embeddings(steps: u32) -> Vec<f32> {
    const HALF: usize = TIME_LEN / 2;
    let frequency = |j: usize| libm::exp(-(j as f64) * libm::log(10_000.0) / (HALF - 1) as f64);
    (0..steps)
        .flat_map(|step| {
            let angle = move |j| f64::from(step) * frequency(j);
            let sines = (0..HALF).map(move |j| libm::sin(angle(j)) as f32);
            sines.chain((0..HALF).map(move |j| libm::cos(angle(j)) as f32))
        })
        .collect()
}
