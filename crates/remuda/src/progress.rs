//! How far a long command is: one line on standard error, only where somebody watches, only past half a second.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is not worth a line.
const PATIENCE: Duration = Duration::from_millis(500);

/// The line.
pub(crate) struct ProgressLine {
    state: Mutex<State>,
    watched: bool,
}

struct State {
    begun: Instant,
    bar: Option<ProgressBar>,
}

impl ProgressLine {
    /// A line that shows only when somebody watches.
    pub(crate) fn new(watched: bool) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { begun: Instant::now(), bar: None }), watched })
    }

    /// Says how far (0 to 1) and with what.
    pub(crate) fn tell(&self, share: f64, what: &str) {
        if !self.watched {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.begun.elapsed() < PATIENCE {
            return;
        }
        let bar = state.bar.get_or_insert_with(draw);
        bar.set_position((share.clamp(0.0, 1.0) * 1000.0) as u64);
        if bar.message() != what {
            bar.set_message(what.to_owned());
        }
    }

    /// Begins anew: the next half second is quiet.
    pub(crate) fn restart(&self) {
        self.clear();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).begun = Instant::now();
    }

    /// Takes the line away, before anything else is written.
    pub(crate) fn clear(&self) {
        let bar = self.state.lock().unwrap_or_else(PoisonError::into_inner).bar.take();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }

    /// The shape that use cases take.
    pub(crate) fn as_progress(self: &Arc<Self>) -> remuda_app::app::Progress {
        let line = self.clone();
        Arc::new(move |share, what| line.tell(share, what))
    }
}

fn draw() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr_with_hz(10));
    let style = ProgressStyle::with_template("{bar:24.cyan} {percent:>3} %  {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
    bar
}
