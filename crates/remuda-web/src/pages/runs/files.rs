//! The files of a run: what lies in a folder, and the beginning of a file. What comes from a run is never a part of our
//! page: pages are shown in a sandbox with an origin of its own, pictures as pictures, everything else as text.

use crate::components::{Frame, Page, Section, layout, parts, prose, table};
use crate::format;
use maud::{Markup, html};
use remuda_app::run::{FileKind, FilePreview, RunArtifacts};

/// Files that a page lists.
const SHOWN: usize = 200;
/// Letters of a text that a page shows.
const LETTERS: usize = 40_000;

/// The address of what lies at a path among a run's files.
pub(super) fn address(run: &str, what: &str, path: &str) -> String {
    let path: Vec<String> = path.split('/').map(format::segment).collect();
    format!("/run/{}/{what}/{}", format::segment(run), path.join("/"))
}

/// What lies in a folder.
pub fn list(found: &RunArtifacts) -> Markup {
    let rows = html! {
        @for one in found.artifacts.iter().take(SHOWN) {
            @let name = one.path.rsplit('/').next().unwrap_or_default();
            tr {
                td.what.wide {
                    a href=(address(&found.run, "files", &one.path)) { (format::cut(name, 80)) @if one.is_folder { "/" } }
                }
                td.number data-label="size" { @match one.bytes { Some(bytes) => (format::bytes(bytes)), None => span.muted { "folder" } } }
                td.end { @if let Some(digest) = &one.digest { (parts::digest(digest.as_str())) } }
            }
        }
    };
    html! {
        @if found.artifacts.is_empty() { p.muted { "No files." } }
        @else {
            (table::stacked("Files", table::heads(["name", "#size", "content"]), rows))
            (parts::left_out(found.artifacts.len(), SHOWN, &format!("remuda run artifacts {}", found.run)))
        }
    }
}

fn crumbs(run: &str, name: &str, path: &str) -> Vec<(String, String)> {
    let shown = if name.is_empty() { format::short(run) } else { name.to_owned() };
    let mut crumbs = vec![("Runs".to_owned(), "/run".to_owned()), (shown, format::address("run", run))];
    let folders: Vec<&str> = path.split('/').collect();
    for end in 1..folders.len() {
        let folder = folders[..end].join("/");
        crumbs.push((folders[end - 1].to_owned(), address(run, "files", &folder)));
    }
    crumbs
}

/// A folder's page.
pub fn folder(frame: &Frame, found: &RunArtifacts) -> Markup {
    let page = Page {
        title: if found.path.is_empty() { "Files".to_owned() } else { found.path.clone() },
        section: Section::Run,
        crumbs: crumbs(&found.run, &found.name, &found.path),
        beside: html! {},
        lead: html! {},
        commands: vec![format!("remuda run artifacts {} {}", found.run, super::quoted(&found.path))],
        body: list(found),
    };
    layout::page(frame, page)
}

/// A file's page.
pub fn file(frame: &Frame, found: &FilePreview) -> Markup {
    let name = found.path.rsplit('/').next().unwrap_or_default().to_owned();
    let raw = address(&found.run, "raw", &found.path);
    let body = html! {
        (content(found, &raw))
        @if found.cut { p.muted { "This is the beginning of it." } }
    };
    let page = Page {
        title: name.clone(),
        section: Section::Run,
        crumbs: crumbs(&found.run, &found.name, &found.path),
        beside: html! { a.button href={ (raw) "?save=1" } { "Download" } },
        lead: html! { span { (format::bytes(found.bytes)) } span { (parts::digest(found.digest.as_str())) } },
        commands: vec![format!(
            "remuda run download {} {} {}",
            found.run,
            super::quoted(&found.path),
            super::quoted(&name)
        )],
        body,
    };
    layout::page(frame, page)
}

fn content(found: &FilePreview, raw: &str) -> Markup {
    let text = found.text.as_deref().unwrap_or_default();
    html! {
        @match found.kind {
            FileKind::Image => figure.picture { img src=(raw) alt=(found.path); },
            // No scripts and an origin of its own: whatever it tries, it does not reach this page.
            FileKind::Page => {
                iframe.sandboxed sandbox="" src=(raw) title=(found.path) {}
                p.muted.small { "Shown in a sandbox, without its scripts. The whole of it is in the download." }
            },
            FileKind::Markdown => (prose::markdown(&format::cut(text, LETTERS))),
            FileKind::Table => (rows(found)),
            FileKind::Json if is_plotly(text) => { p.muted { "A figure of Plotly, as its numbers." } pre.unified { code { (format::cut(text, LETTERS)) } } },
            FileKind::Json | FileKind::Text => pre.unified { code { (format::cut(text, LETTERS)) } },
            FileKind::Other => p.muted { "No preview of this kind of file." },
        }
    }
}

fn is_plotly(text: &str) -> bool {
    text.contains("\"data\"") && text.contains("\"layout\"")
}

fn rows(found: &FilePreview) -> Markup {
    let Some((head, rows)) = found.rows.split_first() else { return html! { p.muted { "It is empty." } } };
    html! {
        (table::table(&found.path, html! { @for name in head { th scope="col" { (format::cut(name, 40)) } } }, html! {
            @for row in rows { tr { @for cell in row { td { (cell) } } } }
        }))
    }
}
