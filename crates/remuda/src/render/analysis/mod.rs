//! Answers of `remuda analysis`, one file per verb.

pub(crate) mod test;
