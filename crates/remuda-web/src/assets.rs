//! The files that every page needs: style sheet, script, mark. Written here, embedded in the program, served under
//! an address that carries their content's digest, so that browsers may keep them for ever.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use remuda_model::Digest;
use std::sync::LazyLock;

/// The style sheet.
pub const STYLE: &str = include_str!("../assets/remuda.css");
/// The script: keyboard and copy buttons. Pages work without it.
pub const SCRIPT: &str = include_str!("../assets/remuda.js");
/// The mark, for the browser's tab.
pub const MARK: &str = include_str!("../assets/mark.svg");

/// Where the style sheet is.
pub static STYLE_ADDRESS: LazyLock<String> = LazyLock::new(|| address("remuda", "css", STYLE));
/// Where the script is.
pub static SCRIPT_ADDRESS: LazyLock<String> = LazyLock::new(|| address("remuda", "js", SCRIPT));
/// Where the mark is.
pub static MARK_ADDRESS: LazyLock<String> = LazyLock::new(|| address("mark", "svg", MARK));

fn address(name: &str, ending: &str, content: &str) -> String {
    format!("/assets/{name}-{}.{ending}", Digest::of(content.as_bytes()).short())
}

/// `GET /assets/{file}`.
pub(crate) async fn serve(Path(file): Path<String>) -> Response {
    let asked = format!("/assets/{file}");
    let known = [
        (&*STYLE_ADDRESS, "text/css; charset=utf-8", STYLE),
        (&*SCRIPT_ADDRESS, "text/javascript; charset=utf-8", SCRIPT),
        (&*MARK_ADDRESS, "image/svg+xml", MARK),
    ];
    match known.into_iter().find(|(address, _, _)| **address == asked) {
        Some((_, content_type, content)) => {
            let headers =
                [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
            (headers, content).into_response()
        }
        None => (StatusCode::NOT_FOUND, "no such file\n").into_response(),
    }
}
