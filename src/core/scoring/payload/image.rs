//! JPEG and PNG payloads, brought to the model's size, colours and order by `vision`. Where a side of it is free, the
//! picture tells it.

use super::{ArrayState, Layout as PayloadLayout, Rows};
use crate::{
    domain::{Reason, Rejection},
    scoring::declared::InputSource,
    vision::{ImageOptions, Placed, Preparation},
};

pub struct ImageReader {
    prepared: Option<(ImageOptions, Preparation)>,
}

impl ImageReader {
    pub fn new(layout: &PayloadLayout) -> Self {
        let prepared = match &layout.whole {
            Some(InputSource::Image(options)) => Some((options.clone(), Preparation::new(options.clone()))),
            _ => None,
        };
        ImageReader { prepared }
    }

    pub fn read(&mut self, payload: &[u8], rows: &mut Rows) -> Result<(), Rejection> {
        let Some((options, preparation)) = &mut self.prepared else { return Ok(()) };
        let row = rows.push();
        let prepared = preparation.run(payload, &mut row.arrays[0].values);
        match prepared {
            Ok(Placed { frame, width, height }) => {
                row.arrays[0].state = ArrayState::Numbers;
                row.arrays[0].shape = options.shape(width, height).to_vec();
                row.frame = Some(frame);
                Ok(())
            }
            Err(fault) => {
                rows.pop();
                Err(Rejection::new(Reason::BadImage, fault.to_string()))
            }
        }
    }
}
