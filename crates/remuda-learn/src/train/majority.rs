//! The floor under every claim: class frequencies, or the mean, whatever the input.

use crate::error::LearnError;
use crate::onnx::FLOAT;
use crate::onnx::build::Builder;
use crate::train::{Target, TrainRequest, Trained, encode};

/// Writes a constant model.
pub(crate) fn train(request: &TrainRequest) -> Result<Trained, LearnError> {
    let mut builder = Builder::new(request.features);
    // ONNX has no way to say "as many rows as the input" without reading one.
    let zeros = encode::zeros(&mut builder, &request.features[0]);
    match request.target {
        Target::Number(numbers) => {
            let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
            let mean = builder.floats(&[1, 1], vec![mean as f32]);
            let output = builder.node("", "Add", &[&zeros, &mean], Vec::new());
            builder.output("variable", &output, FLOAT, Some(1));
        }
        Target::Classes { labels, index } => {
            let mut counts = vec![0_u64; labels.len()];
            index.iter().for_each(|class| counts[*class as usize] += 1);
            let shares = counts.iter().map(|count| (*count as f64 / index.len() as f64) as f32).collect();
            let shares = builder.floats(&[1, labels.len()], shares);
            let output = builder.node("", "Add", &[&zeros, &shares], Vec::new());
            builder.classes(&output, labels);
        }
    }
    let importance = request.features.iter().map(|feature| (feature.name.clone(), 0.0)).collect();
    Ok(Trained { onnx: builder.finish(), importance, notes: Vec::new() })
}
