//! Work on many things that do not know of each other, on several cores.

use std::panic::resume_unwind;
use std::thread::{ScopedJoinHandle, scope};

/// At most so many threads work at once.
const THREADS: usize = 4;

/// What `work` makes of `items`, part by part and in order; all in one part where there are fewer than `least` in each.
pub fn in_parts<T: Sync, R: Send>(items: &[T], least: usize, work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let each = items.len().div_ceil(THREADS).max(least).max(1);
    if items.len() <= each {
        return vec![work(items)];
    }
    scope(|threads| {
        let parts: Vec<_> = items.chunks(each).map(|part| threads.spawn(|| work(part))).collect();
        parts.into_iter().map(ended).collect()
    })
}

/// What both make, side by side.
pub fn beside<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    scope(|threads| {
        let one = threads.spawn(one);
        let other = other();
        (ended(one), other)
    })
}

/// A thread that panicked does so here.
fn ended<R>(thread: ScopedJoinHandle<'_, R>) -> R {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_in_their_order_however_many_there_are() {
        for n in [0, 1, 3, 4, 5, 99, 100, 1_001] {
            let items: Vec<usize> = (0..n).collect();
            assert_eq!(in_parts(&items, 1, <[usize]>::to_vec).concat(), items);
            assert_eq!(in_parts(&items, 50, <[usize]>::len).iter().sum::<usize>(), n);
        }
        assert_eq!(beside(|| 1, || 2), (1, 2));
    }
}
