//! The frame of every page: head, rail with the navigation, breadcrumbs, title, the command that does the same.

use super::parts;
use crate::assets;
use crate::format;
use maud::{DOCTYPE, Markup, html};
use remuda_model::team::Role;

/// What every page knows besides its view: for whom it is drawn, how, and when.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The product's name; empty when there is none.
    pub product: String,
    /// Who looks; empty when nobody is known (the login page).
    pub actor: String,
    /// The roles they hold; empty: they read only.
    pub roles: Vec<Role>,
    /// Light, dark, or as the system says.
    pub theme: Theme,
    /// The moment of drawing, microseconds since 1970.
    pub now: i64,
    /// This page's address, to come back to.
    pub path: String,
    /// A login cookie was sent: there is something to sign out of.
    pub signed_in: bool,
    /// Where the server is, as the browser calls it: `127.0.0.1:7070`.
    pub host: String,
    /// What was just done, in one sentence.
    pub notice: Option<String>,
}

impl Frame {
    /// Whether actions are offered. (The use case decides; this only spares a refusal.)
    pub fn may_write(&self) -> bool {
        !self.roles.is_empty()
    }
}

/// How the pages look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Ink on sand.
    Light,
    /// Sand on ink.
    Dark,
}

impl Theme {
    /// The word in addresses and the cookie.
    pub fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// Reads [`Theme::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Theme::System, Theme::Light, Theme::Dark].into_iter().find(|theme| theme.as_str() == word)
    }
}

/// The places of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Where the product stands.
    Board,
    /// What the business wants.
    Requirement,
    /// Dataset versions.
    Data,
    /// Runs.
    Run,
    /// Model versions.
    Model,
    /// Evaluations.
    Gate,
    /// Analyses of mistakes.
    Analysis,
    /// Releases.
    Release,
    /// What is live.
    Live,
    /// Lineage.
    Why,
    /// Facts.
    Ledger,
    /// Members and signatures.
    Team,
    /// The API's reference.
    Api,
    /// None of them.
    None,
}

/// Section, its name, address, and the letter that leads there after `g`.
const PLACES: [(Section, &str, &str, &str); 13] = [
    (Section::Board, "Board", "/", "b"),
    (Section::Requirement, "Requirements", "/requirement", "q"),
    (Section::Data, "Data", "/data", "d"),
    (Section::Run, "Runs", "/run", "r"),
    (Section::Model, "Models", "/model", "m"),
    (Section::Gate, "Gate", "/gate", "g"),
    (Section::Analysis, "Analysis", "/analysis", "y"),
    (Section::Release, "Releases", "/release", "e"),
    (Section::Live, "Live", "/live", "l"),
    (Section::Why, "Lineage", "/why", "w"),
    (Section::Ledger, "Ledger", "/ledger", "f"),
    (Section::Team, "Team", "/team", "t"),
    (Section::Api, "API", "/api", "a"),
];

/// A page before its frame.
pub struct Page {
    /// The heading.
    pub title: String,
    /// Where it belongs.
    pub section: Section,
    /// The way here between board and this page: name and address.
    pub crumbs: Vec<(String, String)>,
    /// What stands beside the heading: badges, chips.
    pub beside: Markup,
    /// One quiet line under the heading.
    pub lead: Markup,
    /// The commands that do the same.
    pub commands: Vec<String>,
    /// Everything else.
    pub body: Markup,
}

/// The whole page.
pub fn page(frame: &Frame, page: Page) -> Markup {
    let window_title = match frame.product.as_str() {
        "" => format!("{} · remuda", page.title),
        product => format!("{} · {product} · remuda", page.title),
    };
    html! {
        (DOCTYPE)
        html lang="en" data-theme=(frame.theme.as_str()) {
            (head(&window_title))
            body {
                a.skip href="#main" { "Skip to content" }
                (rail(frame, page.section))
                main #main tabindex="-1" {
                    @if let Some(notice) = &frame.notice { (parts::notice(notice)) }
                    (top(&page))
                    (page.body)
                    footer.page-foot {
                        span { "remuda " (env!("CARGO_PKG_VERSION")) }
                        span { "drawn " (parts::time(frame.now, frame.now)) }
                        span.keys { kbd { "/" } " find · " kbd { "g" } " then a letter to go" }
                    }
                }
                script src=(*assets::SCRIPT_ADDRESS) defer {}
            }
        }
    }
}

/// A page without rail: login.
pub fn bare(frame: &Frame, title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=(frame.theme.as_str()) {
            (head(&format!("{title} · remuda")))
            body.bare { main #main { (body) } }
        }
    }
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            link rel="stylesheet" href=(*assets::STYLE_ADDRESS);
            link rel="icon" type="image/svg+xml" href=(*assets::MARK_ADDRESS);
        }
    }
}

fn rail(frame: &Frame, here: Section) -> Markup {
    html! {
        header.rail {
            a.brand href="/" aria-label="remuda, to the board" { (mark(30)) span.wordmark { "remuda" } }
            @if !frame.product.is_empty() { p.product title="product" { (format::cut(&frame.product, 40)) } }
            form.find role="search" action="/why" method="get" {
                label.hidden for="find" { "Find by id, digest or name" }
                input #find type="search" name="id" placeholder="Find id, digest, name" autocomplete="off" spellcheck="false";
            }
            nav.places aria-label="Pages" { (links(here)) }
            details.menu { summary { "Menu" } nav aria-label="Pages" { (links(here)) (footing(frame)) } }
            (footing(frame))
        }
    }
}

fn links(here: Section) -> Markup {
    html! {
        ul {
            @for (section, name, address, key) in PLACES {
                li {
                    a href=(address) data-key=(key) aria-current=[(section == here).then_some("page")] {
                        (name) kbd aria-hidden="true" { (key) }
                    }
                }
            }
        }
    }
}

fn footing(frame: &Frame) -> Markup {
    html! {
        div.footing {
            @if !frame.actor.is_empty() {
                p.actor { span.muted { "you are " } strong { (format::cut(&frame.actor, 40)) } }
                p.actor-roles {
                    @if frame.roles.is_empty() {
                        span.muted { "no member: reading only" }
                    } @else {
                        (frame.roles.iter().map(|role| role.words()).collect::<Vec<_>>().join(", "))
                    }
                }
            }
            p.themes aria-label="Colours" {
                @for theme in [Theme::System, Theme::Light, Theme::Dark] {
                    a href={ "/theme/" (theme.as_str()) "?back=" (format::segment(&frame.path)) }
                        aria-current=[(theme == frame.theme).then_some("true")] { (theme.as_str()) }
                }
            }
            @if frame.signed_in {
                form action="/logout" method="post" { button.linkish type="submit" { "Sign out" } }
            }
        }
    }
}

fn top(page: &Page) -> Markup {
    html! {
        header.top {
            @if page.section != Section::Board {
                nav.crumbs aria-label="Breadcrumbs" {
                    ol {
                        li { a href="/" { "Board" } }
                        @for (name, address) in &page.crumbs { li { a href=(address) { (format::cut(name, 40)) } } }
                        li aria-current="page" { (format::cut(&page.title, 60)) }
                    }
                }
            }
            div.title-line { h1 { (page.title) } div.beside { (page.beside) } }
            div.lead { (page.lead) }
            (parts::commands(&page.commands))
        }
    }
}

/// The mark: a branding iron's horseshoe with its seven nail holes. Drawn here, in the text's colour.
pub fn mark(size: u32) -> Markup {
    html! {
        svg.brand-mark width=(size) height=(size) viewBox="0 0 32 32" aria-hidden="true" focusable="false" {
            path.shoe d="M9 28.5 L6.6 25.6 C4.2 22 3 18.2 3 14.6 C3 7.3 8.6 2 16 2 S29 7.3 29 14.6 C29 18.2 27.8 22 25.4 25.6 L23 28.5 L18.9 25.6 L20.6 23 C22.4 20.2 23.3 17.4 23.3 14.8 C23.3 10.5 20.2 7.6 16 7.6 S8.7 10.5 8.7 14.8 C8.7 17.4 9.6 20.2 11.4 23 L13.1 25.6 Z" {
            }
            g.nails {
                @for (x, y) in [("5.9", "14.5"), ("7", "9.4"), ("10.9", "5.8"), ("16", "4.8"), ("21.1", "5.8"), ("25", "9.4"), ("26.1", "14.5")] {
                    circle cx=(x) cy=(y) r="0.95" {}
                }
            }
        }
    }
}
