//! Runs as a folder `mlruns/`: run by run, metric by metric, so that nothing long is in memory at once.

use super::{Export, ExportedRuns};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::run::tracked::{RunOrder, RunSearch};
use remuda_model::run::filter::Filter;
use remuda_model::run::tracked::{Experiment, Input};
use remuda_repo::mlruns::FolderWriter;
use std::collections::HashMap;
use std::path::Path;

/// Runs that are read at once.
const PAGE: usize = 200;

pub(super) async fn export(app: &App, context: &Context, request: &Export) -> Result<ExportedRuns> {
    let tracking = app.tracking(&context.product()?.name)?;
    let all = tracking.tracker.experiments().await?;
    for name in &request.experiments {
        if !all.iter().any(|one| one.name == *name) {
            let error = Error::not_found("experiment", name);
            let near = remuda_model::text::nearest(name, all.iter().map(|one| one.name.as_str()));
            return Err(match near {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("leave `--experiment` out to export all"),
            });
        }
    }
    let wanted: Vec<Experiment> = all
        .into_iter()
        .filter(|one| request.experiments.is_empty() || request.experiments.contains(&one.name))
        .collect();
    let writer = FolderWriter::open(Path::new(&request.to))?;
    let mut exported = ExportedRuns { folder: request.to.clone(), ..ExportedRuns::default() };
    for (place, experiment) in wanted.iter().enumerate() {
        context
            .tell(place as f64 / wanted.len() as f64, &format!("{}, {} runs so far", experiment.name, exported.runs));
        let left_out = writer.experiment(experiment)?;
        note(&mut exported, &format!("experiment {}", experiment.name), &left_out);
        runs(&tracking, &writer, experiment, &mut exported).await?;
        exported.experiments += 1;
    }
    Ok(exported)
}

async fn runs(
    tracking: &crate::run::tracked::Tracking,
    writer: &FolderWriter,
    experiment: &Experiment,
    exported: &mut ExportedRuns,
) -> Result<()> {
    let filter = Filter::All(Vec::new());
    let mut after: Option<RunOrder> = None;
    loop {
        let search = RunSearch {
            experiments: &[experiment.id],
            stage: None,
            filter: &filter,
            order: &[],
            after: after.as_ref(),
            limit: PAGE,
        };
        let found = tracking.search(&search).await?;
        let ids: Vec<&str> = found.runs.iter().map(|run| run.id.as_str()).collect();
        let mut inputs: HashMap<String, Vec<Input>> = HashMap::new();
        for (run, input) in tracking.inputs(&ids).await? {
            inputs.entry(run).or_default().push(input);
        }
        for run in &found.runs {
            let mut folder = writer.run(experiment, run, inputs.get(&run.id).map_or(&[][..], Vec::as_slice))?;
            for key in run.document.metrics.keys() {
                let mut failed = None;
                let write = |points: Vec<_>| match folder.points(key, &points) {
                    Ok(()) => {
                        exported.points += points.len() as u64;
                        true
                    }
                    Err(error) => {
                        failed = Some(error);
                        false
                    }
                };
                tracking.walk_history(&run.id, key, write).await?;
                if let Some(error) = failed {
                    return Err(error.into());
                }
            }
            exported.artifacts += super::artifacts::give(tracking, &run.artifacts, &folder.artifacts()).await?;
            let left_out = folder.finish()?;
            note(exported, &format!("run {}", run.id), &left_out);
            exported.runs += 1;
        }
        match found.last {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

fn note(exported: &mut ExportedRuns, what: &str, left_out: &[String]) {
    if !left_out.is_empty() {
        let mut names: Vec<&str> = left_out.iter().map(String::as_str).collect();
        names.dedup();
        exported.notes.push(format!("{what}: {} cannot be file names and are left out", names.join(", ")));
    }
}
