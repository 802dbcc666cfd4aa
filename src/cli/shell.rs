//! `edgeward completions` and `edgeward man`: both from the one definition of the arguments.

use std::io::{self, Write};

use super::{
    Failure,
    args::{CompletionsArgs, ManArgs, command},
};

pub fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "edgeward", &mut text);
    Ok(io::stdout().write_all(&text)?)
}

pub fn man(args: &ManArgs) -> Result<(), Failure> {
    match &args.folder {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            Ok(clap_mangen::generate_to(command(), folder)?)
        }
        None => {
            let mut text = Vec::new();
            clap_mangen::Man::new(command()).render(&mut text)?;
            Ok(io::stdout().write_all(&text)?)
        }
    }
}
