//! Runs one compiled `wasm-bindgen-test` binary in a browser; Cargo calls it as the `runner` of wasm32.
//!
//! It is wasm-bindgen's own runner used as a library: its version is then pinned by `Cargo.lock` together with the
//! runtime crate that it has to match, and nothing needs to be installed.

fn main() -> anyhow::Result<()> {
    wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(std::env::args_os())
}
