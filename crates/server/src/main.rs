//! The binary `switchboard`: arguments, environment and files in, an exit code out.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use adapters::port::Store;
use domain::id::Life;
use server::cli::{self, Cli, Verb};
use server::config::{self, Inputs, Loaded};
use server::threads::clock::Clock;
use server::{operator, serve, telemetry};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(said) => said.exit(),
    };
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            print(&cli::Said { text: format!("error: {error:#}\n"), good: false });
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let clock = Clock::start();
    let loaded = load(cli);
    if let Some(said) = cli::answer(&cli.verb, &loaded, clock.now(), &mut std::io::stdin().lock()) {
        print(&said);
        return Ok(said.exit_code().into());
    }
    let config = match loaded.config {
        Ok(config) => config,
        Err(_) => {
            let said = cli::checked(&loaded);
            print(&said);
            return Ok(said.exit_code().into());
        }
    };
    if cli.verb != Verb::Serve {
        let open = || -> anyhow::Result<Arc<dyn Store>> {
            Ok(serve::open_store(&config.data_dir, Life(u64::from_le_bytes(adapters::auth::random()?)))?)
        };
        let said = operator::carry_out(&cli.verb, &config.data_dir, open, clock.now())?;
        print(&said);
        return Ok(said.exit_code().into());
    }
    let level = telemetry::start(config.log_level, config.log_format);
    telemetry::abort_on_panic();
    let reread = || load(cli).config.ok().map(|config| config.log_level);
    serve::serve(config, &loaded.warnings, &level, clock, reread)
}

fn load(cli: &Cli) -> Loaded {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let read = |path: &str| std::fs::read_to_string(path);
    let inputs = Inputs { flags: &cli.flags, file: cli.config.as_deref(), environment: &environment, read: &read };
    config::load(&inputs, &serve::door_names())
}

fn print(said: &cli::Said) {
    let text = said.text.as_bytes();
    // Who doesn't listen isn't told.
    let _ = if said.good { std::io::stdout().write_all(text) } else { std::io::stderr().write_all(text) };
}
