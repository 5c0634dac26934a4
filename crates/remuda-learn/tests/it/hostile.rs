//! Bytes that are no honest model: an error, never a panic, never more memory than the file deserves.

use crate::world::{all, learn, world};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use remuda_learn::load;

#[test]
fn cut_off_files_are_refused() {
    let world = world(120, 1);
    for (name, algorithm, target) in all(&world) {
        let onnx = learn(&world, algorithm, target).unwrap().onnx;
        let step = (onnx.len() / 400).max(1);
        // What follows the graph may be cut where a field ends, and the model still be whole.
        let metadata = onnx.windows(15).position(|window| window == b"remuda.features").unwrap();
        for length in (0..metadata - 60).step_by(step) {
            assert!(load(&onnx[..length]).is_err(), "{algorithm:?} {name} {length}");
        }
    }
}

#[test]
fn changed_files_never_panic() {
    let world = world(120, 2);
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let rows = world.table.take(&[0, 1, 2]);
    for (_, algorithm, target) in all(&world) {
        let onnx = learn(&world, algorithm, target).unwrap().onnx;
        for _ in 0..600 {
            let mut changed = onnx.clone();
            for _ in 0..random.random_range(1..4) {
                let place = random.random_range(0..changed.len());
                match random.random_range(0..3) {
                    0 => changed[place] = random.random(),
                    1 => changed[place] ^= 1 << random.random_range(0..8),
                    _ => drop(changed.drain(place..(place + random.random_range(1..9)).min(changed.len()))),
                }
            }
            if let Ok(predictor) = load(&changed) {
                // What still loads may answer or refuse.
                let _ = predictor.predict(&rows);
            }
        }
    }
}

/// The wire format by hand: a field of bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 128 {
        bytes.push((length % 128) as u8 | 128);
        length /= 128;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(content);
    bytes
}

/// A node.
pub(crate) fn node(operator: &str, domain: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
    bytes.extend(field(2, output.as_bytes()));
    bytes.extend(field(4, operator.as_bytes()));
    bytes.extend(attributes.iter().flat_map(|attribute| field(5, attribute)));
    bytes.extend(field(7, domain.as_bytes()));
    field(1, &bytes)
}

fn int_attribute(name: &str, value: u8) -> Vec<u8> {
    [field(1, name.as_bytes()), vec![3 << 3, value]].concat()
}

/// A graph with the float input `x` of shape [N, 1] and the float output `y`.
pub(crate) fn model(parts: &[Vec<u8>]) -> Vec<u8> {
    let tensor = |element: u8| {
        let shape = field(2, &[field(1, &field(2, b"N")), field(1, &[1 << 3, 1])].concat());
        field(2, &field(1, &[vec![1 << 3, element], shape].concat()))
    };
    let named = |number, name: &[u8]| field(number, &[field(1, name), tensor(1)].concat());
    let graph = [parts.concat(), named(11, b"x"), named(12, b"y")].concat();
    [field(7, &graph), field(8, &[2 << 3, 15])].concat()
}

fn refusal(parts: &[Vec<u8>]) -> String {
    match load(&model(parts)) {
        Ok(_) => panic!("it was loaded"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_we_do_not_run_is_named() {
    assert!(load(&model(&[node("Identity", "", &["x"], "y", &[])])).is_ok());
    let found = refusal(&[node("Conv", "", &["x"], "y", &[])]);
    assert!(found.starts_with("operator `Conv` is not among those"), "{found}");
    let found = refusal(&[node("Steal", "org.evil", &["x"], "y", &[])]);
    assert!(found.starts_with("operator `org.evil.Steal` is not"), "{found}");
    let both = refusal(&[node("Conv", "", &["x"], "v", &[]), node("Steal", "org.evil", &["v"], "y", &[])]);
    assert_eq!(both, "operators `Conv` and `org.evil.Steal` are not among those that remuda runs itself");
}

#[test]
fn graphs_that_contradict_themselves_are_refused() {
    let cycle = refusal(&[
        node("Identity", "", &["b"], "a", &[]),
        node("Identity", "", &["a"], "b", &[]),
        node("Identity", "", &["x"], "y", &[]),
    ]);
    assert!(cycle.contains("from nowhere, or from a cycle"), "{cycle}");
    let nowhere = refusal(&[node("Identity", "", &["x"], "z", &[])]);
    assert!(nowhere.contains("an output comes from nowhere"), "{nowhere}");
    let twice = refusal(&[node("Identity", "", &["x"], "y", &[]), node("Neg", "", &["x"], "y", &[])]);
    assert!(twice.contains("two values have this name"), "{twice}");
    let inputs = refusal(&[node("Add", "", &["x"], "y", &[])]);
    assert!(inputs.contains("it has 1 inputs"), "{inputs}");
    let none = refusal(&[node("Identity", "", &[], "y", &[])]);
    assert!(none.contains("it has 0 inputs"), "{none}");
}

#[test]
fn a_doubling_chain_hits_the_limit_instead_of_the_memory() {
    let mut parts = vec![node("Concat", "", &["x", "x"], "v0", &[int_attribute("axis", 1)])];
    for step in 1..60 {
        let (from, to) = (format!("v{}", step - 1), format!("v{step}"));
        parts.push(node("Concat", "", &[&from, &from], &to, &[int_attribute("axis", 1)]));
    }
    parts.push(node("Identity", "", &["v59"], "y", &[]));
    let found = refusal(&parts);
    assert!(found.contains("too large"), "{found}");
}

#[test]
fn huge_dimensions_are_refused_before_anything_is_allocated() {
    let dimension = [vec![1 << 3], vec![255; 8], vec![127]].concat();
    let tensor = field(5, &[dimension.clone(), dimension, vec![2 << 3, 1], field(8, b"w")].concat());
    let found = refusal(&[tensor, node("MatMul", "", &["x", "w"], "y", &[])]);
    assert!(found.contains("too large"), "{found}");
}

#[test]
fn data_in_another_file_is_refused_wherever_it_is_named() {
    let outside = field(5, &[vec![2 << 3, 1], field(8, b"w"), vec![14 << 3, 1]].concat());
    let inside_of_a_branch = field(5, &[field(1, b"then"), field(6, &outside)].concat());
    let branch = field(1, &[field(1, b"x"), field(2, b"y"), field(4, b"If"), inside_of_a_branch].concat());
    for parts in [vec![outside, node("Identity", "", &["x"], "y", &[])], vec![branch]] {
        let found = refusal(&parts);
        assert!(found.contains("lies in another file"), "{found}");
    }
}
