//! A graph compiled once: names become places in one list of slots, nodes stand in an order in which each finds its inputs.
//! What lies here knows nothing of labels or features; see `model` for those.

use crate::error::LearnError;
use crate::evaluate::attributes::{constant, place, shorten};
use crate::evaluate::operators::Operator;
use crate::evaluate::value::Value;
use crate::onnx::{Graph, Node};
use std::collections::HashMap;

/// Nodes in order, with places instead of names.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The nodes.
    pub(crate) steps: Vec<Step>,
    constants: Vec<Value<'static>>,
    slots: usize,
    /// Where each name lies.
    pub(crate) places: HashMap<String, Source>,
}

/// One node.
#[derive(Debug)]
pub(crate) struct Step {
    /// What it does.
    pub(crate) operator: Operator,
    /// Where its inputs lie.
    pub(crate) inputs: Vec<Source>,
    /// The slots of its outputs.
    pub(crate) outputs: Vec<Option<usize>>,
    /// Its name in messages.
    pub(crate) place: String,
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Varies with the input.
    Slot(usize),
    /// Is the same for all inputs.
    Constant(usize),
}

impl Plan {
    /// Compiles the nodes of a graph whose inputs are these, in the first slots.
    pub(crate) fn compile(graph: &Graph, inputs: &[String]) -> Result<Self, LearnError> {
        let mut plan = Plan { steps: Vec::new(), constants: Vec::new(), slots: 0, places: HashMap::new() };
        for tensor in &graph.initializers {
            let broken = |problem| LearnError::malformed(format!("constant `{}`", shorten(&tensor.name)), problem);
            let value = constant(tensor).map_err(broken)?;
            plan.add_constant(&tensor.name, value)?;
        }
        for input in inputs {
            plan.add_slot(input)?;
        }
        let mut waiting: Vec<&Node> = graph.nodes.iter().collect();
        while !waiting.is_empty() {
            let (ready, later): (Vec<&Node>, Vec<&Node>) = waiting.iter().partition(|node| {
                let known = |input: &String| input.is_empty() || plan.places.contains_key(input);
                node.inputs.iter().all(known)
            });
            if ready.is_empty() {
                return Err(LearnError::malformed(place(waiting[0]), "an input comes from nowhere, or from a cycle"));
            }
            for node in ready {
                plan.add_node(node)?;
            }
            waiting = later;
        }
        plan.fuse_one_hot();
        Ok(plan)
    }

    fn add_slot(&mut self, name: &str) -> Result<usize, LearnError> {
        let slot = self.slots;
        self.slots += 1;
        self.add_place(name, Source::Slot(slot)).map(|()| slot)
    }

    fn add_constant(&mut self, name: &str, value: Value<'static>) -> Result<(), LearnError> {
        self.constants.push(value);
        self.add_place(name, Source::Constant(self.constants.len() - 1))
    }

    fn add_place(&mut self, name: &str, source: Source) -> Result<(), LearnError> {
        match self.places.insert(name.to_owned(), source) {
            None => Ok(()),
            Some(_) => Err(LearnError::malformed(format!("value `{}`", shorten(name)), "two values have this name")),
        }
    }

    fn add_node(&mut self, node: &Node) -> Result<(), LearnError> {
        if node.operator == "Constant" && node.domain.is_empty() {
            return self.add_constant_node(node);
        }
        let mut names: &[String] = &node.inputs;
        while let [rest @ .., last] = names
            && last.is_empty()
        {
            names = rest;
        }
        let inputs: Option<Vec<Source>> = names.iter().map(|name| self.places.get(name).copied()).collect();
        let inputs = inputs.ok_or_else(|| LearnError::malformed(place(node), "an optional input is left out"))?;
        let constants: Vec<Option<&Value>> = inputs
            .iter()
            .map(|input| if let Source::Constant(index) = input { self.constants.get(*index) } else { None })
            .collect();
        let operator = Operator::compile(node, &constants)?;
        let outputs: Result<Vec<Option<usize>>, LearnError> = node
            .outputs
            .iter()
            .map(|name| if name.is_empty() { Ok(None) } else { self.add_slot(name).map(Some) })
            .collect();
        self.steps.push(Step { operator, inputs, outputs: outputs?, place: place(node) });
        Ok(())
    }

    fn add_constant_node(&mut self, node: &Node) -> Result<(), LearnError> {
        let tensor =
            node.attributes.iter().find(|attribute| attribute.name == "value").and_then(|value| value.tensor.as_ref());
        let (Some(tensor), [name]) = (tensor, node.outputs.as_slice()) else {
            return Err(LearnError::malformed(place(node), "only constants that are tensors are supported"));
        };
        let value = constant(tensor).map_err(|problem| LearnError::malformed(place(node), problem))?;
        self.add_constant(name, value)
    }

    /// `OneHotEncoder` then `Reshape` to `[-1, width]`, nobody else reading between: one sparse step.
    fn fuse_one_hot(&mut self) {
        for index in 0..self.steps.len() {
            let (Operator::OneHot(_), [Some(slot)]) =
                (&self.steps[index].operator, self.steps[index].outputs.as_slice())
            else {
                continue;
            };
            let slot = Source::Slot(*slot);
            let readers: Vec<usize> =
                (0..self.steps.len()).filter(|step| self.steps[*step].inputs.contains(&slot)).collect();
            let [reader] = readers.as_slice() else { continue };
            let width = match &self.steps[*reader].operator {
                Operator::Reshape(shape) if matches!(shape.as_slice(), [-1, _]) => shape[1],
                _ => continue,
            };
            if let Operator::OneHot(encoder) = std::mem::replace(&mut self.steps[index].operator, Operator::Pass) {
                let fits = i64::try_from(encoder.width()) == Ok(width);
                self.steps[index].operator =
                    if fits { Operator::OneHotMatrix(encoder) } else { Operator::OneHot(encoder) };
                if fits {
                    self.steps[*reader].operator = Operator::Pass;
                }
            }
        }
    }

    /// Runs all nodes; gives the values at these places.
    pub(crate) fn run<'a>(&self, inputs: Vec<Value<'a>>, wanted: &[Source]) -> Result<Vec<Value<'a>>, LearnError> {
        let mut slots: Vec<Option<Value<'a>>> = Vec::with_capacity(self.slots);
        slots.extend(inputs.into_iter().map(Some));
        slots.resize_with(self.slots, || None);
        for step in &self.steps {
            let failed = |problem: String| LearnError::Run { place: step.place.clone(), problem };
            let inputs: Option<Vec<&Value<'a>>> = step.inputs.iter().map(|source| self.find(&slots, *source)).collect();
            let inputs = inputs.ok_or_else(|| failed("an input was not made".to_owned()))?;
            let values = step.operator.run(&inputs).map_err(failed)?;
            for (slot, value) in step.outputs.iter().zip(values) {
                if let Some(slot) = slot {
                    slots[*slot] = Some(value);
                }
            }
        }
        let missing =
            || LearnError::Run { place: "the outputs".to_owned(), problem: "an output was not made".to_owned() };
        wanted.iter().map(|source| self.find(&slots, *source).cloned().ok_or_else(missing)).collect()
    }

    fn find<'s, 'a>(&'s self, slots: &'s [Option<Value<'a>>], source: Source) -> Option<&'s Value<'a>> {
        match source {
            Source::Slot(slot) => slots.get(slot).and_then(Option::as_ref),
            Source::Constant(index) => self.constants.get(index),
        }
    }
}
