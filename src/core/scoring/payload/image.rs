//! JPEG and PNG payloads, brought to the model's size, colours and order by `vision`.

use super::{ArrayState, Layout as PayloadLayout, Rows};
use crate::{
    domain::{Reason, Rejection},
    scoring::declared::InputSource,
    vision::Preparation,
};

pub struct ImageReader {
    preparation: Option<Preparation>,
}

impl ImageReader {
    pub fn new(layout: &PayloadLayout) -> Self {
        let preparation = match &layout.whole {
            Some(InputSource::Image(options)) => Some(Preparation::new(options.clone())),
            _ => None,
        };
        ImageReader { preparation }
    }

    pub fn read(&mut self, payload: &[u8], rows: &mut Rows) -> Result<(), Rejection> {
        let Some(preparation) = &mut self.preparation else { return Ok(()) };
        let row = rows.push();
        let prepared = preparation.run(payload, &mut row.arrays[0].values);
        match prepared {
            Ok(frame) => {
                row.arrays[0].state = ArrayState::Numbers;
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
