//! A figure's PNG as pixels that tests count.

use latentlink::report::canvas::Canvas;

/// Decoded pixels, row by row.
pub struct Pixels {
    pub width: usize,
    pub rgb: Vec<[u8; 3]>,
}

impl Pixels {
    pub fn of(png: &[u8]) -> Self {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut bytes).unwrap();
        let rgb = bytes.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Self { width: frame.width as usize, rgb }
    }

    pub fn of_canvas(canvas: &Canvas) -> Self {
        Self::of(&canvas.to_png_bytes(&[]).unwrap())
    }

    pub fn count(&self, colour: [u8; 3]) -> usize {
        self.rgb.iter().filter(|pixel| **pixel == colour).count()
    }

    /// Whether a ring of `thickness` pixels along the edge is white: nothing was cut off there.
    pub fn has_white_edge(&self, thickness: usize) -> bool {
        let height = self.rgb.len() / self.width;
        self.rgb.iter().enumerate().all(|(at, pixel)| {
            let (row, column) = (at / self.width, at % self.width);
            let inside =
                (thickness..height - thickness).contains(&row) && (thickness..self.width - thickness).contains(&column);
            inside || *pixel == [255; 3]
        })
    }
}
