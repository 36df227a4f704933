//! What the commands do.

pub(crate) mod baseline;
pub(crate) mod check;
pub(crate) mod scenarios;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Does something for each number, on all cores; gives what came of it in the order of the numbers.
pub(crate) fn on_all_cores<T: Send>(
    numbers: Range<u64>,
    work: impl Fn(u64) -> T + Sync,
) -> Result<Vec<T>, String> {
    let next = AtomicU64::new(numbers.start);
    let done = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return;
                    }
                    let result = work(number);
                    if let Ok(mut done) = done.lock() {
                        done.push((number, result));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().map_err(|error| error.to_string())?;
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
