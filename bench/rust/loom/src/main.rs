//! loom exploring the program: its first N interleavings, in loom's own order (it would go on to all of them). It has no clock, so a
//! sleep is a yield. An op is one interleaving, which is the program from its start to its end.

use args::{bench_and_n, ns_each, report, WORKERS};
use loom::sync::mpsc::channel;
use loom::thread::{spawn, yield_now};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let (_, n) = bench_and_n(&["program"]);
    report(|| {
        let run = Arc::new(AtomicUsize::new(0));
        let counter = run.clone();
        let mut explorer = loom::model::Builder::new();
        explorer.max_permutations = Some(n);
        let start = Instant::now();
        explorer.check(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            program();
        });
        ns_each(start, run.load(Ordering::Relaxed))
    });
}

fn program() {
    let (sender, receiver) = channel();
    let workers: Vec<_> = (0..WORKERS)
        .map(|i| {
            let sender = sender.clone();
            spawn(move || {
                yield_now();
                yield_now();
                sender.send(i).expect("the coordinator receives");
                i
            })
        })
        .collect();
    for _ in 0..WORKERS {
        receiver.recv().expect("every worker sends");
    }
    for (i, worker) in workers.into_iter().enumerate() {
        assert_eq!(worker.join().expect("a worker ends"), i as u64);
    }
}
