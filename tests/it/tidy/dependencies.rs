//! What must not be among the dependencies, of the program and of each crate.

use std::process::Command;

use super::root;

/// `cargo tree` of a package, one name and version a line.
fn tree(args: &[&str]) -> String {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-e", "normal,build", "--prefix", "none", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .args(args)
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    String::from_utf8(tree.stdout).unwrap()
}

fn lacks(tree: &str, whose: &str, forbidden: &[&str]) {
    for name in forbidden {
        let found: Vec<&str> =
            tree.lines().filter(|line| line.split(' ').next().is_some_and(|known| known == *name)).collect();
        assert!(found.is_empty(), "{name} is among the dependencies of {whose}: {found:?}");
    }
}

#[test]
fn one_crypto_provider_and_no_openssl() {
    let text = tree(&["--workspace"]);
    lacks(&text, "the workspace", &["aws-lc-rs", "aws-lc-sys", "openssl-sys", "openssl", "native-tls"]);
    assert!(text.lines().any(|line| line.starts_with("ring v")), "the list was not read right");
}

#[test]
fn the_crates_below_the_program_stay_small() {
    let engine = tree(&["-p", "edgeward-engine"]);
    assert!(engine.lines().any(|line| line.starts_with("prost v")), "the list was not read right");
    let network = ["tokio", "hyper", "rustls", "rumqttc"];
    lacks(&engine, "edgeward-engine", &network);
    lacks(&engine, "edgeward-engine", &["edgeward-core", "edgeward"]);
    // tract brings its own; the engine itself knows none of them.
    let engine = tree(&["-p", "edgeward-engine", "--depth", "1"]);
    lacks(&engine, "edgeward-engine itself", &["serde_json", "ring", "toml"]);
    let core = tree(&["-p", "edgeward-core"]);
    lacks(&core, "edgeward-core", &network);
    lacks(&core, "edgeward-core", &["edgeward", "edgeward-outbox"]);
    let outbox = tree(&["-p", "edgeward-outbox"]);
    lacks(&outbox, "edgeward-outbox", &network);
    lacks(&outbox, "edgeward-outbox", &["edgeward"]);
}
