//! Cost files: what each mistake costs, for `mean cost using FILE`.
//!
//! A CSV table in one of two forms: columns `truth,prediction,cost`, one line per pair; or a matrix whose first column is
//! the truth and whose other columns are named by the prediction. Pairs that are not named cost nothing if they are right.

use super::sample::Sample;
use crate::context::Context;
use crate::error::Error;
use std::collections::HashMap;

/// Costs by true and predicted class.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Costs {
    by_pair: HashMap<(String, String), f64>,
}

impl Costs {
    /// Reads a cost table; the error names the line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let (_, header) = lines.next().ok_or("it is empty: begin with a line `truth,prediction,cost`")?;
        let header = fields(header);
        let long =
            header.len() == 3 && ["truth", "prediction", "cost"].iter().zip(&header).all(|(name, found)| name == found);
        if header.len() < 2 {
            return Err("line 1 has one column: write `truth,prediction,cost`".to_owned());
        }
        let mut by_pair = HashMap::new();
        for (index, line) in lines {
            let found = fields(line);
            let place = index + 1;
            if found.len() != header.len() {
                return Err(format!("line {place} has {} fields where the header has {}", found.len(), header.len()));
            }
            let pairs: Vec<(String, &String)> = if long {
                vec![(found[1].clone(), &found[2])]
            } else {
                header[1..].iter().cloned().zip(&found[1..]).collect()
            };
            for (prediction, cost) in pairs {
                let cost = cost.parse::<f64>().ok().filter(|cost| cost.is_finite());
                let cost = cost.ok_or_else(|| format!("line {place}: the cost of {prediction} is no number"))?;
                if by_pair.insert((found[0].clone(), prediction.clone()), cost).is_some() {
                    return Err(format!("line {place} gives the cost of {} as {prediction} again", found[0]));
                }
            }
        }
        if by_pair.is_empty() { Err("it holds no cost".to_owned()) } else { Ok(Self { by_pair }) }
    }

    /// The cost of each row of a sample.
    pub(crate) fn of(&self, sample: &Sample) -> Result<Vec<f64>, String> {
        let Sample::Classes(sample) = sample else {
            return Err("a cost table is for classes, and the label is a number".to_owned());
        };
        let width = sample.classes.len();
        let cost = |(truth, predicted): (&u32, &u32)| {
            let (truth, predicted) = (*truth as usize, *predicted as usize);
            self.cost(&sample.classes[truth], &sample.classes[predicted])
        };
        // Each pair is looked up once, and those that do not occur need no cost.
        let mut table: Vec<Option<f64>> = vec![None; width * width];
        let mut costs = Vec::with_capacity(sample.truth.len());
        for pair in sample.truth.iter().zip(&sample.predicted) {
            let known = &mut table[*pair.0 as usize * width + *pair.1 as usize];
            costs.push(match known {
                Some(known) => *known,
                None => *known.insert(cost(pair)?),
            });
        }
        Ok(costs)
    }

    /// The least and the greatest cost that is said for a row with one of the sample's classes.
    pub(super) fn range(&self, sample: &Sample) -> Result<(f64, f64), String> {
        let Sample::Classes(sample) = sample else {
            return Err("a cost table is for classes, and the label is a number".to_owned());
        };
        let pairs =
            sample.classes.iter().flat_map(|truth| sample.classes.iter().map(move |decision| (truth, decision)));
        let all = pairs.filter_map(|(truth, decision)| self.cost(truth, decision).ok());
        Ok(all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), cost| (low.min(cost), high.max(cost))))
    }

    /// What each class costs when it is taken for each: `[truth * classes + decision]`.
    pub(crate) fn table(&self, classes: &[String]) -> Result<Vec<f64>, String> {
        let pairs = classes.iter().flat_map(|truth| classes.iter().map(move |decision| (truth, decision)));
        pairs.map(|(truth, decision)| self.cost(truth, decision)).collect()
    }

    fn cost(&self, truth: &str, decision: &str) -> Result<f64, String> {
        let named = self.by_pair.get(&(truth.to_owned(), decision.to_owned())).copied();
        named
            .or((truth == decision).then_some(0.0))
            .ok_or_else(|| format!("the cost file does not say what {truth} taken for {decision} costs"))
    }
}

/// The cost table of this name: a file beside `remuda.toml`, or in `requirements/`, whose name ends in `costs.csv`.
/// Answers its path too; none when there is no such file.
///
/// # Errors
/// A file that is no cost table.
pub(crate) fn find(context: &Context, file: &str) -> Result<Option<(String, Costs)>, Error> {
    let places = [file.to_owned(), format!("requirements/{file}")];
    let Some(path) = places.into_iter().find(|path| context.files.0.contains_key(path)) else { return Ok(None) };
    let costs = Costs::parse(&context.files.0[&path])
        .map_err(|why| Error::new("gate.not_ready", format!("{path} is no cost table: {why}")))?;
    Ok(Some((path, costs)))
}

/// The cost files that there are, as criteria name them.
pub(crate) fn files(context: &Context) -> Vec<String> {
    let own = |path: &&String| path.ends_with("costs.csv");
    let name = |path: &String| path.strip_prefix("requirements/").unwrap_or(path).to_owned();
    context.files.0.keys().filter(own).map(name).collect()
}

/// The fields of a line, trimmed, with their quotes taken off.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.trim_end().chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().into_iter().for_each(|field| field.push(other)),
        }
    }
    fields.iter().map(|field| field.trim().to_owned()).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::Costs;

    #[test]
    fn both_forms_say_the_same_and_mistakes_name_their_line() {
        let long = Costs::parse("truth,prediction,cost\nyes,no,5\nno,yes,1\n").unwrap();
        let matrix = Costs::parse("truth,yes,no\nyes,0,5\nno,1,0\n").unwrap();
        for (truth, prediction, cost) in [("yes", "no", 5.0), ("no", "yes", 1.0)] {
            let pair = (truth.to_owned(), prediction.to_owned());
            assert_eq!((long.by_pair[&pair], matrix.by_pair[&pair]), (cost, cost));
        }
        assert_eq!(
            Costs::parse("truth,prediction,cost\nyes,no,five").unwrap_err(),
            "line 2: the cost of no is no number"
        );
        assert_eq!(Costs::parse("truth,yes\nyes").unwrap_err(), "line 2 has 1 fields where the header has 2");
        assert!(Costs::parse("truth,prediction,cost\nyes,no,1\nyes,no,2").unwrap_err().contains("line 3"));
    }
}
