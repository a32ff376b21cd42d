//! The SVG report rendered as PNG, for chats and slides that accept no SVG.
//!
//! The font is built in (`DejaVu` Sans Condensed), so the same record gives the same pixels on every machine, also on
//! one without fonts.

use std::io::{self, Write};
use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use super::svg;
use lapse_record::record::Record;

/// Pixels per SVG unit; 2 is sharp on slides and high-density screens.
const SCALE: f32 = 2.0;

/// Writes the picture of `record`. Fails if there is no memory for its pixels.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let mut drawing = Vec::new();
    svg::write(record, &mut drawing)?;
    let drawing = Tree::from_data(&drawing, &Options { fontdb: Arc::new(fonts()), ..Options::default() });
    let drawing = drawing.map_err(io::Error::other)?;
    let size = drawing.size().to_int_size().scale_by(SCALE).ok_or_else(|| io::Error::other("nothing to draw"))?;
    let mut pixels =
        Pixmap::new(size.width(), size.height()).ok_or_else(|| io::Error::other("no memory for the picture"))?;
    resvg::render(&drawing, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    out.write_all(&pixels.encode_png().map_err(io::Error::other)?)
}

fn fonts() -> Database {
    let mut fonts = Database::new();
    for font in [dejavu::sans_condensed::regular(), dejavu::sans_condensed::bold()] {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_sans_serif_family("DejaVu Sans");
    fonts
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_record::sample::upgrade;

    #[test]
    fn the_picture_has_text_without_fonts_of_the_machine() {
        let families = fonts().faces().map(|face| face.families[0].0.clone()).collect::<Vec<_>>();
        assert_eq!(families, ["DejaVu Sans", "DejaVu Sans"]);
        let mut out = Vec::new();
        write(&upgrade(), &mut out).unwrap();
        let pixels = Pixmap::decode_png(&out).unwrap();
        // The verdict at the top is the only red part in these rows.
        let red = |pixel: &resvg::tiny_skia::PremultipliedColorU8| pixel.red() > 180 && pixel.green() < 60;
        let head = pixels.pixels().iter().take((pixels.width() * 110) as usize).filter(|pixel| red(pixel)).count();
        assert!(pixels.width() == 2400 && head > 500, "{} wide, {head} red pixels", pixels.width());
    }
}
