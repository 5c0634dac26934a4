//! Where words go: data to standard output, talk to standard error; colours only where they are wanted.
//!
//! Everything above this file writes colours always ([`crate::render::paint`]); they are taken out here.

#![expect(clippy::exit, reason = "a closed pipe ends the program without a word")]

use crate::cli::Colour;
use anstream::{AutoStream, ColorChoice};
use std::io::{ErrorKind, IsTerminal, Write};

/// The terminal, or what stands in for one.
#[derive(Clone)]
pub(crate) struct Screen {
    /// Characters in a line.
    pub(crate) width: usize,
    /// Say nothing beside the answer.
    pub(crate) quiet: bool,
    colour: Colour,
}

/// The width where there is no terminal: files, pipes, tests.
const USUAL_WIDTH: usize = 80;

impl Screen {
    /// The screen of this process.
    pub(crate) fn new(colour: Colour, quiet: bool) -> Self {
        let named = std::env::var("COLUMNS").ok().and_then(|text| text.parse::<usize>().ok());
        let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = if std::io::stdout().is_terminal() { named.or_else(measured) } else { named };
        Self { width: width.unwrap_or(USUAL_WIDTH).clamp(40, 160), quiet, colour }
    }

    /// Writes an answer.
    pub(crate) fn data(&self, text: &str) {
        let stream = std::io::stdout();
        let choice = self.choice(&stream);
        write(AutoStream::new(stream, choice), text);
    }

    /// Writes talk: what happens, hints. Left out when quiet.
    pub(crate) fn talk(&self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// Writes what must be read: errors.
    pub(crate) fn complain(&self, text: &str) {
        let stream = std::io::stderr();
        let choice = self.choice(&stream);
        write(AutoStream::new(stream, choice), text);
    }

    /// Writes bytes of somebody else's as they are.
    pub(crate) fn pass(&self, bytes: &[u8], error: bool) {
        // Whoever read them may have gone; the command finds out by itself.
        let _ = if error {
            std::io::stderr().write_all(bytes)
        } else {
            let mut out = std::io::stdout();
            out.write_all(bytes).and_then(|()| out.flush())
        };
    }

    /// Whether somebody watches standard error.
    pub(crate) fn is_watched(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    fn choice(&self, stream: &impl anstream::stream::RawStream) -> ColorChoice {
        match self.colour {
            Colour::Always => ColorChoice::Always,
            Colour::Never => ColorChoice::Never,
            Colour::Auto => AutoStream::choice(stream),
        }
    }
}

fn write(mut stream: impl Write, text: &str) {
    let ending = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let written = stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(ending.as_bytes()));
    if let Err(error) = written.and_then(|()| stream.flush())
        && error.kind() == ErrorKind::BrokenPipe
    {
        // `remuda ... | head`: the reader has enough.
        std::process::exit(0);
    }
}
