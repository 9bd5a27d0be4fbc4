//! The suite aiotest on shuttle, a schedule explorer for Rust.
//!
//! Follows the protocol of serve.go: greets, then answers one figure a request
//! line.

use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Instant;

use shuttle::scheduler::RandomScheduler;
use shuttle::{future, Config, MaxSteps, Runner};

const SCHEDULE_STEPS: usize = 10;
const WORKS: [&str; 2] = ["schedule", "explored_step"];

fn main() {
    println!("ready {} {}", version(), WORKS.join(","));
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a request line");
        let fields: Vec<&str> = line.split(' ').collect();
        let (size, reps): (usize, usize) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
        match round(fields[0], size, reps) {
            Ok(figure) => println!("{figure}"),
            Err(reason) => println!("error: {reason}"),
        }
        std::io::stdout().flush().unwrap();
    }
}

/// The version cargo resolved, read from the lock file at build time.
fn version() -> String {
    let lock = include_str!("../Cargo.lock");
    let mut lines = lock.lines().skip_while(|l| *l != "name = \"shuttle\"").skip(1);
    let version = lines.next().unwrap_or("").trim_start_matches("version = ").trim_matches('"');
    format!("shuttle-{version}")
}

fn round(work: &str, size: usize, reps: usize) -> Result<f64, String> {
    if reps > 1 {
        run(work, size, (reps / 10).max(1))?;
    }
    let start = Instant::now();
    run(work, size, reps)?;
    Ok(start.elapsed().as_nanos() as f64 / (size * reps) as f64)
}

fn run(work: &str, size: usize, reps: usize) -> Result<(), String> {
    match work {
        "schedule" => explore(SCHEDULE_STEPS, size * reps),
        "explored_step" => explore((size * reps / 2).max(1), 1),
        _ => Err(format!("no work {work}")),
    }
}

/// Explores a program of two tasks of so many steps, in random order.
fn explore(steps: usize, schedules: usize) -> Result<(), String> {
    let made = Arc::new(AtomicUsize::new(0));
    let counter = made.clone();
    let mut config = Config::new();
    config.max_steps = MaxSteps::None;
    Runner::new(RandomScheduler::new_from_seed(1, schedules), config).run(move || {
        let tasks: Vec<_> = (0..2)
            .map(|_| {
                let counter = counter.clone();
                future::spawn(async move {
                    for step in 0..steps {
                        counter.fetch_add(1, Ordering::Relaxed);
                        if step + 1 < steps {
                            future::yield_now().await;
                        }
                    }
                })
            })
            .collect();
        future::block_on(async {
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    match made.load(Ordering::Relaxed) {
        n if n == 2 * steps * schedules => Ok(()),
        n => Err(format!("wrong result: steps is {n}, not {}", 2 * steps * schedules)),
    }
}
