//! Cost files: what each mistake costs, for `mean cost using FILE`.
//!
//! A CSV table in one of two forms: columns `truth,prediction,cost`, one line per pair; or a matrix whose first column is
//! the truth and whose other columns are named by the prediction. Pairs that are not named cost nothing if they are right.

use super::sample::{ClassSample, Sample};
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
    pub(super) fn of(&self, sample: &Sample) -> Result<Vec<f64>, String> {
        let (sample, table) = self.table(sample)?;
        let width = sample.classes.len();
        let cost = |(truth, predicted): (&u32, &u32)| {
            table[*truth as usize * width + *predicted as usize].ok_or_else(|| {
                let name = |class: u32| &sample.classes[class as usize];
                format!("the cost file does not say what {} taken for {} costs", name(*truth), name(*predicted))
            })
        };
        sample.truth.iter().zip(&sample.predicted).map(cost).collect()
    }

    /// The least and the greatest cost that a row with one of the sample's classes can have.
    pub(super) fn range(&self, sample: &Sample) -> Result<(f64, f64), String> {
        let (_, table) = self.table(sample)?;
        let all = table.into_iter().flatten();
        Ok(all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), cost| (low.min(cost), high.max(cost))))
    }

    /// Costs by true class and, within it, predicted class, as far as they are said.
    fn table<'a>(&self, sample: &'a Sample) -> Result<(&'a ClassSample, Vec<Option<f64>>), String> {
        let Sample::Classes(sample) = sample else {
            return Err("a cost table is for classes, and the label is a number".to_owned());
        };
        let pairs = sample.classes.iter().flat_map(|truth| sample.classes.iter().map(move |chosen| (truth, chosen)));
        let cost = |(truth, chosen): (&String, &String)| {
            let named = self.by_pair.get(&(truth.clone(), chosen.clone())).copied();
            named.or((truth == chosen).then_some(0.0))
        };
        Ok((sample, pairs.map(cost).collect()))
    }
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
