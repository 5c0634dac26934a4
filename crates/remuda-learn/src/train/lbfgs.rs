//! L-BFGS for smooth convex functions: two-loop recursion (Nocedal and Wright, Numerical Optimization, 2nd edition,
//! algorithm 7.4) with a bisecting search for the weak Wolfe conditions.

use std::collections::VecDeque;

/// How many past steps shape the next.
const MEMORY: usize = 10;
/// Sufficient decrease.
const DECREASE: f64 = 1e-4;
/// Curvature.
const CURVATURE: f64 = 0.9;

/// Five steps that each lower the value by less than this share end the search.
const FLAT: f64 = 1e-8;

/// How a minimisation ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ending {
    /// Steps made.
    pub(crate) iterations: usize,
    /// Whether the greatest slope fell under the tolerance (or the value hardly fell any more).
    pub(crate) converged: bool,
}

/// Minimises `function`, which fills in the gradient and gives the value, from `point` on.
pub(crate) fn minimise(
    point: &mut [f64],
    most_iterations: usize,
    tolerance: f64,
    function: &mut dyn FnMut(&[f64], &mut [f64]) -> f64,
    progress: &mut dyn FnMut(usize),
) -> Ending {
    let mut gradient = vec![0.0; point.len()];
    let mut value = function(point, &mut gradient);
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    let mut flat = 0;
    for iterations in 0..most_iterations {
        progress(iterations);
        if gradient.iter().all(|slope| slope.abs() <= tolerance) {
            return Ending { iterations, converged: true };
        }
        let mut direction = direction(&gradient, &memory);
        if dot(&direction, &gradient) >= 0.0 {
            memory.clear();
            direction = gradient.iter().map(|slope| -slope).collect();
        }
        let first = if memory.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1e-12) } else { 1.0 };
        let Some(found) = search(point, value, &gradient, &direction, first, function) else {
            // No step along the direction helps: as low as rounding allows.
            return Ending { iterations, converged: true };
        };
        let change: Vec<f64> = found.point.iter().zip(point.iter()).map(|(new, old)| new - old).collect();
        let turn: Vec<f64> = found.gradient.iter().zip(&gradient).map(|(new, old)| new - old).collect();
        let product = dot(&change, &turn);
        if product > 1e-300 {
            memory.push_back((change, turn, 1.0 / product));
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        point.copy_from_slice(&found.point);
        gradient = found.gradient;
        // The value falls below any use long before the slopes of near-collinear columns do.
        let fall = value - found.value;
        value = found.value;
        flat = if fall <= FLAT * value.abs().max(1e-300) { flat + 1 } else { 0 };
        if flat == 5 {
            return Ending { iterations: iterations + 1, converged: true };
        }
    }
    Ending { iterations: most_iterations, converged: false }
}

fn direction(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for (change, turn, inverse) in memory.iter().rev() {
        let share = inverse * dot(change, &direction);
        add(&mut direction, -share, turn);
        shares.push(share);
    }
    if let Some((_, turn, inverse)) = memory.back() {
        let scale = 1.0 / (inverse * dot(turn, turn));
        direction.iter_mut().for_each(|value| *value *= scale);
    }
    for ((change, turn, inverse), share) in memory.iter().zip(shares.iter().rev()) {
        let other = inverse * dot(turn, &direction);
        add(&mut direction, share - other, change);
    }
    direction
}

struct Found {
    point: Vec<f64>,
    gradient: Vec<f64>,
    value: f64,
}

fn search(
    point: &[f64],
    value: f64,
    gradient: &[f64],
    direction: &[f64],
    first: f64,
    function: &mut dyn FnMut(&[f64], &mut [f64]) -> f64,
) -> Option<Found> {
    let slope = dot(gradient, direction);
    let (mut low, mut high, mut step) = (0.0, f64::INFINITY, first);
    let mut best: Option<Found> = None;
    for _ in 0..40 {
        let mut there = point.to_vec();
        add(&mut there, step, direction);
        let mut there_gradient = vec![0.0; point.len()];
        let there_value = function(&there, &mut there_gradient);
        let enough = there_value.is_finite() && there_value <= value + DECREASE * step * slope;
        let flat = dot(&there_gradient, direction) >= CURVATURE * slope;
        if enough {
            best = Some(Found { point: there, gradient: there_gradient, value: there_value });
            if flat {
                return best;
            }
            low = step;
        } else {
            high = step;
        }
        step = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * low };
    }
    best
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], times: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_valley_is_followed_to_its_floor() {
        // Rosenbrock's function: not convex, yet every minimiser must pass it. Its minimum is 0 at (1, 1).
        let mut point = [-1.2, 1.0];
        let mut rosenbrock = |at: &[f64], gradient: &mut [f64]| {
            let (x, y) = (at[0], at[1]);
            gradient[0] = -400.0 * x * (y - x * x) - 2.0 * (1.0 - x);
            gradient[1] = 200.0 * (y - x * x);
            100.0 * (y - x * x).powi(2) + (1.0 - x).powi(2)
        };
        let ending = minimise(&mut point, 200, 1e-9, &mut rosenbrock, &mut |_| {});
        assert!(ending.converged && ending.iterations < 100, "{ending:?}");
        assert!((point[0] - 1.0).abs() < 1e-7 && (point[1] - 1.0).abs() < 1e-7, "{point:?}");
    }
}
