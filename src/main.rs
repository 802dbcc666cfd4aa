//! Arguments -> command -> exit code, nothing else.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    edgeward::cli::main()
}
