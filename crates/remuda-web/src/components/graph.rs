//! A graph of causes and effects, drawn twice: in layers from left to right for wide screens, as one column with arcs
//! beside it for narrow ones. The style sheet shows one of them. Things are links, so the keyboard reaches them.

use super::layers;
use maud::{Markup, html};

/// A thing of the graph.
pub struct Node {
    /// Its page.
    pub address: String,
    /// What it is: `model version`.
    pub kind: String,
    /// The class that colours its kind.
    pub class: &'static str,
    /// What people call it.
    pub name: String,
    /// A third line: a digest, a time.
    pub detail: String,
    /// One sentence about it: for those who hear the page, and where there is room.
    pub sentence: String,
    /// Before the thing asked about (negative), that thing (0), after it (positive): how far.
    pub distance: i64,
}

/// Things and their arrows, from cause to effect by place in `nodes`.
#[derive(Default)]
pub struct Graph {
    /// The things.
    pub nodes: Vec<Node>,
    /// The arrows.
    pub arrows: Vec<(usize, usize)>,
}

/// What a wide drawing has across; where more layers need more, its box scrolls.
const WIDE: f64 = 984.0;
const HEIGHT: f64 = 66.0;
const BETWEEN: f64 = 36.0;
/// What a narrow drawing has across.
const NARROW: f64 = 358.0;
const ROW: f64 = 60.0;
const LANE: f64 = 12.0;

/// Both drawings.
pub fn graph(graph: &Graph) -> Markup {
    let label = format!(
        "{} and {} between them, from cause to effect; the lists below say the same",
        remuda_model::text::count(graph.nodes.len() as u64, "thing"),
        remuda_model::text::count(graph.arrows.len() as u64, "arrow"),
    );
    let plan = layers::plan(&graph.nodes.iter().map(|node| node.distance).collect::<Vec<_>>(), &graph.arrows, HEIGHT);
    html! {
        div.graph.graph-wide role="group" aria-label=(label) { (layered(graph, &plan)) }
        div.graph.graph-narrow role="group" aria-label=(label) { (arcs(graph, &plan)) }
    }
}

fn place(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn layered(graph: &Graph, plan: &layers::Plan) -> Markup {
    let layers = plan.layers.max(1) as f64;
    let width = ((WIDE - (layers - 1.0) * BETWEEN) / layers).clamp(116.0, 190.0);
    let left = |layer: usize| layer as f64 * (width + BETWEEN);
    let (across, down) = (left(plan.layers.max(1) - 1) + width + 2.0, plan.extent + 2.0);
    html! {
        svg width=(place(across)) height=(place(down)) viewBox={ "-1 -1 " (place(across)) " " (place(down)) } {
            @for route in &plan.routes {
                @let path = curve(plan, route, width, &left);
                path.arrow d=(path) {}
            }
            @for (node, (layer, middle)) in graph.nodes.iter().zip(&plan.places) {
                foreignObject x=(place(left(*layer))) y=(place(middle - HEIGHT / 2.0)) width=(place(width)) height=(place(HEIGHT)) {
                    (link(node, html! {
                        span.node-kind { (node.kind) }
                        b { (node.name) }
                        @if !node.detail.is_empty() { span.node-detail { (node.detail) } }
                    }))
                }
            }
        }
    }
}

fn link(node: &Node, inside: Markup) -> Markup {
    html! {
        a class={ "node-box " (node.class) } href=(node.address) title=(node.sentence)
            aria-current=[(node.distance == 0).then_some("true")] { (inside) }
    }
}

/// An arrow through its bends, level where it leaves, passes and arrives, with its head.
fn curve(plan: &layers::Plan, route: &layers::Route, width: f64, left: &impl Fn(usize) -> f64) -> String {
    let (layer, middle) = plan.places[route.from];
    let (mut x, mut y) = (left(layer) + width, middle);
    let mut path = format!("M{} {}", place(x), place(y));
    let end = plan.places[route.to];
    for (layer, middle) in route.bends.iter().chain([&end]) {
        let next = left(*layer);
        let half = (x + next) / 2.0;
        let (half, to, down) = (place(half), place(next), place(*middle));
        path.push_str(&format!("C{half} {},{half} {down},{to} {down}", place(y)));
        (x, y) = (next, *middle);
        if (*layer, *middle) != end {
            x = next + width;
            path.push_str(&format!("H{}", place(x)));
        }
    }
    path + "m-6 -4l6 4l-6 4"
}

/// One thing per row, causes above effects; each cause has a lane on the left from which its arrows branch.
fn arcs(graph: &Graph, plan: &layers::Plan) -> Markup {
    let mut rows: Vec<usize> = (0..graph.nodes.len()).collect();
    rows.sort_by(|left, right| {
        let (left, right) = (plan.places[*left], plan.places[*right]);
        left.0.cmp(&right.0).then(left.1.total_cmp(&right.1))
    });
    let row_of = |node: usize| rows.iter().position(|one| *one == node).unwrap_or(0);
    let mut spans: Vec<(usize, Vec<usize>)> = Vec::new();
    for (row, node) in rows.iter().enumerate() {
        let mut ends: Vec<usize> =
            plan.routes.iter().filter(|route| route.from == *node).map(|route| row_of(route.to)).collect();
        ends.sort_unstable();
        if !ends.is_empty() {
            spans.push((row, ends));
        }
    }
    let lanes = lanes(&spans);
    let lanes_wide = lanes.iter().max().map_or(0.0, |most| (*most + 1) as f64 * LANE);
    let left = lanes_wide + 10.0;
    let down = rows.len() as f64 * ROW;
    html! {
        svg width=(place(NARROW)) height=(place(down)) viewBox={ "0 0 " (place(NARROW)) " " (place(down)) } {
            @for ((from, ends), lane) in spans.iter().zip(&lanes) {
                @let x = lanes_wide - (*lane as f64 + 0.5) * LANE;
                path.arrow d=(branches(*from, ends, x, left)) {}
            }
            @for (row, node) in rows.iter().enumerate() {
                @let node = &graph.nodes[*node];
                foreignObject x=(place(left)) y=(place(row as f64 * ROW + 4.0)) width=(place(NARROW - left)) height=(place(ROW - 8.0)) {
                    (link(node, html! {
                        span { span.node-kind { (node.kind) } " " b { (node.name) } }
                        span.node-detail { (if node.sentence.is_empty() { &node.detail } else { &node.sentence }) }
                    }))
                }
            }
        }
    }
}

/// For each cause the first lane that is free on all its rows. Short ones come first, nearest to the column.
fn lanes(spans: &[(usize, Vec<usize>)]) -> Vec<usize> {
    let reach = |(from, ends): &(usize, Vec<usize>)| (*from, ends.last().copied().unwrap_or(*from));
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|index| reach(&spans[*index]).1 - reach(&spans[*index]).0);
    let mut taken: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut lanes = vec![0; spans.len()];
    for index in order {
        let (from, to) = reach(&spans[index]);
        let free = taken.iter().position(|lane| lane.iter().all(|(start, end)| to < *start || from > *end));
        let lane = free.unwrap_or_else(|| {
            taken.push(Vec::new());
            taken.len() - 1
        });
        taken[lane].push((from, to));
        lanes[index] = lane;
    }
    lanes
}

/// Out of a row, down a lane, and into each row where an arrow ends.
fn branches(from: usize, ends: &[usize], lane: f64, left: f64) -> String {
    let out = from as f64 * ROW + ROW * 0.62;
    let turn = 5.0;
    let mut path = String::new();
    let last = ends.last().copied().unwrap_or(from);
    for end in ends {
        let into = *end as f64 * ROW + ROW * 0.38;
        let start = if *end == last {
            format!(
                "M{} {}H{}Q{} {} {} {}",
                place(left),
                place(out),
                place(lane + turn),
                place(lane),
                place(out),
                place(lane),
                place(out + turn)
            )
        } else {
            format!("M{} {}", place(lane), place(into - turn))
        };
        path.push_str(&format!(
            "{start}V{}Q{} {} {} {}H{}m-6 -4l6 4l-6 4",
            place(into - turn),
            place(lane),
            place(into),
            place(lane + turn),
            place(into),
            place(left),
        ));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::lanes;

    #[test]
    fn arrows_that_pass_each_other_have_lanes_of_their_own() {
        // Rows 0 to 4: 0 leads to 1 and 4, 1 to 2, 3 to 4.
        assert_eq!(lanes(&[(0, vec![1, 4]), (1, vec![2]), (3, vec![4])]), [1, 0, 0]);
    }
}
