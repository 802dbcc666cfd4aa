pub fn run(_args: super::args::DemoArgs) -> Result<(), super::Failure> {
    Ok(())
}
