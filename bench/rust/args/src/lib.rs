//! The command line that all peers share: `PEER BENCH N` prints one number a line, ns an op, a line a round.

use std::time::Instant;

pub const ROUNDS: usize = 3;

/// The bench's name and its N; ends the process with what is wanted where they are not.
pub fn bench_and_n(benches: &[&str]) -> (String, usize) {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [bench, n] if benches.contains(&bench.as_str()) => match n.parse() {
            Ok(n) if n >= 1 => return (bench.clone(), n),
            _ => {}
        },
        _ => {}
    }
    eprintln!("usage: {} N, N from 1", benches.join("|"));
    std::process::exit(2);
}

/// Prints the rounds of `once`, which gives ns an op.
pub fn report(mut once: impl FnMut() -> f64) {
    for _ in 0..ROUNDS {
        println!("{:.3}", once());
    }
}

/// Of the wall clock.
pub fn ns_each(start: Instant, ops: usize) -> f64 {
    start.elapsed().as_nanos() as f64 / ops as f64
}

/// What all threads of this process have used of the processor, in ns: what else the machine does adds nothing to it, but for the caches.
pub fn cpu_ns() -> u64 {
    let mut used = TimeSpec {
        seconds: 0,
        nanos: 0,
    };
    // SAFETY: the C library's own call, with a struct of its layout on 64-bit Linux that outlives it.
    let status = unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &mut used) };
    assert_eq!(status, 0, "the clock of this process");
    used.seconds as u64 * 1_000_000_000 + used.nanos as u64
}

pub fn cpu_ns_each(start: u64, ops: usize) -> f64 {
    (cpu_ns() - start) as f64 / ops as f64
}

const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;

#[repr(C)]
struct TimeSpec {
    seconds: i64,
    nanos: i64,
}

extern "C" {
    fn clock_gettime(clock: i32, time: *mut TimeSpec) -> i32;
}

/// The deadlines of the timer bench: scattered over N ms by a stride that has no divisor in common with N.
pub fn sleep_ms(fiber: usize, lap: usize, n: usize) -> u64 {
    1 + ((fiber * 7919 + lap * 104_729) % n) as u64
}

/// The program that all explore: WORKERS workers that yield, sleep, send and end; a coordinator that spawns, receives and joins them.
pub const WORKERS: u64 = 3;
