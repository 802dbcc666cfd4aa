//! Pixels in memory.

/// An image of `channels` (1 to 4) samples a pixel, interleaved, rows from the top:
/// sample `c` of pixel `(x, y)` is `samples[(y * width + x) * channels + c]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Raster<T> {
    pub width: usize,
    pub height: usize,
    pub channels: usize,
    pub samples: Vec<T>,
}

impl<T: Copy> Raster<T> {
    /// An image over `samples`; `None` unless there are `width * height * channels` of them, and 1 to
    /// 4 channels.
    pub fn new(width: usize, height: usize, channels: usize, samples: Vec<T>) -> Option<Self> {
        let len = width.checked_mul(height)?.checked_mul(channels)?;
        (len == samples.len() && (1..=4).contains(&channels)).then_some(Raster {
            width,
            height,
            channels,
            samples,
        })
    }

    /// Samples in a row.
    pub fn stride(&self) -> usize {
        self.width * self.channels
    }

    /// The rows, from the top.
    pub fn rows(&self) -> impl Iterator<Item = &[T]> {
        self.samples.chunks_exact(self.stride().max(1))
    }

    /// Row `y`.
    pub fn row(&self, y: usize) -> &[T] {
        &self.samples[y * self.stride()..(y + 1) * self.stride()]
    }

    /// The pixels from `(left, top)`, `width` by `height`; `None` when they reach beyond the image.
    pub fn crop(&self, left: usize, top: usize, width: usize, height: usize) -> Option<Self> {
        if left.checked_add(width)? > self.width || top.checked_add(height)? > self.height {
            return None;
        }
        let mut samples = Vec::with_capacity(width * height * self.channels);
        for y in top..top + height {
            let row = self.row(y);
            samples.extend_from_slice(&row[left * self.channels..(left + width) * self.channels]);
        }
        Raster::new(width, height, self.channels, samples)
    }

    /// The image laid on a canvas of `width` by `height` filled with `fill`, its upper left corner at
    /// `(left, top)`; what reaches beyond the canvas is cut off.
    pub fn place(&self, width: usize, height: usize, left: isize, top: isize, fill: T) -> Self {
        let mut samples = vec![fill; width * height * self.channels];
        // The columns of the image that fall on the canvas.
        let skip = left.min(0).unsigned_abs().min(self.width);
        let at = usize::try_from(left).unwrap_or(0).min(width);
        let count = (self.width - skip).min(width - at) * self.channels;
        for (y, row) in self.rows().enumerate() {
            let line = top.checked_add_unsigned(y).and_then(|line| usize::try_from(line).ok());
            let Some(line) = line.filter(|line| *line < height) else { continue };
            let start = (line * width + at) * self.channels;
            let from = skip * self.channels;
            samples[start..start + count].copy_from_slice(&row[from..from + count]);
        }
        Raster { width, height, channels: self.channels, samples }
    }

    /// The same image with other samples.
    pub fn map<U>(&self, change: impl Fn(T) -> U) -> Raster<U> {
        let samples = self.samples.iter().map(|sample| change(*sample)).collect();
        Raster { width: self.width, height: self.height, channels: self.channels, samples }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(width: usize, height: usize) -> Raster<u8> {
        let samples = (0..width * height).map(|i| u8::try_from(i).unwrap()).collect();
        Raster::new(width, height, 1, samples).unwrap()
    }

    #[test]
    fn a_canvas_shows_what_falls_on_it_wherever_the_image_lies() {
        let image = counted(2, 2);
        assert_eq!(image.place(3, 2, 1, 0, 9).samples, [9, 0, 1, 9, 2, 3]);
        assert_eq!(image.place(2, 2, -1, -1, 9).samples, [3, 9, 9, 9]);
        assert_eq!(image.place(1, 1, 1, 0, 9).samples, [9]);
        assert_eq!(image.place(1, 1, -5, 0, 9).samples, [9]);
        assert_eq!(image.place(1, 1, isize::MIN, isize::MAX, 9).samples, [9]);
    }

    #[test]
    fn a_crop_stays_within_the_image() {
        let image = counted(3, 2);
        assert_eq!(image.crop(1, 1, 2, 1).unwrap().samples, [4, 5]);
        assert!(image.crop(2, 0, 2, 1).is_none() && image.crop(usize::MAX, 0, 2, 1).is_none());
        assert!(Raster::new(usize::MAX, 2, 3, vec![0u8]).is_none());
    }
}
