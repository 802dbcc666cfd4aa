pub fn run(_args: super::args::ModelArgs) -> Result<(), super::Failure> {
    Ok(())
}
