//! Writes every page over example answers into a folder, light and dark, to be looked at in a browser:
//! `cargo run -p remuda-web --example gallery -- FOLDER`.

#[path = "../tests/it/samples/mod.rs"]
#[expect(dead_code, reason = "the tests use more of the samples than the gallery does")]
mod samples;

use remuda_web::assets;
use remuda_web::components::Theme;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "gallery".to_owned());
    let folder = Path::new(&folder);
    for (address, content) in [
        (&*assets::STYLE_ADDRESS, assets::STYLE),
        (&*assets::SCRIPT_ADDRESS, assets::SCRIPT),
        (&*assets::MARK_ADDRESS, assets::MARK),
    ] {
        let file = folder.join(address.trim_start_matches('/'));
        std::fs::create_dir_all(file.parent().unwrap_or(folder))?;
        std::fs::write(file, content)?;
    }
    for theme in [Theme::Light, Theme::Dark] {
        for (name, page) in samples::pages::full(theme).into_iter().chain(samples::pages::empty(theme)) {
            // From a folder on disk the assets lie beside the page, not at the root.
            let page = page.into_string().replace("\"/assets/", "\"assets/");
            std::fs::write(folder.join(format!("{name}-{}.html", theme.as_str())), page)?;
        }
    }
    Ok(())
}
